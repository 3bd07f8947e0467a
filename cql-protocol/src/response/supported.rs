//! SUPPORTED: the options that STARTUP may carry, with their values.

use crate::compress::Compression;
use crate::notation::{DecodeError, Reader, write_string_multimap};
use crate::request::startup::option;
use crate::version::ProtocolVersion;

/// A SUPPORTED message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supported {
    /// Options with their values.
    pub options: Vec<(String, Vec<String>)>,
}

impl Supported {
    /// What Cassandra 5.0 answers, with a version of CQL. Nothing may be added: drivers take other keys for other servers.
    #[must_use]
    pub fn of_server(cql_version: &str) -> Self {
        let compression = [Compression::Snappy, Compression::Lz4].map(|algorithm| algorithm.name().to_owned());
        let versions = ProtocolVersion::ADVERTISED.map(str::to_owned);
        Self {
            options: vec![
                (option::PROTOCOL_VERSIONS.to_owned(), versions.to_vec()),
                (option::COMPRESSION.to_owned(), compression.to_vec()),
                (option::CQL_VERSION.to_owned(), vec![cql_version.to_owned()]),
            ],
        }
    }

    /// The values of an option.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&[String]> {
        self.options.iter().find(|(known, _)| known == key).map(|(_, values)| values.as_slice())
    }

    /// Appends the body.
    pub fn encode(&self, out: &mut Vec<u8>) {
        write_string_multimap(out, &self.options);
    }

    /// Reads the body.
    ///
    /// # Errors
    /// If it is malformed.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let options = reader.string_multimap()?;
        let options = options
            .into_iter()
            .map(|(key, values)| (key.to_owned(), values.iter().map(str::to_owned).collect()))
            .collect();
        Ok(Self { options })
    }
}
