//! What guardrails ask of a SELECT.

use super::SelectPlan;
use crate::error::QueryError;
use crate::restrict::{ClusteringKind, KeyPart, PartitionRestriction};
use crate::values::{BoundValues, ExecuteOptions};

impl SelectPlan {
    /// ALLOW FILTERING is written.
    pub(crate) fn allows_filtering(&self) -> bool {
        self.allows_filtering
    }

    /// An index is asked across partitions.
    pub(crate) fn reads_all_by_index(&self) -> bool {
        self.restrictions.indexing.is_wanted && !matches!(self.restrictions.partition, PartitionRestriction::Keys(_))
    }

    /// GROUP BY is written.
    pub(crate) fn groups(&self) -> bool {
        self.group_by.is_some()
    }

    /// How many partition keys an IN names; None without one.
    ///
    /// # Errors
    /// Those of the values.
    pub(crate) fn partition_keys_asked(
        &self,
        values: &dyn BoundValues,
        options: &ExecuteOptions<'_>,
    ) -> Result<Option<u64>, QueryError> {
        let PartitionRestriction::Keys(parts) = &self.restrictions.partition else { return Ok(None) };
        if !parts.iter().any(|part| matches!(part, KeyPart::In(_))) {
            return Ok(None);
        }
        Ok(self.restrictions.partition_keys(values, options)?.map(|keys| keys.len() as u64))
    }

    /// How many values the INs on the partition key, and those on the clustering, multiply to.
    ///
    /// # Errors
    /// Those of the values.
    pub(crate) fn products_asked(
        &self,
        values: &dyn BoundValues,
        options: &ExecuteOptions<'_>,
    ) -> Result<Vec<(&'static str, u64)>, QueryError> {
        let mut products = Vec::new();
        if let Some(keys) = self.partition_keys_asked(values, options)? {
            products.push(("partition key", keys));
        }
        let has_in = self.restrictions.clustering.iter().any(|one| matches!(one.kind, ClusteringKind::In(_)));
        if has_in {
            let prefixes = self.restrictions.clustering_prefixes(values, options)?;
            products.push(("clustering key", prefixes.len() as u64));
        }
        Ok(products)
    }
}
