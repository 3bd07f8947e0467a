//! Every cut and every flipped byte of a small log.

use helenus_model::rng::Rng;
use proptest::prelude::*;

use super::*;
use crate::disk_memory::{Faults, MemoryDisk};
use crate::error::OpenError;

const DIRECTORY: &str = "commitlog";

fn body(i: u32) -> Vec<u8> {
    let len = 1 + (i * 7 % 40) as usize;
    let mut out = vec![i as u8; len];
    out[0] = (i >> 8) as u8;
    out
}

fn open(disk: &MemoryDisk, segment_bytes: u32) -> (Log, Vec<Vec<u8>>) {
    try_open(disk, segment_bytes).expect("the log opens")
}

fn try_open(disk: &MemoryDisk, segment_bytes: u32) -> Result<(Log, Vec<Vec<u8>>), OpenError> {
    let mut found = Vec::new();
    let next = next_segment(disk, DIRECTORY, 0)?;
    let outcome = replay(disk, DIRECTORY, 0, &mut |_, body| {
        found.push(body.to_vec());
        Ok(())
    })?;
    let log = Log::new(Arc::new(disk.clone()), DIRECTORY, LogConfig { segment_bytes }, next, outcome.segments);
    Ok((log, found))
}

/// A log of `records` records; synced behind those of which `sync` says so.
fn written(segment_bytes: u32, records: u32, sync: impl Fn(u32) -> bool) -> MemoryDisk {
    let disk = MemoryDisk::new();
    let (log, _) = open(&disk, segment_bytes);
    for i in 0..records {
        log.append(&body(i)).expect("appended");
        log.flush().expect("flushed");
        if sync(i) {
            log.sync().expect("synced");
        }
    }
    disk
}

fn expected(records: usize) -> Vec<Vec<u8>> {
    (0..records as u32).map(body).collect()
}

#[test]
fn a_log_cut_at_any_byte_opens_with_a_prefix() {
    let disk = written(1000, 100, |_| false);
    let files = disk.files();
    assert!(files.len() >= 3, "{files:?}");
    let (last, before) = files.split_last().expect("segments");
    for path in before.iter().rev().take(1).chain([last]) {
        let bytes = disk.content(path).expect("there");
        for cut in 0..bytes.len() {
            let disk = disk.copy();
            disk.put(path, bytes[..cut].to_vec());
            let (log, found) = open(&disk, 1000);
            assert_eq!(found, expected(found.len()), "{path} cut at {cut}");
            log.append(b"more").expect("goes on");
            log.flush().expect("goes on");
            drop(log);
            let (_, again) = open(&disk, 1000);
            assert_eq!(again.len(), found.len() + 1, "{path} cut at {cut}");
        }
    }
}

#[test]
fn a_synced_segment_cut_anywhere_is_damage() {
    let disk = written(1000, 60, |_| true);
    let files = disk.files();
    let path = &files[0];
    let bytes = disk.content(path).expect("there");
    for cut in 0..bytes.len() {
        let disk = disk.copy();
        disk.put(path, bytes[..cut].to_vec());
        assert!(try_open(&disk, 1000).is_err(), "{path} cut at {cut}");
    }
    disk.remove(path).expect("removed");
    assert!(try_open(&disk, 1000).is_err(), "a segment is missing");
}

#[test]
fn a_flipped_byte_before_valid_records_is_never_silent() {
    for synced in [false, true] {
        let disk = written(700, 50, |_| synced);
        let files = disk.files();
        for path in &files {
            let bytes = disk.content(path).expect("there");
            let last = Some(path) == files.last();
            let end = if last { bytes.len() - body(49).len() - 12 } else { bytes.len() };
            for at in 0..end {
                let mut damaged = bytes.clone();
                damaged[at] ^= 0x40;
                let copy = disk.copy();
                copy.put(path, damaged);
                match try_open(&copy, 700) {
                    Err(OpenError::Corrupt { path: named, .. }) => assert!(files.contains(&named), "{named}"),
                    Err(other) => panic!("{path} byte {at}: {other}"),
                    Ok((_, found)) => panic!("{path} byte {at}: {} records found", found.len()),
                }
            }
        }
    }
}

