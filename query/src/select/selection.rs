//! The selection clause checked against the table: what to compute of each row, and how the result's columns are called.

use std::sync::Arc;

use helenus_cql::ast::{self, FunctionName, SelectClause, Term as RawTerm, WriteTimeKind};
use helenus_model::schema::{Column, ColumnKind, Table};
use helenus_model::types::CqlType;
use helenus_model::value::Comparator;

use super::ResultColumn;
use super::aggregate::{AggregateKind, AggregatePlan};
use super::argument::{
    SelectorArgument, argument_text, as_term, selector_type, user_type_term, without_all_parentheses,
};
use super::assemble::{CellPart, Inputs, Source};
use super::name::{name_with, result_name};
use super::named::named_columns;
use super::qualify::qualified;
use super::selector::Selector;
use super::times::{Collection, Part, TimesSelector, result_type};
use super::wholes::{check_durations, holds_no_value};
use crate::error::QueryError;
use crate::function::{self, Argument, Body, ScalarFunction};
use crate::spec::ColumnSpec;
use crate::term::{Preparer, Term, native_type, qualified_type_text, resolve_type};

/// A value without columns.
#[derive(Clone, Debug)]
pub(super) struct Constant {
    pub(super) term: Term,
    pub(super) place: ConstantPlace,
}

/// Where a constant stands: what that says of null and unset values.
#[derive(Clone, Debug)]
pub(super) enum ConstantPlace {
    /// Unset is null.
    Free,
    /// An argument of the function that is named.
    Argument(Box<str>),
    /// The key of an element of what is named.
    Element(Box<str>),
    /// An end of a slice of what is named; unset is no end.
    Slice(Box<str>),
}

/// The checked selection clause.
#[derive(Debug, Default)]
pub(super) struct Selection {
    pub(super) columns: Vec<ResultColumn>,
    pub(super) selectors: Vec<Selector>,
    /// Values without columns.
    pub(super) constants: Vec<Constant>,
    pub(super) aggregates: Vec<AggregatePlan>,
    pub(super) inputs: Inputs,
    /// Kinds of the columns that are looked at.
    pub(super) kinds: Vec<(ColumnKind, String)>,
    /// A function gives another value at every call.
    pub(super) impure: bool,
}

fn invalid<T>(message: impl Into<String>) -> Result<T, QueryError> {
    Err(QueryError::invalid(message))
}

/// Checks the clause.
///
/// # Errors
/// Unknown columns, wrong types, in Cassandra's words.
pub(super) fn prepare_selection(
    clause: &SelectClause,
    table: &Table,
    preparer: &mut Preparer<'_>,
) -> Result<Selection, QueryError> {
    let mut builder = Builder { table, preparer, selection: Selection::default() };
    match clause {
        SelectClause::All => {
            for column in table.visible_columns() {
                builder.selection.columns.push(ColumnSpec::of_column(table, column));
                let selector = builder.column(column);
                builder.selection.selectors.push(selector);
            }
        }
        SelectClause::Items(items) => {
            for item in qualified(items, table, builder.preparer).iter() {
                if !matches!(item.selector, ast::Selector::Column(_)) {
                    builder.names(&item.selector)?;
                }
                let (selector, ty) = builder.selector(&item.selector, None)?;
                let name = item.alias.as_ref().map_or_else(|| builder.name(&item.selector), |alias| alias.text.clone());
                builder.selection.columns.push(ColumnSpec::named(table, name, ty));
                builder.selection.selectors.push(selector);
            }
        }
    }
    Ok(builder.selection)
}

/// Whether only static columns are selected, and at least one. As Cassandra, this looks at names and functions of the items, in their
/// order, as far as it must: what is wrong with these is told before what is wrong with WHERE.
///
/// # Errors
/// Unknown columns and functions.
pub(super) fn selects_only_statics(
    clause: &SelectClause,
    table: &Table,
    preparer: &mut Preparer<'_>,
) -> Result<bool, QueryError> {
    let SelectClause::Items(items) = clause else { return Ok(false) };
    if !table.has_statics() {
        return Ok(false);
    }
    let items = qualified(items, table, preparer);
    let builder = Builder { table, preparer, selection: Selection::default() };
    let any = |wanted: &dyn Fn(ColumnKind) -> bool| -> Result<bool, QueryError> {
        for item in items.iter() {
            builder.names(&item.selector)?;
            if builder.selects(&item.selector, wanted)? {
                return Ok(true);
            }
        }
        Ok(false)
    };
    Ok(any(&|kind| kind == ColumnKind::Static)?
        && !any(&|kind| !matches!(kind, ColumnKind::Static | ColumnKind::PartitionKey))?)
}

