//! Statements about roles: who may, and what they do to the metadata log.

use std::collections::BTreeSet;
use std::sync::Arc;

use helenus_model::types::CqlType;
use helenus_query::error::QueryError;
use helenus_query::role::{AccessList, Password, RoleChange as Change, RolePlan};
use helenus_query::sink::RowSink;
use helenus_query::spec::ColumnSpec;

use crate::control::{Planned, Proposal, ProposalDone, hash_password};
use crate::coordinator::{EncodedRows, ReplyColumns, RowsReply};
use crate::metadata::{ClusterMetadata, Role, RoleChange, Transformation};

const ANONYMOUS: &str = "You have to be logged in and not anonymous to perform this request";
const OWN_SUPERUSER: &str = "You aren't allowed to alter your own superuser status or that of a role granted to you";

fn unauthorized(text: impl Into<String>) -> QueryError {
    QueryError::Unauthorized(text.into())
}

/// What Cassandra answers to these statements under AllowAllAuthenticator. PREPARE does not ask who may: `is_executed` is false.
pub(crate) fn refusal_without_authentication(
    plan: &RolePlan,
    is_executed: bool,
    metadata: &ClusterMetadata,
) -> QueryError {
    let rights = if is_executed { check_anonymous_rights(plan, metadata) } else { Ok(()) };
    match rights.and_then(|()| check_change(plan, false, metadata)) {
        Err(error) => error,
        Ok(()) => unauthorized(ANONYMOUS),
    }
}

/// Who has not logged in is no superuser.
fn check_anonymous_rights(plan: &RolePlan, metadata: &ClusterMetadata) -> Result<(), QueryError> {
    match plan {
        RolePlan::Create { change, .. } if change.superuser == Some(true) => {
            Err(unauthorized("Only superusers can create a role with superuser status"))
        }
        RolePlan::Alter { name, change, .. } if name == "anonymous" && change.superuser.is_some() => {
            Err(unauthorized(OWN_SUPERUSER))
        }
        RolePlan::Alter { name, change, .. } => {
            check_superuser_only(change)?;
            let option = match (&change.password, change.login, change.has_options) {
                (Some(Password::Plain(_)), ..) => "PASSWORD",
                (Some(Password::Hashed(_)), ..) => "HASHED_PASSWORD",
                (None, Some(_), _) => "LOGIN",
                (None, None, true) => "OPTIONS",
                (None, None, false) => return Ok(()),
            };
            match name.as_str() {
                "anonymous" => Err(unauthorized(format!("You aren't allowed to alter {option}"))),
                _ => Ok(()),
            }
        }
        RolePlan::Drop { name, .. } if is_superuser(metadata, name) => {
            Err(unauthorized("Only superusers can drop a role with superuser status"))
        }
        _ => Ok(()),
    }
}

/// What only superusers may change.
fn check_superuser_only(change: &Change) -> Result<(), QueryError> {
    if change.superuser.is_some() {
        return Err(unauthorized("Only superusers are allowed to alter superuser status"));
    }
    if change.datacenters.is_some() {
        return Err(unauthorized("Only superusers are allowed to alter access to datacenters."));
    }
    if change.cidrs.is_some() {
        return Err(unauthorized("Only superusers are allowed to alter access from CIDR groups."));
    }
    Ok(())
}

/// Checks what is said of a role. `has_passwords`: whether anybody has to log in.
fn check_change(plan: &RolePlan, has_passwords: bool, metadata: &ClusterMetadata) -> Result<(), QueryError> {
    let (RolePlan::Create { name, change, .. } | RolePlan::Alter { name, change, .. }) = plan else { return Ok(()) };
    let option = match &change.password {
        Some(Password::Plain(_)) if !has_passwords => Some("PASSWORD"),
        Some(Password::Hashed(_)) if !has_passwords => Some("HASHED_PASSWORD"),
        _ => change.has_options.then_some("OPTIONS"),
    };
    if let Some(option) = option {
        let text = format!("org.apache.cassandra.auth.CassandraRoleManager doesn't support {option}");
        return Err(QueryError::invalid(text));
    }
    if let Some(Password::Hashed(hash)) = &change.password
        && !is_bcrypt(hash)
    {
        return Err(QueryError::invalid("Invalid hashed password value. Please use jBcrypt."));
    }
    if name.is_empty() && matches!(plan, RolePlan::Create { .. }) {
        return Err(QueryError::invalid("Role name can't be an empty string"));
    }
    // The name is to be a partition's key in `system_auth`.
    if name.len() > usize::from(u16::MAX) && matches!(plan, RolePlan::Create { .. }) {
        return Err(QueryError::invalid(format!("Key length of {} is longer than maximum of 65535", name.len())));
    }
    if let Some(AccessList::Only(names)) = &change.datacenters {
        let is_known = |name: &String| metadata.nodes.values().any(|node| node.datacenter == *name);
        if !names.iter().all(is_known) {
            return Err(QueryError::invalid(format!(
                "Invalid value(s) for DATACENTERS '{}',All values must be valid datacenters",
                set_text(names)
            )));
        }
    }
    // There are no groups of networks.
    if let Some(AccessList::Only(names)) = &change.cidrs {
        let names = set_text(names);
        return Err(QueryError::invalid(format!("Invalid CIDR group(s): {names}. Available CIDR Groups are: []")));
    }
    Ok(())
}

