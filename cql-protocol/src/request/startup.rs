//! STARTUP: the options of a connection.

use crate::limits::STARTUP_OPTIONS_MAX;
use crate::notation::{DecodeError, Reader, StringMap, write_string_map};

/// A STARTUP message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Startup<'a> {
    /// As sent; [`StartupOptions`] is what counts.
    pub options: StringMap<'a>,
}

/// The options of a connection, keys in upper case, the last of equal keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StartupOptions {
    entries: Vec<(String, String)>,
}

/// Keys that mean something to the server or to operators.
pub mod option {
    /// Version of CQL, `3.0.0` or later.
    pub const CQL_VERSION: &str = "CQL_VERSION";
    /// `lz4` or `snappy`.
    pub const COMPRESSION: &str = "COMPRESSION";
    /// List of versions in SUPPORTED.
    pub const PROTOCOL_VERSIONS: &str = "PROTOCOL_VERSIONS";
    /// Name of the driver.
    pub const DRIVER_NAME: &str = "DRIVER_NAME";
    /// Version of the driver.
    pub const DRIVER_VERSION: &str = "DRIVER_VERSION";
    /// `1` asks for OVERLOADED errors in place of back pressure.
    pub const THROW_ON_OVERLOAD: &str = "THROW_ON_OVERLOAD";
}

impl<'a> Startup<'a> {
    /// Reads the body.
    ///
    /// # Errors
    /// If it is malformed.
    pub fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self { options: reader.string_map()? })
    }
}

impl StartupOptions {
    /// The options of a message.
    #[must_use]
    pub fn from_message(message: &Startup<'_>) -> Self {
        let mut options = Self::default();
        for (key, value) in message.options.iter() {
            options.set(key, value);
        }
        options
    }

    /// Sets an option. One more than [`STARTUP_OPTIONS_MAX`] is left out.
    pub fn set(&mut self, key: &str, value: &str) {
        let key = key.to_uppercase();
        let has_room = self.entries.len() < STARTUP_OPTIONS_MAX;
        match self.entries.iter_mut().find(|(known, _)| *known == key) {
            Some((_, old)) => value.clone_into(old),
            None if has_room => {
                self.entries.push((key, value.to_owned()));
            }
            None => {}
        }
    }

    /// The value of an option, by its key in upper case.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.entries.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// All options in the order they came.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Whether the client wants OVERLOADED errors in place of back pressure.
    #[must_use]
    pub fn throws_on_overload(&self) -> bool {
        self.get(option::THROW_ON_OVERLOAD) == Some("1")
    }

    /// Appends the body of a STARTUP with these options.
    pub fn encode(&self, out: &mut Vec<u8>) {
        write_string_map(out, &self.entries);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_kept_in_upper_case() {
        let mut body = Vec::new();
        write_string_map(&mut body, &[("cql_version", "3.0.0"), ("X", "1"), ("Cql_Version", "3.4.7")]);
        let options = StartupOptions::from_message(&Startup::decode(&mut Reader::new(&body)).unwrap());
        assert_eq!(options.get(option::CQL_VERSION), Some("3.4.7"));
        assert_eq!(options.iter().collect::<Vec<_>>(), [("CQL_VERSION", "3.4.7"), ("X", "1")]);
        assert!(!options.throws_on_overload());
        let mut out = Vec::new();
        options.encode(&mut out);
        assert_eq!(out, b"\0\x02\0\x0bCQL_VERSION\0\x053.4.7\0\x01X\0\x011");
        let again = StartupOptions::from_message(&Startup::decode(&mut Reader::new(&out)).unwrap());
        assert_eq!(again, options);
    }
}