/// The pairs that stand in braces, which may be a map or a user-defined type.
fn pairs(selector: &ast::Selector) -> Option<&[(ast::Selector, ast::Selector)]> {
    match selector {
        ast::Selector::Map(entries) => Some(entries),
        ast::Selector::TypeHint { inner, .. } => pairs(inner),
        _ => None,
    }
}

/// The function that a call in a selection means.
pub(super) fn resolve_call(
    name: &FunctionName,
    arguments: &[ast::Selector],
    table: &Table,
    preparer: &Preparer<'_>,
) -> Result<Arc<ScalarFunction>, QueryError> {
    let seen = SelectorArgument::all(preparer, table, arguments);
    let seen: Vec<&dyn Argument> = seen.iter().map(|argument| argument as &dyn Argument).collect();
    let spec = ColumnSpec::named(table, "[selection]", CqlType::Blob);
    function::resolve_for_type(name, &seen, &spec, None, preparer.context())
}

/// A selector of another clause that shares the selection's inputs and constants: what it is, its type, the columns it looks at.
pub(super) fn prepare_selector(
    raw: &ast::Selector,
    table: &Table,
    selection: &mut Selection,
    preparer: &mut Preparer<'_>,
) -> Result<(Selector, Vec<String>), QueryError> {
    let mut builder = Builder { table, preparer, selection: std::mem::take(selection) };
    let kinds = std::mem::take(&mut builder.selection.kinds);
    let checked = builder.selector(raw, None);
    *selection = builder.selection;
    let looked_at = std::mem::replace(&mut selection.kinds, kinds);
    let mut columns: Vec<String> = Vec::new();
    for (_, name) in looked_at {
        if !columns.contains(&name) {
            columns.push(name);
        }
    }
    Ok((checked?.0, columns))
}

pub(super) struct Builder<'b, 'p> {
    table: &'b Table,
    preparer: &'b mut Preparer<'p>,
    selection: Selection,
}

pub(super) type Typed = Result<(Selector, CqlType), QueryError>;

