//! Removing the files of SSTables that are replaced, truncated or dropped.

use uuid::Uuid;

use super::{JobError, JobProgress, JobSummary};
use crate::disk::{Disk, DiskErrorKind, DiskResult};
use crate::engine::{Engine, State};
use crate::manifest::Generation;
use crate::sstable::Descriptor;

/// See the module.
#[derive(Debug)]
pub struct RemoveJob {
    table: Uuid,
    directory: String,
    generations: Vec<Generation>,
}

/// The next removal: the obsolete files of one table.
pub(super) fn next(state: &mut State) -> Option<RemoveJob> {
    let State { manifest, removing, .. } = state;
    let (table, record) = manifest.tables.iter().find(|(id, record)| {
        !removing.contains(*id) && (!record.obsolete.is_empty() || (record.dropped && record.pending.is_empty()))
    })?;
    removing.insert(*table);
    Some(RemoveJob {
        table: *table,
        directory: record.directory.clone(),
        generations: record.obsolete.iter().copied().collect(),
    })
}

impl RemoveJob {
    pub(super) fn table(&self) -> Uuid {
        self.table
    }

    pub(super) fn run(&mut self, engine: &Engine) -> Result<JobProgress, JobError> {
        let result = self.remove(engine);
        let mut state = engine.state.lock();
        state.removing.remove(&self.table);
        result?;
        engine.commit(&mut state, |manifest| {
            let Some(record) = manifest.tables.get_mut(&self.table) else { return };
            for generation in &self.generations {
                record.obsolete.remove(generation);
            }
            if record.dropped && record.obsolete.is_empty() && record.pending.is_empty() {
                manifest.tables.remove(&self.table);
            }
        })?;
        Ok(JobProgress::Done(JobSummary { table: self.table, ..JobSummary::default() }))
    }

    fn remove(&self, engine: &Engine) -> Result<(), JobError> {
        remove_generations(&*engine.disk, &self.directory, &self.generations, &mut Vec::new())?;
        Ok(())
    }
}

/// Removes all files of these SSTables, as far as they are there; the table of contents first, so that half a removal is never
/// taken for a whole SSTable. The paths removed are appended to `removed`.
pub(crate) fn remove_generations(
    disk: &dyn Disk,
    directory: &str,
    generations: &[Generation],
    removed: &mut Vec<String>,
) -> DiskResult<()> {
    let names = match disk.list(directory) {
        Ok(names) => names,
        Err(error) if error.kind == DiskErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut paths = Vec::new();
    for name in names {
        let Some((descriptor, component)) = Descriptor::parse(directory, &name) else { continue };
        if descriptor.id.parse().is_ok_and(|generation: Generation| generations.contains(&generation)) {
            paths.push((component != crate::sstable::Component::Toc, descriptor.path(component)));
        }
    }
    paths.sort();
    if paths.is_empty() {
        return Ok(());
    }
    for (_, path) in paths {
        disk.remove(&path)?;
        removed.push(path);
    }
    disk.sync_dir(directory)
}
