//! The files of a data directory at start: what is left of interrupted work goes, what nobody knows stops the start.

use std::collections::{BTreeMap, BTreeSet};

use super::jobs::remove_generations;
use crate::disk::{Disk, DiskErrorKind, DiskResult};
use crate::error::OpenError;
use crate::manifest::{Generation, Manifest, TableRecord};
use crate::sstable::{Component, Descriptor};

/// Directory of the tables' files.
pub(super) const DATA_DIRECTORY: &str = "data";

/// Removes what interrupted flushes, compactions and removals left, and refuses SSTables that the manifest does not know. The
/// manifest forgets what was removed. Paths removed are appended to `removed`.
pub(super) fn tidy(disk: &dyn Disk, manifest: &mut Manifest, removed: &mut Vec<String>) -> Result<(), OpenError> {
    let mut known = BTreeSet::new();
    for record in manifest.tables.values_mut() {
        known.insert(record.directory.clone());
        let gone: Vec<Generation> = record.pending.union(&record.obsolete).copied().collect();
        remove_generations(disk, &record.directory, &gone, removed)?;
        record.pending.clear();
        record.obsolete.clear();
        check_directory(disk, record, removed)?;
    }
    manifest.tables.retain(|_, record| !record.dropped || !record.live.is_empty());
    for directory in table_directories(disk)? {
        if !known.contains(&directory) {
            check_unknown_directory(disk, &directory)?;
        }
    }
    Ok(())
}

fn list(disk: &dyn Disk, path: &str) -> DiskResult<Vec<String>> {
    match disk.list(path) {
        Err(error) if error.kind == DiskErrorKind::NotFound => Ok(Vec::new()),
        other => other,
    }
}

/// `data/<keyspace>/<table>-<id>` for all that are there.
fn table_directories(disk: &dyn Disk) -> Result<Vec<String>, OpenError> {
    let mut out = Vec::new();
    for keyspace in list(disk, DATA_DIRECTORY)? {
        let Some(keyspace) = keyspace.strip_suffix('/') else {
            return Err(OpenError::UnknownFile { path: format!("{DATA_DIRECTORY}/{keyspace}") });
        };
        for table in list(disk, &format!("{DATA_DIRECTORY}/{keyspace}"))? {
            match table.strip_suffix('/') {
                Some(table) => out.push(format!("{DATA_DIRECTORY}/{keyspace}/{table}")),
                None => return Err(OpenError::UnknownFile { path: format!("{DATA_DIRECTORY}/{keyspace}/{table}") }),
            }
        }
    }
    Ok(out)
}

/// The SSTables of a directory by id, each with its components; files of other names are refused.
fn sstables(disk: &dyn Disk, directory: &str) -> Result<BTreeMap<String, Vec<(Descriptor, Component)>>, OpenError> {
    let mut found: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for name in list(disk, directory)? {
        if name.ends_with('/') {
            // Snapshots and backups.
            continue;
        }
        match Descriptor::parse(directory, &name) {
            Some((descriptor, component)) => {
                found.entry(descriptor.id.clone()).or_default().push((descriptor, component));
            }
            None => return Err(OpenError::UnknownFile { path: format!("{directory}/{name}") }),
        }
    }
    Ok(found)
}

fn data_path(components: &[(Descriptor, Component)]) -> String {
    components.first().map(|(descriptor, _)| descriptor.path(Component::Data)).unwrap_or_default()
}

fn is_whole(components: &[(Descriptor, Component)]) -> bool {
    components.iter().any(|(_, component)| *component == Component::Toc)
}

fn check_directory(disk: &dyn Disk, record: &TableRecord, removed: &mut Vec<String>) -> Result<(), OpenError> {
    for (id, components) in sstables(disk, &record.directory)? {
        let is_live = id.parse().is_ok_and(|generation: Generation| record.live.contains(&generation));
        if is_live {
            continue;
        }
        if is_whole(&components) {
            return Err(OpenError::UnknownSsTable { path: data_path(&components) });
        }
        for (descriptor, component) in components {
            let path = descriptor.path(component);
            disk.remove(&path)?;
            removed.push(path);
        }
    }
    Ok(())
}

fn check_unknown_directory(disk: &dyn Disk, directory: &str) -> Result<(), OpenError> {
    match sstables(disk, directory)?.into_values().find(|components| is_whole(components)) {
        Some(components) => Err(OpenError::UnknownSsTable { path: data_path(&components) }),
        None => Ok(()),
    }
}
