//! Roles, users and identities.

use super::names::is_name;
use super::{Parsed, Parser};
use crate::ast::{
    AccessList, AddIdentity, AlterRole, AlterUser, CreateRole, CreateUser, DropIdentity, DropRole, ListRoles, Name,
    RoleOptions, Statement, UserPassword,
};
use crate::lexer::{Keyword, Kind};

impl Parser<'_> {
    /// Behind `CREATE ROLE`.
    pub(super) fn create_role(&mut self) -> Parsed<Statement> {
        let if_not_exists = self.if_not_exists()?;
        let name = self.role_name()?;
        let options = self.role_options()?;
        Ok(Statement::CreateRole(Box::new(CreateRole { name, if_not_exists, options })))
    }

    /// Behind `ALTER ROLE`.
    pub(super) fn alter_role(&mut self) -> Parsed<Statement> {
        let if_exists = self.if_exists()?;
        let name = self.role_name()?;
        let options = self.role_options()?;
        Ok(Statement::AlterRole(Box::new(AlterRole { name, if_exists, options })))
    }

    /// Behind `DROP ROLE`.
    pub(super) fn drop_role(&mut self) -> Parsed<Statement> {
        let if_exists = self.if_exists()?;
        Ok(Statement::DropRole(DropRole { name: self.role_name()?, if_exists }))
    }

    /// The WITH of a role, if there is one.
    fn role_options(&mut self) -> Parsed<RoleOptions> {
        let mut options = RoleOptions::default();
        if !self.eat_keyword(Keyword::With) {
            return Ok(options);
        }
        loop {
            self.role_option(&mut options)?;
            if !self.eat_keyword(Keyword::And) {
                break;
            }
        }
        if options.password.is_some() && options.hashed_password.is_some() {
            let message = "Options 'password' and 'hashed password' are mutually exclusive";
            return Err(self.raised(message));
        }
        Ok(options)
    }

    fn role_option(&mut self, options: &mut RoleOptions) -> Parsed<()> {
        let Kind::Keyword(keyword) = self.kind() else {
            return Err(self.no_viable());
        };
        match keyword {
            Keyword::Password => {
                self.advance();
                self.expect(Kind::Equal)?;
                let password = self.string()?;
                self.set_once(&mut options.password, password, "PASSWORD")
            }
            Keyword::Hashed => {
                self.advance();
                self.expect_keyword(Keyword::Password)?;
                self.expect(Kind::Equal)?;
                let password = self.string()?;
                self.set_once(&mut options.hashed_password, password, "HASHED_PASSWORD")
            }
            Keyword::Options => {
                self.advance();
                self.expect(Kind::Equal)?;
                let map = self.literal_map()?;
                self.set_once(&mut options.options, map, "OPTIONS")
            }
            Keyword::Superuser => {
                self.advance();
                let superuser = self.boolean()?;
                self.set_once(&mut options.superuser, superuser, "SUPERUSER")
            }
            Keyword::Login => {
                self.advance();
                let login = self.boolean()?;
                self.set_once(&mut options.login, login, "LOGIN")
            }
            Keyword::Access => self.access(options),
            _ => Err(self.no_viable()),
        }
    }

    fn set_once<T>(&mut self, option: &mut Option<T>, value: T, name: &str) -> Parsed<()> {
        match option.replace(value) {
            Some(_) => Err(self.raised(format!("Multiple definition for property '{name}'"))),
            None => Ok(()),
        }
    }

    /// `= true`, `= false`
    fn boolean(&mut self) -> Parsed<bool> {
        self.expect(Kind::Equal)?;
        let token = self.expect(Kind::Boolean)?;
        Ok(self.raw(token).eq_ignore_ascii_case("true"))
    }

    /// `ACCESS TO … DATACENTERS`, `ACCESS FROM … CIDRS`
    fn access(&mut self, options: &mut RoleOptions) -> Parsed<()> {
        let (keyword, list) = match self.kind_ahead(1) {
            Kind::Keyword(Keyword::To) => (Keyword::Datacenters, &mut options.datacenters),
            Kind::Keyword(Keyword::From) => (Keyword::Cidrs, &mut options.cidrs),
            _ => return Err(self.no_viable_ahead(1)),
        };
        let all = self.keyword_ahead(2, Keyword::All);
        if !all && !self.keyword_ahead(2, keyword) {
            return Err(self.no_viable_ahead(2));
        }
        self.advance();
        self.advance();
        self.advance();
        if all {
            self.expect_keyword(keyword)?;
            if let Some(AccessList::Only(_)) = list.replace(AccessList::All) {
                let what = if keyword == Keyword::Cidrs { "CIDR Groups" } else { "DCs" };
                return Err(self.failed(&format!("IllegalArgumentException {what} have already been set")));
            }
            return Ok(());
        }
        self.expect(Kind::BraceOpen)?;
        let members = self.comma_separated(Self::string)?;
        self.expect(Kind::BraceClose)?;
        if matches!(list, Some(AccessList::All)) {
            return Err(self.failed("IllegalArgumentException All has been set"));
        }
        match list {
            // said twice, the lists add up
            Some(AccessList::Only(before)) => before.extend(members),
            _ => *list = Some(AccessList::Only(members)),
        }
        Ok(())
    }

    /// Behind `LIST ROLES`.
    pub(super) fn list_roles(&mut self) -> Parsed<Statement> {
        let of = self.optional_of()?;
        let recursive = !self.eat_keyword(Keyword::Norecursive);
        Ok(Statement::ListRoles(ListRoles { of, recursive }))
    }

    /// `OF role`, if it stands here.
    pub(super) fn optional_of(&mut self) -> Parsed<Option<Name>> {
        if self.eat_keyword(Keyword::Of) { self.role_name().map(Some) } else { Ok(None) }
    }

    /// Behind `CREATE USER`.
    pub(super) fn create_user(&mut self) -> Parsed<Statement> {
        let if_not_exists = self.if_not_exists()?;
        let name = self.user_name()?;
        let password = self.user_password()?;
        let superuser = self.user_superuser().unwrap_or(false);
        Ok(Statement::CreateUser(Box::new(CreateUser { name, if_not_exists, password, superuser })))
    }

    /// Behind `ALTER USER`.
    pub(super) fn alter_user(&mut self) -> Parsed<Statement> {
        let if_exists = self.if_exists()?;
        let name = self.user_name()?;
        let password = self.user_password()?;
        let superuser = self.user_superuser();
        Ok(Statement::AlterUser(Box::new(AlterUser { name, if_exists, password, superuser })))
    }

    /// Behind `DROP USER`.
    pub(super) fn drop_user(&mut self) -> Parsed<Statement> {
        let if_exists = self.if_exists()?;
        Ok(Statement::DropUser(DropRole { name: self.user_name()?, if_exists }))
    }

    /// The name of a user keeps its case.
    fn user_name(&mut self) -> Parsed<Name> {
        let message = "Quoted strings are are not supported for user names and USER is deprecated, please use ROLE";
        self.word_or_string(message).map(Name::new)
    }

    fn word_or_string(&mut self, quoted: &str) -> Parsed<String> {
        match self.kind() {
            Kind::Identifier | Kind::String | Kind::DollarString => {
                let token = self.advance();
                Ok(self.decoded(token))
            }
            Kind::QuotedName => Err(self.raised(quoted)),
            _ => Err(self.no_viable()),
        }
    }

    fn user_password(&mut self) -> Parsed<Option<UserPassword>> {
        if !self.eat_keyword(Keyword::With) {
            return Ok(None);
        }
        if self.eat_keyword(Keyword::Password) {
            return Ok(Some(UserPassword::Plain(self.string()?)));
        }
        if self.eat_keyword(Keyword::Hashed) {
            self.expect_keyword(Keyword::Password)?;
            return Ok(Some(UserPassword::Hashed(self.string()?)));
        }
        Err(self.no_viable())
    }

    fn user_superuser(&mut self) -> Option<bool> {
        if self.eat_keyword(Keyword::Superuser) {
            return Some(true);
        }
        self.eat_keyword(Keyword::Nosuperuser).then_some(false)
    }

    /// Behind `ADD IDENTITY`.
    pub(super) fn add_identity(&mut self) -> Parsed<Statement> {
        let if_not_exists = self.if_not_exists()?;
        let identity = self.identity()?;
        self.expect_keywords(&[Keyword::To, Keyword::Role])?;
        let role = self.identity()?;
        Ok(Statement::AddIdentity(AddIdentity { identity, role, if_not_exists }))
    }

    /// Behind `DROP IDENTITY`.
    pub(super) fn drop_identity(&mut self) -> Parsed<Statement> {
        let if_exists = self.if_exists()?;
        Ok(Statement::DropIdentity(DropIdentity { identity: self.identity()?, if_exists }))
    }

    fn identity(&mut self) -> Parsed<String> {
        self.word_or_string("Quoted strings are are not supported for identity")
    }

    /// Whether the current token may be a role's name.
    pub(super) fn at_role_name(&mut self) -> bool {
        let kind = self.kind();
        is_name(kind) || matches!(kind, Kind::String | Kind::DollarString | Kind::Question)
    }
}
