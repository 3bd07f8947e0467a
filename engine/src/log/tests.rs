//! Every cut and every flipped byte of a small log.

use std::ops::Range;

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
    write(segment_bytes, records, sync, false)
}

fn write(segment_bytes: u32, records: u32, sync: impl Fn(u32) -> bool, is_awaited: bool) -> MemoryDisk {
    let disk = MemoryDisk::new();
    let (log, _) = open(&disk, segment_bytes);
    log.set_awaited(is_awaited);
    for i in 0..records {
        log.append(&body(i)).expect("appended");
        log.flush().expect("flushed");
        if sync(i) {
            log.sync().expect("synced");
        }
    }
    disk
}

/// Where the records and marks of a segment end.
fn end_of_entries(segment: u32, bytes: &[u8]) -> usize {
    let mut end = HEADER_BYTES as usize;
    while let Some((_, behind)) = segment::entry_at(segment, bytes, end) {
        end = behind;
    }
    end
}

fn expected(records: usize) -> Vec<Vec<u8>> {
    (0..records as u32).map(body).collect()
}

#[test]
fn a_log_cut_at_any_byte_opens_with_a_prefix() {
    for is_awaited in [false, true] {
        check_cuts(&write(1000, 100, |_| false, is_awaited));
    }
}

fn check_cuts(disk: &MemoryDisk) {
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
    for is_awaited in [false, true] {
        let disk = write(1000, 60, |_| true, is_awaited);
        let files = disk.files();
        let path = &files[0];
        let bytes = disk.content(path).expect("there");
        for cut in 0..end_of_entries(1, &bytes) {
            let disk = disk.copy();
            disk.put(path, bytes[..cut].to_vec());
            assert!(try_open(&disk, 1000).is_err(), "{path} cut at {cut}");
        }
        disk.remove(path).expect("removed");
        assert!(try_open(&disk, 1000).is_err(), "a segment is missing");
    }
}

