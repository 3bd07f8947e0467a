//! Parsing of a type's CQL text, as the schema tables keep it.

use std::sync::Arc;

use super::{CqlType, TypeError, UdtDefinition, java_class};
use crate::limits::TYPE_DEPTH_READ_MAX;

/// Finds a user-defined type by keyspace and name.
pub type UdtResolver<'a> = dyn Fn(&str, &str) -> Option<Arc<UdtDefinition>> + 'a;

/// Parses the CQL text of a type, such as `map<text, frozen<list<int>>>`. Names of user-defined types without a
/// keyspace are looked up in `keyspace`.
///
/// # Errors
/// Text outside the grammar, unknown UDTs, `frozen<>` around a simple type, a dimension that is not positive, and
/// nesting beyond [`TYPE_DEPTH_READ_MAX`].
pub fn parse_cql_type(text: &str, keyspace: &str, resolver: &UdtResolver<'_>) -> Result<CqlType, TypeError> {
    let mut parser = Parser { text, at: 0, keyspace, resolver };
    let parsed = parser.parse_type(0)?;
    parser.skip_space();
    if parser.at != text.len() {
        return Err(parser.fault("end of text expected"));
    }
    Ok(parsed)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    keyspace: &'a str,
    resolver: &'a UdtResolver<'a>,
}

