//! A file has at most 800 lines outside its tests. A ratchet: a file listed in `large_files.txt` with
//! its size may shrink, never grow, and leaves the list when it is small enough.

use super::{Finding, Source};

const LINES_MAX: usize = 800;

/// `PATH LINES` a line.
const LARGE_FILES: &str = include_str!("large_files.txt");

/// How many lines stand before the unit tests.
fn lines_outside_tests(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let is_test_module = |pair: &[&str]| {
        pair.first().is_some_and(|line| line.trim() == "#[cfg(test)]")
            && pair.last().is_some_and(|line| line.starts_with("mod ") && line.ends_with('{'))
    };
    lines.windows(2).position(is_test_module).unwrap_or(lines.len())
}

fn is_test(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name == "tests.rs" || path.split('/').any(|part| part == "tests" || part == "test_data")
}

fn check_file(path: &str, text: &str, large_files: &str) -> Option<Finding> {
    let lines = lines_outside_tests(text);
    let listed = large_files.lines().find_map(|line| {
        let (listed, size) = line.split_once(' ')?;
        (listed == path).then(|| size.trim().parse::<usize>().unwrap_or(0))
    });
    let message = match listed {
        None if lines > LINES_MAX => {
            format!("{lines} lines outside its tests, {LINES_MAX} is the most: split it")
        }
        Some(size) if lines > size => format!("it grew from {size} to {lines} lines: split it"),
        Some(size) if lines < size => {
            format!("it shrank from {size} to {lines} lines: say so in large_files.txt")
        }
        _ => return None,
    };
    Some(Finding::new(path, 0, message))
}

/// Checks every Rust and Python file that is no test.
pub(crate) fn check(sources: &[Source]) -> Vec<Finding> {
    let is_code = |path: &str| path.ends_with(".rs") || path.ends_with(".py");
    sources
        .iter()
        .filter(|source| is_code(&source.path) && !is_test(&source.path))
        .filter_map(|source| check_file(&source.path, &source.text, LARGE_FILES))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let table = [
            (800, 0, "", None),
            (801, 0, "", Some("801 lines outside its tests, 800 is the most: split it")),
            (700, 900, "", None),
            (900, 0, "a.rs 900", None),
            (901, 0, "a.rs 900", Some("it grew from 900 to 901 lines: split it")),
            (850, 0, "a.rs 900", Some("it shrank from 900 to 850 lines: say so in large_files.txt")),
        ];
        for (code, test, large_files, expected) in table {
            let mut text = "x\n".repeat(code);
            if test > 0 {
                text += "#[cfg(test)]\nmod tests {\n";
                text += &"x\n".repeat(test);
            }
            let found = check_file("a.rs", &text, large_files).map(|finding| finding.message);
            assert_eq!(found.as_deref(), expected, "{code} {test} {large_files:?}");
        }
    }

    #[test]
    fn test_files() {
        let table = [("a/tests.rs", true), ("a/tests/b.rs", true), ("a/src/b.rs", false)];
        for (path, expected) in table {
            assert_eq!(is_test(path), expected, "{path}");
        }
    }
}
