//! What is run: the scripts of `benches/` and their sizes.

use std::path::PathBuf;

use crate::workspace;

/// A script with the sizes it is run with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Workload {
    /// The script's name without `.rn`.
    pub(crate) script: &'static str,
    /// The table it writes to.
    pub(crate) table: &'static str,
    /// Its parameter that sets the size, with the size to measure and the one to try it.
    size: (&'static str, u64, u64),
    /// Whether the table is flushed and compacted into one SSTable first.
    pub(crate) is_compacted: bool,
    /// The rows every request must answer; a script that reads loads its data first.
    pub(crate) rows: u64,
}

/// The workloads against one node.
pub(crate) const ALL: [Workload; 10] = [
    Workload {
        script: "point_write",
        table: "features",
        size: ("rows", 200_000, 20_000),
        is_compacted: false,
        rows: 0,
    },
    Workload { script: "point_read", table: "features", size: ("rows", 200_000, 20_000), is_compacted: false, rows: 1 },
    Workload { script: "event_append", table: "events", size: ("users", 20_000, 2_000), is_compacted: false, rows: 0 },
    Workload {
        script: "newest_20",
        table: "events_newest",
        size: ("users", 2_000, 200),
        is_compacted: false,
        rows: 20,
    },
    Workload {
        script: "point_read_disk",
        table: "features_disk",
        size: ("rows", 2_000_000, 50_000),
        is_compacted: true,
        rows: 1,
    },
    Workload {
        script: "unprepared_write",
        table: "literals",
        size: ("rows", 200_000, 20_000),
        is_compacted: false,
        rows: 0,
    },
    Workload {
        script: "conditional_update",
        table: "registers",
        size: ("rows", 20_000, 2_000),
        is_compacted: false,
        rows: 1,
    },
    Workload { script: "counter_update", table: "visits", size: ("rows", 20_000, 2_000), is_compacted: false, rows: 0 },
    Workload {
        script: "logged_batch",
        table: "batched",
        size: ("rows", 200_000, 20_000),
        is_compacted: false,
        rows: 0,
    },
    Workload {
        script: "index_read",
        table: "users_by_city",
        size: ("rows", 200_000, 20_000),
        is_compacted: false,
        rows: 10,
    },
];

impl Workload {
    /// The script.
    pub(crate) fn path(&self) -> PathBuf {
        workspace::root().join("benches").join(format!("{}.rn", self.script))
    }

    /// The parameter that sets its size.
    pub(crate) fn size_parameter(&self, quick: bool) -> String {
        let (name, full, small) = self.size;
        format!("{name}={}", if quick { small } else { full })
    }
}

/// The workload called `script`.
pub(crate) fn named(script: &str) -> Option<Workload> {
    ALL.into_iter().find(|workload| workload.script == script)
}

/// Everything `--workload` may say.
pub(crate) fn names() -> Vec<&'static str> {
    let scripts = ALL.iter().map(|workload| workload.script);
    scripts.chain(["start", "cluster", "memory", "three_write", "three_read", "tables", "three_tables"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_script_is_there_and_uses_its_table() {
        for workload in ALL {
            let text = std::fs::read_to_string(workload.path()).expect(workload.script);
            assert!(text.contains(&format!(".{} (", workload.table)), "{}", workload.script);
            let (parameter, full, _) = workload.size;
            let wanted = format!("latte::param!(\"{parameter}\", {full})");
            assert!(text.contains(&wanted), "{}: {wanted}", workload.script);
        }
    }
}
