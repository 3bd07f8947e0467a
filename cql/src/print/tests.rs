use proptest::prelude::*;

use super::*;
use crate::ast::*;
use crate::parser::{parse, parse_term, parse_type};

#[test]
fn names_are_quoted_where_they_must_be() {
    for (name, quoted) in [
        ("a", "a"),
        ("a_1", "a_1"),
        ("A", "\"A\""),
        ("1a", "\"1a\""),
        ("_a", "\"_a\""),
        ("a b", "\"a b\""),
        ("a\"b", "\"a\"\"b\""),
        ("é", "\"é\""),
        ("", "\"\""),
        ("select", "\"select\""),
        ("token", "\"token\""),
        ("true", "\"true\""),
        ("ttl", "ttl"),
        ("timestamp", "timestamp"),
    ] {
        assert_eq!(maybe_quote(name), quoted);
    }
}

/// Names of every kind: plain, keywords of every class, quotes, capitals, anything.
fn any_name() -> impl Strategy<Value = Name> {
    let words = prop::sample::select(vec![
        "a",
        "b1",
        "c_d",
        "json",
        "distinct",
        "as",
        "per",
        "key",
        "ttl",
        "count",
        "cast",
        "writetime",
        "token",
        "select",
        "set",
        "map",
        "list",
        "frozen",
        "int",
        "date",
        "complex",
        "byte",
        "interval",
        "true",
        "false",
        "nan",
        "expr",
        "exists",
        "values",
        "keys",
        "type",
        "compact",
        "contains",
        "like",
        "ann",
        "all",
        "A",
        "Select",
        "P1Y",
        "n",
        "i1",
        "e1",
        "abcdefab",
        "ann",
        "cluster",
    ]);
    prop_oneof![3 => words.prop_map(Name::new), 1 => "[a-zA-Z\"' .$é-]{1,6}".prop_map(Name::new)]
}

fn any_qualified_name() -> impl Strategy<Value = QualifiedName> {
    (prop::option::of(any_name()), any_name()).prop_map(|(keyspace, name)| QualifiedName { keyspace, name })
}

fn any_function_name() -> impl Strategy<Value = FunctionName> {
    (prop::option::of(any_name()), any_name()).prop_map(|(keyspace, name)| FunctionName { keyspace, name })
}

fn any_literal() -> impl Strategy<Value = Literal> {
    let fixed = prop::sample::select(vec![
        (LiteralKind::Integer, "0"),
        (LiteralKind::Integer, "-12"),
        (LiteralKind::Float, "1.5"),
        (LiteralKind::Float, "-1."),
        (LiteralKind::Float, "1.e10"),
        (LiteralKind::Float, "1e-7"),
        (LiteralKind::Float, "NaN"),
        (LiteralKind::Float, "Infinity"),
        (LiteralKind::Float, "-Infinity"),
        (LiteralKind::Boolean, "true"),
        (LiteralKind::Boolean, "FALSE"),
        (LiteralKind::Duration, "1h30m"),
        (LiteralKind::Duration, "-P1Y2M"),
        (LiteralKind::Duration, "P0001-02-03T04:05:06"),
        (LiteralKind::Uuid, "550e8400-e29b-41d4-a716-446655440000"),
        (LiteralKind::Hex, "0x"),
        (LiteralKind::Hex, "0xCAFE"),
    ])
    .prop_map(|(kind, text)| Literal { kind, text: text.to_owned() });
    let string = any::<String>().prop_map(|text| Literal { kind: LiteralKind::String, text });
    prop_oneof![3 => fixed, 1 => string]
}

fn any_native() -> impl Strategy<Value = NativeType> {
    prop::sample::select(NativeType::ALL.to_vec())
}

fn any_type() -> impl Strategy<Value = CqlTypeName> {
    let leaf = prop_oneof![
        any_native().prop_map(CqlTypeName::Native),
        any_qualified_name().prop_map(CqlTypeName::UserType),
        "( {0,2}|'[a-z.']{0,5}|Int32Type|ListType\\(UTF8Type\\))".prop_map(CqlTypeName::Custom),
    ];
    leaf.prop_recursive(3, 8, 3, |inner| {
        let boxed = inner.clone().prop_map(Box::new);
        prop_oneof![
            boxed.clone().prop_map(CqlTypeName::List),
            boxed.clone().prop_map(CqlTypeName::Set),
            (boxed.clone(), boxed.clone()).prop_map(|(key, value)| CqlTypeName::Map(key, value)),
            (boxed.clone(), any::<i32>()).prop_map(|(element, dimension)| CqlTypeName::Vector(element, dimension)),
            prop::collection::vec(inner, 1..3).prop_map(CqlTypeName::Tuple),
            boxed
                .prop_filter("frozen scalars are refused", |inner| {
                    !matches!(**inner, CqlTypeName::Native(_) | CqlTypeName::Custom(_))
                })
                .prop_map(CqlTypeName::Frozen),
        ]
    })
}

