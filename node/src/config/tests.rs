//! Whole configurations: a file, a command line, and one line of what came of it.

use super::*;

fn command_line(flags: &str) -> CommandLine {
    let mut command_line = CommandLine::default();
    for flag in flags.split_whitespace() {
        let (name, value) = flag.split_once(' ').or(flag.split_once('=')).expect("a table line");
        let value = value.to_owned();
        match name {
            "--address" => command_line.address = value.parse().ok(),
            "--data-dir" => command_line.data_directory = Some(value.into()),
            "--seeds" => command_line.seeds = Some(value),
            "--dc" => command_line.data_center = Some(value),
            "--rack" => command_line.rack = Some(value),
            "--set" => command_line.set.push(value),
            _ => panic!("{name}"),
        }
    }
    command_line
}

/// Loads and shows one setting, or the error.
fn check(file: &str, flags: &str, show: fn(&Config) -> String, expected: &str) {
    let found = match load(Some(("c.yaml", file)), &command_line(flags)) {
        Ok(loaded) => show(&loaded.config),
        Err(error) => error.to_string(),
    };
    assert_eq!(found, expected, "{file:?} {flags:?}");
}

#[test]
fn nothing_is_needed() {
    let loaded = load(None, &CommandLine::default()).expect("defaults");
    assert_eq!(loaded.warnings, Vec::<String>::new());
    let expected = Config {
        seeds: vec![Seed { host: Host::parse("127.0.0.1"), port: None }],
        data_center: Some("datacenter1".to_owned()),
        rack: Some("rack1".to_owned()),
        ..Config::default()
    };
    assert_eq!(loaded.config, expected);
}

#[test]
fn errors_name_the_key_and_the_line() {
    let table = [
        ("a: 1", "", "c.yaml:1: unknown key 'a'"),
        ("\ncluster_nam: x", "", "c.yaml:2: unknown key 'cluster_nam'"),
        ("", "--set=cluster_nam=x", "--set: unknown key 'cluster_nam'"),
        ("num_tokens: x", "", "c.yaml:1: num_tokens: 'x' is not a whole number"),
        ("num_tokens: 0", "", "c.yaml:1: num_tokens: 0 is not between 1 and 2147483647"),
        ("num_tokens: 1537", "", "num_tokens: 1537 is more than 1536"),
        (
            "read_request_timeout: 5",
            "",
            "c.yaml:1: read_request_timeout: invalid duration '5': write a non-negative whole \
             number and one of the units ms, s, m, h, d",
        ),
        ("storage_port: 70000", "", "c.yaml:1: storage_port: 70000 is not between 1 and 65535"),
        (
            "read_request_timeout: 5s\nread_request_timeout_in_ms: 5000",
            "",
            "c.yaml:2: read_request_timeout and read_request_timeout_in_ms are the same key: keep \
             one",
        ),
        (
            "client_encryption_options: {enabled: true}",
            "",
            "c.yaml:1: client_encryption_options: not supported yet: enabled: true",
        ),
        (
            "client_encryption_options: {enabled: false}",
            "--set=client_encryption_options.enabled=true",
            "--set: client_encryption_options: not supported yet: enabled: true",
        ),
        ("concurrent_reads: [1]", "", "c.yaml:1: concurrent_reads: a single value is expected, not a list"),
        ("commitlog_sync: batsch", "", "c.yaml:1: commitlog_sync: 'batsch' is not one of periodic, batch, group"),
        ("listen_address: 0.0.0.0", "", "listen_address cannot be a wildcard address (0.0.0.0)"),
        (
            "rpc_address: 0.0.0.0",
            "",
            "rpc_address is a wildcard address (0.0.0.0): set broadcast_rpc_address to what clients \
             shall connect to",
        ),
        ("phi_convict_threshold: 4", "", "phi_convict_threshold must be between 5 and 16, but is 4"),
        ("data_file_directories: [a, b]", "", "data_file_directories: not supported yet: more than one directory (b)"),
        ("native_transport_port: 7000", "", "native_transport_port 7000 is also another port of this node"),
        (
            "endpoint_snitch: SimpleSnitch",
            "--dc=east",
            "--dc and --rack need GossipingPropertyFileSnitch, but endpoint_snitch is SimpleSnitch",
        ),
        ("initial_token: 1,2\nnum_tokens: 3", "", "initial_token has 2 tokens, but num_tokens is 3"),
        ("initial_token: 1,1", "", "initial_token: 1 is there twice"),
        (
            "seed_provider: [{class_name: x.K8sSeedProvider}]",
            "",
            "c.yaml:1: seed_provider: not supported yet: seed provider K8sSeedProvider",
        ),
        (
            "commitlog_sync: batch\ncommitlog_sync_period: 10s",
            "",
            "commitlog_sync is batch, but commitlog_sync_period is there",
        ),
        ("commitlog_sync: group", "", "commitlog_sync is group: commitlog_sync_group_window is missing"),
        (
            "commitlog_segment_size: 32MiB\nmax_mutation_size: 17MiB",
            "",
            "commitlog_segment_size must be at least twice max_mutation_size",
        ),
        ("cluster_name: 'x", "", "c.yaml:1: not valid YAML"),
    ];
    for (file, flags, expected) in table {
        let error = load(Some(("c.yaml", file)), &command_line(flags)).expect_err(file).to_string();
        assert!(!error.contains('\n'), "{error}");
        if expected.ends_with("not valid YAML") {
            assert!(error.starts_with("c.yaml:"), "{error}");
            assert!(error.contains("not valid YAML"), "{error}");
        } else {
            assert_eq!(error, expected, "{file:?} {flags:?}");
        }
    }
}

