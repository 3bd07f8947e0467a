//! USING TIMESTAMP and TTL.

use helenus_cql::ast;
use helenus_model::limits::TTL_SECONDS_MAX;
use helenus_model::schema::Table;
use helenus_model::time::{LocalSeconds, NO_DELETION_TIME, NO_TIMESTAMP, WriteTimestamp};
use helenus_model::types::CqlType;
use helenus_model::value::{decode_bigint, decode_int};

use crate::error::QueryError;
use crate::spec::ColumnSpec;
use crate::term::{Preparer, Term, Value};
use crate::values::{BoundValues, ExecuteOptions};

/// The last second an `nb` SSTable can hold as an expiry: 2038-01-19T03:14:06Z.
const EXPIRY_MAX: LocalSeconds = i32::MAX as LocalSeconds - 1;

/// The attributes of a statement.
#[derive(Clone, Debug, Default)]
pub struct Attributes {
    /// USING TIMESTAMP
    pub timestamp: Option<Term>,
    /// USING TTL
    pub ttl: Option<Term>,
}

/// The TTL of one execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TimeToLive {
    /// Seconds, 0 for none.
    pub(super) ttl: i32,
    /// When it is over.
    pub(super) expires_at: LocalSeconds,
}

impl Attributes {
    /// Checks the attributes of a statement on a table.
    ///
    /// # Errors
    /// Values that are no numbers.
    pub fn prepare(using: &ast::Using, table: &Table, preparer: &mut Preparer<'_>) -> Result<Self, QueryError> {
        let mut term = |term: &Option<ast::Term>, name: &str, ty: CqlType| {
            term.as_ref().map(|term| preparer.term(term, &ColumnSpec::named(table, name, ty))).transpose()
        };
        Ok(Attributes {
            timestamp: term(&using.timestamp, "[timestamp]", CqlType::Bigint)?,
            ttl: term(&using.ttl, "[ttl]", CqlType::Int)?,
        })
    }

    /// The write timestamp. [`check_timestamp`] has to allow it.
    ///
    /// # Errors
    /// It is null.
    pub fn timestamp(
        &self,
        values: &dyn BoundValues,
        options: &ExecuteOptions<'_>,
    ) -> Result<WriteTimestamp, QueryError> {
        let Some(term) = &self.timestamp else { return Ok(options.timestamp) };
        let timestamp = match term.evaluate(values, options)? {
            Value::Unset => return Ok(options.timestamp),
            Value::Null => return Err(QueryError::invalid("Invalid null value of timestamp")),
            Value::Bytes(bytes) => decode_bigint(&bytes),
        };
        timestamp.ok_or_else(|| QueryError::invalid("Invalid timestamp value"))
    }

    /// The TTL, the table's default if the statement has none.
    pub(super) fn time_to_live(
        &self,
        table: &Table,
        values: &dyn BoundValues,
        options: &ExecuteOptions<'_>,
    ) -> Result<TimeToLive, QueryError> {
        let default = table.params.default_time_to_live;
        let Some(term) = &self.ttl else { return expiring(table, default, true, options) };
        let ttl = match term.evaluate(values, options)? {
            Value::Unset => return expiring(table, default, true, options),
            Value::Null => 0,
            Value::Bytes(bytes) => decode_int(&bytes).unwrap_or(0),
        };
        if ttl < 0 {
            return Err(QueryError::invalid(format!("A TTL must be greater or equal to 0, but was {ttl}")));
        }
        if ttl > TTL_SECONDS_MAX {
            return Err(QueryError::invalid(format!(
                "ttl is too large. requested ({ttl}) maximum ({TTL_SECONDS_MAX})"
            )));
        }
        expiring(table, ttl, false, options)
    }
}

/// Refuses the one number that means no timestamp.
pub(super) fn check_timestamp(timestamp: WriteTimestamp) -> Result<(), QueryError> {
    if timestamp != NO_TIMESTAMP {
        return Ok(());
    }
    Err(QueryError::invalid(format!("Out of bound timestamp, must be in [{}, {}]", NO_TIMESTAMP + 1, i64::MAX)))
}

/// Refuses an expiry that SSTables cannot hold, as Cassandra's policy REJECT does.
fn expiring(table: &Table, ttl: i32, is_default: bool, options: &ExecuteOptions<'_>) -> Result<TimeToLive, QueryError> {
    if ttl == 0 {
        return Ok(TimeToLive { ttl: 0, expires_at: NO_DELETION_TIME });
    }
    let expires_at = options.now.saturating_add(LocalSeconds::from(ttl));
    if expires_at > EXPIRY_MAX {
        let default = if is_default { "default " } else { "" };
        return Err(QueryError::invalid(format!(
            "Request on table {}.{} with {default}ttl of {ttl} seconds exceeds maximum supported expiration date of 2038-01-19T03:14:06+00:00. In order to avoid this use a lower TTL, change the expiration date overflow policy or upgrade to a version where this limitation is fixed. See CASSANDRA-14092 and CASSANDRA-14227 for more details.",
            table.keyspace, table.name
        )));
    }
    Ok(TimeToLive { ttl, expires_at })
}
