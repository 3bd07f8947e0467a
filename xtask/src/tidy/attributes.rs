//! Lint exceptions are `#[expect(…, reason = "…")]`: an exception that is no longer needed then fails,
//! and one without a reason does at once.

use super::{Finding, Source};

/// The text of the attribute that starts at byte `start`, up to its closing bracket.
fn attribute(text: &str, start: usize) -> &str {
    let rest = text.get(start..).unwrap_or_default();
    let mut depth = 0usize;
    let mut is_quoted = false;
    for (at, character) in rest.char_indices() {
        match character {
            '"' => is_quoted = !is_quoted,
            '[' if !is_quoted => depth += 1,
            ']' if !is_quoted => {
                depth -= 1;
                if depth == 0 {
                    return rest.get(..=at).unwrap_or(rest);
                }
            }
            _ => {}
        }
    }
    rest
}

fn check_text(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut offset = 0;
    for (line, number) in text.split_inclusive('\n').zip(1usize..) {
        let start = offset + (line.len() - line.trim_start().len());
        offset += line.len();
        let trimmed = line.trim_start();
        if !(trimmed.starts_with("#[") || trimmed.starts_with("#![")) {
            continue;
        }
        let whole = attribute(text, start);
        if whole.contains("allow(") {
            findings.push(Finding::new(path, number, "use #[expect(…, reason = \"…\")], not allow"));
        } else if whole.contains("expect(") && !whole.contains("reason") {
            findings.push(Finding::new(path, number, "an expectation needs its reason"));
        }
        if whole.starts_with("#[ignore") {
            findings.push(Finding::new(path, number, "an ignored test tests nothing"));
        }
    }
    findings
}

/// Checks the attributes of every Rust file.
pub(crate) fn check(sources: &[Source]) -> Vec<Finding> {
    let rust = sources.iter().filter(|source| source.path.ends_with(".rs"));
    rust.flat_map(|source| check_text(&source.path, &source.text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes() {
        let table: &[(&str, usize)] = &[
            ("#[derive(Debug)]\nstruct A;", 0),
            ("#[allow(dead_code)]\nstruct A;", 1),
            ("    #![allow(dead_code, reason = \"x\")]", 1),
            ("#[expect(dead_code)]\nstruct A;", 1),
            ("#[expect(dead_code, reason = \"read by [tests]\")]\nstruct A;", 0),
            ("#[expect(\n    dead_code,\n    reason = \"x\"\n)]\nstruct A;", 0),
            ("#[expect(\n    dead_code,\n)]\nstruct A;", 1),
            ("#[cfg_attr(test, allow(dead_code))]\nstruct A;", 1),
            ("// #[allow(dead_code)]", 0),
            ("#[test]\n#[ignore]\nfn a() {}", 1),
            ("#[unfinished", 0),
        ];
        for (text, expected) in table {
            assert_eq!(check_text("a.rs", text).len(), *expected, "{text}");
        }
    }
}