#[test]
fn addresses() {
    let show: fn(&Config) -> String = |config| {
        format!(
            "{} {} {} {} seeds {}",
            config.listen_address,
            config.broadcast_address,
            config.rpc_address,
            config.broadcast_rpc_address,
            config.seeds.iter().map(|seed| seed.host.to_string()).collect::<Vec<_>>().join(",")
        )
    };
    let table = [
        ("", "--address=127.0.0.2", "127.0.0.2 127.0.0.2 127.0.0.2 127.0.0.2 seeds 127.0.0.2"),
        ("listen_address: 10.0.0.1", "", "10.0.0.1 10.0.0.1 127.0.0.1 127.0.0.1 seeds 10.0.0.1"),
        (
            "listen_address: 10.0.0.1\nbroadcast_address: 8.8.8.8\nrpc_address: 0.0.0.0\n\
             broadcast_rpc_address: 8.8.4.4",
            "",
            "10.0.0.1 8.8.8.8 0.0.0.0 8.8.4.4 seeds 8.8.8.8",
        ),
        (
            "listen_address: 10.0.0.1\nrpc_address: 10.0.0.1",
            "--address=127.0.0.3 --seeds=127.0.0.1,127.0.0.2",
            "127.0.0.3 127.0.0.3 127.0.0.3 127.0.0.3 seeds 127.0.0.1,127.0.0.2",
        ),
        (
            "seed_provider:\n  - class_name: org.apache.cassandra.locator.SimpleSeedProvider\n    \
             parameters:\n      - seeds: \"127.0.0.1:7000\"\n",
            "--set=listen_address=::1",
            "::1 ::1 127.0.0.1 127.0.0.1 seeds 127.0.0.1",
        ),
        ("rpc_address: localhost\nlisten_address: box", "", "box box 127.0.0.1 127.0.0.1 seeds box"),
        ("", "--address=0.0.0.0", "--address must be one address of this machine, not 'every interface'"),
    ];
    for (file, flags, expected) in table {
        check(file, flags, show, expected);
    }
}

#[test]
fn directories() {
    let show: fn(&Config) -> String = |config| {
        let data = config.data_directories.iter().map(|path| path.display().to_string());
        format!(
            "{} {} {} {}",
            config.base_directory.display(),
            data.collect::<Vec<_>>().join(","),
            config.commitlog_directory.display(),
            config.hints_directory.display()
        )
    };
    let table = [
        ("", "", "helenus-data helenus-data/data helenus-data/commitlog helenus-data/hints"),
        ("", "--data-dir=/d", "/d /d/data /d/commitlog /d/hints"),
        ("data_file_directories: [/v/data]", "", "/v /v/data /v/commitlog /v/hints"),
        ("data_file_directories: [/v/data]\nhints_directory: /h", "", "/v /v/data /v/commitlog /h"),
        ("data_file_directories: [/v/data]\nhints_directory: /h", "--data-dir=/d", "/d /d/data /d/commitlog /d/hints"),
        ("", "--data-dir=/d --set=commitlog_directory=/fast", "/d /d/data /fast /d/hints"),
        (
            "commitlog_directory: /d\nhints_directory: /d",
            "",
            "data_file_directories, commitlog_directory and hints_directory must differ",
        ),
    ];
    for (file, flags, expected) in table {
        check(file, flags, show, expected);
    }
}

#[test]
fn places() {
    let show: fn(&Config) -> String =
        |config| format!("{:?} {:?} {:?}", config.snitch, config.data_center, config.rack);
    let table = [
        ("", "", "Simple Some(\"datacenter1\") Some(\"rack1\")"),
        ("", "--dc=east", "GossipingPropertyFile Some(\"east\") Some(\"rack1\")"),
        ("", "--rack=r2", "GossipingPropertyFile Some(\"datacenter1\") Some(\"r2\")"),
        ("endpoint_snitch: GossipingPropertyFileSnitch", "", "GossipingPropertyFile None None"),
        (
            "endpoint_snitch: org.apache.cassandra.locator.SimpleSnitch",
            "",
            "Simple Some(\"datacenter1\") Some(\"rack1\")",
        ),
    ];
    for (file, flags, expected) in table {
        check(file, flags, show, expected);
    }
}

