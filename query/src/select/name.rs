//! The names of result columns: as Cassandra builds them from the checked selectors, not as the statement spells them.

use helenus_cql::ast::{Selector, WriteTimeKind};

use crate::term::{MARKER_TEXT, term_text, type_text};

/// The name of a selector without alias, as it is written.
pub(super) fn result_name(selector: &Selector) -> String {
    name_with(selector, &|_| None)
}

/// The same, where some selectors have names of their own.
pub(super) fn name_with(selector: &Selector, own: &dyn Fn(&Selector) -> Option<String>) -> String {
    let result_name = |selector: &Selector| name_with(selector, own);
    let all = |selectors: &[Selector]| selectors.iter().map(result_name).collect::<Vec<_>>().join(", ");
    if let Some(name) = own(selector) {
        return name;
    }
    match selector {
        Selector::Column(name) => name.text.clone(),
        Selector::Literal(literal) => term_text(&helenus_cql::ast::Term::Literal(literal.clone())),
        Selector::Null => "NULL".to_owned(),
        Selector::Marker(_) => MARKER_TEXT.to_owned(),
        Selector::CountRows => "count".to_owned(),
        Selector::Function { name, arguments } => {
            if let (Some(target), [inner]) = (name.name.as_str().strip_prefix("cast_as_"), arguments.as_slice()) {
                return format!("cast({} as {target})", result_name(inner));
            }
            let keyspace = name.keyspace.as_ref().map_or("system", |keyspace| keyspace.as_str());
            // The one old spelling whose function is made anew for each call has the new name.
            let own = match (keyspace, name.name.as_str()) {
                ("system", "tojson") => "to_json".to_owned(),
                _ => name.name.to_string(),
            };
            format!("{keyspace}.{own}({})", all(arguments))
        }
        Selector::WriteTime { kind, inner } => {
            let function = match kind {
                WriteTimeKind::WriteTime => "writetime",
                WriteTimeKind::MaxWriteTime => "maxwritetime",
                WriteTimeKind::Ttl => "ttl",
            };
            format!("{function}({})", result_name(inner))
        }
        Selector::Cast { inner, target } => {
            format!("cast({} as {})", result_name(inner), target.name())
        }
        Selector::TypeHint { type_name, inner } => format!("({}){}", type_text(type_name), result_name(inner)),
        Selector::Field { inner, field } => format!("{}.{field}", result_name(inner)),
        Selector::Element { inner, key } => format!("{}[{}]", result_name(inner), term_text(key)),
        Selector::Slice { inner, from, to } => {
            let end = |term: &Option<helenus_cql::ast::Term>| term.as_ref().map(term_text).unwrap_or_default();
            format!("{}[{}..{}]", result_name(inner), end(from), end(to))
        }
        Selector::Negation(inner) => format!("-{}", result_name(inner)),
        Selector::Arithmetic { operator, left, right } => {
            format!("{} {} {}", result_name(left), operator.symbol(), result_name(right))
        }
        Selector::Tuple(parts) => format!("({})", all(parts)),
        Selector::List(parts) => format!("[{}]", all(parts)),
        Selector::Set(parts) => format!("{{{}}}", all(parts)),
        Selector::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| format!("{}: {}", result_name(key), result_name(value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}
