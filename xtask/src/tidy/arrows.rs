//! Which crate may depend on which, and which outside crates are kept to few rooms. ARCHITECTURE.md has
//! the reasons; a new arrow is argued there first.

use super::{Finding, Source};

/// Crate, and the crates of ours it may depend on.
const ARROWS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("cql", &["model"]),
    ("cql-protocol", &["model"]),
    ("engine", &["model"]),
    ("gossip", &["model"]),
    ("script", &["model"]),
    ("query", &["model", "cql", "script"]),
    ("cluster", &["model", "query", "engine", "gossip", "cql-protocol"]),
    ("node", &["model", "cluster", "cql-protocol", "engine"]),
    ("sim", &["model", "cluster", "cql-protocol", "engine"]),
    ("cluster-tests", &["model", "node", "sim", "cql-protocol"]),
    ("benches", &["model", "cql", "cql-protocol", "engine", "gossip", "query", "script", "cluster", "node", "sim"]),
    ("xtask", &[]),
];

/// An outside crate, and the only rooms it may live in.
const KEPT_TO: &[(&str, &[&str])] = &[
    ("tokio", &["node", "cluster-tests", "benches"]),
    ("axum", &["node"]),
    ("hyper", &["node"]),
    ("rustls", &["node"]),
    ("tokio-rustls", &["node"]),
    ("socket2", &["node"]),
    ("rustix", &["node", "xtask"]),
    ("serde", &["node", "benches", "xtask"]),
    ("serde-saphyr", &["node"]),
    ("prometheus-client", &["node"]),
    ("tracing-subscriber", &["node", "sim", "cluster-tests", "benches"]),
    ("clap", &["node", "sim", "xtask"]),
    ("anyhow", &["cluster-tests", "benches", "xtask"]),
];

/// The names under `[dependencies]`, `[dev-dependencies]`, `[build-dependencies]` and their forms for
/// one target, with their lines.
fn dependencies(manifest: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut is_inside = false;
    for (line, number) in manifest.lines().map(str::trim).zip(1usize..) {
        if let Some(section) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            is_inside = section.ends_with("dependencies");
            if let Some((_, name)) = section.rsplit_once("dependencies.") {
                found.push((number, name.to_owned()));
            }
            continue;
        }
        if is_inside && !line.is_empty() && !line.starts_with('#') {
            let name = line.split(['=', '.', ' ']).next().unwrap_or_default();
            found.push((number, name.trim_matches('"').to_owned()));
        }
    }
    found
}

fn check_manifest(path: &str, manifest: &str) -> Vec<Finding> {
    let room = path.strip_suffix("/Cargo.toml").unwrap_or(path);
    let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == room) else {
        return vec![Finding::new(path, 0, "a crate that xtask/src/tidy/arrows.rs does not know")];
    };
    let mut findings = Vec::new();
    for (line, name) in dependencies(manifest) {
        if let Some(other) = name.strip_prefix("helenus-") {
            if !allowed.contains(&other) {
                let message = format!("{room} must not depend on {other}");
                findings.push(Finding::new(path, line, message));
            }
        } else if let Some((_, rooms)) = KEPT_TO.iter().find(|(outside, _)| *outside == name)
            && !rooms.contains(&room)
        {
            let message = format!("{name} is kept to {}", rooms.join(", "));
            findings.push(Finding::new(path, line, message));
        }
    }
    if !manifest.contains("[lints]\nworkspace = true") {
        let message = "the workspace's lints, with unsafe forbidden, are missing: [lints] workspace = true";
        findings.push(Finding::new(path, 0, message));
    }
    findings
}

/// Checks every crate's manifest, and the workspace's for the ban on unsafe code.
pub(crate) fn check(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        if source.path == "Cargo.toml" && !source.text.contains("unsafe_code = \"forbid\"") {
            findings.push(Finding::new(&source.path, 0, "unsafe code must be forbidden"));
        } else if source.path.ends_with("/Cargo.toml") && is_room(&source.path) {
            findings.extend(check_manifest(&source.path, &source.text));
        }
    }
    findings
}

/// The fuzzers, the examples and the driver programs are workspaces of their own.
fn is_room(path: &str) -> bool {
    !["fuzz/", "examples/", "cluster-tests/drivers/"].iter().any(|outside| path.starts_with(outside))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests() {
        let lints = "[lints]\nworkspace = true\n";
        let table: &[(&str, &str, &[&str])] = &[
            ("query/Cargo.toml", "[dependencies]\nhelenus-cql.workspace = true", &[]),
            (
                "query/Cargo.toml",
                "[dependencies]\nhelenus-engine.workspace = true",
                &["query/Cargo.toml:4: query must not depend on engine"],
            ),
            (
                "cql/Cargo.toml",
                "[dev-dependencies]\n# why\nhelenus-query = { path = \"../query\" }",
                &["cql/Cargo.toml:5: cql must not depend on query"],
            ),
            (
                "engine/Cargo.toml",
                "[target.'cfg(unix)'.dependencies]\ntokio = \"1\"",
                &["engine/Cargo.toml:4: tokio is kept to node, cluster-tests, benches"],
            ),
            (
                "engine/Cargo.toml",
                "[dependencies.tokio]\nversion = \"1\"",
                &["engine/Cargo.toml:3: tokio is kept to node, cluster-tests, benches"],
            ),
            ("node/Cargo.toml", "[dependencies]\ntokio.workspace = true", &[]),
            ("node/Cargo.toml", "[features]\nhelenus-cql = []", &[]),
            ("new/Cargo.toml", "", &["new/Cargo.toml: a crate that xtask/src/tidy/arrows.rs does not know"]),
        ];
        for (path, rest, expected) in table {
            let found = check_manifest(path, &format!("{lints}{rest}\n"));
            let found: Vec<String> = found.iter().map(Finding::to_string).collect();
            assert_eq!(found, *expected, "{path} {rest}");
        }
        assert_eq!(check_manifest("cql/Cargo.toml", "").len(), 1);
    }
}