fn any_operator() -> impl Strategy<Value = ArithmeticOperator> {
    use ArithmeticOperator::{Add, Divide, Modulo, Multiply, Subtract};
    prop::sample::select(vec![Add, Subtract, Multiply, Divide, Modulo])
}

/// Markers carry the number 0 until `renumbered` gives them their places.
fn any_marker() -> impl Strategy<Value = Marker> {
    prop::option::of(any_name()).prop_map(|name| Marker { index: 0, name })
}

/// Arithmetic whose tree is the one its text has: no parentheses exist, so sums stand in no product and nothing but a single factor stands
/// on a right side.
fn arithmetic(operator: ArithmeticOperator, left: Term, right: Term) -> Term {
    let tuple = |term: Term| match term {
        Term::Arithmetic { .. } => Term::Tuple(vec![term]),
        other => other,
    };
    Term::Arithmetic { operator, left: Box::new(tuple(left)), right: Box::new(tuple(right)) }
}

/// A term that may stand behind a sign or a type hint.
fn simple(term: Term) -> Term {
    match term {
        Term::Arithmetic { .. } | Term::Negation(_) => Term::Tuple(vec![term]),
        other => other,
    }
}

fn any_term() -> impl Strategy<Value = Term> {
    let leaf = prop_oneof![
        4 => any_literal().prop_map(Term::Literal),
        1 => Just(Term::Null),
        1 => any_marker().prop_map(Term::Marker),
    ];
    leaf.prop_recursive(4, 16, 3, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..3);
        let some = prop::collection::vec(inner.clone(), 1..3);
        prop_oneof![
            list.clone().prop_map(Term::List),
            list.clone().prop_map(Term::Set),
            some.prop_map(Term::Tuple),
            prop::collection::vec((inner.clone(), inner.clone()), 1..3).prop_map(Term::Map),
            prop::collection::vec((any_name(), inner.clone()), 1..3).prop_map(Term::UserType),
            (any_function_name(), list).prop_map(|(name, arguments)| Term::Function { name, arguments }),
            (any_type(), inner.clone()).prop_filter_map(
                "a class before a marker reads as a tuple",
                |(type_name, term)| {
                    let term = simple(term);
                    let ambiguous = matches!(type_name, CqlTypeName::Custom(_))
                        && matches!(term, Term::Marker(Marker { name: Some(_), .. }));
                    (!ambiguous).then(|| Term::TypeHint { type_name, term: Box::new(term) })
                }
            ),
            (any_native(), inner.clone())
                .prop_map(|(target, term)| Term::Cast { term: Box::new(simple(term)), target }),
            inner.clone().prop_map(|term| Term::Negation(Box::new(simple(term)))),
            (any_operator(), inner.clone(), inner)
                .prop_map(|(operator, left, right)| arithmetic(operator, left, right)),
        ]
    })
}

