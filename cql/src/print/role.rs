//! Roles, users, identities and permissions.

use super::schema::{if_exists, if_not_exists, literal_map};
use super::{function_name, name, qualified_name, separated, string, type_name};
use crate::ast::{
    AccessList, AlterUser, CreateUser, DropRole, ListPermissions, Name, PermissionSet, Resource, RoleOptions,
    UserPassword,
};

/// ` WITH …` of a role, or nothing.
pub(super) fn role_options(out: &mut String, tree: &RoleOptions) {
    let mut options: Vec<String> = Vec::new();
    let text = |text: &str| super::string_text(text);
    if let Some(password) = &tree.password {
        options.push(format!("PASSWORD = {}", text(password)));
    }
    if let Some(password) = &tree.hashed_password {
        options.push(format!("HASHED PASSWORD = {}", text(password)));
    }
    if let Some(superuser) = tree.superuser {
        options.push(format!("SUPERUSER = {superuser}"));
    }
    if let Some(login) = tree.login {
        options.push(format!("LOGIN = {login}"));
    }
    if let Some(map) = &tree.options {
        let mut option = "OPTIONS = ".to_owned();
        literal_map(&mut option, map);
        options.push(option);
    }
    if let Some(list) = &tree.datacenters {
        options.push(access("ACCESS TO ", list, "DATACENTERS"));
    }
    if let Some(list) = &tree.cidrs {
        options.push(access("ACCESS FROM ", list, "CIDRS"));
    }
    if !options.is_empty() {
        out.push_str(" WITH ");
        out.push_str(&options.join(" AND "));
    }
}

fn access(before: &str, list: &AccessList, what: &str) -> String {
    match list {
        AccessList::All => format!("{before}ALL {what}"),
        AccessList::Only(members) => {
            let mut option = format!("{before}{what} {{");
            separated(&mut option, members, |out, member| string(out, member));
            option.push('}');
            option
        }
    }
}

pub(super) fn create_user(out: &mut String, tree: &CreateUser) {
    out.push_str("CREATE USER");
    if_not_exists(out, tree.if_not_exists);
    user(out, &tree.name, tree.password.as_ref());
    if tree.superuser {
        out.push_str(" SUPERUSER");
    }
}

pub(super) fn alter_user(out: &mut String, tree: &AlterUser) {
    out.push_str("ALTER USER");
    if_exists(out, tree.if_exists);
    user(out, &tree.name, tree.password.as_ref());
    match tree.superuser {
        Some(true) => out.push_str(" SUPERUSER"),
        Some(false) => out.push_str(" NOSUPERUSER"),
        None => {}
    }
}

pub(super) fn drop_user(out: &mut String, tree: &DropRole) {
    out.push_str("DROP USER");
    if_exists(out, tree.if_exists);
    user(out, &tree.name, None);
}

/// A user's name may not stand in double quotes: it is printed as a string.
fn user(out: &mut String, user: &Name, password: Option<&UserPassword>) {
    out.push(' ');
    string(out, &user.text);
    match password {
        Some(UserPassword::Plain(password)) => {
            out.push_str(" WITH PASSWORD ");
            string(out, password);
        }
        Some(UserPassword::Hashed(password)) => {
            out.push_str(" WITH HASHED PASSWORD ");
            string(out, password);
        }
        None => {}
    }
}

pub(super) fn permissions(out: &mut String, tree: &PermissionSet) {
    match tree {
        PermissionSet::All => out.push_str("ALL PERMISSIONS"),
        PermissionSet::Only(list) => separated(out, list, |out, permission| out.push_str(permission.name())),
    }
}

/// ` ON …`
pub(super) fn on(out: &mut String, tree: &Resource) {
    out.push_str(" ON ");
    match tree {
        Resource::AllKeyspaces => out.push_str("ALL KEYSPACES"),
        Resource::Keyspace(keyspace) => {
            out.push_str("KEYSPACE ");
            name(out, keyspace);
        }
        Resource::AllTables(keyspace) => {
            out.push_str("ALL TABLES IN KEYSPACE ");
            name(out, keyspace);
        }
        Resource::Table(table) => {
            out.push_str("TABLE ");
            qualified_name(out, table);
        }
        Resource::AllRoles => out.push_str("ALL ROLES"),
        Resource::Role(role) => {
            out.push_str("ROLE ");
            role_name(out, role);
        }
        Resource::AllFunctions => out.push_str("ALL FUNCTIONS"),
        Resource::FunctionsIn(keyspace) => {
            out.push_str("ALL FUNCTIONS IN KEYSPACE ");
            name(out, keyspace);
        }
        Resource::Function { name: function, argument_types } => {
            out.push_str("FUNCTION ");
            function_name(out, function);
            out.push('(');
            separated(out, argument_types, type_name);
            out.push(')');
        }
        Resource::AllMbeans => out.push_str("ALL MBEANS"),
        Resource::Mbean(bean) => {
            out.push_str("MBEAN ");
            string(out, bean);
        }
        Resource::Mbeans(pattern) => {
            out.push_str("MBEANS ");
            string(out, pattern);
        }
    }
}

/// The empty name is one only as a string.
pub(super) fn role_name(out: &mut String, role: &Name) {
    if role.text.is_empty() {
        out.push_str("''");
    } else {
        name(out, role);
    }
}

pub(super) fn list_permissions(out: &mut String, tree: &ListPermissions) {
    out.push_str("LIST ");
    permissions(out, &tree.permissions);
    if let Some(resource) = &tree.resource {
        on(out, resource);
    }
    of(out, tree.of.as_ref(), tree.recursive);
}

/// ` OF role NORECURSIVE`, each if there.
pub(super) fn of(out: &mut String, role: Option<&Name>, recursive: bool) {
    if let Some(role) = role {
        out.push_str(" OF ");
        role_name(out, role);
    }
    if !recursive {
        out.push_str(" NORECURSIVE");
    }
}
