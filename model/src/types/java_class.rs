//! A type's Java class string, as SSTable headers and old schema tables keep it (Cassandra: `TypeParser`).
//!
//! `FrozenType(…)` stands around a frozen collection or UDT, but never inside another frozen type or a tuple.

use std::fmt::Write;
use std::sync::Arc;

use super::{CqlType, TypeError, UdtDefinition};
use crate::limits::TYPE_DEPTH_READ_MAX;

/// Package of Cassandra's type classes, with its closing dot.
const PACKAGE: &str = "org.apache.cassandra.db.marshal.";

/// Class names of the types without parameters.
const NATIVE: [(&str, CqlType); 21] = [
    ("AsciiType", CqlType::Ascii),
    ("LongType", CqlType::Bigint),
    ("BytesType", CqlType::Blob),
    ("BooleanType", CqlType::Boolean),
    ("CounterColumnType", CqlType::Counter),
    ("SimpleDateType", CqlType::Date),
    ("DecimalType", CqlType::Decimal),
    ("DoubleType", CqlType::Double),
    ("DurationType", CqlType::Duration),
    ("EmptyType", CqlType::Empty),
    ("FloatType", CqlType::Float),
    ("InetAddressType", CqlType::Inet),
    ("Int32Type", CqlType::Int),
    ("ShortType", CqlType::Smallint),
    ("UTF8Type", CqlType::Text),
    ("TimeType", CqlType::Time),
    ("TimestampType", CqlType::Timestamp),
    ("TimeUUIDType", CqlType::Timeuuid),
    ("ByteType", CqlType::Tinyint),
    ("UUIDType", CqlType::Uuid),
    ("IntegerType", CqlType::Varint),
];

/// Classes that are kept by name: no CQL type says what they say.
const KEPT: [&str; 7] = [
    "CompositeType",
    "DynamicCompositeType",
    "DateType",
    "LexicalUUIDType",
    "LegacyTimeUUIDType",
    "PartitionerDefinedOrder",
    RETIRED,
];
/// A class that Cassandra has no more, so that no statement may name it. Versions before took it: what they wrote is read.
const RETIRED: &str = "ColumnToCollectionType";

/// Last part of a class name, without package and parameters.
pub(super) fn simple_name(class: &str) -> &str {
    let name = class.split('(').next().unwrap_or(class);
    name.rsplit('.').next().unwrap_or(name)
}

impl CqlType {
    /// The full Java class string of the type.
    pub fn java_class(&self) -> String {
        let mut out = String::new();
        self.write_java_class(&mut out, false);
        out
    }

    fn write_java_class(&self, out: &mut String, ignore_freezing: bool) {
        let wrapped = !ignore_freezing && self.is_frozen() && (self.is_collection() || self.is_udt());
        let inner = ignore_freezing || wrapped;
        if wrapped {
            out.push_str(PACKAGE);
            out.push_str("FrozenType(");
        }
        match self {
            CqlType::Custom(class) => out.push_str(class),
            CqlType::List { element, .. } => write_with_parameters(out, "ListType", &[element], inner),
            CqlType::Set { element, .. } => write_with_parameters(out, "SetType", &[element], inner),
            CqlType::Map { key, value, .. } => write_with_parameters(out, "MapType", &[key, value], inner),
            CqlType::Tuple(components) => {
                let components: Vec<&CqlType> = components.iter().collect();
                write_with_parameters(out, "TupleType", &components, true);
            }
            CqlType::Udt { definition, .. } => write_udt(out, definition, inner),
            CqlType::Vector { element, dimension } => {
                out.push_str(PACKAGE);
                out.push_str("VectorType(");
                element.write_java_class(out, ignore_freezing);
                write_infallible(out, format_args!(" , {dimension})"));
            }
            native => {
                out.push_str(PACKAGE);
                out.push_str(NATIVE.iter().find(|(_, known)| known == native).map_or("BytesType", |(name, _)| name));
            }
        }
        if wrapped {
            out.push(')');
        }
    }
}