impl<'b> Builder<'b, '_> {
    fn column(&mut self, column: &Column) -> Selector {
        self.selection.kinds.push((column.kind, column.name.clone()));
        Selector::Input(self.selection.inputs.add(Source::of_column(column)))
    }

    pub(super) fn constant(&mut self, term: Term) -> Selector {
        self.selection.constants.push(Constant { term, place: ConstantPlace::Free });
        Selector::Constant(self.selection.constants.len() - 1)
    }

    /// Says which function an argument is for, if it is a constant.
    fn argument_of(&mut self, function: &str, argument: &Selector) {
        if let Selector::Constant(place) = argument
            && let Some(constant) = self.selection.constants.get_mut(*place)
        {
            constant.place = ConstantPlace::Argument(function.into());
        }
    }

    fn placed(&mut self, term: Term, place: ConstantPlace) -> Box<Selector> {
        self.selection.constants.push(Constant { term, place });
        Box::new(Selector::Constant(self.selection.constants.len() - 1))
    }

    /// The name of a result column.
    fn name(&self, raw: &ast::Selector) -> String {
        name_with(raw, &|raw| self.own_name(raw))
    }

    /// The name of what is not called as it is written. A cast that changes nothing does not show.
    fn own_name(&self, raw: &ast::Selector) -> Option<String> {
        Some(match raw {
            ast::Selector::Cast { inner, target } if self.type_of(inner) == Some(native_type(*target)) => {
                self.name(inner)
            }
            ast::Selector::Function { name, arguments } if is_count_rows(name, arguments) => "count".to_owned(),
            ast::Selector::TypeHint { type_name, inner } => {
                format!("({}){}", qualified_type_text(type_name, &self.table.keyspace), self.name(inner))
            }
            _ => return None,
        })
    }

    /// Looks for the columns, functions and types a selector names. Cassandra does so for a whole item before it looks at values and
    /// at the types of their places.
    fn names(&self, raw: &ast::Selector) -> Result<(), QueryError> {
        match raw {
            ast::Selector::Column(name) => find_column(self.table, name.as_str()).map(|_| ()),
            ast::Selector::Function { name, arguments } => {
                arguments.iter().try_for_each(|argument| self.names(argument))?;
                if function::is_aggregate(name) {
                    self.native_aggregate(name, arguments).map(|_| ())
                } else {
                    self.resolve(name, arguments).map(|_| ())
                }
            }
            ast::Selector::WriteTime { inner, .. }
            | ast::Selector::Cast { inner, .. }
            | ast::Selector::Field { inner, .. }
            | ast::Selector::Element { inner, .. }
            | ast::Selector::Slice { inner, .. } => self.names(inner),
            ast::Selector::TypeHint { type_name, inner } => {
                self.names(inner)?;
                self.hint(type_name).map(|_| ())
            }
            ast::Selector::Negation(inner) => {
                self.names(inner)?;
                self.resolve(&function::native_name("_negate"), std::slice::from_ref(&**inner)).map(|_| ())
            }
            ast::Selector::Arithmetic { operator, left, right } => {
                self.names(left)?;
                self.names(right)?;
                let name = function::native_name(function::operation_name(*operator));
                self.resolve(&name, &[(**left).clone(), (**right).clone()]).map(|_| ())
            }
            ast::Selector::Tuple(parts) | ast::Selector::List(parts) | ast::Selector::Set(parts) => {
                parts.iter().try_for_each(|part| self.names(part))
            }
            // What stands in braces may be fields of a user-defined type: that is only known with the type of the place.
            ast::Selector::Map(_)
            | ast::Selector::Literal(_)
            | ast::Selector::Null
            | ast::Selector::Marker(_)
            | ast::Selector::CountRows => Ok(()),
        }
    }

    /// Whether it selects columns of the wanted kinds. Of pairs in braces Cassandra says so when one of their values does not.
    fn selects(&self, raw: &ast::Selector, wanted: &dyn Fn(ColumnKind) -> bool) -> Result<bool, QueryError> {
        let Some(entries) = pairs(raw) else {
            return Ok(named_columns(raw, self.table)?.iter().any(|column| wanted(column.kind)));
        };
        for (key, value) in entries {
            if !matches!(key, ast::Selector::Column(_)) {
                self.names(key)?;
                if self.selects(key, wanted)? {
                    return Ok(true);
                }
            }
            self.names(value)?;
            if !self.selects(value, wanted)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The type of a hint: frozen wherever it can be.
    fn hint(&self, name: &ast::CqlTypeName) -> Result<CqlType, QueryError> {
        let keyspace = self.preparer.context().find_keyspace(&self.table.keyspace);
        Ok(resolve_type(name, &self.table.keyspace, keyspace.as_deref())?.freeze())
    }

    pub(super) fn no_type<T>(&self, raw: &ast::Selector) -> Result<T, QueryError> {
        no_type_of(&self.name(raw))
    }

    fn spec(&self, ty: CqlType) -> ColumnSpec {
        ColumnSpec::named(self.table, "[selection]", ty)
    }

    /// A selector and its type. `wanted` is the type of the place it stands at, if that is known.
    pub(super) fn selector(&mut self, raw: &ast::Selector, wanted: Option<&CqlType>) -> Typed {
        if let (Some(CqlType::Udt { .. }), ast::Selector::Tuple(parts)) = (wanted, raw)
            && let [only] = parts.as_slice()
        {
            return self.selector(only, wanted);
        }
        if let (Some(ty @ CqlType::Udt { .. }), Some(term), false) = (wanted, user_type_term(raw), holds_no_value(raw))
        {
            let term = self.preparer.term(&term, &self.spec(ty.clone()))?;
            return Ok((self.constant(term), ty.clone()));
        }
        if let Some(term) = as_term(raw) {
            let Some(wanted) = wanted else {
                return no_type(raw);
            };
            check_durations(raw, wanted)?;
            // Cassandra makes collections that are selected of their parts: these may be null there.
            if holds_no_value(raw) && !matches!((wanted, raw), (CqlType::Udt { .. }, ast::Selector::Tuple(_))) {
                return self.parts(raw, Some(wanted));
            }
            let term = self.preparer.term(&term, &self.spec(wanted.clone()))?;
            return Ok((self.constant(term), wanted.clone()));
        }
        match raw {
            ast::Selector::Column(name) => {
                let column = find_column(self.table, name.as_str())?;
                Ok((self.column(column), column.ty.clone()))
            }
            ast::Selector::CountRows => {
                Ok((self.aggregate(AggregateKind::CountRows, None, CqlType::Int), CqlType::Bigint))
            }
            ast::Selector::Function { name, arguments } => self.function(name, arguments),
            ast::Selector::WriteTime { kind, inner } => self.write_time(*kind, inner),
            ast::Selector::Cast { inner, target } => {
                let spelled = target.name();
                let target = native_type(*target);
                if as_term(inner).is_some() || self.is_untyped(inner) {
                    return no_type(inner);
                }
                if let Some(from) = self.type_of(inner)
                    && from == target
                {
                    return self.selector(inner, None);
                }
                let castable = matches!(
                    target,
                    CqlType::Ascii
                        | CqlType::Text
                        | CqlType::Timestamp
                        | CqlType::Date
                        | CqlType::Tinyint
                        | CqlType::Smallint
                        | CqlType::Int
                        | CqlType::Bigint
                        | CqlType::Varint
                        | CqlType::Float
                        | CqlType::Double
                        | CqlType::Decimal
                );
                // Functions are named after types as they are spelled, and none after `varchar`.
                if !castable || spelled == "varchar" {
                    // Cassandra names the first column that the statement looks at, wherever that is.
                    self.selector(inner, None)?;
                    let name =
                        self.selection.kinds.first().map_or_else(|| result_name(inner), |(_, name)| name.clone());
                    return invalid(format!("{name} cannot be cast to {spelled}"));
                }
                let name = function::native_name(format!("cast_as_{}", target));
                let known = result_name(inner);
                self.call(&name, std::slice::from_ref(&**inner)).or_else(|error| {
                    // What is wrong with it by itself comes first.
                    self.selector(inner, None)?;
                    Err(match &error {
                        QueryError::Invalid(text) if text.starts_with("Unknown function 'system.cast_as_") => {
                            QueryError::invalid(format!("{known} cannot be cast to {target}"))
                        }
                        _ => error,
                    })
                })
            }
            ast::Selector::TypeHint { type_name, inner } => {
                let ty = self.hint(type_name)?;
                if let (ast::Selector::List(parts), CqlType::Vector { dimension, .. }) =
                    (without_all_parentheses(inner), &ty)
                    && parts.len() != *dimension as usize
                {
                    return invalid(format!(
                        "Unable to create a vector selector of type {ty} from {} elements",
                        parts.len()
                    ));
                }
                if let (CqlType::Udt { definition, .. }, ast::Selector::Map(entries)) =
                    (&ty, without_all_parentheses(inner))
                    && let Some((key, _)) = entries.iter().find(|(key, _)| !matches!(key, ast::Selector::Column(_)))
                {
                    return invalid(format!(
                        "{} is not a valid field identifier of type {} ",
                        result_name(key),
                        definition.name
                    ));
                }
                // The keys of a map are names of fields where a user-defined type is wanted, and else columns.
                let whole = match ty {
                    CqlType::Tuple(_) => inner,
                    _ => without_all_parentheses(inner),
                };
                if let (false, ast::Selector::Map(entries)) = (matches!(ty, CqlType::Udt { .. }), whole) {
                    entries.iter().try_for_each(|(key, value)| self.names(key).and_then(|()| self.names(value)))?;
                }
                let argument = SelectorArgument::new(self.preparer, self.table, inner);
                if !argument.fit(&self.spec(ty.clone())).is_assignable() {
                    let name = self.name(raw);
                    return invalid(format!("Cannot assign value {name} to {name} of type {ty}"));
                }
                Ok((self.selector(inner, Some(&ty))?.0, ty))
            }
            ast::Selector::Field { inner, field } => {
                let (selector, ty) = self.selector(without_parentheses(inner), None)?;
                let CqlType::Udt { definition, .. } = &ty else {
                    return invalid(format!(
                        "Invalid field selection: {} of type {ty} is not a user type",
                        result_name(inner)
                    ));
                };
                let place = definition.fields.iter().position(|(name, _)| name == field.as_str());
                match place.and_then(|place| definition.fields.get(place).map(|(_, ty)| (place, ty.clone()))) {
                    Some((place, ty)) => Ok((Selector::Field(Box::new(selector), place), ty)),
                    None => invalid(format!("{} of type {ty} has no field {field}", result_name(inner))),
                }
            }
            ast::Selector::Element { inner, key } => self.element(inner, key),
            ast::Selector::Slice { inner, from, to } => self.slice(inner, from.as_ref(), to.as_ref()),
            ast::Selector::Negation(inner) => {
                self.call(&function::native_name("_negate"), std::slice::from_ref(&**inner))
            }
            ast::Selector::Arithmetic { operator, left, right } => {
                let name = function::native_name(function::operation_name(*operator));
                self.call(&name, &[(**left).clone(), (**right).clone()])
            }
            // Parentheses around one selector are a tuple of one, unless the place says what is wanted.
            ast::Selector::Tuple(parts) if parts.len() == 1 && wanted.is_none() => self.no_type(raw),
            _ => self.parts(raw, wanted),
        }
    }

    fn aggregate(&mut self, kind: AggregateKind, argument: Option<Selector>, argument_type: CqlType) -> Selector {
        self.selection.aggregates.push(AggregatePlan { kind, argument, argument_type, user: None });
        Selector::Aggregate(self.selection.aggregates.len() - 1)
    }

    fn function(&mut self, name: &FunctionName, arguments: &[ast::Selector]) -> Typed {
        if !function::is_aggregate(name) {
            return self.call(name, arguments);
        }
        let (kind, found) = self.native_aggregate(name, arguments)?;
        let [argument] = arguments else {
            return Ok((self.aggregate(kind, None, CqlType::Int), CqlType::Bigint));
        };
        let Some(ty) = found else {
            if matches!(without_all_parentheses(argument), ast::Selector::Null) {
                let null = self.constant(Term::Null);
                return Ok((self.aggregate(kind, Some(null), CqlType::Blob), CqlType::Bigint));
            }
            return Ok((self.aggregate(kind, None, CqlType::Int), CqlType::Bigint));
        };
        let before = self.selection.aggregates.len();
        let (selector, _) = self.selector(argument, Some(&ty))?;
        self.argument_of(name.name.as_str(), &selector);
        if self.selection.aggregates.len() > before {
            return invalid("aggregate functions cannot be used as arguments of aggregate functions");
        }
        let result = match kind {
            AggregateKind::CountRows | AggregateKind::Count => CqlType::Bigint,
            AggregateKind::Min | AggregateKind::Max => ty.freeze(),
            _ => ty.clone(),
        };
        Ok((self.aggregate(kind, Some(selector), ty), result))
    }

    /// Which native aggregate a call means, and the type of what it aggregates: none for rows and nulls.
    fn native_aggregate(
        &self,
        name: &FunctionName,
        arguments: &[ast::Selector],
    ) -> Result<(AggregateKind, Option<CqlType>), QueryError> {
        let kind = AggregateKind::of_name(name.name.as_str())
            .ok_or_else(|| QueryError::invalid(format!("Unknown function {} called", name.name)))?;
        if kind == AggregateKind::CountRows || is_count_rows(name, arguments) {
            return Ok((kind, None));
        }
        if matches!(kind, AggregateKind::Sum | AggregateKind::Average) {
            let seen = SelectorArgument::all(self.preparer, self.table, arguments);
            let seen: Vec<&dyn Argument> = seen.iter().map(|argument| argument as &dyn Argument).collect();
            return Ok((kind, Some(function::number_aggregate(name, &seen, &self.spec(CqlType::Blob))?)));
        }
        let [argument] = arguments else {
            return invalid(match kind {
                AggregateKind::Count => format!(
                    "Invalid number of arguments in call to function system.count: 1 required but {} provided",
                    arguments.len()
                ),
                _ => format!("Invalid number of arguments for function system.{}(any)", name.name),
            });
        };
        let counted = without_all_parentheses(argument);
        if kind == AggregateKind::Count && matches!(counted, ast::Selector::Null) {
            return Ok((kind, None));
        }
        if kind == AggregateKind::Count && !self.is_counted(counted) {
            return invalid(format!(
                "Type error: {} cannot be passed as argument 0 of function system.count of type blob",
                argument_text(argument, &self.table.keyspace)
            ));
        }
        match self.type_of(if kind == AggregateKind::Count { counted } else { argument }) {
            Some(ty) => Ok((kind, Some(ty))),
            None if kind == AggregateKind::Count && matches!(counted, ast::Selector::Marker(_)) => {
                Ok((kind, Some(CqlType::Blob)))
            }
            None => invalid(format!(
                "Cannot infer type of argument {} in call to function system.{}(any): use type casts to disambiguate",
                argument_text(argument, &self.table.keyspace),
                name.name
            )),
        }
    }

    /// Whether `count` takes it, whose argument is a blob: that is every column, but no literal of a collection or a tuple.
    fn is_counted(&self, raw: &ast::Selector) -> bool {
        match raw {
            ast::Selector::Tuple(_) | ast::Selector::List(_) | ast::Selector::Set(_) | ast::Selector::Map(_) => false,
            ast::Selector::Literal(_) => {
                SelectorArgument::new(self.preparer, self.table, raw).fit(&self.spec(CqlType::Blob)).is_assignable()
            }
            ast::Selector::Null | ast::Selector::Marker(_) => true,
            _ => self.type_of(raw).is_some(),
        }
    }

    fn resolve(&self, name: &FunctionName, arguments: &[ast::Selector]) -> Result<Arc<ScalarFunction>, QueryError> {
        resolve_call(name, arguments, self.table, self.preparer).map_err(|error| match &error {
            QueryError::Invalid(text) if text.starts_with("Unknown function ") => {
                QueryError::invalid(format!("Unknown function '{}'", crate::term::function_text(name)))
            }
            _ => error,
        })
    }

    fn call(&mut self, name: &FunctionName, arguments: &[ast::Selector]) -> Typed {
        let function = self.resolve(name, arguments)?;
        let before = self.selection.aggregates.len();
        let mut selectors = Vec::with_capacity(arguments.len());
        for (place, argument) in arguments.iter().enumerate() {
            let wanted = function.argument_types.get(place);
            let wanted = wanted.map(|ty| if function.keyspace() == "system" { ty.clone() } else { ty.freeze() });
            let selector = self.selector(argument, wanted.as_ref())?.0;
            self.argument_of(&function.name, &selector);
            selectors.push(selector);
        }
        if let Body::UserAggregate(aggregate) = &function.body {
            if self.selection.aggregates.len() > before {
                return invalid("aggregate functions cannot be used as arguments of aggregate functions");
            }
            let user = Some((Arc::clone(aggregate), selectors));
            let plan = AggregatePlan { kind: AggregateKind::User, argument: None, argument_type: CqlType::Blob, user };
            self.selection.aggregates.push(plan);
            let ty = function.return_type.clone();
            return Ok((Selector::Aggregate(self.selection.aggregates.len() - 1), ty));
        }
        self.selection.impure |= !function.is_pure();
        let ty = function.return_type.clone();
        Ok((Selector::Call { function, arguments: selectors }, ty))
    }

    pub(super) fn type_of(&self, raw: &ast::Selector) -> Option<CqlType> {
        selector_type(self.preparer, self.table, raw)
    }

    fn write_time(&mut self, kind: WriteTimeKind, inner: &ast::Selector) -> Typed {
        let name = match kind {
            WriteTimeKind::WriteTime => "writetime",
            WriteTimeKind::MaxWriteTime => "maxwritetime",
            WriteTimeKind::Ttl => "ttl",
        };
        let ast::Selector::Column(column) = inner else { return self.times_of_part(kind, name, inner) };
        let column = self.timed_column(name, column)?;
        let many = column.ty.is_multi_cell();
        let fields = match &column.ty {
            CqlType::Udt { definition, frozen: false } => Some(definition.fields.len() as u16),
            _ => None,
        };
        let part = match (kind, many, fields) {
            (WriteTimeKind::Ttl, false, _) => CellPart::Ttl,
            (WriteTimeKind::Ttl, true, Some(fields)) => CellPart::FieldTtls(fields),
            (WriteTimeKind::Ttl, true, None) => CellPart::Ttls,
            (WriteTimeKind::WriteTime, false, _) => CellPart::WriteTime,
            (WriteTimeKind::WriteTime, true, Some(fields)) => CellPart::FieldTimes(fields),
            (WriteTimeKind::WriteTime, true, None) => CellPart::WriteTimes,
            (WriteTimeKind::MaxWriteTime, ..) => CellPart::MaxWriteTime,
        };
        let ty = result_type(time_type(kind), many && kind != WriteTimeKind::MaxWriteTime);
        Ok((Selector::Input(self.cells(column, part)), ty))
    }

    fn timed_column(&self, function: &str, name: &ast::Name) -> Result<&'b Column, QueryError> {
        let column = find_column(self.table, name.as_str())?;
        if column.kind.is_primary_key() {
            return invalid(format!("Cannot use selection function {function} on PRIMARY KEY part {}", column.name));
        }
        Ok(column)
    }

    /// The number of an input from a column's cells.
    fn cells(&mut self, column: &Column, part: CellPart) -> u16 {
        self.selection.kinds.push((column.kind, column.name.clone()));
        self.selection.inputs.add(match column.kind {
            ColumnKind::Static => Source::Static(column.id, part),
            _ => Source::Regular(column.id, part),
        })
    }

    /// WRITETIME, MAXWRITETIME or TTL of an element, a slice or a field.
    fn times_of_part(&mut self, kind: WriteTimeKind, name: &str, inner: &ast::Selector) -> Typed {
        if let Some(column) = named_columns(inner, self.table)?.first() {
            self.timed_column(name, &ast::Name::new(column.name.clone()))?;
        }
        let (part, ty) = self.part(kind, name, inner)?;
        let many = ty.is_multi_cell();
        let latest = kind == WriteTimeKind::MaxWriteTime;
        let selector = Selector::Times(Box::new(TimesSelector { part, many, latest }));
        Ok((selector, result_type(time_type(kind), many && !latest)))
    }

    fn part(&mut self, kind: WriteTimeKind, name: &str, raw: &ast::Selector) -> Result<(Part, CqlType), QueryError> {
        match raw {
            ast::Selector::Column(column) => {
                let column = self.timed_column(name, column)?;
                let fields = match &column.ty {
                    CqlType::Udt { definition, frozen: false } => Some(definition.fields.len() as u16),
                    _ => None,
                };
                let many = column.ty.is_multi_cell();
                let part = match (kind, many, fields) {
                    (WriteTimeKind::Ttl, false, _) => CellPart::Ttl,
                    (WriteTimeKind::Ttl, true, Some(fields)) => CellPart::FieldTtls(fields),
                    (WriteTimeKind::Ttl, true, None) => CellPart::Ttls,
                    (_, false, _) => CellPart::WriteTime,
                    (_, true, Some(fields)) => CellPart::FieldTimes(fields),
                    (_, true, None) => CellPart::WriteTimes,
                };
                Ok((Part::Column(self.cells(column, part), many), column.ty.clone()))
            }
            ast::Selector::Field { inner, .. } => {
                let (value, ty) = self.selector(raw, None)?;
                let Selector::Field(_, place) = value else { return no_type(raw) };
                Ok((Part::Field(Box::new(self.part(kind, name, inner)?.0), Box::new(value), place), ty))
            }
            ast::Selector::Element { inner, .. } => {
                let (Selector::Element { inner: value, key, order, map }, ty) = self.selector(raw, None)? else {
                    return no_type(raw);
                };
                let inner = Box::new(self.part(kind, name, inner)?.0);
                Ok((Part::Element { inner, of: Collection { value, order, map }, key }, ty))
            }
            ast::Selector::Slice { inner, .. } => {
                let (Selector::Slice { inner: value, from, to, order, map, .. }, ty) = self.selector(raw, None)? else {
                    return no_type(raw);
                };
                let inner = Box::new(self.part(kind, name, inner)?.0);
                Ok((Part::Slice { inner, of: Collection { value, order, map }, from, to }, ty))
            }
            _ => no_type(raw),
        }
    }

    fn element(&mut self, inner: &ast::Selector, key: &RawTerm) -> Typed {
        let (selector, ty) = self.selector(inner, None)?;
        let (key_type, value_type, map) = collection_parts(&ty, inner, "Element")?;
        let spec = self.key_spec(inner, &key_type, map);
        let key = self.preparer.term(key, &spec)?;
        let key = self.placed(key, ConstantPlace::Element(result_name(inner).into()));
        let order = Comparator::for_type(&key_type);
        Ok((Selector::Element { inner: Box::new(selector), key, order, map }, value_type))
    }

    fn slice(&mut self, inner: &ast::Selector, from: Option<&RawTerm>, to: Option<&RawTerm>) -> Typed {
        let (selector, ty) = self.selector(inner, None)?;
        let (key_type, _, map) = collection_parts(&ty, inner, "Slice")?;
        let spec = self.key_spec(inner, &key_type, map);
        let mut end = |term: Option<&RawTerm>| match term {
            Some(term) => {
                let term = self.preparer.term(term, &spec)?;
                Ok::<_, QueryError>(Some(self.placed(term, ConstantPlace::Slice(result_name(inner).into()))))
            }
            None => Ok(None),
        };
        let (from, to) = (end(from)?, end(to)?);
        let order = Comparator::for_type(&key_type);
        let frozen = !ty.is_multi_cell();
        Ok((Selector::Slice { inner: Box::new(selector), from, to, order, map, frozen }, ty))
    }

    /// What names an element of a set or an entry of a map.
    fn key_spec(&self, inner: &ast::Selector, key_type: &CqlType, map: bool) -> ColumnSpec {
        let kind = if map { "key" } else { "value" };
        self.spec(key_type.clone()).inner(format!("{kind}({})", result_name(inner)), key_type.clone())
    }
}

