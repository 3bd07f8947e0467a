//! What was measured, as a table for people and as JSON for a later comparison.

use serde::{Deserialize, Serialize};

use super::tables::TableTimes;

/// One line: a workload with a number of requests in flight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Measurement {
    /// The script's name, or that of the run over three nodes.
    pub(crate) workload: String,
    /// Requests in flight on one connection.
    pub(crate) in_flight: u32,
    /// Requests answered.
    pub(crate) operations: u64,
    /// Requests that failed.
    pub(crate) errors: u64,
    /// Rows answered.
    pub(crate) rows: u64,
    /// Requests a second.
    pub(crate) throughput: f64,
    /// Latency.
    pub(crate) p50_milliseconds: f64,
    /// Latency.
    pub(crate) p99_milliseconds: f64,
    /// Latency.
    pub(crate) p999_milliseconds: f64,
    /// CPU time of the server, or of all servers, per request.
    pub(crate) cpu_microseconds: f64,
}

/// Everything about one server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ServerReport {
    /// `Cassandra` or `Helenus`.
    pub(crate) name: String,
    /// Version and build.
    pub(crate) build: String,
    /// When the commit log is synced.
    pub(crate) sync: String,
    /// How SSTables are compressed.
    pub(crate) compressor: String,
    /// Threads after the workloads.
    pub(crate) threads: Option<u64>,
    /// From exec to the first SUPPORTED.
    pub(crate) start_milliseconds: Option<f64>,
    /// From exec of `helenus cluster` to the last of three nodes' first SUPPORTED.
    #[serde(default)]
    pub(crate) cluster_milliseconds: Option<f64>,
    /// Resident memory after the memory step.
    pub(crate) resident_mebibytes: Option<f64>,
    /// The one SSTable of `point_read_disk`.
    pub(crate) table_bytes: Option<u64>,
    /// Tables created and dropped.
    #[serde(default)]
    pub(crate) table_times: Vec<TableTimes>,
    /// The lines.
    pub(crate) measurements: Vec<Measurement>,
}

/// Both servers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Report {
    /// Small data and short runs: nothing to quote.
    pub(crate) quick: bool,
    /// The machine's cores.
    pub(crate) cores: usize,
    /// One or two.
    pub(crate) servers: Vec<ServerReport>,
}

impl Measurement {
    /// The figures in the table's columns.
    pub(crate) fn line(&self) -> String {
        let failed = if self.errors > 0 { format!("  {} FAILED", self.errors) } else { String::new() };
        format!(
            "{:<16} {:>9} {:>9.0} {:>8.3} {:>8.3} {:>9.3} {:>10.1}{failed}",
            self.workload,
            self.in_flight,
            self.throughput,
            self.p50_milliseconds,
            self.p99_milliseconds,
            self.p999_milliseconds,
            self.cpu_microseconds,
        )
    }
}

impl ServerReport {
    /// A report to fill, with what is the same for every run.
    pub(crate) fn new(name: &str) -> ServerReport {
        let build = match name {
            "Cassandra" => format!("{}, Java 17, G1, heap 4G (three nodes: 2G each)", crate::oracle::VERSION),
            _ => format!("{}, release, glibc", env!("CARGO_PKG_VERSION")),
        };
        ServerReport {
            name: name.to_owned(),
            build,
            sync: "periodic, 10 s".to_owned(),
            compressor: "LZ4Compressor, 16 KiB chunks".to_owned(),
            threads: None,
            start_milliseconds: None,
            cluster_milliseconds: None,
            resident_mebibytes: None,
            table_bytes: None,
            table_times: Vec::new(),
            measurements: Vec::new(),
        }
    }

    fn find(&self, workload: &str, in_flight: u32) -> Option<&Measurement> {
        self.measurements.iter().find(|line| line.workload == workload && line.in_flight == in_flight)
    }
}

/// How many times less the second figure is.
fn ratio(first: f64, second: f64) -> String {
    if second > 0.0 { format!("1/{:.1}", first / second) } else { String::new() }
}

impl Report {
    /// An empty report of this machine.
    pub(crate) fn new(quick: bool) -> Report {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Report { quick, cores, servers: Vec::new() }
    }

