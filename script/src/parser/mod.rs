//! From words to the syntax tree. What Java has and this subset has not is refused here by its name.

mod expression;
mod statement;

use crate::CompileError;
use crate::lexer::{Lexeme, Token, lex};
use crate::limits::DEPTH_MAX;
use crate::syntax::{Expr, ExprKind, Stmt, TypeName};

pub(crate) type Parsed<T> = Result<T, CompileError>;

/// Words that may not be names.
const KEYWORDS: [&str; 51] = [
    "abstract",
    "assert",
    "boolean",
    "break",
    "byte",
    "case",
    "catch",
    "char",
    "class",
    "const",
    "continue",
    "default",
    "do",
    "double",
    "else",
    "enum",
    "extends",
    "final",
    "finally",
    "float",
    "for",
    "goto",
    "if",
    "implements",
    "import",
    "instanceof",
    "int",
    "interface",
    "long",
    "native",
    "new",
    "package",
    "private",
    "protected",
    "public",
    "return",
    "short",
    "static",
    "strictfp",
    "super",
    "switch",
    "synchronized",
    "this",
    "throw",
    "throws",
    "transient",
    "try",
    "void",
    "volatile",
    "while",
    "null",
];

const PRIMITIVES: [&str; 8] = ["boolean", "byte", "short", "char", "int", "long", "float", "double"];

pub(crate) struct Parser {
    words: Vec<Lexeme>,
    at: usize,
    depth: u32,
}

/// The statements of a body.
pub(crate) fn parse(text: &str) -> Parsed<Vec<Stmt>> {
    let mut parser = Parser { words: lex(text)?, at: 0, depth: 0 };
    let mut body = Vec::new();
    while *parser.peek() != Token::End {
        body.push(parser.statement()?);
    }
    Ok(body)
}

pub(super) fn is_primitive(word: &str) -> bool {
    PRIMITIVES.contains(&word)
}

/// Refuses what names no parameter in Java: CQL takes any name in quotes, and words that Java keeps for itself.
pub(super) fn check_parameter(name: &str) -> Result<(), CompileError> {
    let starts = name.starts_with(|letter: char| letter.is_alphabetic() || letter == '_' || letter == '$');
    let is_word = name.chars().all(|letter| letter.is_alphanumeric() || letter == '_' || letter == '$');
    if starts && is_word && is_name(name) && name != "_" && name != "null" {
        return Ok(());
    }
    Err(CompileError { line: 1, message: format!("Syntax error on token \"{name}\", invalid VariableDeclaratorId") })
}

fn is_name(word: &str) -> bool {
    !KEYWORDS.contains(&word) && word != "true" && word != "false"
}

impl Parser {
    fn peek_at(&self, ahead: usize) -> &Token {
        self.words.get(self.at + ahead).map_or(&Token::End, |lexeme| &lexeme.token)
    }

    fn peek(&self) -> &Token {
        self.peek_at(0)
    }

    fn line(&self) -> u32 {
        self.words.get(self.at).or(self.words.last()).map_or(1, |lexeme| lexeme.line)
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        if token != Token::End {
            self.at += 1;
        }
        token
    }

    fn is(&self, symbol: &str) -> bool {
        matches!(self.peek(), Token::Symbol(found) if *found == symbol)
    }