/// Where a field is selected, parentheses around one selector are just these; in twice as many stands a tuple.
fn without_parentheses(raw: &ast::Selector) -> &ast::Selector {
    let is_one = |raw: &ast::Selector| matches!(raw, ast::Selector::Tuple(parts) if parts.len() == 1);
    match raw {
        ast::Selector::Tuple(parts) => match parts.as_slice() {
            [only] if !is_one(only) => only,
            _ => raw,
        },
        _ => raw,
    }
}

/// `count(1)` and `count_rows()`, which are `count(*)`; Cassandra takes any literal.
pub(super) fn is_count_rows(name: &FunctionName, arguments: &[ast::Selector]) -> bool {
    function::is_aggregate(name)
        && matches!((name.name.as_str(), arguments), ("count", [ast::Selector::Literal(_)]) | ("count_rows", []))
}

/// The type of one time.
pub(super) fn time_type(kind: WriteTimeKind) -> CqlType {
    if kind == WriteTimeKind::Ttl { CqlType::Int } else { CqlType::Bigint }
}

fn no_type<T>(raw: &ast::Selector) -> Result<T, QueryError> {
    no_type_of(&result_name(raw))
}

fn no_type_of<T>(name: &str) -> Result<T, QueryError> {
    invalid(format!("Cannot infer type for term {name} in selection clause (try using a cast to force a type)"))
}

