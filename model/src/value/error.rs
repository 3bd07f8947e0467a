//! The error of values.

use std::borrow::Cow;
use std::fmt;

/// Why bytes or text are no value of a type. The message is the one a client of Cassandra sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueError {
    message: Cow<'static, str>,
    is_underflow: bool,
}

impl ValueError {
    /// An error with this message.
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        ValueError { message: message.into(), is_underflow: false }
    }

    /// A value that ends inside an element whose length is told. The innermost collection around it takes the fault for its own, as
    /// Cassandra's does.
    pub(super) fn underflow(message: impl Into<Cow<'static, str>>) -> Self {
        ValueError { message: message.into(), is_underflow: true }
    }

    pub(super) fn is_underflow(&self) -> bool {
        self.is_underflow
    }

    /// The message.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for ValueError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for ValueError {}
