//! `nodetool import`: SSTables of a directory, copied into a table's own, verified, and made part of it; all of a directory or none.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use helenus_engine::engine::Engine;
use helenus_engine::sstable::{Component, Descriptor, Version};
use helenus_model::token::Token;
use uuid::Uuid;

use super::Admin;
use crate::clock;
use crate::real_disk::words;

/// The files of one SSTable.
type Files = Vec<(Component, PathBuf)>;

fn refused(path: &Path, error: &io::Error) -> String {
    format!("{}: {}", path.display(), words(error))
}

/// The SSTables of a directory by id.
fn find(directory: &Path) -> Result<BTreeMap<String, Files>, String> {
    let mut found: BTreeMap<String, Files> = BTreeMap::new();
    for entry in fs::read_dir(directory).map_err(|error| refused(directory, &error))? {
        let path = entry.map_err(|error| refused(directory, &error))?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        match Descriptor::parse("", &name) {
            Some((descriptor, component)) if descriptor.version == Version::Nb => {
                found.entry(descriptor.id).or_default().push((component, path));
            }
            _ if name.ends_with("-Data.db") => {
                return Err(format!("{}: not supported yet: SSTables that are not nb-…-big", path.display()));
            }
            _ => {}
        }
    }
    found.retain(|_, files| files.iter().any(|(component, _)| *component == Component::Toc));
    if found.is_empty() {
        return Err(format!("{}: no SSTables", directory.display()));
    }
    // The table of contents last: without it, half a copy is never taken for a whole SSTable.
    found.values_mut().for_each(|files| files.sort_by_key(|(component, _)| *component == Component::Toc));
    Ok(found)
}

fn copy(files: &Files, target: &Path, id: &str) -> Result<(), String> {
    for (component, source) in files {
        let path = target.join(Descriptor::new("", id).path(*component));
        let copied = fs::copy(source, &path).and_then(|_| File::open(&path)?.sync_all());
        copied.map_err(|error| format!("{} to {}", refused(source, &error), path.display()))?;
    }
    File::open(target).and_then(|directory| directory.sync_all()).map_err(|error| refused(target, &error))
}

/// Brings the SSTables of `directory` into `table`; returns how many. Without `keep_source` its files are removed then.
pub(super) fn import(
    admin: &Admin,
    table: Uuid,
    directory: &Path,
    keep_source: bool,
    owns: &dyn Fn(Token) -> bool,
) -> Result<usize, String> {
    let engine: &Engine = &admin.environment.shared.engine;
    let found = find(directory)?;
    let mut begun = Vec::new();
    let checked = found.values().try_for_each(|files| {
        let (place, generation) = engine.begin_import(table).map_err(|error| error.to_string())?;
        begun.push(generation);
        copy(files, &super::collect::directory_of(admin, &place), &generation.to_string())?;
        engine.check_import(table, generation, owns).map_err(|error| error.to_string())
    });
    if let Err(error) = checked {
        begun.iter().for_each(|generation| engine.abandon_import(table, *generation));
        return Err(error);
    }
    for generation in &begun {
        engine.install_import(table, *generation, clock::now()).map_err(|error| error.to_string())?;
    }
    tracing::info!(directory = %directory.display(), sstables = begun.len(), "SSTables were imported");
    if !keep_source {
        for (_, path) in found.values().flatten() {
            fs::remove_file(path).map_err(|error| refused(path, &error))?;
        }
    }
    Ok(begun.len())
}
