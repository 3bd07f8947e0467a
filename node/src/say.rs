//! Words for whoever started the program. They may have gone meanwhile (`helenus cluster | head -3`): that is no reason to end,
//! as it is for `println!`.

use std::fmt::Display;
use std::io::{Write, stderr, stdout};

/// Prints a line to stdout.
pub(crate) fn line(words: impl Display) {
    let mut out = stdout().lock();
    let _nobody_reads = writeln!(out, "{words}").and_then(|()| out.flush());
}

/// Prints a line to stderr.
pub(crate) fn complain(words: impl Display) {
    let _nobody_reads = writeln!(stderr().lock(), "{words}");
}
