//! A table's compaction options.

use std::collections::BTreeMap;

use helenus_model::schema::Table;

use super::size_tiered::SizeTieredOptions;

/// Options that every strategy has.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CompactionOptions {
    /// The strategy's class, without its package.
    pub(crate) class: String,
    /// False: only a compaction that was asked for runs.
    pub(crate) enabled: bool,
    /// Share of droppable tombstones from which a single SSTable is compacted.
    pub(crate) tombstone_threshold: f64,
    /// Seconds an SSTable must be old for that.
    pub(crate) tombstone_compaction_interval: i64,
    /// Compact for tombstones even where other SSTables overlap.
    pub(crate) unchecked_tombstone_compaction: bool,
    /// Sizes and counts.
    pub(crate) size_tiered: SizeTieredOptions,
}

impl CompactionOptions {
    /// Reads the options of a table; what is missing or unreadable has Cassandra's default (the schema checked them).
    pub(crate) fn of_table(table: &Table) -> Self {
        let options = &table.params.compaction;
        let class = options.get("class").map_or("SizeTieredCompactionStrategy", String::as_str);
        CompactionOptions {
            class: class.rsplit('.').next().unwrap_or(class).to_owned(),
            enabled: flag(options, "enabled", true),
            tombstone_threshold: number(options, "tombstone_threshold", 0.2),
            tombstone_compaction_interval: number(options, "tombstone_compaction_interval", 86_400.0) as i64,
            unchecked_tombstone_compaction: flag(options, "unchecked_tombstone_compaction", false),
            size_tiered: SizeTieredOptions {
                min_threshold: number(options, "min_threshold", 4.0) as usize,
                max_threshold: number(options, "max_threshold", 32.0) as usize,
                bucket_low: number(options, "bucket_low", 0.5),
                bucket_high: number(options, "bucket_high", 1.5),
                min_sstable_size: number(options, "min_sstable_size", 52_428_800.0) as u64,
            },
        }
    }

    /// The strategy that really runs: every class is run as size-tiered so far.
    pub(crate) fn in_use(&self) -> &'static str {
        "SizeTieredCompactionStrategy"
    }
}

fn number(options: &BTreeMap<String, String>, key: &str, default: f64) -> f64 {
    options.get(key).and_then(|text| text.parse().ok()).filter(|value: &f64| value.is_finite()).unwrap_or(default)
}

fn flag(options: &BTreeMap<String, String>, key: &str, default: bool) -> bool {
    options.get(key).map_or(default, |text| text.eq_ignore_ascii_case("true"))
}
