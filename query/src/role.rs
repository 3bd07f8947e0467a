//! CREATE, ALTER and DROP of roles and users, GRANT, REVOKE and LIST, as plans: who may do it, and what is stored, is decided where
//! the roles are kept.

pub use helenus_cql::ast::AccessList;
use helenus_cql::ast::{self, Resource, RoleOptions, UserPassword};

use crate::error::QueryError;

/// How a password comes.
#[derive(Clone, PartialEq, Eq)]
pub enum Password {
    /// As it is: to be hashed before it is kept.
    Plain(String),
    /// As a bcrypt hash.
    Hashed(String),
}

impl std::fmt::Debug for Password {
    /// Passwords never reach a log.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Password(…)")
    }
}

/// What a statement says of a role; None where it says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleChange {
    /// PASSWORD or HASHED PASSWORD
    pub password: Option<Password>,
    /// SUPERUSER
    pub superuser: Option<bool>,
    /// LOGIN
    pub login: Option<bool>,
    /// Whether it has OPTIONS, which no role manager of ours takes.
    pub has_options: bool,
    /// ACCESS TO DATACENTERS
    pub datacenters: Option<AccessList>,
    /// ACCESS FROM CIDRS
    pub cidrs: Option<AccessList>,
}

/// A statement about roles.
#[derive(Clone, Debug, PartialEq)]
pub enum RolePlan {
    /// CREATE ROLE, CREATE USER
    Create {
        /// The role.
        name: String,
        /// IF NOT EXISTS
        if_not_exists: bool,
        /// What it is given.
        change: RoleChange,
    },
    /// ALTER ROLE, ALTER USER
    Alter {
        /// The role.
        name: String,
        /// IF EXISTS
        if_exists: bool,
        /// What changes.
        change: RoleChange,
    },
    /// DROP ROLE, DROP USER
    Drop {
        /// The role.
        name: String,
        /// IF EXISTS
        if_exists: bool,
        /// DROP USER: only roles that may log in.
        is_user: bool,
    },
    /// LIST ROLES, LIST USERS
    List {
        /// OF role
        of: Option<String>,
        /// With the roles granted to it.
        recursive: bool,
        /// LIST USERS: only roles that may log in, in the columns `name`, `super`, `datacenters`.
        users: bool,
    },
    /// GRANT role TO role
    Grant {
        /// The role given.
        role: String,
        /// Who gets it.
        grantee: String,
    },
    /// Something that is not supported yet, for whoever is logged in.
    NotYet(&'static str),
    /// REVOKE role FROM role
    Revoke {
        /// The role taken.
        role: String,
        /// Who loses it.
        revokee: String,
    },
}

impl RolePlan {
    /// The plan of a statement about roles; None for any other statement.
    ///
    /// # Errors
    /// An ALTER that changes nothing.
    pub fn of(statement: &ast::Statement) -> Result<Option<RolePlan>, QueryError> {
        Ok(Some(match statement {
            ast::Statement::CreateRole(create) => RolePlan::Create {
                name: create.name.text.clone(),
                if_not_exists: create.if_not_exists,
                change: change(&create.options),
            },
            ast::Statement::AlterRole(alter) => {
                let change = change(&alter.options);
                if change == RoleChange::default() {
                    return Err(QueryError::invalid("ALTER [ROLE|USER] can't be empty"));
                }
                RolePlan::Alter { name: alter.name.text.clone(), if_exists: alter.if_exists, change }
            }
            ast::Statement::DropRole(drop) => {
                RolePlan::Drop { name: drop.name.text.clone(), if_exists: drop.if_exists, is_user: false }
            }
            ast::Statement::CreateUser(create) => RolePlan::Create {
                name: create.name.text.clone(),
                if_not_exists: create.if_not_exists,
                change: RoleChange {
                    password: create.password.as_ref().map(password),
                    superuser: Some(create.superuser),
                    login: Some(true),
                    ..RoleChange::default()
                },
            },
            ast::Statement::AlterUser(alter) => {
                let change = RoleChange {
                    password: alter.password.as_ref().map(password),
                    superuser: alter.superuser,
                    ..RoleChange::default()
                };
                if change == RoleChange::default() {
                    return Err(QueryError::invalid("ALTER [ROLE|USER] can't be empty"));
                }
                RolePlan::Alter { name: alter.name.text.clone(), if_exists: alter.if_exists, change }
            }
            ast::Statement::DropUser(drop) => {
                RolePlan::Drop { name: drop.name.text.clone(), if_exists: drop.if_exists, is_user: true }
            }
            ast::Statement::ListUsers => RolePlan::List { of: None, recursive: true, users: true },
            ast::Statement::ListRoles(list) => RolePlan::List {
                of: list.of.as_ref().map(|name| name.text.clone()),
                recursive: list.recursive,
                users: false,
            },
            ast::Statement::GrantRole(grant) => {
                RolePlan::Grant { role: grant.role.text.clone(), grantee: grant.grantee.text.clone() }
            }
            ast::Statement::RevokeRole(revoke) => {
                RolePlan::Revoke { role: revoke.role.text.clone(), revokee: revoke.revokee.text.clone() }
            }
            ast::Statement::GrantPermissions(grant) => permissions(Some(&grant.resource))?,
            ast::Statement::RevokePermissions(revoke) => permissions(Some(&revoke.resource))?,
            ast::Statement::ListPermissions(list) => permissions(list.resource.as_ref())?,
            ast::Statement::AddIdentity(_) | ast::Statement::DropIdentity(_) => RolePlan::NotYet("identities"),
            _ => return Ok(None),
        }))
    }
}

/// A function whose keyspace is not said is refused before anybody asks who asks.
fn permissions(resource: Option<&Resource>) -> Result<RolePlan, QueryError> {
    match resource {
        Some(Resource::Function { name, .. }) if name.keyspace.is_none() => {
            Err(QueryError::invalid("In this context function name must be explictly qualified by a keyspace"))
        }
        _ => Ok(RolePlan::NotYet("permissions")),
    }
}

fn password(password: &UserPassword) -> Password {
    match password {
        UserPassword::Plain(text) => Password::Plain(text.clone()),
        UserPassword::Hashed(hash) => Password::Hashed(hash.clone()),
    }
}

fn change(options: &RoleOptions) -> RoleChange {
    let password = match (&options.password, &options.hashed_password) {
        (Some(plain), _) => Some(Password::Plain(plain.clone())),
        (None, Some(hash)) => Some(Password::Hashed(hash.clone())),
        (None, None) => None,
    };
    RoleChange {
        password,
        superuser: options.superuser,
        login: options.login,
        has_options: options.options.is_some(),
        datacenters: options.datacenters.clone(),
        cidrs: options.cidrs.clone(),
    }
}