fn set_text(names: &[String]) -> String {
    let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    format!("[{}]", names.into_iter().collect::<Vec<_>>().join(", "))
}

/// `$2a$10$` and at least the salt.
fn is_bcrypt(hash: &str) -> bool {
    let Some(rest) = hash.strip_prefix("$2") else { return false };
    let rest = rest.strip_prefix(['a', 'b', 'x', 'y']).unwrap_or(rest);
    let Some((rounds, salt)) = rest.strip_prefix('$').and_then(|rest| rest.split_once('$')) else { return false };
    rounds.len() == 2 && rounds.parse::<u8>().is_ok_and(|rounds| (4..=30).contains(&rounds)) && salt.len() >= 22
}

/// The proposal of a statement by the role `asking`.
pub(crate) fn proposal(
    plan: &RolePlan,
    asking: &str,
    metadata: &ClusterMetadata,
    salt: [u8; 16],
) -> Result<Proposal, QueryError> {
    if let RolePlan::NotYet(what) = plan {
        return Err(QueryError::unsupported(what));
    }
    let is_superuser = metadata.roles.get(asking).is_some_and(|role| role.is_superuser);
    check_rights(plan, asking, is_superuser)?;
    check_change(plan, true, metadata)?;
    let hash = match plan {
        RolePlan::Create { change, .. } | RolePlan::Alter { change, .. } => hash_of(change, salt)?,
        _ => None,
    };
    let (plan, asking) = (plan.clone(), asking.to_owned());
    Ok(Proposal::new(move |metadata| {
        let changes = changes(&plan, &asking, metadata, hash.as_deref())?;
        let transformation = (!changes.is_empty()).then_some(Transformation::Roles(changes));
        Ok(Planned { transformation, done: ProposalDone::default() })
    }))
}

fn check_rights(plan: &RolePlan, asking: &str, is_superuser: bool) -> Result<(), QueryError> {
    let change = match plan {
        RolePlan::Create { change, .. } | RolePlan::Alter { change, .. } => change,
        _ => &Change::default(),
    };
    match plan {
        RolePlan::Alter { name, .. } if change.superuser.is_some() && name == asking => {
            Err(unauthorized(OWN_SUPERUSER))
        }
        RolePlan::Alter { .. } if !is_superuser && check_superuser_only(change).is_err() => {
            check_superuser_only(change)
        }
        // Whoever may log in may change its own password.
        RolePlan::Alter { name, .. } if name == asking && change.login.is_none() => Ok(()),
        RolePlan::Create { .. } if change.superuser == Some(true) && !is_superuser => {
            Err(unauthorized("Only superusers can create a role with superuser status"))
        }
        _ if is_superuser => Ok(()),
        _ => Err(unauthorized(format!(
            "User {asking} does not have sufficient privileges to perform the requested operation"
        ))),
    }
}

fn hash_of(change: &Change, salt: [u8; 16]) -> Result<Option<String>, QueryError> {
    match &change.password {
        None => Ok(None),
        Some(Password::Hashed(hash)) => Ok(Some(hash.clone())),
        Some(Password::Plain(password)) => {
            hash_password(password, salt).map(Some).map_err(|error| QueryError::invalid(error.to_string()))
        }
    }
}

fn missing(name: &str) -> QueryError {
    QueryError::invalid(format!("{name} doesn't exist"))
}