fn write_with_parameters(out: &mut String, class: &str, parameters: &[&CqlType], ignore_freezing: bool) {
    out.push_str(PACKAGE);
    out.push_str(class);
    for (place, parameter) in parameters.iter().enumerate() {
        out.push(if place == 0 { '(' } else { ',' });
        parameter.write_java_class(out, ignore_freezing);
    }
    out.push(')');
}

fn write_udt(out: &mut String, definition: &UdtDefinition, ignore_freezing: bool) {
    write_infallible(out, format_args!("{PACKAGE}UserType({},", definition.keyspace));
    write_hex(out, &definition.name);
    for (name, field) in &definition.fields {
        out.push(',');
        write_hex(out, name);
        out.push(':');
        field.write_java_class(out, ignore_freezing);
    }
    out.push(')');
}

fn write_hex(out: &mut String, name: &str) {
    for byte in name.bytes() {
        write_infallible(out, format_args!("{byte:02x}"));
    }
}

/// Formatting into a `String` cannot fail.
fn write_infallible(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    let written = out.write_fmt(arguments);
    debug_assert!(written.is_ok());
}

/// Class string of a clustering column sorted in descending order.
pub fn reversed_java_class(base: &CqlType) -> String {
    format!("{PACKAGE}ReversedType({})", base.java_class())
}

/// Class string of a partition key: that of the only component, or `CompositeType(…)` of several.
pub fn composite_java_class(components: &[CqlType]) -> String {
    if let [only] = components {
        return only.java_class();
    }
    let parts: Vec<String> = components.iter().map(CqlType::java_class).collect();
    format!("{PACKAGE}CompositeType({})", parts.join(","))
}

/// Types of the `count` columns of a partition key, by the key's class string: the parameters of a `CompositeType`. The class of a key of
/// one column is that of the column, which may be a `CompositeType` itself.
///
/// # Errors
/// As [`parse_java_class`].
pub fn composite_components(class: &str, count: usize) -> Result<Vec<CqlType>, TypeError> {
    let mut parser = Parser { text: class, at: 0, is_written: false };
    if count == 1 || simple_name(parser.class_name()) != "CompositeType" {
        return Ok(vec![parse_java_class(class)?]);
    }
    let components = parser.parameters(1)?;
    parser.finish()?;
    Ok(components)
}

/// Type of a clustering column and whether its class string is a `ReversedType(…)`.
///
/// # Errors
/// As [`parse_java_class`].
pub fn parse_clustering_class(class: &str) -> Result<(CqlType, bool), TypeError> {
    let reversed = simple_name(Parser { text: class, at: 0, is_written: false }.class_name()) == "ReversedType";
    Ok((parse_java_class(class)?, reversed))
}

/// Parses a Java class string; names without a package are taken from Cassandra's own. `ReversedType(x)` gives `x`.
///
/// # Errors
/// Text outside the grammar, classes that are no types, and nesting beyond [`TYPE_DEPTH_READ_MAX`].
pub fn parse_java_class(class: &str) -> Result<CqlType, TypeError> {
    let mut parser = Parser { text: class, at: 0, is_written: false };
    let parsed = parser.parse_type(0)?;
    parser.finish()?;
    Ok(parsed)
}

/// Parses the class string by which a statement names a type: nothing is the type of bytes, and what stands behind the type is not
/// looked at (Cassandra: `TypeParser.parse`).
///
/// # Errors
/// As [`parse_java_class`].
pub fn parse_written_class(class: &str) -> Result<CqlType, TypeError> {
    let of = |text| Parser { text, at: 0, is_written: true };
    let mut parser = of(class);
    parser.skip_space();
    let name = parser.class_name();
    if name.is_empty() {
        return Ok(CqlType::Blob);
    }
    of(class).parse_type(0).map_err(|error| match of(name).parse_type(0) {
        Err(unknown @ TypeError::UnknownClass(_)) => unknown,
        _ if error == TypeError::TooDeep => error,
        _ => TypeError::Invalid(format!("Invalid definition for comparator {PACKAGE}{}.", simple_name(name))),
    })
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    /// A statement names the type.
    is_written: bool,
}

