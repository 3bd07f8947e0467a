//! Statements: those of a line or two are printed here, the others in the files of their families.

use super::role::{of, on, permissions, role_name, role_options};
use super::schema::{if_exists, if_not_exists, with};
use super::{
    function_name, modify, name, name_no_keyword, qualified_name, role, schema, select, string, user_type_name,
};
use crate::ast::{Describe, DescribeTarget, DropObject, QualifiedName, Statement};

pub(super) fn statement(out: &mut String, tree: &Statement) {
    match tree {
        Statement::Use(keyspace) => {
            out.push_str("USE ");
            name(out, keyspace);
        }
        Statement::Select(tree) => select::select(out, tree),
        Statement::Insert(tree) => modify::insert(out, tree),
        Statement::InsertJson(tree) => modify::insert_json(out, tree),
        Statement::Update(tree) => modify::update(out, tree),
        Statement::Delete(tree) => modify::delete(out, tree),
        Statement::Batch(tree) => modify::batch(out, tree),
        Statement::Truncate(table) => {
            out.push_str("TRUNCATE TABLE ");
            qualified_name(out, table);
        }
        Statement::Describe(tree) => describe(out, tree),
        _ => {
            if !access(out, tree) {
                definition(out, tree);
            }
        }
    }
}

/// Statements about the schema.
fn definition(out: &mut String, tree: &Statement) {
    match tree {
        Statement::CreateKeyspace(tree) => {
            out.push_str("CREATE KEYSPACE");
            if_not_exists(out, tree.if_not_exists);
            out.push(' ');
            name(out, &tree.name);
            with(out, &tree.properties);
        }
        Statement::AlterKeyspace(tree) => {
            out.push_str("ALTER KEYSPACE");
            if_exists(out, tree.if_exists);
            out.push(' ');
            name(out, &tree.name);
            with(out, &tree.properties);
        }
        Statement::DropKeyspace(tree) => drop_object(out, "KEYSPACE", tree, qualified_name),
        Statement::CreateTable(tree) => schema::create_table(out, tree),
        Statement::AlterTable(tree) => schema::alter_table(out, tree),
        Statement::DropTable(tree) => drop_object(out, "TABLE", tree, qualified_name),
        Statement::CreateType(tree) => schema::create_type(out, tree),
        Statement::AlterType(tree) => schema::alter_type(out, tree),
        Statement::DropType(tree) => drop_object(out, "TYPE", tree, user_type_name),
        Statement::CreateIndex(tree) => schema::create_index(out, tree),
        Statement::DropIndex(tree) => drop_object(out, "INDEX", tree, qualified_name),
        Statement::CreateView(tree) => schema::create_view(out, tree),
        Statement::AlterView(tree) => {
            out.push_str("ALTER MATERIALIZED VIEW");
            if_exists(out, tree.if_exists);
            out.push(' ');
            qualified_name(out, &tree.name);
            with(out, &tree.properties);
        }
        Statement::DropView(tree) => drop_object(out, "MATERIALIZED VIEW", tree, qualified_name),
        Statement::CreateFunction(tree) => schema::create_function(out, tree),
        Statement::DropFunction(tree) => schema::drop_function(out, "FUNCTION", tree),
        Statement::CreateAggregate(tree) => schema::create_aggregate(out, tree),
        Statement::DropAggregate(tree) => schema::drop_function(out, "AGGREGATE", tree),
        Statement::CreateTrigger(tree) => {
            out.push_str("CREATE TRIGGER");
            if_not_exists(out, tree.if_not_exists);
            out.push(' ');
            name(out, &tree.name);
            out.push_str(" ON ");
            qualified_name(out, &tree.table);
            out.push_str(" USING ");
            string(out, &tree.class);
        }
        Statement::DropTrigger(tree) => {
            out.push_str("DROP TRIGGER");
            if_exists(out, tree.if_exists);
            out.push(' ');
            name(out, &tree.name);
            out.push_str(" ON ");
            qualified_name(out, &tree.table);
        }
        // the other kinds are printed by `statement` and by `access`
        _ => {}
    }
}

fn drop_object(out: &mut String, what: &str, tree: &DropObject, print: impl Fn(&mut String, &QualifiedName)) {
    out.push_str("DROP ");
    out.push_str(what);
    if_exists(out, tree.if_exists);
    out.push(' ');
    print(out, &tree.name);
}

