//! What `docs/compatibility.md` claims to be tested is tested: every test it names exists. A test is
//! named in backticks, either as a file with its test (`cluster-tests/python/test_types.py::test_uuid`)
//! or by a function whose name starts with `test_`.

use std::collections::BTreeSet;

use super::{Finding, Source};

const PAGE: &str = "docs/compatibility.md";

/// The words between backticks.
fn quoted(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

/// The names of all functions in the Rust and Python files.
fn functions(sources: &[Source]) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    for source in sources {
        let keyword = match source.path.rsplit('.').next() {
            Some("rs") => "fn ",
            Some("py") => "def ",
            _ => continue,
        };
        for line in source.text.lines() {
            let Some((_, rest)) = line.split_once(keyword) else {
                continue;
            };
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            names.insert(rest.get(..end).unwrap_or_default());
        }
    }
    names
}

/// Checks the page, if it is there.
pub(crate) fn check(sources: &[Source]) -> Vec<Finding> {
    let Some(page) = sources.iter().find(|source| source.path == PAGE) else {
        return Vec::new();
    };
    let names = functions(sources);
    let mut findings = Vec::new();
    for (line, number) in page.text.lines().zip(1usize..) {
        for word in quoted(line) {
            let (file, test) = match word.split_once("::") {
                Some((file, test)) if file.ends_with(".py") || file.ends_with(".rs") => {
                    (Some(file), test.rsplit("::").next().unwrap_or(test))
                }
                _ if word.starts_with("test_") && !word.contains('.') => (None, word),
                _ => continue,
            };
            if let Some(file) = file
                && !sources.iter().any(|source| source.path == file)
            {
                findings.push(Finding::new(PAGE, number, format!("there is no file {file}")));
            }
            if !names.contains(test) {
                findings.push(Finding::new(PAGE, number, format!("there is no test {test}")));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claims() {
        let table: &[(&str, &[&str])] = &[
            ("| uuid | `a/test_a.py::test_uuid` |", &[]),
            ("| uuid | `test_uuid`, `SELECT` |", &[]),
            ("`a/b.rs::tests::sizes`", &[]),
            ("`test_other`", &["docs/compatibility.md:1: there is no test test_other"]),
            ("\n`a/test_b.py::test_uuid`", &["docs/compatibility.md:2: there is no file a/test_b.py"]),
        ];
        for (page, expected) in table {
            let source = |path: &str, text: &str| Source { path: path.to_owned(), text: text.to_owned() };
            let sources = [
                source("a/test_a.py", "def test_uuid(session):\n    pass\n"),
                source("a/b.rs", "    fn sizes() {}\n"),
                source(PAGE, page),
            ];
            let found: Vec<String> = check(&sources).iter().map(Finding::to_string).collect();
            assert_eq!(found, *expected, "{page}");
        }
    }
}