fn changes(
    plan: &RolePlan,
    asking: &str,
    metadata: &ClusterMetadata,
    hash: Option<&str>,
) -> Result<Vec<RoleChange>, QueryError> {
    let put = |name: &str, role: Role| vec![RoleChange::Put { name: name.to_owned(), role }];
    Ok(match plan {
        RolePlan::Create { name, if_not_exists, change } => {
            if metadata.roles.contains_key(name) {
                if *if_not_exists {
                    return Ok(Vec::new());
                }
                return Err(QueryError::invalid(format!("{name} already exists")));
            }
            let role = Role {
                salted_hash: hash.map(str::to_owned),
                can_login: change.login.unwrap_or(false),
                is_superuser: change.superuser.unwrap_or(false),
                member_of: Vec::new(),
            };
            put(name, role)
        }
        RolePlan::Alter { name, if_exists, change } => {
            let Some(role) = metadata.roles.get(name) else {
                let missing = || QueryError::invalid(format!("Role {name} doesn't exist"));
                return if *if_exists { Ok(Vec::new()) } else { Err(missing()) };
            };
            if change.datacenters.is_some() {
                let text = "ACCESS TO DATACENTERS operations not supported by AllowAllNetworkAuthorizer";
                return Err(QueryError::invalid(text));
            }
            let mut role = role.clone();
            if let Some(hash) = hash {
                role.salted_hash = Some(hash.to_owned());
            }
            role.can_login = change.login.unwrap_or(role.can_login);
            role.is_superuser = change.superuser.unwrap_or(role.is_superuser);
            put(name, role)
        }
        RolePlan::Drop { name, if_exists, .. } => {
            if name == asking {
                return Err(QueryError::invalid("Cannot DROP primary role for current login"));
            }
            if !metadata.roles.contains_key(name) {
                return if *if_exists { Ok(Vec::new()) } else { Err(missing(name)) };
            }
            vec![RoleChange::Drop { name: name.clone() }]
        }
        RolePlan::Grant { role, grantee } => {
            let mut to = metadata.roles.get(grantee).ok_or_else(|| missing(grantee))?.clone();
            if !metadata.roles.contains_key(role) {
                return Err(missing(role));
            }
            if to.member_of.contains(role) {
                return Err(QueryError::invalid(format!("{grantee} is a member of {role}")));
            }
            if grantee == role || is_member(metadata, role, grantee) {
                return Err(QueryError::invalid(format!("{role} is a member of {grantee}")));
            }
            to.member_of.push(role.clone());
            put(grantee, to)
        }
        RolePlan::Revoke { role, revokee } => {
            let mut from = metadata.roles.get(revokee).ok_or_else(|| missing(revokee))?.clone();
            if !from.member_of.contains(role) {
                return Err(QueryError::invalid(format!("{revokee} is not a member of {role}")));
            }
            from.member_of.retain(|granted| granted != role);
            put(revokee, from)
        }
        RolePlan::List { .. } | RolePlan::NotYet(_) => Vec::new(),
    })
}

/// LIST ROLES and LIST USERS: whoever is logged in sees all of them, as under Cassandra's AllowAllAuthorizer.
pub(crate) fn list(
    of: Option<&str>,
    recursive: bool,
    users: bool,
    metadata: &ClusterMetadata,
) -> Result<RowsReply, QueryError> {
    let is_listed = |name: &str, role: &Role| match of {
        _ if users => role.can_login,
        None => true,
        Some(of) if name == of => true,
        Some(of) if recursive => is_member(metadata, of, name),
        Some(of) => metadata.roles.get(of).is_some_and(|role| role.member_of.iter().any(|granted| granted == name)),
    };
    if let Some(of) = of.filter(|of| !metadata.roles.contains_key(*of)) {
        return Err(QueryError::invalid(format!("<role {of}> doesn't exist")));
    }
    let map = CqlType::Map { key: Arc::new(CqlType::Text), value: Arc::new(CqlType::Text), frozen: false };
    let columns: Vec<(&str, CqlType)> = if users {
        vec![("name", CqlType::Text), ("super", CqlType::Boolean), ("datacenters", CqlType::Text)]
    } else {
        let login = ("login", CqlType::Boolean);
        let (role, options) = (("role", CqlType::Text), ("options", map));
        vec![role, ("super", CqlType::Boolean), login, options, ("datacenters", CqlType::Text)]
    };
    let table = if users { "users" } else { "roles" };
    let column = |(name, ty): (&str, CqlType)| ColumnSpec {
        keyspace: "system_auth".into(),
        table: table.into(),
        name: name.to_owned(),
        ty,
    };
    let (mut rows, mut count) = (Vec::new(), 0);
    let mut sink = EncodedRows::whole(&mut rows, &mut count);
    for (name, role) in metadata.roles.iter().filter(|(name, role)| is_listed(name, role)) {
        // A user is a superuser also through a role that it was granted.
        let superuser = |(other, role): (&String, &Role)| role.is_superuser && is_member(metadata, name, other);
        let is_superuser = role.is_superuser || users && metadata.roles.iter().any(superuser);
        sink.value(Some(name.as_bytes()));
        sink.value(Some(&[u8::from(is_superuser)]));
        if !users {
            sink.value(Some(&[u8::from(role.can_login)]));
            // No options: a map of nothing.
            sink.value(Some(&[0; 4]));
        }
        sink.value(Some(b"ALL"));
        sink.end_row();
    }
    let columns = ReplyColumns::Own(columns.into_iter().map(column).collect());
    Ok(RowsReply { columns, rows, count, paging_state: None, skip_metadata: false, metadata_changed: false })
}

