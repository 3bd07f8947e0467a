//! What clients are told of a change of the schema, beside what the statement itself named: all that changed with it.

use std::collections::BTreeMap;
use std::sync::Arc;

use helenus_model::schema::{AggregateDefinition, FunctionDefinition, Keyspace, Schema, Table};

use crate::metadata::{SchemaEvent, SchemaEventKind, SchemaEventTarget};

/// The events of an epoch whose statement is told by `own`, in Cassandra's order.
pub(super) fn events(own: &SchemaEvent, before: &Schema, after: &Schema) -> Vec<SchemaEvent> {
    let keyspace = own.keyspace.as_str();
    match (own.change, own.target, before.keyspace(keyspace), after.keyspace(keyspace)) {
        (SchemaEventKind::Dropped, SchemaEventTarget::Keyspace, Some(before), _) => {
            let mut events = dropped(before);
            events.push(own.clone());
            events
        }
        (SchemaEventKind::Updated, SchemaEventTarget::Type | SchemaEventTarget::Table, Some(before), Some(after)) => {
            let mut events = vec![own.clone()];
            events.extend(updated(before, after).into_iter().filter(|event| event != own));
            events
        }
        _ => vec![own.clone()],
    }
}

struct Maker<'a> {
    change: SchemaEventKind,
    keyspace: &'a str,
}

impl Maker<'_> {
    fn event(&self, target: SchemaEventTarget, name: &str, argument_types: Vec<String>) -> SchemaEvent {
        let (change, keyspace) = (self.change, self.keyspace.to_owned());
        SchemaEvent { change, target, keyspace, name: name.to_owned(), argument_types }
    }

    fn named(&self, target: SchemaEventTarget, name: &str) -> SchemaEvent {
        self.event(target, name, Vec::new())
    }

    fn function(&self, function: &FunctionDefinition) -> SchemaEvent {
        self.event(SchemaEventTarget::Function, &function.name, function.type_texts())
    }

    fn aggregate(&self, aggregate: &AggregateDefinition) -> SchemaEvent {
        self.event(SchemaEventTarget::Aggregate, &aggregate.name, aggregate.type_texts())
    }
}

/// Everything in a keyspace that goes with it.
fn dropped(keyspace: &Keyspace) -> Vec<SchemaEvent> {
    let maker = Maker { change: SchemaEventKind::Dropped, keyspace: &keyspace.name };
    let tables = |views: bool| keyspace.tables.values().filter(move |table| table.view.is_some() == views);
    let aggregates = keyspace.aggregates.iter().map(|aggregate| maker.aggregate(aggregate));
    let functions = keyspace.functions.iter().map(|function| maker.function(function));
    let tables = tables(true).chain(tables(false)).map(|table| maker.named(SchemaEventTarget::Table, &table.name));
    let types = keyspace.types.keys().map(|name| maker.named(SchemaEventTarget::Type, name));
    aggregates.chain(functions).chain(tables).chain(types).collect()
}

/// What is there before and after, and not the same: users of a type, views of a table.
fn updated(before: &Keyspace, after: &Keyspace) -> Vec<SchemaEvent> {
    let maker = Maker { change: SchemaEventKind::Updated, keyspace: &after.name };
    let mut events: Vec<SchemaEvent> =
        changed(&before.types, &after.types).map(|(name, _)| maker.named(SchemaEventTarget::Type, name)).collect();
    let tables: Vec<(&str, &Table)> = changed(&before.tables, &after.tables).collect();
    for views in [false, true] {
        let of_kind = tables.iter().filter(|(_, table)| table.view.is_some() == views);
        events.extend(of_kind.map(|(name, _)| maker.named(SchemaEventTarget::Table, name)));
    }
    // A type changes no number of functions: they are where they were.
    let functions = before.functions.iter().zip(&after.functions).filter(|(before, after)| before != after);
    events.extend(functions.map(|(_, function)| maker.function(function)));
    let aggregates = before.aggregates.iter().zip(&after.aggregates).filter(|(before, after)| before != after);
    events.extend(aggregates.map(|(_, aggregate)| maker.aggregate(aggregate)));
    events
}

fn changed<'a, T: PartialEq>(
    before: &'a BTreeMap<String, Arc<T>>,
    after: &'a BTreeMap<String, Arc<T>>,
) -> impl Iterator<Item = (&'a str, &'a T)> {
    let is_changed =
        |(name, new): &(&String, &Arc<T>)| before.get(*name).is_some_and(|old| !Arc::ptr_eq(old, new) && old != *new);
    after.iter().filter(is_changed).map(|(name, new)| (name.as_str(), &**new))
}