#[test]
fn the_rackdc_file_is_wanted_only_by_its_snitch() {
    let gossiping = "endpoint_snitch: GossipingPropertyFileSnitch";
    let table = [
        ("", None, "datacenter1/rack1"),
        ("", Some("dc=x\nrack=y"), "datacenter1/rack1"),
        (gossiping, Some("dc=x\nrack=y"), "x/y"),
        (
            gossiping,
            None,
            "GossipingPropertyFileSnitch needs --dc and --rack, or a cassandra-rackdc.properties \
             beside the configuration file",
        ),
        (gossiping, Some("dc=x\nrack=y\nprefer_local=true"), "rackdc: not supported yet: prefer_local=true"),
    ];
    for (file, rackdc, expected) in table {
        let mut config = load(Some(("c.yaml", file)), &CommandLine::default()).expect(file).config;
        let found = match take_place(&mut config, rackdc.map(|text| ("rackdc", text))) {
            Ok(()) => format!("{}/{}", config.data_center.unwrap_or_default(), config.rack.unwrap_or_default()),
            Err(error) => error.to_string(),
        };
        assert_eq!(found, expected, "{file:?} {rackdc:?}");
    }
}

#[test]
fn commit_log_modes() {
    let show: fn(&Config) -> String =
        |config| format!("{:?} {}", config.commitlog_sync, config.thresholds.mutation_size_max);
    let table = [
        ("", "Periodic { period: 10s } 16777216"),
        ("commitlog_sync: periodic\ncommitlog_sync_period: 10000ms", "Periodic { period: 10s } 16777216"),
        ("commitlog_sync: periodic\ncommitlog_sync_period_in_ms: 200", "Periodic { period: 200ms } 16777216"),
        ("commitlog_sync: batch", "Batch 16777216"),
        ("commitlog_sync: group\ncommitlog_sync_group_window: 5ms", "Group { window: 5ms } 16777216"),
        ("commitlog_segment_size: 8MiB", "Periodic { period: 10s } 4194304"),
        ("max_mutation_size: 100KiB", "Periodic { period: 10s } 102400"),
    ];
    for (file, expected) in table {
        check(file, "", show, expected);
    }
}

#[test]
fn single_settings() {
    type Row = (&'static str, fn(&Config) -> String, &'static str);
    let table: &[Row] = &[
        ("cluster_name: 5", |config| config.cluster_name.clone(), "5"),
        (
            "memtable_heap_space: 100MiB\nmemtable_offheap_space: 10MiB",
            |config| config.memtable_space.to_string(),
            "115343360",
        ),
        ("compaction_throughput_mb_per_sec: 16", |config| config.compaction_throughput.to_string(), "16777216"),
        ("hinted_handoff_enabled: false", |config| config.hints.enabled.to_string(), "false"),
        ("max_hint_window_in_ms: 60000", |config| format!("{:?}", config.hints.window_max), "60s"),
        ("batch_size_fail_threshold_in_kb: 7", |config| config.thresholds.batch_size_fail.to_string(), "7168"),
        (
            "native_transport_max_concurrent_connections: -1",
            |config| format!("{:?}", config.native_transport.connections_max),
            "None",
        ),
        (
            "native_transport_max_concurrent_connections: 9",
            |config| format!("{:?}", config.native_transport.connections_max),
            "Some(9)",
        ),
        (
            "authenticator: {class_name: PasswordAuthenticator}",
            |config| format!("{:?}", config.authenticator),
            "Password",
        ),
        ("available_processors: 3", |config| format!("{:?}", config.processors), "Some(3)"),
        ("available_processors: -1", |config| format!("{:?}", config.processors), "None"),
        ("read_request_timeout: 1ms", |config| format!("{:?}", config.timeouts.read), "10ms"),
        ("initial_token: -7,9", |config| format!("{:?} {}", config.initial_tokens, config.num_tokens), "[-7, 9] 2"),
        ("disk_failure_policy: best_effort", |config| format!("{:?}", config.disk_failure_policy), "BestEffort"),
        ("num_tokens: 4\nnum_tokens: 8", |config| config.num_tokens.to_string(), "8"),
        ("num_tokens:", |config| config.num_tokens.to_string(), "16"),
    ];
    for (file, show, expected) in table {
        check(file, "", *show, expected);
    }
}

#[test]
fn warnings() {
    let table: &[(&str, &[&str])] = &[
        ("num_tokens: 4", &[]),
        (
            "concurrent_reads: 32\nkey_cache_size:\ntrickle_fsync: true",
            &["accepted without effect: concurrent_reads, trickle_fsync"],
        ),
        ("num_tokens: 4\nnum_tokens: 8", &["c.yaml:2: num_tokens is there twice: the last one counts"]),
        ("write_request_timeout: 1ms", &["write_request_timeout is below the least value accepted: 10ms is taken"]),
    ];
    for (file, expected) in table {
        let loaded = load(Some(("c.yaml", file)), &CommandLine::default()).expect(file);
        assert_eq!(loaded.warnings, *expected, "{file:?}");
    }
}
