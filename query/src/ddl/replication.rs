//! The replication of a keyspace: class and options.

use std::collections::BTreeMap;

use helenus_model::schema::Replication;

use super::outcome::DdlContext;
use crate::error::QueryError;

const FACTOR: &str = "replication_factor";
const PACKAGE: &str = "org.apache.cassandra.locator.";

fn config<T>(message: String) -> Result<T, QueryError> {
    Err(QueryError::Config(message))
}

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
    match class.strip_prefix(PACKAGE).unwrap_or(&class) {
        "SimpleStrategy" => {
            let text = options.remove(FACTOR).or_else(|| match previous {
                Some(Replication::Simple { factor }) => Some(factor.to_string()),
                _ => None,
            });
            let factor = text.map_or(Ok(context.default_replication_factor), |text| parse_factor(&text))?;
            check_no_other(&options, "SimpleStrategy", keyspace, &|_| false)?;
            Ok(Replication::Simple { factor })
        }
        "NetworkTopologyStrategy" => network_topology(keyspace, options, previous, context),
        "LocalStrategy" => {
            Err(QueryError::invalid("Unable to use given strategy class: LocalStrategy is reserved for internal use."))
        }
        "OldNetworkTopologyStrategy" => config(
            "The support for the OldNetworkTopologyStrategy has been removed in C* version 4.0. The keyspace strategy should be switch to NetworkTopologyStrategy"
                .to_owned(),
        ),
        _ => {
            let class = if class.contains('.') { class } else { format!("{PACKAGE}{class}") };
            config(format!("Unable to find replication strategy class '{class}'"))
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
    if default.is_none() && options.is_empty() {
        default = Some(match previous {
            Some(Replication::Simple { factor }) => factor.to_string(),
            _ => context.default_replication_factor.to_string(),
        });
    }
    if let (Some(_), Some(Replication::NetworkTopology { factors })) = (&default, previous) {
        for (datacenter, factor) in factors {
            options.entry(datacenter.clone()).or_insert_with(|| factor.to_string());
        }
    }
    // A default that is no number stands for nothing.
    if let Some(default) = default.filter(|text| parse_factor(text).is_ok()) {
        for datacenter in context.datacenters.keys() {
            options.entry(datacenter.clone()).or_insert_with(|| default.clone());
        }
    }
    options.retain(|_, text| text != "0");
    if options.keys().any(|name| name.eq_ignore_ascii_case(FACTOR)) {
        return config(
            "replication_factor should not appear as an option at construction time for NetworkTopologyStrategy"
                .to_owned(),
        );
    }
    let factors = options.iter().map(|(datacenter, text)| Ok((datacenter.clone(), parse_factor(text)?)));
    let mut factors = factors.collect::<Result<BTreeMap<String, u32>, QueryError>>()?;
    if factors.is_empty() {
        return config("Configuration for at least one datacenter must be present".to_owned());
    }
    check_no_other(&options, "NetworkTopologyStrategy", keyspace, &|name| context.datacenters.contains_key(name))?;
    factors.retain(|_, factor| *factor > 0);
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
        Some(name) => {
            config(format!("Unrecognized strategy option {{{name}}} passed to {class} for keyspace {keyspace}"))
        }
    }
}

/// A factor, or `full/transient`: no node keeps transient replicas.
fn parse_factor(text: &str) -> Result<u32, QueryError> {
    let number = |text: &str| match text.parse::<i32>() {
        Ok(number) => Ok(number),
        Err(_) => config(format!("For input string: \"{text}\"")),
    };
    let factor = match text.split_once('/') {
        None => number(text)?,
        Some((full, transient)) => {
            if transient.is_empty() || transient.trim_end_matches('/').contains('/') {
                return config("Replication factor format is <replicas> or <replicas>/<transient>".to_owned());
            }
            let full = number(full)?;
            if number(transient.trim_end_matches('/'))? != 0 {
                return config("Transient replication is not enabled on this node".to_owned());
            }
            full
        }
    };
    match u32::try_from(factor) {
        Ok(factor) => Ok(factor),
        Err(_) => config(format!("Replication factor must be non-negative, found {factor}")),
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
