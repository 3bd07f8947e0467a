//! `cargo xtask tidy`: the house rules that a compiler does not know. Each rule is a function from text
//! to findings, so that its test is a table of lines.

mod arrows;
mod attributes;
mod claims;
mod licences;
mod sizes;
mod words;

use std::fmt;
use std::fs;

use anyhow::{Context, Result, bail};

use crate::workspace;

/// Something that is not as the house has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// The file, relative to the root.
    path: String,
    /// The line, counted from 1; 0 for the whole file.
    line: usize,
    /// What is wrong and what to do.
    message: String,
}

impl Finding {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Finding {
        Finding { path: path.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(out, "{}: {}", self.path, self.message),
            line => write!(out, "{}:{line}: {}", self.path, self.message),
        }
    }
}

/// A file of the checkout that is text.
pub(crate) struct Source {
    /// Its path, relative to the root.
    path: String,
    /// Its text.
    text: String,
}

/// Runs every rule.
///
/// # Errors
/// There are findings; they have been printed.
pub(crate) fn run() -> Result<()> {
    let findings = findings()?;
    for finding in &findings {
        eprintln!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        1 => bail!("tidy: 1 finding"),
        number => bail!("tidy: {number} findings"),
    }
}

fn findings() -> Result<Vec<Finding>> {
    let root = workspace::root();
    let mut sources = Vec::new();
    for path in workspace::files()? {
        let bytes = fs::read(root.join(&path)).with_context(|| path.clone())?;
        if let Ok(text) = String::from_utf8(bytes) {
            sources.push(Source { path, text });
        }
    }
    let mut findings = Vec::new();
    findings.extend(arrows::check(&sources));
    findings.extend(attributes::check(&sources));
    findings.extend(sizes::check(&sources));
    findings.extend(words::check(&sources));
    findings.extend(claims::check(&sources));
    findings.extend(licences::check(&sources)?);
    findings.sort();
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_house_is_tidy() {
        let findings: Vec<String> = findings().expect("a checkout").iter().map(Finding::to_string).collect();
        assert_eq!(findings, Vec::<String>::new());
    }
}
