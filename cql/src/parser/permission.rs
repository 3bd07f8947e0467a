//! GRANT, REVOKE and LIST.

use super::{Parsed, Parser, object_name};
use crate::ast::{
    GrantPermissions, GrantRole, ListPermissions, Name, Permission, PermissionSet, Resource, RevokePermissions,
    RevokeRole, Statement,
};
use crate::lexer::{Keyword, Kind};

/// The permission a token names.
fn permission(kind: Kind) -> Option<Permission> {
    let Kind::Keyword(keyword) = kind else {
        return None;
    };
    Some(match keyword {
        Keyword::Create => Permission::Create,
        Keyword::Alter => Permission::Alter,
        Keyword::Drop => Permission::Drop,
        Keyword::Select => Permission::Select,
        Keyword::Modify => Permission::Modify,
        Keyword::Authorize => Permission::Authorize,
        Keyword::Describe => Permission::Describe,
        Keyword::Execute => Permission::Execute,
        Keyword::Unmask => Permission::Unmask,
        Keyword::SelectMasked => Permission::SelectMasked,
        _ => return None,
    })
}

impl Parser<'_> {
    /// GRANT, from its keyword.
    pub(super) fn grant(&mut self) -> Parsed<Statement> {
        let permissions = self.about_permissions(Keyword::To)?;
        self.advance();
        if permissions {
            let (permissions, resource, grantee) = self.permissions_on(Keyword::To)?;
            return Ok(Statement::GrantPermissions(Box::new(GrantPermissions { permissions, resource, grantee })));
        }
        let role = self.role_name()?;
        self.expect_keyword(Keyword::To)?;
        Ok(Statement::GrantRole(GrantRole { role, grantee: self.role_name()? }))
    }

    /// REVOKE, from its keyword.
    pub(super) fn revoke(&mut self) -> Parsed<Statement> {
        let permissions = self.about_permissions(Keyword::From)?;
        self.advance();
        if permissions {
            let (permissions, resource, revokee) = self.permissions_on(Keyword::From)?;
            return Ok(Statement::RevokePermissions(Box::new(RevokePermissions { permissions, resource, revokee })));
        }
        let role = self.role_name()?;
        self.expect_keyword(Keyword::From)?;
        Ok(Statement::RevokeRole(RevokeRole { role, revokee: self.role_name()? }))
    }

    /// Whether a GRANT or REVOKE is about permissions, not about a role: some words may be either.
    fn about_permissions(&mut self, before_role: Keyword) -> Parsed<bool> {
        let first = self.kind_ahead(1);
        let second = self.kind_ahead(2);
        if first == Kind::Keyword(Keyword::All) {
            return match second {
                Kind::Keyword(Keyword::Permissions | Keyword::On) => Ok(true),
                Kind::Keyword(keyword) if keyword == before_role => Ok(false),
                _ => Err(self.no_viable_ahead(2)),
            };
        }
        if matches!(first, Kind::Keyword(Keyword::Unmask | Keyword::SelectMasked)) {
            return match second {
                Kind::Keyword(Keyword::Permission | Keyword::On) | Kind::Comma => Ok(true),
                Kind::Keyword(keyword) if keyword == before_role => Ok(false),
                _ => Err(self.no_viable_ahead(2)),
            };
        }
        if permission(first).is_some() {
            return Ok(true);
        }
        self.position += 1;
        let role = self.at_role_name();
        self.position -= 1;
        if role { Ok(false) } else { Err(self.no_viable_ahead(1)) }
    }

    /// `permissions ON resource TO role`, with `before_role` as the word before the role.
    fn permissions_on(&mut self, before_role: Keyword) -> Parsed<(PermissionSet, Resource, Name)> {
        let permissions = self.permission_set()?;
        self.expect_keyword(Keyword::On)?;
        let resource = self.resource()?;
        self.expect_keyword(before_role)?;
        let role = self.role_name()?;
        let applicable = resource.applicable_permissions();
        if let PermissionSet::Only(requested) = &permissions
            && !requested.iter().any(|permission| applicable.contains(permission))
        {
            return Err(self.raised(format!(
                "Resource type {} does not support any of the requested permissions",
                resource.class_name()
            )));
        }
        Ok((permissions, resource, role))
    }

    /// `ALL [PERMISSIONS]` or `SELECT [PERMISSION], …`
    fn permission_set(&mut self) -> Parsed<PermissionSet> {
        if self.eat_keyword(Keyword::All) {
            self.eat_keyword(Keyword::Permissions);
            return Ok(PermissionSet::All);
        }
        let mut permissions = self.comma_separated(|parser| match permission(parser.kind()) {
            Some(permission) => {
                parser.advance();
                parser.eat_keyword(Keyword::Permission);
                Ok(permission)
            }
            None => Err(parser.no_viable()),
        })?;
        permissions.sort_unstable();
        permissions.dedup();
        Ok(PermissionSet::Only(permissions))
    }

    /// LIST, from its keyword.
    pub(super) fn list_statement(&mut self) -> Parsed<Statement> {
        match self.kind_ahead(1) {
            Kind::Keyword(Keyword::Users) => {
                self.advance();
                self.advance();
                Ok(Statement::ListUsers)
            }
            Kind::Keyword(Keyword::Roles) => {
                self.advance();
                self.advance();
                self.list_roles()
            }
            first if first == Kind::Keyword(Keyword::All) || permission(first).is_some() => {
                self.advance();
                let permissions = self.permission_set()?;
                let resource = if self.eat_keyword(Keyword::On) { Some(self.resource()?) } else { None };
                let of = self.optional_of()?;
                let recursive = !self.eat_keyword(Keyword::Norecursive);
                let list = ListPermissions { permissions, resource, of, recursive };
                Ok(Statement::ListPermissions(Box::new(list)))
            }
            _ => Err(self.no_viable_ahead(1)),
        }
    }

    /// What a permission is on.
    fn resource(&mut self) -> Parsed<Resource> {
        let next = self.kind_ahead(1);
        let string_next = matches!(next, Kind::String | Kind::DollarString);
        match self.kind() {
            Kind::Keyword(Keyword::All) => self.all_of_a_kind(next),
            Kind::Keyword(Keyword::Keyspace) => {
                self.advance();
                self.keyspace_name().map(Resource::Keyspace)
            }
            Kind::Keyword(Keyword::Table) => {
                self.advance();
                self.table_name().map(Resource::Table)
            }
            Kind::Keyword(Keyword::Role) if begins_operand(next) || string_next => {
                self.advance();
                self.role_name().map(Resource::Role)
            }
            Kind::Keyword(Keyword::Function) if begins_operand(next) => {
                self.advance();
                let name = self.function_name()?;
                Ok(Resource::Function { name, argument_types: self.argument_types()? })
            }
            Kind::Keyword(Keyword::Mbean) if string_next => {
                self.advance();
                self.object_name(false).map(Resource::Mbean)
            }
            Kind::Keyword(Keyword::Mbeans) if string_next => {
                self.advance();
                self.object_name(true).map(Resource::Mbeans)
            }
            _ => self.table_name().map(Resource::Table),
        }
    }

    /// `ALL KEYSPACES`, `ALL TABLES IN KEYSPACE k`, …; or a table called `all`.
    fn all_of_a_kind(&mut self, next: Kind) -> Parsed<Resource> {
        let resource = match next {
            Kind::Keyword(Keyword::Keyspaces) => Resource::AllKeyspaces,
            Kind::Keyword(Keyword::Roles) => Resource::AllRoles,
            Kind::Keyword(Keyword::Mbeans) => Resource::AllMbeans,
            Kind::Keyword(Keyword::Tables) => {
                self.advance();
                self.advance();
                self.expect_keywords(&[Keyword::In, Keyword::Keyspace])?;
                return self.keyspace_name().map(Resource::AllTables);
            }
            Kind::Keyword(Keyword::Functions) => {
                self.advance();
                self.advance();
                if !self.eat_keyword(Keyword::In) {
                    return Ok(Resource::AllFunctions);
                }
                self.expect_keyword(Keyword::Keyspace)?;
                return self.keyspace_name().map(Resource::FunctionsIn);
            }
            _ => return self.table_name().map(Resource::Table),
        };
        self.advance();
        self.advance();
        Ok(resource)
    }

    /// The name of a management bean, which must be a valid one and, for the plural, a pattern.
    fn object_name(&mut self, must_be_pattern: bool) -> Parsed<String> {
        let name = self.string()?;
        if name.is_empty() {
            return Err(self.raised("Empty JMX object name supplied"));
        }
        if name == "*:*" {
            return Err(self.raised("Please use ALL MBEANS instead of wildcard pattern"));
        }
        let Some(is_pattern) = object_name::is_pattern(&name) else {
            return Err(self.raised(format!("{name} is not a valid JMX object name")));
        };
        if must_be_pattern && !is_pattern {
            return Err(self.raised(format!("Plural form used, but non-pattern JMX object name specified ({name})")));
        }
        Ok(name)
    }
}

/// Whether a token behind ROLE or FUNCTION is its operand, so that the word is not a table's name.
fn begins_operand(kind: Kind) -> bool {
    let part_of_the_statement = matches!(
        kind,
        Kind::Keyword(Keyword::To | Keyword::From | Keyword::Of | Keyword::Norecursive)
            | Kind::Dot
            | Kind::End
            | Kind::Semicolon
    );
    !part_of_the_statement
}