#[test]
fn a_flipped_byte_before_valid_records_is_never_silent() {
    for (synced, is_awaited) in [(false, false), (true, false), (true, true)] {
        let disk = write(700, 50, |_| synced, is_awaited);
        let files = disk.files();
        for (segment, path) in (1..).zip(&files) {
            let bytes = disk.content(path).expect("there");
            let last = Some(path) == files.last();
            // With the last record goes the mark behind it.
            let last_bytes = body(49).len() + 12 + if is_awaited { 20 } else { 0 };
            let end = end_of_entries(segment, &bytes) - if last { last_bytes } else { 0 };
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

/// Lengths of the only segment behind each of `records` writes.
fn lengths(disk: &MemoryDisk, log: &Log, records: Range<u32>) -> Vec<usize> {
    let length = |i| {
        log.append(&body(i)).expect("appended");
        log.flush().expect("flushed");
        log.sync().expect("synced");
        disk.content(&disk.files()[0]).expect("there").len()
    };
    records.map(length).collect()
}

#[test]
fn a_segment_is_laid_out_ahead_while_syncs_are_awaited() {
    let disk = MemoryDisk::new();
    let (log, _) = open(&disk, 8000);
    let end = || log.position().offset as usize;
    lengths(&disk, &log, 0..20);
    assert_eq!(disk.content(&disk.files()[0]).expect("there").len(), end(), "nobody waited");
    log.set_awaited(true);
    let mut awaited = lengths(&disk, &log, 20..80);
    let laid_out = *awaited.last().expect("writes");
    assert!(laid_out > end());
    awaited.dedup();
    assert!(awaited.len() <= 4, "it grows by quarters of a segment: {awaited:?}");
    log.set_awaited(false);
    let behind = lengths(&disk, &log, 80..140);
    assert_eq!(
        (behind[0], *behind.last().expect("writes")),
        (laid_out, end()),
        "zeros are used up, no more are written"
    );
    drop(log);
    let outcome = replay(&disk, DIRECTORY, 0, &mut |_, _| Ok(())).expect("replayed");
    assert_eq!((outcome.records, outcome.torn_bytes), (140, 0), "zeros and marks are no torn records");
    assert_eq!(open(&disk, 8000).1, expected(140));
}

#[test]
fn a_disk_without_space_for_zeros_takes_records() {
    let disk = MemoryDisk::new();
    let (log, _) = open(&disk, 4000);
    lengths(&disk, &log, 0..1);
    log.set_awaited(true);
    log.append(&body(1)).expect("appended");
    // The record, then the zeros behind it.
    let zeros = disk.operations() + 1;
    disk.set_faults(Faults { fail_at: [(zeros, crate::disk::DiskErrorKind::Full)].into(), ..Faults::default() });
    log.flush().expect("there is space for the record");
    assert_eq!(disk.content(&disk.files()[0]).expect("there").len(), log.position().offset as usize);
    assert_eq!(open(&disk, 4000).1, expected(2));
}

/// Of records that overwrite zeros a power cut may take any sector, but for what was durable.
#[test]
fn a_hole_is_a_torn_end_where_nothing_durable_is_missing() {
    let disk = MemoryDisk::new();
    let (log, _) = open(&disk, 100_000);
    log.set_awaited(true);
    lengths(&disk, &log, 0..10);
    let durable = log.position().offset as usize;
    for i in 10..20 {
        log.append(&body(i)).expect("appended");
        log.flush().expect("flushed");
    }
    let path = &disk.files()[0];
    let bytes = disk.content(path).expect("there");
    let last = log.position().offset as usize - 20;
    for at in HEADER_BYTES as usize..last {
        let mut holed = bytes.clone();
        holed[at] ^= 0x40;
        let copy = disk.copy();
        copy.put(path, holed);
        match try_open(&copy, 100_000) {
            Err(OpenError::Corrupt { .. }) => {
                assert!(at < durable, "byte {at} of what was not durable up to {durable}")
            }
            Err(other) => panic!("byte {at}: {other}"),
            Ok((_, found)) => {
                assert!(at >= durable, "byte {at} of what was durable up to {durable} is missing silently");
                assert!((10..=20).contains(&found.len()), "{}", found.len());
                assert_eq!(found, expected(found.len()), "byte {at}");
            }
        }
    }
}

/// The power took the end of a segment, so that only a mark of the next one, which was not durable, tells what was.
#[test]
fn a_lost_segment_tells_what_was_durable_before_it() {
    let disk = MemoryDisk::new();
    let (log, _) = open(&disk, 1000);
    log.set_awaited(true);
    lengths(&disk, &log, 0..10);
    let durable = log.position().offset as usize;
    for i in 10..50 {
        log.append(&body(i)).expect("appended");
    }
    log.flush().expect("flushed");
    let path = &disk.files()[0];
    let mut bytes = disk.content(path).expect("there");
    bytes[durable..].fill(0);
    let lost = disk.copy();
    lost.put(path, bytes.clone());
    assert_eq!(open(&lost, 1000).1, expected(10), "what was durable is there");
    // In the last of the durable records, whose own mark cannot know.
    for at in durable - 20 - body(9).len()..durable - 20 {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x40;
        let disk = disk.copy();
        disk.put(path, damaged);
        assert!(matches!(try_open(&disk, 1000), Err(OpenError::Corrupt { .. })), "byte {at}");
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
    #![proptest_config(ProptestConfig::with_cases(5000))]

    /// Kills and power cuts at any operation: what was flushed survives a kill, what was synced survives both, and nothing has a hole.
    #[test]
    fn a_crash_loses_only_what_it_may(
        seed: u64,
        steps in proptest::collection::vec((0..12_u8, 1..5_u32), 1..60),
        power_cut: bool,
        segment_bytes in prop_oneof![Just(300), Just(5000)],
        kill_at in 0..120_u64,
    ) {
        let mut rng = Rng::new(seed);
        let disk = MemoryDisk::new();
        let (log, _) = open(&disk, segment_bytes);
        disk.set_faults(Faults { kill_at: Some(disk.operations() + kill_at), ..Faults::default() });
        let (mut appended, mut flushed, mut synced) = (0, 0, 0);
        for (step, count) in steps {
            let done = match step {
                0..6 => (0..count).try_for_each(|_| log.append(&body(appended)).map(|_| appended += 1)),
                6..9 => log.flush().map(|()| flushed = appended),
                9 => log.sync().map(|_| synced = flushed),
                _ => {
                    log.set_awaited(step == 10);
                    Ok(())
                }
            };
            if done.is_err() {
                break;
            }
        }
        drop(log);
        disk.crash(power_cut, &mut rng);
        let (log, found) = open(&disk, segment_bytes);
        prop_assert_eq!(&found, &expected(found.len()));
        let least = if power_cut { synced } else { flushed };
        prop_assert!(found.len() as u32 >= least, "{} found, {least} must be there", found.len());
        log.append(b"on").expect("goes on");
        log.flush().expect("goes on");
        log.sync().expect("goes on");
        drop(log);
        disk.crash(true, &mut rng);
        let (_, again) = open(&disk, segment_bytes);
        prop_assert_eq!(again.len(), found.len() + 1);
    }
}
