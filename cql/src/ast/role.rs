//! Roles, users, identities and permissions.

use super::{CqlTypeName, FunctionName, Literal, Name, QualifiedName};

/// `ALL` or a written list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccessList {
    /// `ALL DATACENTERS`, `ALL CIDRS`
    All,
    /// `{'a', 'b'}`, not empty.
    Only(Vec<String>),
}

/// The WITH of CREATE ROLE and ALTER ROLE. Every option at most once; PASSWORD and HASHED PASSWORD exclude one another.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RoleOptions {
    /// `PASSWORD = '…'`
    pub password: Option<String>,
    /// `HASHED PASSWORD = '…'`
    pub hashed_password: Option<String>,
    /// `SUPERUSER = …`
    pub superuser: Option<bool>,
    /// `LOGIN = …`
    pub login: Option<bool>,
    /// `OPTIONS = {…}`
    pub options: Option<Vec<(Literal, Literal)>>,
    /// `ACCESS TO … DATACENTERS`
    pub datacenters: Option<AccessList>,
    /// `ACCESS FROM … CIDRS`
    pub cidrs: Option<AccessList>,
}

/// `CREATE ROLE`
#[derive(Debug, Clone, PartialEq)]
pub struct CreateRole {
    /// The role.
    pub name: Name,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// `WITH`
    pub options: RoleOptions,
}

/// `ALTER ROLE`
#[derive(Debug, Clone, PartialEq)]
pub struct AlterRole {
    /// The role.
    pub name: Name,
    /// `IF EXISTS`
    pub if_exists: bool,
    /// `WITH`
    pub options: RoleOptions,
}

/// `DROP ROLE`, `DROP USER`
#[derive(Debug, Clone, PartialEq)]
pub struct DropRole {
    /// The role. The name of a user keeps its case even without quotes.
    pub name: Name,
    /// `IF EXISTS`
    pub if_exists: bool,
}

/// The password of CREATE USER and ALTER USER.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserPassword {
    /// `WITH PASSWORD '…'`
    Plain(String),
    /// `WITH HASHED PASSWORD '…'`
    Hashed(String),
}

/// `CREATE USER`: a role that may log in.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateUser {
    /// The user. It keeps its case even without quotes.
    pub name: Name,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// `WITH PASSWORD`
    pub password: Option<UserPassword>,
    /// `SUPERUSER`; false for `NOSUPERUSER` and for nothing.
    pub superuser: bool,
}

/// `ALTER USER`
#[derive(Debug, Clone, PartialEq)]
pub struct AlterUser {
    /// The user. It keeps its case even without quotes.
    pub name: Name,
    /// `IF EXISTS`
    pub if_exists: bool,
    /// `WITH PASSWORD`
    pub password: Option<UserPassword>,
    /// `SUPERUSER` or `NOSUPERUSER`
    pub superuser: Option<bool>,
}

/// `GRANT role TO grantee`
#[derive(Debug, Clone, PartialEq)]
pub struct GrantRole {
    /// The role given.
    pub role: Name,
    /// Who gets it.
    pub grantee: Name,
}

/// `REVOKE role FROM revokee`
#[derive(Debug, Clone, PartialEq)]
pub struct RevokeRole {
    /// The role taken.
    pub role: Name,
    /// Who loses it.
    pub revokee: Name,
}

/// `LIST ROLES`
#[derive(Debug, Clone, PartialEq)]
pub struct ListRoles {
    /// `OF role`
    pub of: Option<Name>,
    /// False with `NORECURSIVE`.
    pub recursive: bool,
}

/// A permission, in Cassandra's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each variant is the permission of that name")]
pub enum Permission {
    Create,
    Alter,
    Drop,
    Select,
    Modify,
    Authorize,
    Describe,
    Execute,
    Unmask,
    SelectMasked,
}

impl Permission {
    /// Every permission.
    pub const ALL: [Permission; 10] = [
        Permission::Create,
        Permission::Alter,
        Permission::Drop,
        Permission::Select,
        Permission::Modify,
        Permission::Authorize,
        Permission::Describe,
        Permission::Execute,
        Permission::Unmask,
        Permission::SelectMasked,
    ];

    /// The permission as CQL and `system_auth` write it.
    pub fn name(self) -> &'static str {
        match self {
            Permission::Create => "CREATE",
            Permission::Alter => "ALTER",
            Permission::Drop => "DROP",
            Permission::Select => "SELECT",
            Permission::Modify => "MODIFY",
            Permission::Authorize => "AUTHORIZE",
            Permission::Describe => "DESCRIBE",
            Permission::Execute => "EXECUTE",
            Permission::Unmask => "UNMASK",
            Permission::SelectMasked => "SELECT_MASKED",
        }
    }
}