/// Statements about roles, users, permissions and identities; false if it is none of them.
fn access(out: &mut String, tree: &Statement) -> bool {
    match tree {
        Statement::CreateRole(tree) => {
            out.push_str("CREATE ROLE");
            if_not_exists(out, tree.if_not_exists);
            out.push(' ');
            role_name(out, &tree.name);
            role_options(out, &tree.options);
        }
        Statement::AlterRole(tree) => {
            out.push_str("ALTER ROLE");
            if_exists(out, tree.if_exists);
            out.push(' ');
            role_name(out, &tree.name);
            role_options(out, &tree.options);
        }
        Statement::DropRole(tree) => {
            out.push_str("DROP ROLE");
            if_exists(out, tree.if_exists);
            out.push(' ');
            role_name(out, &tree.name);
        }
        Statement::CreateUser(tree) => role::create_user(out, tree),
        Statement::AlterUser(tree) => role::alter_user(out, tree),
        Statement::DropUser(tree) => role::drop_user(out, tree),
        _ => return grant(out, tree),
    }
    true
}

/// Statements about permissions, listings and identities; false if it is none of them.
fn grant(out: &mut String, tree: &Statement) -> bool {
    match tree {
        Statement::ListUsers => out.push_str("LIST USERS"),
        Statement::ListRoles(tree) => {
            out.push_str("LIST ROLES");
            of(out, tree.of.as_ref(), tree.recursive);
        }
        Statement::ListPermissions(tree) => role::list_permissions(out, tree),
        Statement::GrantRole(tree) => {
            out.push_str("GRANT ");
            role_name(out, &tree.role);
            out.push_str(" TO ");
            role_name(out, &tree.grantee);
        }
        Statement::RevokeRole(tree) => {
            out.push_str("REVOKE ");
            role_name(out, &tree.role);
            out.push_str(" FROM ");
            role_name(out, &tree.revokee);
        }
        Statement::GrantPermissions(tree) => {
            out.push_str("GRANT ");
            permissions(out, &tree.permissions);
            on(out, &tree.resource);
            out.push_str(" TO ");
            role_name(out, &tree.grantee);
        }
        Statement::RevokePermissions(tree) => {
            out.push_str("REVOKE ");
            permissions(out, &tree.permissions);
            on(out, &tree.resource);
            out.push_str(" FROM ");
            role_name(out, &tree.revokee);
        }
        Statement::AddIdentity(tree) => {
            out.push_str("ADD IDENTITY");
            if_not_exists(out, tree.if_not_exists);
            out.push(' ');
            string(out, &tree.identity);
            out.push_str(" TO ROLE ");
            string(out, &tree.role);
        }
        Statement::DropIdentity(tree) => {
            out.push_str("DROP IDENTITY");
            if_exists(out, tree.if_exists);
            out.push(' ');
            string(out, &tree.identity);
        }
        _ => return false,
    }
    true
}

fn describe(out: &mut String, tree: &Describe) {
    out.push_str("DESCRIBE ");
    match &tree.target {
        DescribeTarget::Cluster => out.push_str("CLUSTER"),
        DescribeTarget::Schema { full } => out.push_str(if *full { "FULL SCHEMA" } else { "SCHEMA" }),
        DescribeTarget::Keyspaces => out.push_str("KEYSPACES"),
        DescribeTarget::Keyspace { only, name: keyspace } => {
            out.push_str(if *only { "ONLY KEYSPACE" } else { "KEYSPACE" });
            if let Some(keyspace) = keyspace {
                out.push(' ');
                name(out, keyspace);
            }
        }
        DescribeTarget::Tables => out.push_str("TABLES"),
        DescribeTarget::Types => out.push_str("TYPES"),
        DescribeTarget::Functions => out.push_str("FUNCTIONS"),
        DescribeTarget::Aggregates => out.push_str("AGGREGATES"),
        DescribeTarget::Table(table) => {
            out.push_str("TABLE ");
            qualified_name(out, table);
        }
        DescribeTarget::Index(index) => {
            out.push_str("INDEX ");
            qualified_name(out, index);
        }
        DescribeTarget::View(view) => {
            out.push_str("MATERIALIZED VIEW ");
            qualified_name(out, view);
        }
        DescribeTarget::Type(type_name) => {
            out.push_str("TYPE ");
            user_type_name(out, type_name);
        }
        DescribeTarget::Function(function) => {
            out.push_str("FUNCTION ");
            function_name(out, function);
        }
        DescribeTarget::Aggregate(aggregate) => {
            out.push_str("AGGREGATE ");
            function_name(out, aggregate);
        }
        DescribeTarget::Generic(qualified) => {
            if let Some(keyspace) = &qualified.keyspace {
                name_no_keyword(out, keyspace);
                out.push('.');
            }
            name_no_keyword(out, &qualified.name);
        }
    }
    if tree.with_internals {
        out.push_str(" WITH INTERNALS");
    }
}