impl<'a> Parser<'a> {
    fn parse_type(&mut self, depth: usize) -> Result<CqlType, TypeError> {
        if depth > TYPE_DEPTH_READ_MAX {
            return Err(TypeError::TooDeep);
        }
        self.skip_space();
        let start = self.at;
        let class = self.class_name();
        if class.is_empty() {
            return Err(self.fault("class name expected"));
        }
        let name = match class.strip_prefix(PACKAGE) {
            Some(name) => name,
            None if class.contains('.') => return Err(TypeError::UnknownClass(class.to_owned())),
            None => class,
        };
        if let Some((_, native)) = NATIVE.iter().find(|(known, _)| *known == name) {
            return Ok(native.clone());
        }
        match name {
            "ListType" => Ok(CqlType::list(self.only_parameter(depth)?, false)),
            "SetType" => Ok(CqlType::set(self.only_parameter(depth)?, false)),
            "FrozenType" => Ok(freeze_deep(&self.only_parameter(depth)?)),
            "ReversedType" => self.only_parameter(depth),
            "MapType" => match <[CqlType; 2]>::try_from(self.parameters(depth + 1)?) {
                Ok([key, value]) => Ok(CqlType::map(key, value, false)),
                Err(_) => Err(self.fault("MapType takes exactly 2 type parameters")),
            },
            "TupleType" => {
                let components = self.parameters(depth + 1)?;
                Ok(CqlType::Tuple(components.iter().map(freeze_deep).collect()))
            }
            "VectorType" => self.vector(depth),
            "UserType" => self.udt(depth),
            _ if KEPT.contains(&name) && !(self.is_written && name == RETIRED) => {
                self.skip_balanced()?;
                let parameters = self.text.get(start + class.len()..self.at).unwrap_or("");
                Ok(CqlType::Custom(format!("{PACKAGE}{name}{parameters}").into()))
            }
            _ => Err(TypeError::UnknownClass(format!("{PACKAGE}{name}"))),
        }
    }

    fn only_parameter(&mut self, depth: usize) -> Result<CqlType, TypeError> {
        match <[CqlType; 1]>::try_from(self.parameters(depth + 1)?) {
            Ok([only]) => Ok(only),
            Err(_) => Err(self.fault("exactly 1 type parameter expected")),
        }
    }

    /// Types between parentheses, at least one.
    fn parameters(&mut self, depth: usize) -> Result<Vec<CqlType>, TypeError> {
        self.expect(b'(', "'(' expected")?;
        let mut parameters = vec![self.parse_type(depth)?];
        while self.eat(b',') {
            parameters.push(self.parse_type(depth)?);
        }
        self.expect(b')', "')' expected")?;
        Ok(parameters)
    }

    fn vector(&mut self, depth: usize) -> Result<CqlType, TypeError> {
        self.expect(b'(', "'(' expected")?;
        let element = self.parse_type(depth + 1)?.freeze();
        self.expect(b',', "',' expected")?;
        self.skip_space();
        let dimension = self.class_name().parse::<u32>().ok().filter(|&dimension| dimension <= i32::MAX as u32);
        let Some(dimension @ 1..) = dimension else {
            return Err(self.fault("positive dimension expected"));
        };
        self.expect(b')', "')' expected")?;
        Ok(CqlType::vector(element, dimension))
    }