impl Parser<'_> {
    fn parse_type(&mut self, depth: usize) -> Result<CqlType, TypeError> {
        if depth > TYPE_DEPTH_READ_MAX {
            return Err(TypeError::TooDeep);
        }
        self.skip_space();
        if self.peek() == Some(b'\'') {
            let class = self.quoted(b'\'')?;
            return java_class::parse_java_class(&class);
        }
        let quoted = self.peek() == Some(b'"');
        let name = self.name()?;
        if self.eat(b'.') {
            let type_name = self.name()?;
            return self.resolve(&name, &type_name);
        }
        if !quoted {
            if self.eat(b'<') {
                let parsed = self.parameters(&name, depth)?;
                self.expect(b'>', "'>' expected")?;
                return Ok(parsed);
            }
            if let Some(native) = CqlType::native(&name) {
                return Ok(native);
            }
        }
        let keyspace = self.keyspace;
        self.resolve(keyspace, &name)
    }

    /// What stands between the angle brackets of `name`.
    fn parameters(&mut self, name: &str, depth: usize) -> Result<CqlType, TypeError> {
        let first = self.parse_type(depth + 1)?;
        match name {
            "list" => Ok(CqlType::list(first, false)),
            "set" => Ok(CqlType::set(first, false)),
            "map" => {
                self.expect(b',', "',' expected")?;
                Ok(CqlType::map(first, self.parse_type(depth + 1)?, false))
            }
            "tuple" => {
                let mut components = vec![first];
                while self.eat(b',') {
                    components.push(self.parse_type(depth + 1)?);
                }
                Ok(CqlType::tuple(components))
            }
            "frozen" => match first {
                CqlType::Vector { .. } => Ok(first),
                _ if first.is_frozen() || first.is_multi_cell() => Ok(first.freeze()),
                _ => Err(TypeError::Invalid(format!(
                    "frozen<> is only allowed on collections, tuples, and user-defined types (got {first})"
                ))),
            },
            "vector" => {
                self.expect(b',', "',' expected")?;
                Ok(CqlType::vector(first, self.dimension()?))
            }
            _ => Err(self.fault("list, set, map, tuple, vector or frozen expected")),
        }
    }

    fn dimension(&mut self) -> Result<u32, TypeError> {
        self.skip_space();
        let digits = self.take_while(|byte| byte.is_ascii_digit() || byte == b'-');
        match digits.parse::<i32>() {
            Ok(dimension) if dimension > 0 => Ok(dimension as u32),
            Ok(dimension) => {
                Err(TypeError::Invalid(format!("vectors may only have positive dimensions; given {dimension}")))
            }
            Err(_) => Err(self.fault("dimension expected")),
        }
    }

    fn resolve(&self, keyspace: &str, name: &str) -> Result<CqlType, TypeError> {
        (self.resolver)(keyspace, name)
            .map(|definition| CqlType::Udt { definition, frozen: false })
            .ok_or_else(|| TypeError::UnknownType(format!("{keyspace}.{name}")))
    }

    /// A name: bare ones in lower case, quoted ones as they are.
    fn name(&mut self) -> Result<String, TypeError> {
        self.skip_space();
        if self.peek() == Some(b'"') {
            return self.quoted(b'"');
        }
        let bare = self.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if bare.is_empty() {
            return Err(self.fault("name of a type expected"));
        }
        Ok(bare.to_ascii_lowercase())
    }

    /// Text between two `mark`s, in which a doubled mark stands for one.
    fn quoted(&mut self, mark: u8) -> Result<String, TypeError> {
        self.at += 1;
        let mut content = String::new();
        loop {
            content.push_str(self.take_while(|byte| byte != mark));
            if self.peek().is_none() {
                return Err(self.fault("closing quote expected"));
            }
            self.at += 1;
            if self.peek() != Some(mark) {
                return Ok(content);
            }
            content.push(mark as char);
            self.at += 1;
        }
    }

    /// Takes bytes while `accept` holds. Bytes are only refused at ASCII characters, so the cut is between characters.
    fn take_while(&mut self, accept: impl Fn(u8) -> bool) -> &str {
        let rest = self.text.get(self.at..).unwrap_or("");
        let length = rest.bytes().position(|byte| !accept(byte)).unwrap_or(rest.len());
        let taken = rest.get(..length).unwrap_or("");
        self.at += taken.len();
        taken
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        self.take_while(|byte| byte.is_ascii_whitespace());
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

    fn fault(&self, reason: &'static str) -> TypeError {
        TypeError::Syntax { text: self.text.to_owned(), at: self.at, reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn udt(keyspace: &str, name: &str) -> Option<Arc<UdtDefinition>> {
        let known = keyspace == "ks" && ["point", "Big \"Udt", "text"].contains(&name);
        known.then(|| {
            Arc::new(UdtDefinition {
                keyspace: keyspace.to_owned(),
                name: name.to_owned(),
                fields: vec![("x".to_owned(), CqlType::Int)],
            })
        })
    }

    fn check(text: &str, printed: &str) {
        let answer = match parse_cql_type(text, "ks", &udt) {
            Ok(parsed) => parsed.to_string(),
            Err(error) => error.to_string(),
        };
        assert_eq!(answer, printed, "{text}");
    }

    #[test]
    fn parsed_and_printed() {
        check("int", "int");
        check("TEXT", "text");
        check("VarChar", "text");
        check("empty", "empty");
        check("list<int>", "list<int>");
        check(" frozen < list< int > > ", "frozen<list<int>>");
        check("frozen<frozen<list<int>>>", "frozen<list<int>>");
        check("frozen<map<text,int>>", "frozen<map<text, int>>");
        check("map<int, map<int, int>>", "map<int, frozen<map<int, int>>>");
        check("list<frozen<list<frozen<set<int>>>>>", "list<frozen<list<frozen<set<int>>>>>");
        check("tuple<int>", "frozen<tuple<int>>");
        check("tuple<int, list<int>>", "frozen<tuple<int, frozen<list<int>>>>");
        check("list<tuple<int>>", "list<frozen<tuple<int>>>");
        check("frozen<tuple<int,frozen<point>>>", "frozen<tuple<int, frozen<point>>>");
        check("tuple<point>", "frozen<tuple<frozen<point>>>");
        check("point", "point");
        check("ks.point", "point");
        check("frozen<\"Big \"\"Udt\">", "frozen<\"Big \"\"Udt\">");
        check("\"text\"", "text");
        check("vector<float,3>", "vector<float, 3>");
        check("frozen<vector<int,2>>", "vector<int, 2>");
        check("vector<frozen<list<int>>, 4>", "vector<frozen<list<int>>, 4>");
        check("list<vector<text, 2>>", "list<vector<text, 2>>");
        check("'org.apache.cassandra.db.marshal.LexicalUUIDType'", "'org.apache.cassandra.db.marshal.LexicalUUIDType'");
        check("'org.apache.cassandra.db.marshal.Int32Type'", "int");
        check("frozen<int>", "frozen<> is only allowed on collections, tuples, and user-defined types (got int)");
        check("vector<int, 0>", "vectors may only have positive dimensions; given 0");
        check("vector<int, -1>", "vectors may only have positive dimensions; given -1");
        check("nosuch", "Unknown type ks.nosuch");
        check("other.point", "Unknown type other.point");
        check("list<int", "Syntax error parsing 'list<int' at char 8: '>' expected");
        check("", "Syntax error parsing '' at char 0: name of a type expected");
        check("int int", "Syntax error parsing 'int int' at char 4: end of text expected");
        check("\"x", "Syntax error parsing '\"x' at char 2: closing quote expected");
        check("map<int>", "Syntax error parsing 'map<int>' at char 7: ',' expected");
        check(
            "int<int>",
            "Syntax error parsing 'int<int>' at char 7: list, set, map, tuple, vector or frozen expected",
        );
    }

    #[test]
    fn nesting_is_bounded() {
        let text = "list<".repeat(100_000);
        assert_eq!(parse_cql_type(&text, "ks", &udt), Err(TypeError::TooDeep));
    }
}