/// Which permissions a statement is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PermissionSet {
    /// `ALL [PERMISSIONS]`
    All,
    /// A written list, sorted, none twice, not empty.
    Only(Vec<Permission>),
}

/// What a permission is on.
#[derive(Debug, Clone, PartialEq)]
pub enum Resource {
    /// `ALL KEYSPACES`
    AllKeyspaces,
    /// `KEYSPACE k`
    Keyspace(Name),
    /// `ALL TABLES IN KEYSPACE k`
    AllTables(Name),
    /// `[TABLE] t`
    Table(QualifiedName),
    /// `ALL ROLES`
    AllRoles,
    /// `ROLE r`
    Role(Name),
    /// `ALL FUNCTIONS`
    AllFunctions,
    /// `ALL FUNCTIONS IN KEYSPACE k`
    FunctionsIn(Name),
    /// `FUNCTION f(types)`
    Function {
        /// The function.
        name: FunctionName,
        /// Its argument types.
        argument_types: Vec<CqlTypeName>,
    },
    /// `ALL MBEANS`
    AllMbeans,
    /// `MBEAN 'name'`
    Mbean(String),
    /// `MBEANS 'pattern'`
    Mbeans(String),
}

/// `GRANT permissions ON resource TO grantee`
#[derive(Debug, Clone, PartialEq)]
pub struct GrantPermissions {
    /// Which.
    pub permissions: PermissionSet,
    /// On what.
    pub resource: Resource,
    /// Who gets them.
    pub grantee: Name,
}

/// `REVOKE permissions ON resource FROM revokee`
#[derive(Debug, Clone, PartialEq)]
pub struct RevokePermissions {
    /// Which.
    pub permissions: PermissionSet,
    /// On what.
    pub resource: Resource,
    /// Who loses them.
    pub revokee: Name,
}

/// `LIST permissions`
#[derive(Debug, Clone, PartialEq)]
pub struct ListPermissions {
    /// Which.
    pub permissions: PermissionSet,
    /// `ON resource`
    pub resource: Option<Resource>,
    /// `OF role`
    pub of: Option<Name>,
    /// False with `NORECURSIVE`.
    pub recursive: bool,
}

/// `ADD IDENTITY 'identity' TO ROLE 'role'`
#[derive(Debug, Clone, PartialEq)]
pub struct AddIdentity {
    /// The identity of a certificate.
    pub identity: String,
    /// The role it becomes.
    pub role: String,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
}

/// `DROP IDENTITY 'identity'`
#[derive(Debug, Clone, PartialEq)]
pub struct DropIdentity {
    /// The identity.
    pub identity: String,
    /// `IF EXISTS`
    pub if_exists: bool,
}

impl Resource {
    /// The permissions that can be granted on it.
    pub fn applicable_permissions(&self) -> &'static [Permission] {
        use Permission::{Alter, Authorize, Create, Describe, Drop, Execute, Modify, Select, SelectMasked, Unmask};
        match self {
            Resource::AllKeyspaces | Resource::Keyspace(_) | Resource::AllTables(_) => {
                &[Create, Alter, Drop, Select, Modify, Authorize, Unmask, SelectMasked]
            }
            Resource::Table(_) => &[Alter, Drop, Select, Modify, Authorize, Unmask, SelectMasked],
            Resource::AllRoles => &[Create, Alter, Drop, Authorize, Describe],
            Resource::Role(_) => &[Alter, Drop, Authorize, Describe],
            Resource::AllFunctions | Resource::FunctionsIn(_) => &[Create, Alter, Drop, Authorize, Execute],
            Resource::Function { .. } => &[Alter, Drop, Authorize, Execute],
            Resource::AllMbeans | Resource::Mbean(_) | Resource::Mbeans(_) => {
                &[Select, Modify, Authorize, Describe, Execute]
            }
        }
    }

    /// The name of Cassandra's class for this kind of resource, as its errors give it.
    pub fn class_name(&self) -> &'static str {
        match self {
            Resource::AllKeyspaces | Resource::Keyspace(_) | Resource::AllTables(_) | Resource::Table(_) => {
                "DataResource"
            }
            Resource::AllRoles | Resource::Role(_) => "RoleResource",
            Resource::AllFunctions | Resource::FunctionsIn(_) | Resource::Function { .. } => "FunctionResource",
            Resource::AllMbeans | Resource::Mbean(_) | Resource::Mbeans(_) => "JMXResource",
        }
    }
}
