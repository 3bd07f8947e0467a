//! What changed in the schema: part of RESULT and of EVENT.

use crate::notation::{DecodeError, Reader, write_string, write_string_list};
use crate::version::ProtocolVersion;

/// A change of the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaChange {
    /// What happened.
    pub change: ChangeKind,
    /// Keyspace that changed or that holds what changed.
    pub keyspace: String,
    /// What changed.
    pub target: SchemaTarget,
}

/// What happened to a part of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the specification's")]
pub enum ChangeKind {
    Created,
    Updated,
    Dropped,
}

/// A part of the schema. Indexes and materialized views count as tables.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "names, and CQL types of arguments")]
pub enum SchemaTarget {
    Keyspace,
    Table { name: String },
    Type { name: String },
    Function { name: String, argument_types: Vec<String> },
    Aggregate { name: String, argument_types: Vec<String> },
}

impl ChangeKind {
    /// The word on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Updated => "UPDATED",
            Self::Dropped => "DROPPED",
        }
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let name = reader.string()?;
        [Self::Created, Self::Updated, Self::Dropped]
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| DecodeError::Word { value: name.to_owned(), kind: "Change" })
    }
}

impl SchemaChange {
    /// Appends the change. Version 3 has no functions and aggregates: there the keyspace was updated, and an empty
    /// string follows, as in Cassandra.
    pub fn encode(&self, out: &mut Vec<u8>, version: ProtocolVersion) {
        let (target, name, argument_types) = match &self.target {
            SchemaTarget::Keyspace => ("KEYSPACE", None, None),
            SchemaTarget::Table { name } => ("TABLE", Some(name), None),
            SchemaTarget::Type { name } => ("TYPE", Some(name), None),
            SchemaTarget::Function { name, argument_types } => ("FUNCTION", Some(name), Some(argument_types)),
            SchemaTarget::Aggregate { name, argument_types } => ("AGGREGATE", Some(name), Some(argument_types)),
        };
        if argument_types.is_some() && version < ProtocolVersion::V4 {
            write_string(out, ChangeKind::Updated.name());
            write_string(out, "KEYSPACE");
            write_string(out, &self.keyspace);
            write_string(out, "");
            return;
        }
        write_string(out, self.change.name());
        write_string(out, target);
        write_string(out, &self.keyspace);
        if let Some(name) = name {
            write_string(out, name);
        }
        if let Some(argument_types) = argument_types {
            write_string_list(out, argument_types);
        }
    }

    /// Reads a change.
    ///
    /// # Errors
    /// If it is malformed.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let change = ChangeKind::decode(reader)?;
        let target = reader.string()?;
        let keyspace = reader.string()?.to_owned();
        let target = match target {
            "KEYSPACE" => SchemaTarget::Keyspace,
            "TABLE" => SchemaTarget::Table { name: reader.string()?.to_owned() },
            "TYPE" => SchemaTarget::Type { name: reader.string()?.to_owned() },
            "FUNCTION" => {
                let (name, argument_types) = signature(reader)?;
                SchemaTarget::Function { name, argument_types }
            }
            "AGGREGATE" => {
                let (name, argument_types) = signature(reader)?;
                SchemaTarget::Aggregate { name, argument_types }
            }
            other => {
                return Err(DecodeError::Word { value: other.to_owned(), kind: "Target" });
            }
        };
        Ok(Self { change, keyspace, target })
    }
}

fn signature(reader: &mut Reader<'_>) -> Result<(String, Vec<String>), DecodeError> {
    let name = reader.string()?.to_owned();
    Ok((name, reader.string_list()?.iter().map(str::to_owned).collect()))
}