/// A user is a superuser also through a role that it was granted.
pub(crate) fn is_superuser(metadata: &ClusterMetadata, name: &str) -> bool {
    let through =
        |(other, role): (&String, &Role)| role.is_superuser && (other == name || is_member(metadata, name, other));
    metadata.roles.iter().any(through)
}

/// True when `role` was granted `of`, directly or through others.
fn is_member(metadata: &ClusterMetadata, role: &str, of: &str) -> bool {
    let mut seen = vec![role];
    let mut next = 0;
    while let Some(name) = seen.get(next).copied() {
        next += 1;
        for granted in metadata.roles.get(name).into_iter().flat_map(|role| &role.member_of) {
            if granted == of {
                return true;
            }
            if !seen.contains(&granted.as_str()) {
                seen.push(granted);
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_partition_key() {
        for (length, refused) in [
            (0, Some("Role name can't be an empty string")),
            (65_535, None),
            (65_536, Some("Key length of 65536 is longer than maximum of 65535")),
        ] {
            let plan = RolePlan::Create { name: "r".repeat(length), if_not_exists: false, change: Change::default() };
            let found = check_change(&plan, true, &ClusterMetadata::default()).err();
            assert_eq!(found.map(|error| error.to_string()).as_deref(), refused, "{length}");
        }
    }

    #[test]
    fn roles_are_listed_as_cassandra_lists_them() {
        let role = |can_login, is_superuser, member_of: &[&str]| Role {
            salted_hash: None,
            can_login,
            is_superuser,
            member_of: member_of.iter().map(|name| (*name).to_owned()).collect(),
        };
        let mut metadata = ClusterMetadata::default();
        for (name, role) in [
            ("a", role(true, false, &["b"])),
            ("b", role(false, false, &["c"])),
            ("c", role(false, true, &[])),
            ("u", role(true, false, &[])),
        ] {
            Arc::make_mut(&mut metadata.roles).insert(name.to_owned(), role);
        }
        let shown = |of: Option<&str>, recursive, users| {
            let rows = list(of, recursive, users, &metadata).expect("listed");
            let columns = if users { 3 } else { 5 };
            let (mut rest, mut values) = (rows.rows.as_slice(), Vec::new());
            while let Some((length, after)) = rest.split_first_chunk::<4>() {
                let (value, after) = after.split_at(u32::from_be_bytes(*length) as usize);
                values.push(value.escape_ascii().to_string());
                rest = after;
            }
            assert_eq!(values.len(), columns * rows.count as usize);
            values.chunks(columns).map(|row| format!("{}{}", row[0], &row[1][2..])).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(shown(None, true, false), "a00 b00 c01 u00");
        assert_eq!(shown(Some("a"), true, false), "a00 b00 c01");
        assert_eq!(shown(Some("a"), false, false), "a00 b00");
        assert_eq!(shown(None, true, true), "a01 u00", "a is a superuser by what it was granted");
        let refused = list(Some("nope"), true, false, &metadata).expect_err("there is no such role");
        assert_eq!(refused.to_string(), "<role nope> doesn't exist");
    }
}