    fn is_at(&self, ahead: usize, symbol: &str) -> bool {
        matches!(self.peek_at(ahead), Token::Symbol(found) if *found == symbol)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Token::Word(found) if found == word)
    }

    fn eat(&mut self, symbol: &str) -> bool {
        let found = self.is(symbol);
        self.at += usize::from(found);
        found
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    fn error(&self, message: impl Into<String>) -> CompileError {
        CompileError { line: self.line(), message: message.into() }
    }

    fn unsupported<T>(&self, what: &str) -> Parsed<T> {
        Err(self.error(format!("not supported yet: {what}")))
    }

    /// Cassandra's compiler names the word it stumbles over.
    fn unexpected(&self, wanted: &str) -> CompileError {
        match self.peek() {
            Token::End if wanted == ";" => self.error("Syntax error, insert \";\" to complete BlockStatements"),
            Token::End => self.error(format!("Syntax error, insert \"{wanted}\" to complete the body")),
            token => self.error(format!("Syntax error on token \"{}\", {wanted} expected", text_of(token))),
        }
    }

    fn expect(&mut self, symbol: &str) -> Parsed<()> {
        if self.eat(symbol) { Ok(()) } else { Err(self.unexpected(symbol)) }
    }

    fn name(&mut self) -> Parsed<String> {
        match self.peek() {
            Token::Word(word) if is_name(word) => {
                let word = word.clone();
                self.at += 1;
                Ok(word)
            }
            _ => Err(self.unexpected("Identifier")),
        }
    }

    /// Runs `parse` one level deeper.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= DEPTH_MAX {
            return self.unsupported(&format!("code nested deeper than {DEPTH_MAX} levels"));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    fn expr(&self, kind: ExprKind, line: u32) -> Parsed<Expr> {
        let depth = kind.depth();
        if depth > DEPTH_MAX {
            return self.unsupported(&format!("expressions nested deeper than {DEPTH_MAX} levels"));
        }
        Ok(Expr { kind, line, depth })
    }

    /// A type, if one stands here; the place is unchanged otherwise.
    fn try_type(&mut self) -> Option<TypeName> {
        let start = self.at;
        let found = self.type_name(true);
        if found.is_none() {
            self.at = start;
        }
        found
    }

    fn type_name(&mut self, dimensions: bool) -> Option<TypeName> {
        self.nested(|parser| Ok(parser.type_inside(dimensions))).ok().flatten()
    }

    fn type_inside(&mut self, with_dimensions: bool) -> Option<TypeName> {
        if self.eat("?") {
            // A wildcard is as good as its bound.
            if self.eat_word("extends") || self.eat_word("super") {
                return self.type_name(true);
            }
            return Some(TypeName { name: "Object".to_owned(), arguments: None, dimensions: 0 });
        }
        let Token::Word(word) = self.peek() else { return None };
        let mut name = word.clone();
        if !is_primitive(&name) && !is_name(&name) {
            return None;
        }
        self.at += 1;
        while self.is(".") && matches!(self.peek_at(1), Token::Word(word) if is_name(word)) {
            self.at += 1;
            if let Token::Word(word) = self.next() {
                name.push('.');
                name.push_str(&word);
            }
        }
        let mut arguments = None;
        if self.is("<") && !is_primitive(&name) {
            self.at += 1;
            let mut found = Vec::new();
            while !self.is(">") {
                if !found.is_empty() && !self.eat(",") {
                    return None;
                }
                found.push(self.type_name(true)?);
            }
            self.at += 1;
            arguments = Some(found);
        }
        let mut dimensions = 0;
        while with_dimensions && self.is("[") && self.is_at(1, "]") {
            self.at += 2;
            dimensions += 1;
        }
        Some(TypeName { name, arguments, dimensions })
    }

    /// A type must stand here.
    fn expect_type(&mut self) -> Parsed<TypeName> {
        match self.try_type() {
            Some(ty) => Ok(ty),
            None => Err(self.unexpected("Type")),
        }
    }
}

fn text_of(token: &Token) -> String {
    match token {
        Token::Word(word) => word.clone(),
        Token::Whole { digits, .. } => digits.clone(),
        Token::Real { text, .. } => text.clone(),
        Token::Char(unit) => format!("'{}'", String::from_utf16_lossy(&[*unit])),
        Token::Text(units) => format!("\\\"{}\\\"", String::from_utf16_lossy(units)),
        Token::Symbol(symbol) => (*symbol).to_owned(),
        Token::End => String::new(),
    }
}
