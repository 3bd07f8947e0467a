//! Words that must not be in the tree: stubs, debris, and the paths of one machine. They are spelled in
//! two halves here, or this file would be its own first finding.

use super::{Finding, Source};

/// A word, the endings of the files it is banned from (all if empty), and why.
type Ban = (&'static str, &'static [&'static str], &'static str);

const BANS: &[Ban] = &[
    (concat!("tod", "o!("), &[".rs"], "no stubs: answer \"not supported yet\""),
    (concat!("unimplemen", "ted!("), &[".rs"], "no stubs: answer \"not supported yet\""),
    (concat!("db", "g!("), &[".rs"], "left over from debugging"),
    (concat!("TO", "DO"), &[".rs", ".py", ".md", ".rn"], "do it, or list it as a known gap"),
    (concat!("FIX", "ME"), &[".rs", ".py", ".md", ".rn"], "do it, or list it as a known gap"),
    (concat!("for ", "now"), &[".rs", ".py", ".md"], "say what holds, not for how long"),
    (concat!("/wo", "rk/"), &[], "a path of one machine"),
    (concat!("/ro", "ot/"), &[], "a path of one machine"),
    (concat!("/ho", "me/"), &[], "a path of one machine"),
    (concat!("/tmp/", "helenus"), &[], "a path of one machine"),
    (concat!("uns", "afe {"), &[".rs"], "unsafe code is forbidden"),
];

/// Bans that hold in the crates whose every decision must be replayable from a seed.
const CORE_BANS: &[Ban] = &[
    (concat!("Instant:", ":now"), &[".rs"], "time is an argument in core crates"),
    (concat!("System", "Time"), &[".rs"], "time is an argument in core crates"),
    (concat!("std:", ":fs"), &[".rs"], "the disk is an argument in core crates"),
    (concat!("std:", ":net::Tcp"), &[".rs"], "the network is an argument in core crates"),
    (concat!("thread:", ":spawn"), &[".rs"], "core crates start no threads"),
    (concat!("thread:", ":sleep"), &[".rs"], "core crates do not wait"),
    (concat!("Random", "State"), &[".rs"], "no randomly hashed maps in core crates"),
    (concat!("HashMap:", ":new()"), &[".rs"], "no randomly hashed maps in core crates"),
    (concat!("HashSet:", ":new()"), &[".rs"], "no randomly hashed sets in core crates"),
    (concat!("thread_", "rng"), &[".rs"], "chance is an argument in core crates"),
];

const CORE: &[&str] =
    &["model/", "cql/", "cql-protocol/", "engine/", "gossip/", "script/", "query/", "cluster/", "sim/"];

/// Tests of what threads do to one another need threads, and the simulator's program tells how fast its seeds ran.
fn is_free(path: &str) -> bool {
    path.ends_with("concurrency_test.rs") || path == "sim/src/main.rs"
}

fn matches(ban: &Ban, path: &str, line: &str) -> bool {
    let (word, endings, _) = ban;
    let is_concerned = endings.is_empty() || endings.iter().any(|ending| path.ends_with(ending));
    is_concerned && line.contains(word)
}

fn check_text(path: &str, text: &str) -> Vec<Finding> {
    let is_core = CORE.iter().any(|room| path.starts_with(room)) && !is_free(path);
    let mut findings = Vec::new();
    for (line, number) in text.lines().zip(1usize..) {
        // What a comment tells of the clock is no use of it.
        let code = line.split("//").next().unwrap_or_default();
        let everywhere = BANS.iter().filter(|ban| matches(ban, path, line));
        let in_core = CORE_BANS.iter().filter(|ban| is_core && matches(ban, path, code));
        for (word, _, why) in everywhere.chain(in_core) {
            findings.push(Finding::new(path, number, format!("'{word}': {why}")));
        }
    }
    findings
}

/// Checks every text file.
pub(crate) fn check(sources: &[Source]) -> Vec<Finding> {
    let concerned = sources.iter().filter(|source| source.path != "Cargo.lock");
    concerned.flat_map(|source| check_text(&source.path, &source.text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn banned_words() {
        let table = [
            ("engine/src/a.rs", concat!("let now = Instant:", ":now();"), 1),
            ("node/src/a.rs", concat!("let now = Instant:", ":now();"), 0),
            ("sim/src/main.rs", concat!("let now = Instant:", ":now();"), 0),
            ("sim/src/world.rs", concat!("let now = Instant:", ":now();"), 1),
            ("engine/src/a.rs", concat!("// never Instant:", ":now()"), 0),
            ("engine/src/a.rs", concat!("use std:", ":fs;"), 1),
            ("cql/src/a.rs", concat!("tod", "o!()"), 1),
            ("cql/test_data/ok/a.cql", concat!("-- TO", "DO"), 0),
            ("docs/a.md", concat!("TO", "DO"), 1),
            ("docs/a.md", concat!("see /ro", "ot/x"), 1),
            ("docs/a.md", "see the root", 0),
        ];
        for (path, line, expected) in table {
            assert_eq!(check_text(path, line).len(), expected, "{path} {line}");
        }
    }
}
