//! Guardrails: what an operator of the cluster does not want its users to do (Cassandra: `org.apache.cassandra.db.guardrails`). They
//! hold for users who are no superusers; where nobody has to log in, everybody is one.

mod schema;
mod sizes;
mod statement;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use helenus_model::consistency::Consistency;

use crate::error::QueryError;

pub use schema::without_ignored;
pub use statement::{Asked, guard_batch, guard_statement};

/// A number above which there is a warning, and one above which there is a refusal; None: never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Threshold {
    /// `*_warn_threshold`
    pub warn: Option<u64>,
    /// `*_fail_threshold`
    pub fail: Option<u64>,
}

/// Things that are warned of, and things that are refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Values<T: Ord> {
    /// `*_warned`
    pub warned: BTreeSet<T>,
    /// `*_disallowed`
    pub disallowed: BTreeSet<T>,
}

impl<T: Ord> Default for Values<T> {
    fn default() -> Self {
        Values { warned: BTreeSet::new(), disallowed: BTreeSet::new() }
    }
}

/// The guardrails of `cassandra.yaml`, each under its key's name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is the key of cassandra.yaml that has its name")]
pub struct Guardrails {
    pub keyspaces: Threshold,
    pub tables: Threshold,
    pub columns_per_table: Threshold,
    pub secondary_indexes_per_table: Threshold,
    pub fields_per_udt: Threshold,
    pub vector_dimensions: Threshold,
    pub page_size: Threshold,
    pub partition_keys_in_select: Threshold,
    pub in_select_cartesian_product: Threshold,
    pub items_per_collection: Threshold,
    pub collection_size: Threshold,
    pub column_value_size: Threshold,
    pub maximum_timestamp: Threshold,
    pub minimum_timestamp: Threshold,
    pub materialized_views_per_table: Threshold,
    pub minimum_replication_factor: Threshold,
    pub maximum_replication_factor: Threshold,
    pub allow_filtering_enabled: bool,
    pub group_by_enabled: bool,
    pub non_partition_restricted_index_query_enabled: bool,
    pub vector_type_enabled: bool,
    pub alter_table_enabled: bool,
    pub drop_truncate_table_enabled: bool,
    pub drop_keyspace_enabled: bool,
    pub user_timestamps_enabled: bool,
    pub uncompressed_tables_enabled: bool,
    pub compact_tables_enabled: bool,
    pub secondary_indexes_enabled: bool,
    pub read_before_write_list_operations_enabled: bool,
    pub simplestrategy_enabled: bool,
    pub zero_ttl_on_twcs_warned: bool,
    pub zero_ttl_on_twcs_enabled: bool,
    pub table_properties: Values<String>,
    pub table_properties_ignored: BTreeSet<String>,
    pub read_consistency_levels: Values<Consistency>,
    pub write_consistency_levels: Values<Consistency>,
}

impl Default for Guardrails {
    fn default() -> Self {
        let none = Threshold::default();
        Guardrails {
            keyspaces: none,
            tables: none,
            columns_per_table: none,
            secondary_indexes_per_table: none,
            fields_per_udt: none,
            vector_dimensions: none,
            page_size: none,
            partition_keys_in_select: none,
            in_select_cartesian_product: none,
            items_per_collection: none,
            collection_size: none,
            column_value_size: none,
            maximum_timestamp: none,
            minimum_timestamp: none,
            materialized_views_per_table: none,
            minimum_replication_factor: none,
            maximum_replication_factor: none,
            allow_filtering_enabled: true,
            group_by_enabled: true,
            non_partition_restricted_index_query_enabled: true,
            vector_type_enabled: true,
            alter_table_enabled: true,
            drop_truncate_table_enabled: true,
            drop_keyspace_enabled: true,
            user_timestamps_enabled: true,
            uncompressed_tables_enabled: true,
            compact_tables_enabled: true,
            secondary_indexes_enabled: true,
            read_before_write_list_operations_enabled: true,
            simplestrategy_enabled: true,
            zero_ttl_on_twcs_warned: true,
            zero_ttl_on_twcs_enabled: true,
            table_properties: Values::default(),
            table_properties_ignored: BTreeSet::new(),
            read_consistency_levels: Values::default(),
            write_consistency_levels: Values::default(),
        }
    }
}

/// What a guarded statement is told beside its answer.
pub type Warnings = Vec<String>;

fn violated(guardrail: &str, message: &str) -> String {
    format!("Guardrail {guardrail} violated: {message}")
}

fn fail<T>(guardrail: &str, message: &str) -> Result<T, QueryError> {
    Err(QueryError::invalid(violated(guardrail, message)))
}

/// A feature that may be switched off.
fn ensure(enabled: bool, guardrail: &str, what: &str) -> Result<(), QueryError> {
    if enabled { Ok(()) } else { fail(guardrail, &format!("{what} is not allowed")) }
}

impl Threshold {
    /// Warns of or refuses a value above the thresholds. `message` is told whether it is the warning, and the threshold.
    fn guard(
        self,
        guardrail: &str,
        value: u64,
        warnings: &mut Warnings,
        message: impl Fn(bool, u64) -> String,
    ) -> Result<(), QueryError> {
        match (self.warn, self.fail) {
            (_, Some(most)) if value > most => fail(guardrail, &message(false, most)),
            (Some(most), _) if value > most => {
                warnings.push(violated(guardrail, &message(true, most)));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// As [`Threshold::guard`], for values below the thresholds.
    fn guard_least(
        self,
        guardrail: &str,
        value: u64,
        warnings: &mut Warnings,
        message: impl Fn(bool, u64) -> String,
    ) -> Result<(), QueryError> {
        match (self.warn, self.fail) {
            (_, Some(least)) if value < least => fail(guardrail, &message(false, least)),
            (Some(least), _) if value < least => {
                warnings.push(violated(guardrail, &message(true, least)));
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// "warning" or "failure", as messages say.
fn threshold_kind(is_warning: bool) -> &'static str {
    if is_warning { "warning" } else { "failure" }
}

fn listed<'v>(values: impl IntoIterator<Item = &'v str>) -> String {
    format!("[{}]", values.into_iter().collect::<Vec<_>>().join(", "))
}

/// Refuses or warns of values that are given. `name` is how messages call one.
fn guard_values<T: Ord>(
    values: &Values<T>,
    guardrail: &str,
    what: &str,
    given: &BTreeSet<T>,
    warnings: &mut Warnings,
    name: impl Fn(&T) -> &str,
) -> Result<(), QueryError> {
    let both = |these: &BTreeSet<T>| listed(given.intersection(these).map(&name));
    let all = |these: &BTreeSet<T>| listed(these.iter().map(&name));
    if !given.is_disjoint(&values.disallowed) {
        let (found, all) = (both(&values.disallowed), all(&values.disallowed));
        let message = format!("Provided values {found} are not allowed for {what} (disallowed values are: {all})");
        return fail(guardrail, &message);
    }
    if !given.is_disjoint(&values.warned) {
        let (found, all) = (both(&values.warned), all(&values.warned));
        let message = format!("Provided values {found} are not recommended for {what} (warned values are: {all})");
        warnings.push(violated(guardrail, &message));
    }
    Ok(())
}