/// Flushes of two tables that end together both find the same segments needless.
#[test]
fn segments_that_several_remove_at_once_are_removed_once() {
    for _ in 0..20 {
        let disk = written(1000, 4_000, |_| false);
        let (log, _) = open(&disk, 1000);
        let last = *log.segments.lock().keys().last().expect("segments");
        let begin = std::sync::Barrier::new(2);
        std::thread::scope(|scope| {
            let removers = [0, 1].map(|_| {
                scope.spawn(|| {
                    begin.wait();
                    log.remove_before(last)
                })
            });
            for remover in removers {
                assert_eq!(remover.join().expect("no panic").map_err(|error| error.to_string()), Ok(()));
            }
        });
        assert_eq!(log.oldest_segment(), Some(last));
    }
}

#[test]
fn a_segment_that_cannot_be_removed_stays_listed() {
    let disk = written(1000, 200, |_| false);
    let (log, _) = open(&disk, 1000);
    let segments: Vec<u32> = log.segments.lock().keys().copied().collect();
    let last = *segments.last().expect("segments");
    let second = disk.operations() + 1;
    disk.set_faults(Faults { fail_at: [(second, crate::disk::DiskErrorKind::Other)].into(), ..Faults::default() });
    assert!(log.remove_before(last).is_err());
    assert_eq!(log.segments.lock().keys().copied().collect::<Vec<u32>>(), segments[1..]);
    log.remove_before(last).expect("the disk works again");
    assert_eq!((log.oldest_segment(), disk.files()), (Some(last), vec![segment_path(DIRECTORY, last)]));
}

#[test]
fn the_first_error_is_final() {
    let disk = MemoryDisk::new();
    let (log, _) = open(&disk, 1000);
    log.append(b"one").expect("appended");
    log.flush().expect("flushed");
    let failing = disk.operations();
    disk.set_faults(Faults { fail_at: [(failing, crate::disk::DiskErrorKind::Other)].into(), ..Faults::default() });
    assert!(matches!(log.sync(), Err(WriteError::Disk(_))));
    assert!(matches!(log.sync(), Err(WriteError::Stopped(_))));
    assert!(matches!(log.append(b"two"), Err(WriteError::Stopped(_))));
    assert!(matches!(log.flush(), Err(WriteError::Stopped(_))));
    assert_eq!(log.synced_position().offset, 32, "nothing counts as synced");
}

#[test]
fn a_record_too_large_is_refused_and_the_largest_fits() {
    let disk = MemoryDisk::new();
    let (log, _) = open(&disk, 1000);
    assert!(matches!(log.append(&[0; 501]), Err(WriteError::TooLarge { bytes: 501, bytes_max: 500 })));
    for _ in 0..3 {
        log.append(&[7; 500]).expect("fits");
    }
    log.flush().expect("flushed");
    assert_eq!(open(&disk, 1000).1, vec![vec![7; 500]; 3]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Kills and power cuts at any operation: what was flushed survives a kill, what was synced survives both, and nothing has a hole.
    #[test]
    fn a_crash_loses_only_what_it_may(
        seed: u64,
        steps in proptest::collection::vec((0..10_u8, 1..5_u32), 1..60),
        power_cut: bool,
        kill_at in 0..120_u64,
    ) {
        let mut rng = Rng::new(seed);
        let disk = MemoryDisk::new();
        let (log, _) = open(&disk, 300);
        disk.set_faults(Faults { kill_at: Some(disk.operations() + kill_at), ..Faults::default() });
        let (mut appended, mut flushed, mut synced) = (0, 0, 0);
        for (step, count) in steps {
            let done = match step {
                0..6 => (0..count).try_for_each(|_| log.append(&body(appended)).map(|_| appended += 1)),
                6..9 => log.flush().map(|()| flushed = appended),
                _ => log.sync().map(|_| synced = flushed),
            };
            if done.is_err() {
                break;
            }
        }
        drop(log);
        disk.crash(power_cut, &mut rng);
        let (log, found) = open(&disk, 300);
        prop_assert_eq!(&found, &expected(found.len()));
        let least = if power_cut { synced } else { flushed };
        prop_assert!(found.len() as u32 >= least, "{} found, {least} must be there", found.len());
        log.append(b"on").expect("goes on");
        log.flush().expect("goes on");
        log.sync().expect("goes on");
        drop(log);
        disk.crash(true, &mut rng);
        let (_, again) = open(&disk, 300);
        prop_assert_eq!(again.len(), found.len() + 1);
    }
}
