//! Cassandra's jars: from an installation of one's own, or by Maven into the target folder.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::VERSION;
use crate::{process, workspace};

/// `target/oracle`.
pub(crate) fn home() -> PathBuf {
    workspace::target().join("oracle")
}

fn fetched() -> PathBuf {
    home().join(format!("lib-{VERSION}"))
}

/// An installation of the user's own.
fn own() -> Option<PathBuf> {
    let home = PathBuf::from(std::env::var_os("HELENUS_CASSANDRA")?);
    let lib = home.join("lib");
    Some(if lib.is_dir() { lib } else { home })
}

/// Whether nothing needs to be fetched.
pub(crate) fn are_there() -> bool {
    own().is_some() || fetched().join(".complete").is_file()
}

/// A Maven command.
///
/// # Errors
/// Maven is missing.
pub(crate) fn maven() -> Result<Command> {
    match Command::new("mvn").arg("--version").output() {
        Ok(output) if output.status.success() => Ok(Command::new("mvn")),
        _ => bail!("Maven is needed to fetch Apache Cassandra and was not found: install mvn"),
    }
}

/// The project that has Cassandra as its one dependency.
fn pom() -> String {
    format!(
        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\">\n  \
           <modelVersion>4.0.0</modelVersion>\n  \
           <groupId>helenus</groupId><artifactId>oracle</artifactId><version>1</version>\n  \
           <dependencies><dependency>\n    \
             <groupId>org.apache.cassandra</groupId>\n    \
             <artifactId>cassandra-all</artifactId>\n    \
             <version>{VERSION}</version>\n  \
           </dependency></dependencies>\n</project>\n"
    )
}

/// The jars' paths, sorted; fetches them first where needed.
///
/// # Errors
/// Maven is missing or fails, or there is no jar.
pub(crate) fn all() -> Result<Vec<PathBuf>> {
    let folder = match own() {
        Some(folder) => folder,
        None => fetch()?,
    };
    let entries = fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
    let is_jar = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "jar");
    let mut jars: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(is_jar).collect();
    jars.sort();
    ensure!(!jars.is_empty(), "no jars in {}", folder.display());
    Ok(jars)
}

fn fetch() -> Result<PathBuf> {
    let folder = fetched();
    let complete = folder.join(".complete");
    if !complete.is_file() {
        println!("fetching Apache Cassandra {VERSION} with Maven into {}", folder.display());
        fs::create_dir_all(&folder)?;
        let pom_path = home().join("pom.xml");
        fs::write(&pom_path, pom())?;
        let mut command = maven()?;
        command.args(["-q", "-B", "-f"]).arg(&pom_path).arg("dependency:copy-dependencies");
        process::run(command.arg(format!("-DoutputDirectory={}", folder.display())))?;
        fs::write(&complete, "")?;
    }
    Ok(folder)
}
