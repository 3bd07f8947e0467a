//! The printer: syntax trees to CQL that parses back to the same tree.
//!
//! One statement, no semicolon, keywords in capitals, a single blank between words. Terms and selectors are printed as Cassandra shows them
//! in the names of result columns.

mod label;
mod modify;
mod relation;
mod role;
mod schema;
mod select;
mod statement;
mod term;

pub use label::{LabelNames, selector_label};

use crate::ast::{
    CqlTypeName, FunctionName, Literal, LiteralKind, Name, QualifiedName, Relation, Selector, Statement, Term,
};
use crate::lexer::{KeywordClass, lookup};

/// A statement as CQL.
pub fn statement_text(tree: &Statement) -> String {
    let mut out = String::new();
    statement::statement(&mut out, tree);
    out
}

/// A term as CQL.
pub fn term_text(tree: &Term) -> String {
    let mut out = String::new();
    term::term(&mut out, tree);
    out
}

/// The relations of a WHERE as CQL, without the word itself.
pub fn relations_text(trees: &[Relation]) -> String {
    let mut out = String::new();
    relation::relations(&mut out, trees);
    out
}

/// A selector as CQL.
pub fn selector_text(tree: &Selector) -> String {
    let mut out = String::new();
    select::selector(&mut out, tree);
    out
}

/// A constant as CQL.
pub fn literal_text(tree: &Literal) -> String {
    let mut out = String::new();
    literal(&mut out, tree);
    out
}

/// A type as CQL.
pub fn type_name_text(tree: &CqlTypeName) -> String {
    let mut out = String::new();
    type_name(&mut out, tree);
    out
}

/// A name as CQL reads it back: bare if it is lower case letters, digits and underscores, starts with a letter and is not reserved, else in
/// double quotes.
///
/// `true` and `false` are quoted too, which Cassandra forgets: bare they are constants.
pub fn maybe_quote(name: &str) -> String {
    let mut out = String::new();
    quoted_if(&mut out, name, needs_quotes(name));
    out
}

/// A string as a CQL constant.
pub fn string_text(text: &str) -> String {
    let mut out = String::new();
    string(&mut out, text);
    out
}

fn needs_quotes(name: &str) -> bool {
    let bare = name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    !bare || has_class(name, &[KeywordClass::Reserved]) || matches!(name, "true" | "false")
}

fn has_class(name: &str, classes: &[KeywordClass]) -> bool {
    lookup(name.as_bytes()).is_some_and(|keyword| classes.contains(&keyword.class()))
}

fn quoted_if(out: &mut String, name: &str, quotes: bool) {
    if !quotes {
        out.push_str(name);
        return;
    }
    out.push('"');
    for character in name.chars() {
        if character == '"' {
            out.push('"');
        }
        out.push(character);
    }
    out.push('"');
}

fn name(out: &mut String, name: &Name) {
    quoted_if(out, &name.text, needs_quotes(&name.text));
}

/// A name where any keyword would be taken as one.
fn name_no_keyword(out: &mut String, name: &Name) {
    let quotes = needs_quotes(&name.text) || lookup(name.text.as_bytes()).is_some();
    quoted_if(out, &name.text, quotes);
}

fn names(out: &mut String, list: &[Name]) {
    separated(out, list, name);
}

fn qualified_name(out: &mut String, qualified: &QualifiedName) {
    if let Some(keyspace) = &qualified.keyspace {
        name(out, keyspace);
        out.push('.');
    }
    name(out, &qualified.name);
}

fn function_name(out: &mut String, function: &FunctionName) {
    if let Some(keyspace) = &function.keyspace {
        name(out, keyspace);
        out.push('.');
    }
    unqualified_function_name(out, &function.name);
}

/// Not every word that is a name is one of a function, and `expr(` is a token of its own.
fn unqualified_function_name(out: &mut String, function: &Name) {
    let text = &function.text;
    let quotes =
        needs_quotes(text) || text == "expr" || text != "count" && has_class(text, &[KeywordClass::NotFunction]);
    quoted_if(out, text, quotes);
}

/// Not every word that is a name is one of a user-defined type.
fn user_type_name(out: &mut String, qualified: &QualifiedName) {
    const REFUSED: [&str; 5] = ["byte", "complex", "enum", "macaddr", "bitstring"];
    if let Some(keyspace) = &qualified.keyspace {
        name(out, keyspace);
        out.push('.');
    }
    let text = &qualified.name.text;
    let quotes = needs_quotes(text)
        || text == "interval"
        || REFUSED.contains(&text.as_str())
        || has_class(text, &[KeywordClass::Native, KeywordClass::NotFunction]);
    quoted_if(out, text, quotes);
}

fn type_name(out: &mut String, tree: &CqlTypeName) {
    let (word, inner): (&str, &[&CqlTypeName]) = match tree {
        CqlTypeName::Native(native) => return out.push_str(native.name()),
        CqlTypeName::Custom(class) => return string(out, class),
        CqlTypeName::UserType(name) => return user_type_name(out, name),
        CqlTypeName::Vector(element, dimension) => {
            out.push_str("vector<");
            type_name(out, element);
            out.push_str(&format!(", {dimension}>"));
            return;
        }
        CqlTypeName::Tuple(elements) => {
            out.push_str("tuple<");
            separated(out, elements, type_name);
            out.push('>');
            return;
        }
        CqlTypeName::Frozen(inner) => ("frozen", &[inner]),
        CqlTypeName::List(element) => ("list", &[element]),
        CqlTypeName::Set(element) => ("set", &[element]),
        CqlTypeName::Map(key, value) => ("map", &[key, value]),
    };
    out.push_str(word);
    out.push('<');
    separated(out, inner, |out, inner| type_name(out, inner));
    out.push('>');
}

fn literal(out: &mut String, tree: &Literal) {
    match tree.kind {
        LiteralKind::String => string(out, &tree.text),
        _ => out.push_str(&tree.text),
    }
}

fn string(out: &mut String, text: &str) {
    out.push('\'');
    for character in text.chars() {
        if character == '\'' {
            out.push('\'');
        }
        out.push(character);
    }
    out.push('\'');
}

/// The items with `, ` between them.
fn separated<T>(out: &mut String, items: &[T], print: impl Fn(&mut String, &T)) {
    joined(out, items, ", ", print);
}

fn joined<T>(out: &mut String, items: &[T], separator: &str, print: impl Fn(&mut String, &T)) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(separator);
        }
        print(out, item);
    }
}

/// A sign and what it stands before, apart where the lexer would make one token of them.
fn negated(out: &mut String, inner: &str) {
    let joins =
        inner.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '-' | 'n' | 'N' | 'i' | 'I' | 'P'));
    out.push_str(if joins { "- " } else { "-" });
    out.push_str(inner);
}

#[cfg(test)]
mod tests;
