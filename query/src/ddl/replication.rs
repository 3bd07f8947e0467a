//! The replication of a keyspace: class and options.

use std::collections::BTreeMap;

use helenus_model::schema::Replication;

use super::outcome::DdlContext;
use crate::error::QueryError;

const FACTOR: &str = "replication_factor";

/// The replication that `options` describe, for a keyspace that had `previous`.
///
/// # Errors
/// As Cassandra's, most of them 0x2300.
pub(super) fn replication(
    keyspace: &str,
    mut options: BTreeMap<String, String>,
    previous: Option<&Replication>,
    context: &DdlContext<'_>,
) -> Result<Replication, QueryError> {
    let class = options.remove("class").ok_or_else(missing_class)?;
    let class = class.strip_prefix("org.apache.cassandra.locator.").unwrap_or(&class).to_owned();
    match class.as_str() {
        "SimpleStrategy" => {
            let text = options.remove(FACTOR).or_else(|| match previous {
                Some(Replication::Simple { factor }) => Some(factor.to_string()),
                _ => None,
            });
            check_no_other(&options, "SimpleStrategy", keyspace, &|_| false)?;
            let factor = text.map_or(Ok(context.default_replication_factor), |text| parse_factor(&text))?;
            Ok(Replication::Simple { factor })
        }
        "NetworkTopologyStrategy" => network_topology(keyspace, options, previous, context),
        "LocalStrategy" => {
            Err(QueryError::invalid("Unable to use given strategy class: LocalStrategy is reserved for internal use."))
        }
        _ => {
            let class = if class.contains('.') { class } else { format!("org.apache.cassandra.locator.{class}") };
            Err(QueryError::Config(format!("Unable to find replication strategy class '{class}'")))
        }
    }
}

pub(super) fn missing_class() -> QueryError {
    QueryError::Config("Missing replication strategy class".to_owned())
}

/// `replication_factor` stands for every data centre that has no factor of its own, now or before.
fn network_topology(
    keyspace: &str,
    mut options: BTreeMap<String, String>,
    previous: Option<&Replication>,
    context: &DdlContext<'_>,
) -> Result<Replication, QueryError> {
    let mut default = options.remove(FACTOR);
    if default.is_some() {
        if let Some(Replication::NetworkTopology { factors }) = previous {
            for (datacenter, factor) in factors {
                options.entry(datacenter.clone()).or_insert_with(|| factor.to_string());
            }
        }
    } else if options.is_empty() {
        default = Some(match previous {
            Some(Replication::Simple { factor }) => factor.to_string(),
            _ => context.default_replication_factor.to_string(),
        });
    }
    if let Some(default) = default {
        parse_factor(&default)?;
        for datacenter in context.datacenters.keys() {
            options.entry(datacenter.clone()).or_insert_with(|| default.clone());
        }
    }
    check_no_other(&options, "NetworkTopologyStrategy", keyspace, &|name| context.datacenters.contains_key(name))?;
    let mut factors = BTreeMap::new();
    for (datacenter, text) in options {
        let factor = parse_factor(&text)?;
        if factor > 0 {
            factors.insert(datacenter, factor);
        }
    }
    Ok(Replication::NetworkTopology { factors })
}

fn check_no_other(
    options: &BTreeMap<String, String>,
    class: &str,
    keyspace: &str,
    known: &dyn Fn(&str) -> bool,
) -> Result<(), QueryError> {
    match options.keys().find(|name| !known(name)) {
        None => Ok(()),
        Some(name) => Err(QueryError::Config(format!(
            "Unrecognized strategy option {{{name}}} passed to {class} for keyspace {keyspace}"
        ))),
    }
}

fn parse_factor(text: &str) -> Result<u32, QueryError> {
    if text.contains('/') {
        return Err(QueryError::Config("Transient replication is not enabled on this node".to_owned()));
    }
    match text.parse::<i32>() {
        Err(_) => Err(QueryError::Config(format!("For input string: \"{text}\""))),
        Ok(factor) => u32::try_from(factor)
            .map_err(|_| QueryError::Config(format!("Replication factor must be non-negative, found {factor}"))),
    }
}

/// Cassandra's warnings about a factor that no number of nodes can meet yet.
pub(super) fn warnings(keyspace: &str, replication: &Replication, context: &DdlContext<'_>) -> Vec<String> {
    match replication {
        Replication::Simple { factor } if *factor as usize > context.node_count() => vec![format!(
            "Your replication factor {factor} for keyspace {keyspace} is higher than the number of nodes {}",
            context.node_count()
        )],
        Replication::NetworkTopology { factors } => {
            let nodes = |datacenter: &String| context.datacenters.get(datacenter).copied().unwrap_or(0);
            let too_many = factors.iter().filter(|(datacenter, factor)| **factor as usize > nodes(datacenter));
            let warning = |(datacenter, factor): (&String, &u32)| {
                format!(
                    "Your replication factor {factor} for keyspace {keyspace} is higher than the number of nodes {} for datacenter {datacenter}",
                    nodes(datacenter)
                )
            };
            too_many.map(warning).collect()
        }
        _ => Vec::new(),
    }
}