    fn udt(&mut self, depth: usize) -> Result<CqlType, TypeError> {
        self.expect(b'(', "'(' expected")?;
        self.skip_space();
        let keyspace = self.class_name().to_owned();
        self.expect(b',', "',' expected")?;
        let name = self.hex_name()?;
        let mut fields = Vec::new();
        while self.eat(b',') {
            let field = self.hex_name()?;
            self.expect(b':', "':' expected")?;
            fields.push((field, self.parse_type(depth + 1)?));
        }
        self.expect(b')', "')' expected")?;
        let definition = Arc::new(UdtDefinition { keyspace, name, fields });
        Ok(CqlType::Udt { definition, frozen: false })
    }

    fn hex_name(&mut self) -> Result<String, TypeError> {
        self.skip_space();
        let digits = self.class_name();
        if !digits.len().is_multiple_of(2) {
            return Err(self.fault("An hex string representing bytes must have an even length"));
        }
        let bytes: Option<Vec<u8>> = digits
            .as_bytes()
            .chunks(2)
            .map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()))
            .collect();
        bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| self.fault("name in hex expected"))
    }

    /// Steps over `( … )` if it is there, with parentheses nested in it.
    fn skip_balanced(&mut self) -> Result<(), TypeError> {
        if self.peek() != Some(b'(') {
            return Ok(());
        }
        let mut depth = 0usize;
        loop {
            match self.peek() {
                Some(b'(') => depth += 1,
                Some(b')') => depth -= 1,
                Some(_) => {}
                None => return Err(self.fault("')' expected")),
            }
            self.at += 1;
            if depth == 0 {
                return Ok(());
            }
        }
    }

    fn class_name(&mut self) -> &'a str {
        let rest = self.text.get(self.at..).unwrap_or("");
        let accept = |byte: u8| byte.is_ascii_alphanumeric() || b"-+._&".contains(&byte);
        let length = rest.bytes().position(|byte| !accept(byte)).unwrap_or(rest.len());
        let taken = rest.get(..length).unwrap_or("");
        self.at += taken.len();
        taken
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        self.skip_space();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8, reason: &'static str) -> Result<(), TypeError> {
        if self.eat(byte) { Ok(()) } else { Err(self.fault(reason)) }
    }

    fn finish(&mut self) -> Result<(), TypeError> {
        self.skip_space();
        if self.at == self.text.len() { Ok(()) } else { Err(self.fault("end of text expected")) }
    }

    fn fault(&self, reason: &'static str) -> TypeError {
        TypeError::Syntax { text: self.text.to_owned(), at: self.at, reason }
    }
}