    /// Cassandra's and Helenus's line for each workload, in the order of running.
    pub(crate) fn pairs(&self) -> Vec<(Option<&Measurement>, Option<&Measurement>)> {
        let mut keys: Vec<(&str, u32)> = Vec::new();
        for line in self.servers.iter().flat_map(|server| &server.measurements) {
            let key = (line.workload.as_str(), line.in_flight);
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        let find =
            |name: &str, key: (&str, u32)| self.servers.iter().find(|server| server.name == name)?.find(key.0, key.1);
        keys.into_iter().map(|key| (find("Cassandra", key), find("Helenus", key))).collect()
    }

    /// The table to print. The ratio is Helenus's CPU time to Cassandra's.
    pub(crate) fn table(&self) -> String {
        let mut lines = vec![format!(
            "{:<10} {:<16} {:>9} {:>9} {:>8} {:>8} {:>9} {:>10}",
            "server", "workload", "in flight", "ops/s", "p50 ms", "p99 ms", "p99.9 ms", "CPU us/op"
        )];
        for (cassandra, helenus) in self.pairs() {
            if let Some(line) = cassandra {
                lines.push(format!("{:<10} {}", "Cassandra", line.line()));
            }
            if let Some(line) = helenus {
                let compared = cassandra.map(|other| ratio(other.cpu_microseconds, line.cpu_microseconds));
                lines.push(format!("{:<10} {}  {}", "Helenus", line.line(), compared.unwrap_or_default()));
            }
        }
        lines.push(String::new());
        for server in &self.servers {
            lines.push(server.summary());
        }
        lines.extend(self.table_lines());
        lines.push(format!("machine: {} cores, client on the same cores", self.cores));
        if self.quick {
            lines.push("quick: small data and short runs, nothing to quote".to_owned());
        }
        lines.join("\n")
    }

    /// Each server's times of schema statements, Helenus's beside Cassandra's.
    fn table_lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for server in &self.servers {
            for times in &server.table_times {
                let mut others =
                    self.servers.iter().filter(|other| other.name == "Cassandra" && other.name != server.name);
                let other = others.find_map(|other| other.table_times.iter().find(|found| found.nodes == times.nodes));
                lines.push(format!("{:<10} {}", server.name, times.line(other)));
            }
        }
        lines
    }
}

impl ServerReport {
    fn summary(&self) -> String {
        let mut parts = vec![format!("{} {}", self.name, self.build)];
        parts.extend(self.threads.map(|threads| format!("{threads} threads")));
        parts.push(format!("sync {}", self.sync));
        parts.push(self.compressor.clone());
        parts.extend(self.start_milliseconds.map(|time| format!("start {time:.0} ms")));
        parts.extend(self.cluster_milliseconds.map(|time| format!("three nodes by one command {time:.0} ms")));
        parts.extend(self.resident_mebibytes.map(|size| format!("resident {size:.0} MiB")));
        let table = self.table_bytes.map(|bytes| format!("table on disk {:.1} MiB", bytes as f64 / 1_048_576.0));
        parts.extend(table);
        parts.join("; ")
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A report of two servers with one common line.
    pub(crate) fn sample() -> Report {
        let line = |workload: &str, cpu: f64| Measurement {
            workload: workload.to_owned(),
            in_flight: 128,
            operations: 1_000,
            errors: 0,
            rows: 0,
            throughput: 24_000.0,
            p50_milliseconds: 5.0,
            p99_milliseconds: 9.0,
            p999_milliseconds: 20.0,
            cpu_microseconds: cpu,
        };
        let mut cassandra = ServerReport::new("Cassandra");
        cassandra.measurements = vec![line("point_write", 22.0), line("point_read", 21.0)];
        let mut helenus = ServerReport::new("Helenus");
        helenus.measurements = vec![line("point_write", 2.0)];
        helenus.start_milliseconds = Some(90.0);
        Report { quick: false, cores: 2, servers: vec![cassandra, helenus] }
    }

    #[test]
    fn the_table_compares() {
        let table = sample().table();
        let rows: Vec<&str> = table.lines().collect();
        assert!(rows.get(1).is_some_and(|row| row.starts_with("Cassandra  point_write")), "{table}");
        assert!(rows.get(2).is_some_and(|row| row.ends_with("1/11.0")), "{table}");
        assert!(rows.get(3).is_some_and(|row| row.starts_with("Cassandra  point_read")), "{table}");
        assert!(table.contains("start 90 ms"), "{table}");
    }

    #[test]
    fn json_and_back() {
        let report = sample();
        let text = serde_json::to_string(&report).expect("JSON");
        let back: Report = serde_json::from_str(&text).expect("its own JSON");
        assert_eq!(back, report);
    }
}
