//! Whether a key may have the value it has: what Helenus cannot do yet, and whose ignoring would lose
//! data or let somebody in, keeps the node from starting.

use super::keys::{Key, Rule};
use super::value;
use super::yaml::Yaml;

/// Checks one value against its key's rule.
///
/// # Errors
/// A message without the key's name that says what is not supported yet.
pub(super) fn check(key: &Key, value: &Yaml) -> Result<(), String> {
    if *value == Yaml::Null {
        return Ok(());
    }
    let refused = |what: &str| Err(format!("not supported yet: {what}"));
    match key.rule {
        Rule::Honoured | Rule::NoEffect => Ok(()),
        Rule::HonouredClass(allowed) => {
            let class = value::class(value)?;
            if allowed.contains(&class.name.as_str()) { Ok(()) } else { refused(&class.name) }
        }
        Rule::HonouredText(allowed) => {
            let text = value::text(value)?;
            if allowed.contains(&text) { Ok(()) } else { refused(text) }
        }
        Rule::OnlyClass(allowed) => {
            let class = value::class(value)?;
            if class.name == allowed { Ok(()) } else { refused(&class.name) }
        }
        Rule::OnlyWith(inner, allowed) => match value.get(inner) {
            None | Some(Yaml::Null) => Ok(()),
            Some(inner_value) => {
                let text = value::text(inner_value)?;
                if text == allowed { Ok(()) } else { refused(&format!("{inner}: {text}")) }
            }
        },
        Rule::OnlyWithout(inner_keys) => {
            for inner in inner_keys {
                let Some(inner_value) = value.get(inner).filter(|inner| **inner != Yaml::Null) else {
                    continue;
                };
                let text = value::text(inner_value)?;
                let is_off = text == "none" || value::boolean(inner_value).is_ok_and(|is_on| !is_on);
                if !is_off {
                    return refused(&format!("{inner}: {text}"));
                }
            }
            Ok(())
        }
        Rule::OnlyFalse => {
            if value::boolean(value)? {
                refused("true")
            } else {
                Ok(())
            }
        }
        Rule::OnlyUnset => refused(value.text().unwrap_or("any value")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys;
    use super::*;

    #[test]
    fn refusals() {
        let table = [
            ("client_encryption_options", "{enabled: false, keystore: x}", None),
            ("client_encryption_options", "{enabled: true}", Some("enabled: true")),
            ("client_encryption_options", "{enabled: yes}", Some("enabled: true")),
            ("client_encryption_options", "{optional: true}", Some("optional: true")),
            ("server_encryption_options", "{internode_encryption: none}", None),
            ("server_encryption_options", "{internode_encryption: all}", Some("internode_encryption: all")),
            ("server_encryption_options", "{internode_encryption: dc}", Some("internode_encryption: dc")),
            ("transparent_data_encryption_options", "{enabled: true}", Some("enabled: true")),
            ("audit_logging_options", "{enabled: true}", Some("enabled: true")),
            ("audit_logging_options", "{enabled: false, logger: {class_name: x}}", None),
            ("cdc_enabled", "true", Some("true")),
            ("cdc_enabled", "false", None),
            ("incremental_backups", "true", Some("true")),
            ("drop_keyspace_enabled", "false", None),
            ("authenticator", "PasswordAuthenticator", None),
            ("authenticator", "MutualTlsAuthenticator", Some("MutualTlsAuthenticator")),
            ("authorizer", "org.apache.cassandra.auth.AllowAllAuthorizer", None),
            ("authorizer", "CassandraAuthorizer", Some("CassandraAuthorizer")),
            ("network_authorizer", "CassandraNetworkAuthorizer", Some("CassandraNetworkAuthorizer")),
            ("partitioner", "org.apache.cassandra.dht.Murmur3Partitioner", None),
            ("commit_failure_policy", "die", None),
            ("commit_failure_policy", "stop_commit", Some("stop_commit")),
            ("partitioner", "RandomPartitioner", Some("RandomPartitioner")),
            ("endpoint_snitch", "Ec2Snitch", Some("Ec2Snitch")),
            ("sstable", "{selected_format: big}", None),
            ("sstable", "{selected_format: bti}", Some("selected_format: bti")),
            ("native_transport_port_ssl", "9142", Some("9142")),
            ("native_transport_port_ssl", "~", None),
            ("listen_interface", "eth0", Some("eth0")),
            ("concurrent_reads", "32", None),
        ];
        for (name, text, expected) in table {
            let key = keys::find(name).expect(name);
            let value = serde_saphyr::from_str(text).expect(name);
            let found = check(key, &value).err();
            let expected = expected.map(|what| format!("not supported yet: {what}"));
            assert_eq!(found, expected, "{name}: {text}");
        }
    }
}