/// Freezes a type and everything in it, the fields of UDTs too: inside `FrozenType` nothing else says they are frozen.
fn freeze_deep(parsed: &CqlType) -> CqlType {
    match parsed {
        CqlType::List { element, .. } => CqlType::List { element: Arc::new(freeze_deep(element)), frozen: true },
        CqlType::Set { element, .. } => CqlType::Set { element: Arc::new(freeze_deep(element)), frozen: true },
        CqlType::Map { key, value, .. } => {
            CqlType::Map { key: Arc::new(freeze_deep(key)), value: Arc::new(freeze_deep(value)), frozen: true }
        }
        CqlType::Tuple(components) => CqlType::Tuple(components.iter().map(freeze_deep).collect()),
        CqlType::Vector { element, dimension } => CqlType::vector(freeze_deep(element), *dimension),
        CqlType::Udt { definition, .. } => {
            let fields = definition.fields.iter().map(|(name, field)| (name.clone(), freeze_deep(field))).collect();
            let (keyspace, name) = (definition.keyspace.clone(), definition.name.clone());
            CqlType::Udt { definition: Arc::new(UdtDefinition { keyspace, name, fields }), frozen: true }
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::parse_cql_type;

    const POINT: &str = "~UserType(ks,706f696e74,78:~Int32Type,592079:~UTF8Type)";

    fn expand(short: &str) -> String {
        short.replace("POINT", POINT).replace('~', PACKAGE)
    }

    fn point() -> Arc<UdtDefinition> {
        let fields = vec![("x".to_owned(), CqlType::Int), ("Y y".to_owned(), CqlType::Text)];
        Arc::new(UdtDefinition { keyspace: "ks".to_owned(), name: "point".to_owned(), fields })
    }

    /// CQL text to class string, and the class string back to the CQL name.
    fn check(text: &str, short: &str) {
        let parsed = parse_cql_type(text, "ks", &|_, _| Some(point())).unwrap();
        assert_eq!(parsed.java_class(), expand(short), "{text}");
        let back = parse_java_class(&expand(short)).unwrap();
        assert_eq!(back.java_class(), expand(short), "{text}");
        assert_eq!(back, parsed, "{text}");
    }

    /// Class string to class string, or to the error.
    fn check_class(short: &str, printed: &str) {
        let answer = match parse_java_class(&expand(short)) {
            Ok(parsed) => parsed.java_class(),
            Err(error) => error.to_string(),
        };
        assert_eq!(answer, expand(printed), "{short}");
    }

    #[test]
    fn classes_of_cql_types() {
        for (name, native) in NATIVE {
            check(&native.to_string(), &format!("~{name}"));
        }
        check("list<int>", "~ListType(~Int32Type)");
        check("frozen<list<int>>", "~FrozenType(~ListType(~Int32Type))");
        check("list<frozen<list<int>>>", "~ListType(~FrozenType(~ListType(~Int32Type)))");
        check("frozen<list<frozen<list<int>>>>", "~FrozenType(~ListType(~ListType(~Int32Type)))");
        check("map<int, frozen<list<text>>>", "~MapType(~Int32Type,~FrozenType(~ListType(~UTF8Type)))");
        check("frozen<map<int, set<int>>>", "~FrozenType(~MapType(~Int32Type,~SetType(~Int32Type)))");
        check("tuple<int, frozen<list<int>>, frozen<point>>", "~TupleType(~Int32Type,~ListType(~Int32Type),POINT)");
        check("map<text, tuple<int, text>>", "~MapType(~UTF8Type,~TupleType(~Int32Type,~UTF8Type))");
        check("map<text, frozen<point>>", "~MapType(~UTF8Type,~FrozenType(POINT))");
        check("point", "POINT");
        check("frozen<point>", "~FrozenType(POINT)");
        check("vector<float, 3>", "~VectorType(~FloatType , 3)");
        check("vector<frozen<list<int>>, 3>", "~VectorType(~FrozenType(~ListType(~Int32Type)) , 3)");
        check("vector<frozen<point>, 3>", "~VectorType(~FrozenType(POINT) , 3)");
        check("list<vector<text, 2>>", "~ListType(~VectorType(~UTF8Type , 2))");
        check(
            "frozen<list<vector<frozen<list<int>>, 2>>>",
            "~FrozenType(~ListType(~VectorType(~ListType(~Int32Type) , 2)))",
        );
        check("tuple<vector<frozen<list<int>>, 2>>", "~TupleType(~VectorType(~ListType(~Int32Type) , 2))");
        check("'~LexicalUUIDType'".replace('~', PACKAGE).as_str(), "~LexicalUUIDType");
    }

    #[test]
    fn classes_of_classes() {
        check_class("Int32Type", "~Int32Type");
        check_class(" MapType ( Int32Type , UTF8Type ) ", "~MapType(~Int32Type,~UTF8Type)");
        check_class("~FrozenType(~Int32Type)", "~Int32Type");
        check_class("~ReversedType(~Int32Type)", "~Int32Type");
        check_class("~VectorType(~FloatType,3)", "~VectorType(~FloatType , 3)");
        check_class("~VectorType(~ListType(~Int32Type) , 3)", "~VectorType(~FrozenType(~ListType(~Int32Type)) , 3)");
        check_class("~ListType(~ListType(~Int32Type))", "~ListType(~FrozenType(~ListType(~Int32Type)))");
        check_class("~FrozenType(~TupleType(~ListType(~Int32Type)))", "~TupleType(~ListType(~Int32Type))");
        check_class("~CompositeType(~Int32Type,~UTF8Type)", "~CompositeType(~Int32Type,~UTF8Type)");
        check_class("~DynamicCompositeType(a=>~Int32Type)", "~DynamicCompositeType(a=>~Int32Type)");
        check_class("~DateType", "~DateType");
        check_class("~NoSuchType", "Unable to find abstract-type class '~NoSuchType'");
        check_class("com.example.Int32Type", "Unable to find abstract-type class 'com.example.Int32Type'");
        check_class("~ListType", "Syntax error parsing '~ListType' at char 40: '(' expected");
        check_class("ListType(Int32Type", "Syntax error parsing 'ListType(Int32Type' at char 18: ')' expected");
        check_class("ListType()", "Syntax error parsing 'ListType()' at char 9: class name expected");
        check_class(
            "MapType(Int32Type)",
            "Syntax error parsing 'MapType(Int32Type)' at char 18: MapType takes exactly 2 type parameters",
        );
        check_class(
            "VectorType(Int32Type , 0)",
            "Syntax error parsing 'VectorType(Int32Type , 0)' at char 24: positive dimension expected",
        );
        check_class(
            "UserType(ks,7,61:Int32Type)",
            "Syntax error parsing 'UserType(ks,7,61:Int32Type)' at char 13: An hex string representing bytes must have an even length",
        );
        check_class("", "Syntax error parsing '' at char 0: class name expected");
        check_class("Int32Type)", "Syntax error parsing 'Int32Type)' at char 9: end of text expected");
        check_class(
            "CompositeType(Int32Type",
            "Syntax error parsing 'CompositeType(Int32Type' at char 23: ')' expected",
        );
    }

    #[test]
    fn keys_and_clusterings() {
        let composite = expand("~CompositeType(~Int32Type,~UTF8Type)");
        assert_eq!(composite_components(&composite, 2).unwrap(), [CqlType::Int, CqlType::Text]);
        let alone = parse_java_class(&composite).unwrap();
        assert_eq!(composite_components(&composite, 1).unwrap(), std::slice::from_ref(&alone));
        assert_eq!(composite_java_class(&[alone]), composite);
        assert_eq!(composite_java_class(&[CqlType::Int, CqlType::Text]), composite);
        assert_eq!(composite_components(&expand("~Int32Type"), 1).unwrap(), [CqlType::Int]);
        assert_eq!(composite_java_class(&[CqlType::Int]), expand("~Int32Type"));
        let reversed = expand("~ReversedType(~Int32Type)");
        assert_eq!(parse_clustering_class(&reversed).unwrap(), (CqlType::Int, true));
        assert_eq!(parse_clustering_class("Int32Type").unwrap(), (CqlType::Int, false));
        assert_eq!(reversed_java_class(&CqlType::Int), reversed);
    }

    #[test]
    fn nesting_is_bounded() {
        assert_eq!(parse_java_class(&"ListType(".repeat(100_000)), Err(TypeError::TooDeep));
    }

    #[test]
    fn a_class_that_no_statement_may_name_is_read() {
        check_class(
            "ColumnToCollectionType(6c:ListType(Int32Type))",
            "~ColumnToCollectionType(6c:ListType(Int32Type))",
        );
        for (class, wanted) in [
            ("ColumnToCollectionType(6c:ListType(Int32Type))", "~ColumnToCollectionType"),
            ("ListType(ColumnToCollectionType)", "Invalid definition for comparator ~ListType."),
        ] {
            let error = parse_written_class(class).unwrap_err().to_string();
            assert!(error.contains(&expand(wanted)), "{class}: {error}");
        }
        assert_eq!(parse_written_class("DateType").map(|ty| ty.java_class()), Ok(expand("~DateType")));
    }
}