fn any_selector() -> impl Strategy<Value = Selector> {
    let leaf = prop_oneof![
        4 => any_name().prop_map(Selector::Column),
        2 => any_literal().prop_map(Selector::Literal),
        1 => Just(Selector::Null),
        1 => Just(Selector::CountRows),
        1 => any_marker().prop_map(Selector::Marker),
    ];
    // a part of a column: what WRITETIME and TTL take
    let part = |inner: BoxedStrategy<Selector>| {
        prop_oneof![
            (inner.clone(), any_name()).prop_map(|(inner, field)| Selector::Field { inner: Box::new(inner), field }),
            (inner.clone(), any_term()).prop_map(|(inner, key)| Selector::Element { inner: Box::new(inner), key }),
            (inner, any_term(), prop::option::of(any_term())).prop_map(|(inner, from, to)| Selector::Slice {
                inner: Box::new(inner),
                from: Some(from),
                to
            }),
        ]
    };
    let column = any_name().prop_map(Selector::Column).boxed();
    leaf.prop_recursive(4, 16, 3, move |inner| {
        let list = prop::collection::vec(inner.clone(), 0..3);
        let signed = |selector: Selector| match selector {
            Selector::Arithmetic { .. } => Selector::List(vec![selector]),
            other => other,
        };
        let times =
            prop::sample::select(vec![WriteTimeKind::WriteTime, WriteTimeKind::MaxWriteTime, WriteTimeKind::Ttl]);
        prop_oneof![
            list.clone().prop_map(Selector::List),
            list.clone().prop_map(Selector::Set),
            prop::collection::vec(inner.clone(), 2..3).prop_map(Selector::Tuple),
            prop::collection::vec((inner.clone(), inner.clone()), 1..3).prop_map(Selector::Map),
            (any_function_name(), list).prop_map(|(name, arguments)| Selector::Function { name, arguments }),
            (times, prop_oneof![column.clone(), part(column.clone())])
                .prop_map(|(kind, inner)| Selector::WriteTime { kind, inner: Box::new(inner) }),
            part(column.clone()),
            (any_native(), inner.clone()).prop_map(|(target, inner)| Selector::Cast { inner: Box::new(inner), target }),
            (any_native(), any_literal()).prop_map(|(native, literal)| Selector::TypeHint {
                type_name: CqlTypeName::Native(native),
                inner: Box::new(Selector::Literal(literal)),
            }),
            inner.clone().prop_map(move |inner| Selector::Negation(Box::new(signed(inner)))),
            (any_operator(), inner.clone(), inner).prop_map(move |(operator, left, right)| Selector::Arithmetic {
                operator,
                left: Box::new(signed(left)),
                right: Box::new(signed(right)),
            }),
        ]
    })
}

fn comparison() -> impl Strategy<Value = Operator> {
    prop::sample::select(vec![
        Operator::Equal,
        Operator::NotEqual,
        Operator::Less,
        Operator::LessOrEqual,
        Operator::Greater,
        Operator::GreaterOrEqual,
    ])
}

fn in_values() -> impl Strategy<Value = InValues> {
    prop_oneof![
        prop::collection::vec(any_term(), 0..3).prop_map(InValues::List),
        any_marker().prop_map(InValues::Marker),
    ]
}

fn any_relation() -> impl Strategy<Value = Relation> {
    let columns = prop::collection::vec(any_name(), 1..3).boxed();
    let tuple = prop::collection::vec(any_term(), 1..3).prop_map(Term::Tuple).boxed();
    let any = prop_oneof![
        comparison(),
        prop::sample::select(vec![Operator::Contains, Operator::ContainsKey, Operator::Like])
    ];
    prop_oneof![
        (any_name(), any, any_term()).prop_map(|(column, operator, value)| Relation::Column {
            column,
            operator,
            value
        }),
        (any_name(), in_values()).prop_map(|(column, values)| Relation::In { column, values }),
        any_name().prop_map(Relation::IsNotNull),
        (any_name(), any_term(), comparison(), any_term())
            .prop_map(|(column, key, operator, value)| Relation::Element { column, key, operator, value }),
        (columns.clone(), comparison(), prop_oneof![tuple.clone(), any_marker().prop_map(Term::Marker)])
            .prop_map(|(columns, operator, value)| Relation::MultiColumn { columns, operator, value }),
        (columns.clone(), prop::collection::vec(tuple, 0..3))
            .prop_map(|(columns, values)| Relation::MultiColumnIn { columns, values: InValues::List(values) }),
        (columns, comparison(), any_term()).prop_map(|(columns, operator, value)| Relation::Token {
            columns,
            operator,
            value
        }),
        (any_name(), any_term()).prop_map(|(name, value)| Relation::IndexExpression {
            index: QualifiedName { keyspace: None, name },
            value,
        }),
    ]
}

fn any_select() -> impl Strategy<Value = Statement> {
    let item =
        (any_selector(), prop::option::of(any_name())).prop_map(|(selector, alias)| SelectedItem { selector, alias });
    let clause = prop_oneof![
        1 => Just(SelectClause::All),
        3 => prop::collection::vec(item, 1..3).prop_map(SelectClause::Items),
    ];
    let ordering = (any_name(), prop::option::of(any_term()), any::<bool>()).prop_map(|(column, ann_of, up)| {
        Ordering { column, ann_of, direction: if up { Direction::Ascending } else { Direction::Descending } }
    });
    (
        any::<[bool; 3]>(),
        clause,
        any_qualified_name(),
        prop::collection::vec(any_relation(), 0..3),
        prop::collection::vec(any_selector(), 0..2),
        prop::collection::vec(ordering, 0..2),
        prop::option::of(any_marker().prop_map(Term::Marker)),
    )
        .prop_map(|([json, distinct, allow_filtering], clause, table, relations, group_by, order_by, limit)| {
            Statement::Select(Box::new(Select {
                json,
                distinct,
                clause,
                table,
                relations,
                group_by,
                order_by,
                per_partition_limit: limit.clone(),
                limit,
                allow_filtering,
            }))
        })
}

