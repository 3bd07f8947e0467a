//! Selectors before they are checked: the terms some of them are, the types they have, and selectors as arguments of functions still to
//! be found.

use std::cell::OnceCell;

use helenus_cql::ast::{self, FunctionName, Term as RawTerm, WriteTimeKind};
use helenus_model::schema::Table;
use helenus_model::types::CqlType;

use super::aggregate::AggregateKind;
use super::name::name_with;
use super::selection::{find_column, time_type};
use super::times::result_type;
use crate::error::QueryError;
use crate::function::{self, Argument};
use crate::spec::ColumnSpec;
use crate::term::{Assignability, Preparer, native_type, qualified_type_text, resolve_type, type_assignability};

/// The selector as a term, when it has no column in it.
pub(super) fn as_term(raw: &ast::Selector) -> Option<RawTerm> {
    let all = |parts: &[ast::Selector]| parts.iter().map(as_term).collect::<Option<Vec<_>>>();
    Some(match raw {
        ast::Selector::Literal(literal) => RawTerm::Literal(literal.clone()),
        ast::Selector::Null => RawTerm::Null,
        ast::Selector::Marker(marker) => RawTerm::Marker(marker.clone()),
        ast::Selector::List(parts) => RawTerm::List(all(parts)?),
        ast::Selector::Set(parts) => RawTerm::Set(all(parts)?),
        ast::Selector::Tuple(parts) => RawTerm::Tuple(all(parts)?),
        ast::Selector::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| Some((as_term(key)?, as_term(value)?)));
            RawTerm::Map(entries.collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

/// A selector as messages about arguments show it: user-defined types with their keyspace.
pub(super) fn argument_text(raw: &ast::Selector, keyspace: &str) -> String {
    name_with(raw, &|raw| match raw {
        ast::Selector::TypeHint { type_name, inner } => {
            Some(format!("({}){}", qualified_type_text(type_name, keyspace), argument_text(inner, keyspace)))
        }
        _ => None,
    })
}

/// What stands in parentheses around one selector, in any number of them.
pub(super) fn without_all_parentheses(raw: &ast::Selector) -> &ast::Selector {
    match raw {
        ast::Selector::Tuple(parts) if parts.len() == 1 => parts.first().map_or(raw, without_all_parentheses),
        _ => raw,
    }
}

/// Where no user-defined type is wanted the names in braces are columns, which have to be there.
fn check_columns(raw: &ast::Selector, ty: &CqlType, table: &Table) -> Result<(), QueryError> {
    let each = |parts: &[ast::Selector], ty: &CqlType| parts.iter().try_for_each(|part| check_columns(part, ty, table));
    match (raw, ty) {
        (ast::Selector::Tuple(parts), CqlType::Tuple(types)) => {
            parts.iter().zip(types.iter()).try_for_each(|(part, ty)| check_columns(part, ty, table))
        }
        (ast::Selector::Tuple(parts), _) if parts.len() == 1 => each(parts, ty),
        (ast::Selector::List(parts), CqlType::List { element, .. } | CqlType::Vector { element, .. })
        | (ast::Selector::Set(parts), CqlType::Set { element, .. }) => each(parts, element),
        (ast::Selector::Map(_), CqlType::Udt { .. }) => Ok(()),
        (ast::Selector::Map(entries), _) => {
            let named = entries.iter().flat_map(|(key, value)| [key, value]);
            named
                .filter_map(|part| match part {
                    ast::Selector::Column(name) => Some(name),
                    _ => None,
                })
                .try_for_each(|name| find_column(table, name.as_str()).map(|_| ()))
        }
        _ => Ok(()),
    }
}

/// `{field: term}` as a value of a user-defined type: so it is read where one is wanted.
pub(super) fn user_type_term(raw: &ast::Selector) -> Option<RawTerm> {
    let entries = match raw {
        ast::Selector::Map(entries) => entries,
        ast::Selector::Tuple(parts) => match parts.as_slice() {
            [only] => return user_type_term(only),
            _ => return None,
        },
        _ => return None,
    };
    let fields = entries.iter().map(|(key, value)| match key {
        ast::Selector::Column(name) => Some((name.clone(), as_term(value)?)),
        _ => None,
    });
    Some(RawTerm::UserType(fields.collect::<Option<_>>()?))
}

/// The type a selector has by itself.
pub(super) fn selector_type(preparer: &Preparer<'_>, table: &Table, raw: &ast::Selector) -> Option<CqlType> {
    let spec = ColumnSpec::named(table, "[selection]", CqlType::Blob);
    let of = |raw: &ast::Selector| selector_type(preparer, table, raw);
    match raw {
        ast::Selector::Column(name) => Some(table.visible_column(name.as_str())?.ty.clone()),
        ast::Selector::CountRows => Some(CqlType::Bigint),
        ast::Selector::Function { name, arguments } if function::is_aggregate(name) => {
            let kind = AggregateKind::of_name(name.name.as_str())?;
            match (kind, arguments.as_slice()) {
                (AggregateKind::CountRows, _) => Some(CqlType::Bigint),
                (AggregateKind::Count, [argument]) => match without_all_parentheses(argument) {
                    ast::Selector::Marker(_) => Some(CqlType::Bigint),
                    counted => of(counted).map(|_| CqlType::Bigint),
                },
                (AggregateKind::Sum | AggregateKind::Average, arguments) => {
                    let seen = SelectorArgument::all(preparer, table, arguments);
                    let seen: Vec<&dyn Argument> = seen.iter().map(|argument| argument as &dyn Argument).collect();
                    function::number_aggregate(name, &seen, &spec).ok()
                }
                (kind, [argument]) => kind.result_type(&of(argument)?),
                _ => None,
            }
        }
        ast::Selector::Function { name, arguments } => call_type(preparer, table, name, arguments),
        ast::Selector::WriteTime { kind, inner } => {
            // Of a part that the column does not have, which is told later, the column's type.
            let ty = of(inner).or_else(|| Some(table.visible_column(base_column(inner)?)?.ty.clone()))?;
            Some(result_type(time_type(*kind), *kind != WriteTimeKind::MaxWriteTime && ty.is_multi_cell()))
        }
        ast::Selector::Cast { target, .. } => Some(native_type(*target)),
        ast::Selector::TypeHint { type_name, .. } => {
            let keyspace = preparer.context().find_keyspace(&table.keyspace);
            resolve_type(type_name, &table.keyspace, keyspace.as_deref()).ok().map(|ty| ty.freeze())
        }
        ast::Selector::Field { inner, field } => match of(inner)? {
            CqlType::Udt { definition, .. } => {
                definition.fields.iter().find(|(name, _)| name == field.as_str()).map(|(_, ty)| ty.clone())
            }
            _ => None,
        },
        ast::Selector::Element { inner, .. } => match of(inner)? {
            CqlType::Map { value, .. } => Some((*value).clone()),
            CqlType::Set { element, .. } => Some((*element).clone()),
            // Its elements cannot be selected, which is told later: to Cassandra they have the type of their places.
            CqlType::List { .. } => Some(CqlType::Timeuuid),
            _ => None,
        },
        ast::Selector::Slice { inner, .. } => of(inner).filter(CqlType::is_collection),
        ast::Selector::Negation(inner) => {
            call_type(preparer, table, &function::native_name("_negate"), std::slice::from_ref(&**inner))
        }
        ast::Selector::Arithmetic { operator, left, right } => {
            let name = function::native_name(function::operation_name(*operator));
            call_type(preparer, table, &name, &[(**left).clone(), (**right).clone()])
        }
        ast::Selector::Tuple(_) | ast::Selector::List(_) | ast::Selector::Set(_) => {
            SelectorArgument::new(preparer, table, raw).own_type().cloned()
        }
        // It may be a value of a user-defined type as well: Cassandra wants to be told.
        ast::Selector::Map(_) => None,
        ast::Selector::Literal(_) | ast::Selector::Null | ast::Selector::Marker(_) => {
            preparer.exact_type(&as_term(raw)?, &spec)
        }
    }
}

/// The column whose part it is.
fn base_column(raw: &ast::Selector) -> Option<&str> {
    match raw {
        ast::Selector::Column(name) => Some(name.as_str()),
        ast::Selector::Field { inner, .. }
        | ast::Selector::Element { inner, .. }
        | ast::Selector::Slice { inner, .. } => base_column(inner),
        _ => None,
    }
}

/// The one of the types that takes values of all of them.
fn type_for_all<'t>(types: impl Iterator<Item = &'t CqlType>) -> Option<CqlType> {
    let types: Vec<&CqlType> = types.collect();
    types.iter().find(|to| types.iter().all(|from| type_assignability(to, from).is_assignable())).copied().cloned()
}

fn call_type(
    preparer: &Preparer<'_>,
    table: &Table,
    name: &FunctionName,
    arguments: &[ast::Selector],
) -> Option<CqlType> {
    let seen = SelectorArgument::all(preparer, table, arguments);
    let seen: Vec<&dyn Argument> = seen.iter().map(|argument| argument as &dyn Argument).collect();
    let spec = ColumnSpec::named(table, "[selection]", CqlType::Blob);
    let function = function::resolve_for_type(name, &seen, &spec, None, preparer.context()).ok()?;
    Some(function.return_type.clone())
}

/// A selector as the argument of a function still to be found.
pub(super) struct SelectorArgument<'a, 'p> {
    pub(super) preparer: &'a Preparer<'p>,
    pub(super) table: &'a Table,
    pub(super) raw: &'a ast::Selector,
    /// Its own type, worked out once: each overload asks for it.
    ty: OnceCell<Option<CqlType>>,
    /// What a literal of a tuple or a collection is made of, for the same reason: calls inside of lists inside of calls would else be
    /// looked at twice as often at each level.
    parts: OnceCell<Vec<Self>>,
}

impl<'a, 'p> SelectorArgument<'a, 'p> {
    pub(super) fn all(preparer: &'a Preparer<'p>, table: &'a Table, arguments: &'a [ast::Selector]) -> Vec<Self> {
        arguments.iter().map(|raw| SelectorArgument::new(preparer, table, raw)).collect()
    }

    pub(super) fn new(preparer: &'a Preparer<'p>, table: &'a Table, raw: &'a ast::Selector) -> Self {
        SelectorArgument { preparer, table, raw, ty: OnceCell::new(), parts: OnceCell::new() }
    }

    /// The parts of a literal of a tuple or a collection; of a map keys and values in turn.
    fn parts(&self) -> &[Self] {
        let part = |raw: &'a ast::Selector| SelectorArgument::new(self.preparer, self.table, raw);
        self.parts.get_or_init(|| match self.raw {
            ast::Selector::Tuple(parts) | ast::Selector::List(parts) | ast::Selector::Set(parts) => {
                parts.iter().map(part).collect()
            }
            ast::Selector::Map(entries) => entries.iter().flat_map(|(key, value)| [part(key), part(value)]).collect(),
            _ => Vec::new(),
        })
    }

    /// Its type, if that does not depend on where it stands.
    fn own_type(&self) -> Option<&CqlType> {
        let types = || self.parts().iter().map(Self::own_type);
        let find = || match self.raw {
            // Parentheses or a tuple of one: Cassandra wants to be told.
            ast::Selector::Tuple(parts) if parts.len() == 1 => None,
            ast::Selector::Tuple(_) => {
                Some(CqlType::tuple(types().map(Option::<&_>::cloned).collect::<Option<Vec<_>>>()?))
            }
            ast::Selector::List(_) => Some(CqlType::list(type_for_all(types().flatten())?, true)),
            ast::Selector::Set(_) => Some(CqlType::set(type_for_all(types().flatten())?, true)),
            raw => selector_type(self.preparer, self.table, raw),
        };
        self.ty.get_or_init(find).as_ref()
    }

    /// Whether it may stand at `spec`; in the selection clause what cannot even be tried is only what may not.
    pub(super) fn fit(&self, spec: &ColumnSpec) -> Assignability {
        // Parentheses around one selector only group it where no tuple is wanted.
        if let (ast::Selector::Tuple(_), [only]) = (self.raw, self.parts())
            && !matches!(spec.ty, CqlType::Tuple(_))
        {
            return only.fit(spec);
        }
        if let (CqlType::Udt { .. }, Some(term)) = (&spec.ty, user_type_term(self.raw)) {
            return self.preparer.assignability(&term, spec).unwrap_or(Assignability::No);
        }
        if let Some(term) = as_term(self.raw) {
            return self.preparer.assignability(&term, spec).unwrap_or(Assignability::No);
        }
        let parts = self.parts();
        // Nothing says that what has no parts is of exactly the type.
        let whole = if parts.is_empty() { Assignability::Weak } else { Assignability::Exact };
        let at = |part: &Self, ty: &CqlType| part.fit(&ColumnSpec { ty: ty.clone(), ..spec.clone() });
        let same = |ty: &CqlType| parts.iter().fold(whole, |answer, part| answer.and(at(part, ty)));
        match (self.raw, &spec.ty) {
            (ast::Selector::List(_), CqlType::List { element, .. }) => same(element),
            (ast::Selector::List(_), CqlType::Vector { element, dimension }) if parts.len() == *dimension as usize => {
                same(element)
            }
            (ast::Selector::Set(_), CqlType::Set { element, .. }) => same(element),
            (ast::Selector::Map(_), CqlType::Map { key, value, .. }) => parts
                .iter()
                .zip([key, value].into_iter().cycle())
                .fold(whole, |answer, (part, ty)| answer.and(at(part, ty))),
            (ast::Selector::Map(entries), CqlType::Udt { definition, .. }) => {
                // The last value that is given for a field counts.
                let named = |field: &str| {
                    let is_named =
                        |key: &ast::Selector| matches!(key, ast::Selector::Column(name) if name.text == field);
                    parts.get(entries.iter().rposition(|(key, _)| is_named(key))? * 2 + 1)
                };
                let fields = definition.fields.iter().filter_map(|(field, ty)| Some((named(field)?, ty)));
                let is_field = |(key, _): &(ast::Selector, ast::Selector)| matches!(key, ast::Selector::Column(_));
                let whole = if entries.iter().all(is_field) { Assignability::Weak } else { Assignability::No };
                fields.fold(whole, |answer, (part, ty)| answer.and(at(part, ty)))
            }
            (ast::Selector::Tuple(_), CqlType::Tuple(types)) if parts.len() <= types.len() => {
                parts.iter().zip(types.iter()).fold(Assignability::Weak, |answer, (part, ty)| answer.and(at(part, ty)))
            }
            (ast::Selector::List(_) | ast::Selector::Set(_) | ast::Selector::Tuple(_), _) => Assignability::No,
            _ => match self.own_type() {
                Some(ty) => type_assignability(&spec.ty, ty),
                None => Assignability::No,
            },
        }
    }
}

impl Argument for SelectorArgument<'_, '_> {
    fn assignability(&self, spec: &ColumnSpec) -> Result<Assignability, QueryError> {
        check_columns(self.raw, &spec.ty, self.table)?;
        Ok(self.fit(spec))
    }

    fn exact_type(&self, _receiver: &ColumnSpec) -> Option<CqlType> {
        self.own_type().cloned()
    }

    fn text(&self) -> String {
        argument_text(self.raw, &self.table.keyspace)
    }

    fn is_marker(&self) -> bool {
        matches!(self.raw, ast::Selector::Marker(_))
    }

    fn is_hint(&self) -> bool {
        matches!(self.raw, ast::Selector::TypeHint { .. })
    }

    fn list_length(&self) -> Option<usize> {
        if let ast::Selector::List(parts) = self.raw { Some(parts.len()) } else { None }
    }
}