/// Key type, value type and whether it is a map.
fn collection_parts(ty: &CqlType, inner: &ast::Selector, what: &str) -> Result<(CqlType, CqlType, bool), QueryError> {
    match ty {
        CqlType::Map { key, value, .. } => Ok(((**key).clone(), (**value).clone(), true)),
        CqlType::Set { element, .. } => Ok(((**element).clone(), (**element).clone(), false)),
        CqlType::List { .. } => {
            invalid(format!("{what} selection is only allowed on sets and maps, but {} is a list", result_name(inner)))
        }
        _ => {
            let is = if what == "Slice" { "of" } else { "is of" };
            let (what, name) = (what.to_lowercase(), result_name(inner));
            invalid(format!("Invalid {what} selection: {name} {is} type {ty} is not a collection"))
        }
    }
}

/// A column by name.
///
/// # Errors
/// Cassandra's words for an unknown one.
pub(super) fn find_column<'t>(table: &'t Table, name: &str) -> Result<&'t Column, QueryError> {
    table.visible_column(name).ok_or_else(|| {
        QueryError::invalid(format!(
            "Undefined column name {} in table {}.{}",
            helenus_model::types::maybe_quote(name),
            helenus_model::types::maybe_quote(&table.keyspace),
            helenus_model::types::maybe_quote(&table.name)
        ))
    })
}
