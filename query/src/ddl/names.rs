//! Names of keyspaces, tables and types: which are legal, which are the node's own.

use crate::error::QueryError;
use helenus_model::limits::NAME_CHARS_MAX;

/// Longest table name: with its id it has to fit a directory's name (Cassandra: 255 − 33).
const TABLE_NAME_CHARS_MAX: usize = 222;

/// Keyspaces no statement may change.
const LOCAL_SYSTEM: [&str; 4] = ["system", "system_schema", "system_views", "system_virtual_schema"];
/// System keyspaces that are replicated in Cassandra; only their replication may be changed.
const REPLICATED_SYSTEM: [&str; 3] = ["system_auth", "system_distributed", "system_traces"];

fn is_word(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// True for the keyspaces that belong to the node.
pub(super) fn is_local_system(keyspace: &str) -> bool {
    LOCAL_SYSTEM.iter().any(|name| name.eq_ignore_ascii_case(keyspace))
}

/// True for the replicated system keyspaces.
pub(super) fn is_replicated_system(keyspace: &str) -> bool {
    REPLICATED_SYSTEM.iter().any(|name| name.eq_ignore_ascii_case(keyspace))
}

/// Refuses to change what is in a system keyspace. `what` is Cassandra's form of permission and resource, as in
/// `DROP <table system_auth.roles>`.
pub(super) fn check_modifiable(keyspace: &str, what: &dyn Fn() -> String) -> Result<(), QueryError> {
    if is_local_system(keyspace) {
        return Err(QueryError::Unauthorized(format!("{keyspace} keyspace is not user-modifiable.")));
    }
    if is_replicated_system(keyspace) {
        return Err(QueryError::Unauthorized(format!("Cannot {}", what())));
    }
    Ok(())
}

/// Checks the name of the keyspace a statement works in, whether it is there or not.
pub(super) fn check_keyspace(name: &str) -> Result<(), QueryError> {
    if !is_word(name) {
        return Err(QueryError::invalid(format!(
            "Keyspace name must not be empty and must contain alphanumeric or underscore characters only (got \"{name}\")"
        )));
    }
    let length = name.chars().count();
    if length > NAME_CHARS_MAX {
        return Err(QueryError::invalid(format!(
            "Keyspace name must not be more than {NAME_CHARS_MAX} characters long (got {length} characters for \"{name}\")"
        )));
    }
    Ok(())
}

/// Checks the name of a new table.
pub(super) fn check_table(keyspace: &str, name: &str) -> Result<(), QueryError> {
    if !is_word(name) {
        return Err(QueryError::Config(format!(
            "{keyspace}.{name}: Table name must not be empty or not contain non-alphanumeric-underscore characters (got \"{name}\")"
        )));
    }
    let length = name.chars().count();
    if length > TABLE_NAME_CHARS_MAX {
        return Err(QueryError::Config(format!(
            "{keyspace}.{name}: Table name must not be more than {TABLE_NAME_CHARS_MAX} characters long (got {length} characters for \"{name}\")"
        )));
    }
    Ok(())
}