/// A tree without the numbers of its markers, which a generated tree does not have.
fn unnumbered(tree: &impl std::fmt::Debug) -> String {
    let shown = format!("{tree:?}");
    let mut parts = shown.split("index: ");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str(part.trim_start_matches(|character: char| character.is_ascii_digit()));
    }
    text
}

/// Prints a tree and parses it: the same tree, and from then on the same text.
fn round_trip(statement: &Statement) -> Result<(), TestCaseError> {
    let text = statement_text(statement);
    let parsed = parse(&text).map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
    prop_assert_eq!(unnumbered(&parsed.statement), unnumbered(statement), "{}", text);
    prop_assert_eq!(statement_text(&parsed.statement), text);
    Ok(())
}

proptest! {
    #[test]
    fn types_come_back(tree in any_type()) {
        prop_assert_eq!(parse_type(&type_name_text(&tree)), Ok(tree));
    }

    #[test]
    fn literals_come_back(tree in any_literal()) {
        prop_assert_eq!(parse_term(&literal_text(&tree)), Ok(Term::Literal(tree)));
    }

    #[test]
    fn terms_come_back(tree in any_term()) {
        let text = term_text(&tree);
        let parsed = parse_term(&text).map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
        prop_assert_eq!(unnumbered(&parsed), unnumbered(&tree));
        prop_assert_eq!(term_text(&parsed), text);
    }

    #[test]
    fn selects_come_back(statement in any_select()) {
        round_trip(&statement)?;
    }

    #[test]
    fn updates_come_back(table in any_qualified_name(), column in any_name(), field in any_name(), value in any_term(), key in any_term(),
                         relations in prop::collection::vec(any_relation(), 1..3), kind in 0..6) {
        let assignment = match kind {
            0 => Assignment::Set { column, value },
            1 => Assignment::Add { column, value },
            2 => Assignment::Subtract { column, value },
            3 => Assignment::Prepend { column, value },
            4 => Assignment::SetElement { column, key, value },
            _ => Assignment::SetField { column, field, value },
        };
        let update = Update { table, using: Using::default(), assignments: vec![assignment], relations, conditions: Conditions::None };
        round_trip(&Statement::Update(Box::new(update)))?;
    }

    #[test]
    fn any_text_is_parsed_or_refused(text in any::<String>()) {
        let _ = parse(&text).map(|parsed| statement_text(&parsed.statement));
    }

    #[test]
    fn any_tokens_are_parsed_or_refused(words in prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..24), first in 0..FIRST.len()) {
        let text = format!("{} {}", FIRST[first], words.join(" "));
        match parse(&text) {
            Ok(parsed) => {
                let printed = statement_text(&parsed.statement);
                prop_assert_eq!(parse(&printed).map(|parsed| statement_text(&parsed.statement)), Ok(printed));
            }
            Err(error) => prop_assert!(!error.message.is_empty()),
        }
    }
}

const FIRST: [&str; 12] = [
    "SELECT",
    "SELECT * FROM t WHERE a =",
    "SELECT * FROM t WHERE",
    "INSERT INTO t (a) VALUES (",
    "UPDATE t SET a =",
    "UPDATE t SET",
    "CREATE TABLE t (",
    "CREATE",
    "ALTER TABLE t",
    "GRANT",
    "DESCRIBE",
    "BEGIN BATCH",
];

const WORDS: [&str; 48] = [
    "a",
    "b",
    "1",
    "-1",
    "1.5",
    "'x'",
    "\"Q\"",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "?",
    ".",
    "..",
    "=",
    "<",
    "+",
    "-",
    "*",
    "FROM t",
    "AND",
    "IN",
    "AS",
    "int",
    "list",
    "frozen",
    "json",
    "distinct",
    "key",
    "ttl",
    "token",
    "cast",
    "count",
    "is",
    "not null",
    "f(1)",
    "true",
    "1h",
    "0xff",
    "where",
    "with",
    "primary key",
    "é",
    "@",
];
