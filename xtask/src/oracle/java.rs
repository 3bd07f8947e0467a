//! Java 17, and what Cassandra needs opened in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

/// The packages `conf/jvm17-server.options` exports to everybody.
const EXPORTS: &[&str] = &[
    "java.base/jdk.internal.misc",
    "java.base/jdk.internal.ref",
    "java.base/java.lang.ref",
    "java.management.rmi/com.sun.jmx.remote.internal.rmi",
    "java.rmi/sun.rmi.registry",
    "java.rmi/sun.rmi.server",
    "java.sql/java.sql",
    "jdk.attach/sun.tools.attach",
    "jdk.compiler/com.sun.tools.javac.file",
    "jdk.unsupported/sun.misc",
];

/// The packages it opens to everybody.
const OPENS: &[&str] = &[
    "java.base/java.io",
    "java.base/java.lang",
    "java.base/java.lang.module",
    "java.base/java.lang.reflect",
    "java.base/java.nio",
    "java.base/java.util",
    "java.base/jdk.internal.loader",
    "java.base/jdk.internal.math",
    "java.base/jdk.internal.module",
    "java.base/jdk.internal.ref",
    "java.base/jdk.internal.reflect",
    "java.base/jdk.internal.util.jar",
    "java.base/sun.nio.ch",
    "jdk.compiler/com.sun.tools.javac",
    "jdk.management/com.sun.management.internal",
];

/// Finds a Java 17: `JAVA`, `JAVA_HOME`, the usual folder of a Linux system, the search path.
///
/// # Errors
/// There is none.
pub(crate) fn find() -> Result<PathBuf> {
    let mut candidates: Vec<PathBuf> = Vec::new();
    candidates.extend(std::env::var_os("JAVA").map(PathBuf::from));
    candidates.extend(std::env::var_os("JAVA_HOME").map(|home| Path::new(&home).join("bin/java")));
    if let Ok(folder) = std::fs::read_dir("/usr/lib/jvm") {
        let homes = folder.flatten().filter(|home| home.file_name().to_string_lossy().contains("17"));
        let mut homes: Vec<PathBuf> = homes.map(|home| home.path().join("bin/java")).collect();
        homes.sort();
        candidates.extend(homes);
    }
    candidates.push(PathBuf::from("java"));
    match candidates.into_iter().find(|path| is_java_17(path)) {
        Some(path) => Ok(path),
        None => bail!("Java 17 is needed and was not found: install it, or set JAVA"),
    }
}

fn is_java_17(path: &Path) -> bool {
    let output = Command::new(path).arg("-version").output();
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stderr).contains("\"17"))
}

/// A Java command with everything opened.
///
/// # Errors
/// There is no Java 17.
pub(crate) fn command() -> Result<Command> {
    let mut command = Command::new(find()?);
    for package in EXPORTS {
        command.arg("--add-exports").arg(format!("{package}=ALL-UNNAMED"));
    }
    for package in OPENS {
        command.arg("--add-opens").arg(format!("{package}=ALL-UNNAMED"));
    }
    command.args(["-Djdk.attach.allowAttachSelf=true", "-Dio.netty.tryReflectionSetAccessible=true"]);
    Ok(command)
}
