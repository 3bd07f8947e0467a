//! Every crate we link is under a licence that `deny.toml` allows and comes from the registry or from
//! this checkout: what `cargo deny` checks, from `cargo metadata`, without its long compilation.

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Finding, Source};
use crate::{process, workspace};

/// The strings of the array `allow = [ … ]` under `[licenses]`.
fn allowed(deny: &str) -> Vec<String> {
    let section = deny.split("[licenses]").nth(1).unwrap_or_default();
    let array = section.split("allow = [").nth(1).unwrap_or_default();
    let array = array.split(']').next().unwrap_or_default();
    array.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Whether an SPDX expression can be met with allowed licences only: alternatives of conjunctions, with
/// parentheses. A `/` between names is an old way to write OR.
fn is_met(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    alternatives(&words, &mut at, allowed) && at == words.len()
}

fn alternatives(words: &[&str], at: &mut usize, allowed: &[String]) -> bool {
    let mut met = conjunction(words, at, allowed);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        met |= conjunction(words, at, allowed);
    }
    met
}

fn conjunction(words: &[&str], at: &mut usize, allowed: &[String]) -> bool {
    let mut met = one(words, at, allowed);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        met &= one(words, at, allowed);
    }
    met
}

fn one(words: &[&str], at: &mut usize, allowed: &[String]) -> bool {
    let word = words.get(*at).copied().unwrap_or_default();
    *at += 1;
    if word == "(" {
        let met = alternatives(words, at, allowed);
        *at += 1;
        return met;
    }
    if words.get(*at) == Some(&"WITH") {
        let exception = words.get(*at + 1).copied().unwrap_or_default();
        *at += 2;
        return allowed.iter().any(|name| *name == format!("{word} WITH {exception}"));
    }
    allowed.iter().any(|name| name == word)
}

fn check_metadata(metadata: &Value, allowed: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let packages = metadata.get("packages").and_then(Value::as_array);
    for package in packages.into_iter().flatten() {
        let text = |key: &str| package.get(key).and_then(Value::as_str).unwrap_or_default();
        let named = format!("{} {}", text("name"), text("version"));
        if !is_met(text("license"), allowed) {
            let message = format!("{named} is under '{}', which is not allowed", text("license"));
            findings.push(Finding::new("deny.toml", 0, message));
        }
        let source = text("source");
        if !source.is_empty() && !source.starts_with("registry+") && !source.starts_with("sparse+") {
            let message = format!("{named} does not come from the registry");
            findings.push(Finding::new("Cargo.lock", 0, message));
        }
    }
    findings
}

/// Checks every crate of the lock file.
///
/// # Errors
/// `cargo metadata` fails.
pub(crate) fn check(sources: &[Source]) -> Result<Vec<Finding>> {
    let Some(deny) = sources.iter().find(|source| source.path == "deny.toml") else {
        return Ok(vec![Finding::new("deny.toml", 0, "it is missing")]);
    };
    let mut command = workspace::cargo();
    let text = process::output(command.args(["metadata", "--format-version", "1", "--locked"]))?;
    let metadata = serde_json::from_str(&text).context("the answer of cargo metadata")?;
    Ok(check_metadata(&metadata, &allowed(&deny.text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions() {
        let deny = "[licenses]\nallow = [\n  \"MIT\",\n  \"Apache-2.0\",\n  \"Unicode-3.0\",\n  \
                    \"Apache-2.0 WITH LLVM-exception\",\n]\n[bans]\n";
        let allowed = allowed(deny);
        let table = [
            ("MIT", true),
            ("GPL-3.0", false),
            ("MIT OR GPL-3.0", true),
            ("MIT AND GPL-3.0", false),
            ("MIT/Apache-2.0", true),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
            ("(MIT OR Apache-2.0) AND GPL-2.0", false),
            ("Apache-2.0 WITH LLVM-exception OR GPL-2.0", true),
            ("MIT WITH LLVM-exception", false),
            ("", false),
            ("MIT MIT", false),
        ];
        for (expression, expected) in table {
            assert_eq!(is_met(expression, &allowed), expected, "{expression}");
        }
    }

    #[test]
    fn sources() {
        let table = [("registry+https://example.org/index", 0), ("git+https://example.org/x", 1)];
        for (source, expected) in table {
            let metadata = serde_json::json!({"packages": [
                {"name": "a", "version": "1", "license": "MIT", "source": source},
                {"name": "own", "version": "1", "license": "MIT", "source": null},
            ]});
            let found = check_metadata(&metadata, &["MIT".to_owned()]);
            assert_eq!(found.len(), expected, "{source}");
        }
    }
}
