//! Configuration: `cassandra.yaml`'s own keys, so that an operator's file works, each with a default, so
//! that none is needed.
//!
//! 1. The file's text becomes a tree with line numbers (`yaml`); the spellings of before Cassandra 4.1
//!    become today's (`old_keys`).
//! 2. The command line's `--set key=value` are laid over it.
//! 3. Each key is looked up in one table of all 405 keys of 5.0.6 (`keys`), its value's shape is checked
//!    (`value`), what Helenus cannot do yet is refused (`rules`), and the rest is taken over (`apply`).
//! 4. Defaults that depend on other keys are filled in, contradictions refused (`finish`).
//!
//! An unknown key is an error that names it; one accepted without effect is a warning that says so.
//! Nothing here reads a file: callers hand over text.

mod apply;
mod error;
mod finish;
mod guardrails;
pub mod keys;
mod old_keys;
mod rackdc;
mod rules;
mod settings;
mod units;
mod value;
mod yaml;

use std::net::IpAddr;
use std::path::PathBuf;

pub use error::{ConfigError, Origin};
pub use finish::take_place;
pub use rackdc::{Place, parse as parse_rackdc};
pub use settings::{
    Authenticator, Authorizer, CommitFailurePolicy, CommitLogSync, Config, DiskFailurePolicy, Hints, Host,
    NativeTransport, Seed, Snitch, Thresholds, Timeouts,
};

use keys::Rule;
use yaml::{Entry, Yaml};

/// What `helenus node`'s own flags say; each beats the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandLine {
    /// `--address`: to listen on and to be known by, for nodes and for clients.
    pub address: Option<IpAddr>,
    /// `--data-dir`: data, commit log and hints in one place, whatever the file says.
    pub data_directory: Option<PathBuf>,
    /// `--seeds`, separated by commas.
    pub seeds: Option<String>,
    /// `--dc`
    pub data_center: Option<String>,
    /// `--rack`
    pub rack: Option<String>,
    /// Every `--set`, as `key=value`.
    pub set: Vec<String>,
}

/// A configuration read.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// What to tell the operator, a line each.
    pub warnings: Vec<String>,
}

/// Reads a configuration: a file's name and text, if there is one, and the command line.
///
/// With GossipingPropertyFileSnitch and no `--dc` or `--rack`, the data centre and rack are still to be
/// given: [`take_place`].
///
/// # Errors
/// One line that names the key, and the file's line where it is known.
pub fn load(file: Option<(&str, &str)>, command_line: &CommandLine) -> Result<Loaded, ConfigError> {
    let mut warnings = Vec::new();
    let mut entries = match file {
        Some((name, text)) => modern(yaml::parse(name, text)?, &mut warnings)?,
        None => Vec::new(),
    };
    if command_line.data_directory.is_some() {
        entries.retain(|entry| {
            !matches!(entry.key.as_str(), "data_file_directories" | "commitlog_directory" | "hints_directory")
        });
    }
    for text in &command_line.set {
        let above = modern(vec![yaml::parse_override(text)?], &mut warnings)?;
        above.into_iter().for_each(|entry| lay_over(&mut entries, entry));
    }
    let mut config = Config::default();
    let mut written = apply::Written::default();
    let mut without_effect = Vec::new();
    for entry in &entries {
        let wrong = |message| ConfigError::new(entry.origin.clone(), format!("{}: {message}", entry.key));
        let Some(key) = keys::find(&entry.key) else {
            let message = format!("unknown key '{}'", entry.key);
            return Err(ConfigError::new(entry.origin.clone(), message));
        };
        value::check(key.kind, &entry.value).map_err(wrong)?;
        rules::check(key, &entry.value).map_err(wrong)?;
        let is_written = entry.value != Yaml::Null;
        match key.rule {
            Rule::Honoured | Rule::HonouredClass(_) | Rule::HonouredText(_) if is_written => {
                apply::apply(&mut config, &mut written, key.name, &entry.value).map_err(wrong)?;
            }
            Rule::NoEffect if is_written => without_effect.push(key.name),
            _ => {}
        }
    }
    if !without_effect.is_empty() {
        warnings.push(format!("accepted without effect: {}", without_effect.join(", ")));
    }
    let config = finish::finish(config, written, command_line, &mut warnings)?;
    Ok(Loaded { config, warnings })
}

/// Renames old spellings; of a key written twice the last one counts, as in Cassandra.
fn modern(entries: Vec<Entry>, warnings: &mut Vec<String>) -> Result<Vec<Entry>, ConfigError> {
    let mut result: Vec<Entry> = Vec::with_capacity(entries.len());
    let mut spellings: Vec<String> = Vec::with_capacity(entries.len());
    for mut entry in entries {
        let spelling = entry.key.clone();
        if let Some(old) = old_keys::find(&entry.key, &entry.value) {
            entry.value = old_keys::convert(old.conversion, &entry.value)
                .map_err(|message| ConfigError::new(entry.origin.clone(), format!("{spelling}: {message}")))?;
            entry.key = old.new.to_owned();
        }
        match result.iter().position(|other| other.key == entry.key) {
            None => {
                result.push(entry);
                spellings.push(spelling);
            }
            Some(at) => {
                let before = spellings.get(at).cloned().unwrap_or_default();
                if before != spelling {
                    let message = format!("{before} and {spelling} are the same key: keep one");
                    return Err(ConfigError::new(entry.origin, message));
                }
                let origin = &entry.origin;
                warnings.push(format!("{origin}{spelling} is there twice: the last one counts"));
                if let Some(slot) = result.get_mut(at) {
                    *slot = entry;
                }
            }
        }
    }
    Ok(result)
}

/// Lays one entry of the command line over what is there.
fn lay_over(entries: &mut Vec<Entry>, above: Entry) {
    match entries.iter_mut().find(|entry| entry.key == above.key) {
        Some(below) => {
            let taken = std::mem::replace(&mut below.value, Yaml::Null);
            below.value = yaml::merge(taken, above.value);
            below.origin = above.origin;
        }
        None => entries.push(above),
    }
}

#[cfg(test)]
mod tests;
