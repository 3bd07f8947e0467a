//! The parser: recursive descent, a file per family of statements.
//!
//! It accepts what the grammar of Apache Cassandra 5.0 accepts. Cassandra's parser is generated and decides between alternatives by looking
//! ahead; where it notices only behind some token that no alternative fits, its error names that token, and so does ours: hence the checks
//! of what follows a name, and the `decision` of errors.

mod batch;
mod condition;
mod describe;
mod error;
mod follow;
mod function;
mod index;
mod keyspace;
mod literal;
mod modify;
mod names;
mod object_name;
mod permission;
mod property;
mod relation;
mod role;
mod select;
mod selector;
mod statement;
mod table;
mod term;
mod types;
mod user_type;
mod view;

pub use error::SyntaxError;

use crate::ast::{CqlTypeName, Statement, Term};
use crate::lexer::{Keyword, Kind, Lexer, Token};

/// The longest statement, in bytes: that of Cassandra's largest frame.
pub const MAX_STATEMENT_BYTES: usize = 16 * 1024 * 1024;

/// How many tokens a statement may have: what bounds the memory of its tree.
pub const MAX_TOKENS: usize = 2_000_000;

/// How deep terms, selectors, types and relations may nest, operators counted: deep enough for people, shallow enough for a thread's stack.
pub const MAX_NESTING: usize = 100;

/// How many bind markers a statement may have: their number travels as 16 bits.
pub const MAX_MARKERS: usize = 65_535;

type Parsed<T> = Result<T, SyntaxError>;

/// A statement and its bind markers.
#[derive(Debug, Clone, PartialEq)]
pub struct ParsedStatement {
    /// The statement.
    pub statement: Statement,
    /// The names of the markers in the order of the text, `None` for `?`. A name may occur twice.
    pub markers: Vec<Option<String>>,
}

/// Parses one statement, with or without semicolons behind it.
///
/// # Errors
/// What Cassandra's parser says to the same text.
pub fn parse(text: &str) -> Result<ParsedStatement, SyntaxError> {
    let mut parser = Parser::new(text)?;
    let statement = parser.whole_statement();
    match parser.unknown_class {
        // Cassandra goes on behind it, but tells this first.
        Some(error) => Err(error),
        None => Ok(ParsedStatement { statement: statement?, markers: parser.markers }),
    }
}

/// Parses a type, such as `frozen<map<text, int>>`.
///
/// # Errors
/// The text is no type, or more than one.
pub fn parse_type(text: &str) -> Result<CqlTypeName, SyntaxError> {
    let mut parser = Parser::new(text)?;
    let type_name = parser.type_name()?;
    parser.expect(Kind::End)?;
    Ok(type_name)
}

/// Parses a term, such as `{1: 'a'}`.
///
/// # Errors
/// The text is no term, or more than one.
pub fn parse_term(text: &str) -> Result<Term, SyntaxError> {
    let mut parser = Parser::new(text)?;
    let term = parser.term()?;
    parser.expect(Kind::End)?;
    Ok(term)
}

/// A text, read up to some token.
struct Parser<'a> {
    text: &'a str,
    lexer: Lexer<'a>,
    /// The tokens read so far; after `End` or `Invalid` there are no more.
    tokens: Vec<Token>,
    /// The current token.
    position: usize,
    /// How many levels of nesting the parser is in.
    depth: usize,
    /// How many levels of the tree have been built within the current level, at most.
    height: usize,
    markers: Vec<Option<String>>,
    /// The first name of a class that is no type.
    unknown_class: Option<SyntaxError>,
    /// The last token that Cassandra's parser would have read by now: its messages show the text up to there.
    furthest: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Parsed<Self> {
        if text.len() > MAX_STATEMENT_BYTES {
            let message =
                format!("Statement of {} bytes is longer than the {MAX_STATEMENT_BYTES} bytes allowed", text.len());
            return Err(SyntaxError { line: 1, column: 0, invalid: true, message });
        }
        let tokens = Vec::with_capacity((text.len() / 4).clamp(16, 256));
        Ok(Self {
            text,
            lexer: Lexer::new(text),
            tokens,
            position: 0,
            depth: 0,
            height: 0,
            markers: Vec::new(),
            unknown_class: None,
            furthest: 0,
        })
    }

    /// The token at an index; behind the last one, the last one.
    fn token_at(&mut self, index: usize) -> Token {
        if let Some(token) = self.tokens.get(index) {
            return *token;
        }
        self.read_to(index)
    }

    #[cold]
    #[inline(never)]
    fn read_more(&mut self, index: usize) -> Token {
        loop {
            let mut token = self.lexer.next();
            if self.tokens.len() == MAX_TOKENS {
                token.kind = Kind::Invalid;
            }
            self.tokens.push(token);
            if matches!(token.kind, Kind::End | Kind::Invalid) || self.tokens.len() > index {
                return token;
            }
        }
    }

    fn read_to(&mut self, index: usize) -> Token {
        if let Some(last) = self.tokens.last()
            && matches!(last.kind, Kind::End | Kind::Invalid)
        {
            return *last;
        }
        self.read_more(index)
    }

    fn current(&mut self) -> Token {
        self.token_at(self.position)
    }

    fn kind(&mut self) -> Kind {
        self.current().kind
    }

    /// The kind of the token `ahead` of the current one.
    fn kind_ahead(&mut self, ahead: usize) -> Kind {
        self.token_at(self.position + ahead).kind
    }

    /// Notes that a decision was taken by looking at the token `ahead`: Cassandra's parser has read the one behind it as well.
    fn decided_by(&mut self, ahead: usize) {
        self.furthest = self.furthest.max(self.position + ahead + 1);
    }

    fn is_keyword(&mut self, keyword: Keyword) -> bool {
        self.kind() == Kind::Keyword(keyword)
    }

    fn keyword_ahead(&mut self, ahead: usize, keyword: Keyword) -> bool {
        self.kind_ahead(ahead) == Kind::Keyword(keyword)
    }

    /// Goes on to the next token and returns the one left behind.
    fn advance(&mut self) -> Token {
        let token = self.current();
        if self.position + 1 < self.tokens.len() || !matches!(token.kind, Kind::End | Kind::Invalid) {
            self.position += 1;
        }
        token
    }

    fn eat(&mut self, kind: Kind) -> bool {
        let there = self.kind() == kind;
        if there {
            self.advance();
        }
        there
    }

    fn eat_keyword(&mut self, keyword: Keyword) -> bool {
        self.eat(Kind::Keyword(keyword))
    }

    fn expect(&mut self, kind: Kind) -> Parsed<Token> {
        if self.kind() == kind {
            return Ok(self.advance());
        }
        Err(self.mismatched(kind.token_name()))
    }

    fn expect_keyword(&mut self, keyword: Keyword) -> Parsed<()> {
        self.expect(Kind::Keyword(keyword)).map(|_| ())
    }

    fn expect_keywords(&mut self, keywords: &[Keyword]) -> Parsed<()> {
        keywords.iter().try_for_each(|&keyword| self.expect_keyword(keyword))
    }

    /// `item, item, …`, at least one.
    fn comma_separated<T>(&mut self, mut item: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut items = vec![item(self)?];
        while self.eat(Kind::Comma) {
            items.push(item(self)?);
        }
        Ok(items)
    }

    /// `(item, item, …)`, at least one.
    fn parenthesised<T>(&mut self, item: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        self.expect(Kind::ParenthesisOpen)?;
        let items = self.comma_separated(item)?;
        self.expect(Kind::ParenthesisClose)?;
        Ok(items)
    }

    /// `(item, item, …)`, perhaps none.
    fn parenthesised_or_empty<T>(&mut self, item: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        if self.kind_ahead(1) == Kind::ParenthesisClose {
            self.expect(Kind::ParenthesisOpen)?;
            self.advance();
            return Ok(Vec::new());
        }
        self.parenthesised(item)
    }

    /// `(item, item, …)`, none unless the first token is one that `starts` an item.
    fn parenthesised_if<T>(
        &mut self,
        starts: impl Fn(Kind) -> bool,
        item: impl FnMut(&mut Self) -> Parsed<T>,
    ) -> Parsed<Vec<T>> {
        self.expect(Kind::ParenthesisOpen)?;
        let items = if starts(self.kind()) { self.comma_separated(item)? } else { Vec::new() };
        self.expect(Kind::ParenthesisClose)?;
        Ok(items)
    }

    /// `IF NOT EXISTS`
    fn if_not_exists(&mut self) -> Parsed<bool> {
        let there = self.eat_keyword(Keyword::If);
        if there {
            self.expect_keywords(&[Keyword::Not, Keyword::Exists])?;
        }
        Ok(there)
    }

    /// `IF EXISTS`
    fn if_exists(&mut self) -> Parsed<bool> {
        let there = self.eat_keyword(Keyword::If);
        if there {
            self.expect_keyword(Keyword::Exists)?;
        }
        Ok(there)
    }

    /// Runs `parse` one level deeper, and counts the level it builds.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_NESTING {
            return Err(self.too_deep());
        }
        let height_beside = std::mem::take(&mut self.height);
        self.depth += 1;
        let result = parse(self);
        self.depth -= 1;
        self.grow()?;
        self.height = self.height.max(height_beside);
        result
    }

    /// Counts a level built around what was parsed before, such as the operator behind a left operand: the recursion does not bound those.
    fn grow(&mut self) -> Parsed<()> {
        self.height += 1;
        if self.height > MAX_NESTING { Err(self.too_deep()) } else { Ok(()) }
    }

    /// Tries to parse; goes back to where it was if that fails.
    fn attempt<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Option<T> {
        let (position, depth, height, markers) = (self.position, self.depth, self.height, self.markers.len());
        let had_unknown_class = self.unknown_class.is_some();
        match parse(self) {
            Ok(value) => Some(value),
            Err(_) => {
                self.position = position;
                self.depth = depth;
                self.height = height;
                self.markers.truncate(markers);
                if !had_unknown_class {
                    self.unknown_class = None;
                }
                None
            }
        }
    }

    fn whole_statement(&mut self) -> Parsed<Statement> {
        let statement = self.statement()?;
        while self.eat(Kind::Semicolon) {}
        self.expect(Kind::End)?;
        self.check_markers()?;
        Ok(statement)
    }

    fn check_markers(&mut self) -> Parsed<()> {
        let count = self.markers.len();
        if count <= MAX_MARKERS {
            return Ok(());
        }
        let message = format!("Too many markers(?). {count} markers exceed the allowed maximum of {MAX_MARKERS}");
        Err(SyntaxError { invalid: true, ..self.raised(message) })
    }

    fn too_deep(&mut self) -> SyntaxError {
        let token = self.current();
        let message = format!("Statement is nested deeper than the {MAX_NESTING} levels allowed");
        error::raised(self.text, token, message)
    }

    /// The lexical error, if the parser has come to see one: it was noticed before whatever the parser has to say.
    fn lexical_error(&self) -> Option<SyntaxError> {
        if let Some(error) = self.lexer.error() {
            return Some(error::lexical(self.text, error));
        }
        let token = *self.tokens.get(MAX_TOKENS)?;
        let message = format!("Statement has more than the {MAX_TOKENS} tokens allowed");
        Some(error::raised(self.text, token, message))
    }

    #[cold]
    fn mismatched(&mut self, expected: &str) -> SyntaxError {
        let token = self.current();
        let last_read = self.token_at(self.position.max(self.furthest));
        self.lexical_error().unwrap_or_else(|| error::mismatched(self.text, token, expected, last_read))
    }

    /// The token `ahead` of the current one fits none of the alternatives that begin at the current one.
    #[cold]
    fn no_viable_ahead(&mut self, ahead: usize) -> SyntaxError {
        self.no_viable_between(self.position, self.position + ahead)
    }

    /// The token at index `at` fits none of the alternatives that begin at index `decision`.
    #[cold]
    fn no_viable_between(&mut self, decision: usize, at: usize) -> SyntaxError {
        let token = self.token_at(at);
        let last_read = self.token_at(at.max(self.furthest));
        let decision = self.token_at(decision);
        self.lexical_error().unwrap_or_else(|| error::no_viable_alternative(self.text, decision, token, last_read))
    }

    /// The current token fits none of the alternatives.
    #[cold]
    fn no_viable(&mut self) -> SyntaxError {
        self.no_viable_ahead(0)
    }

    /// An error in Cassandra's own words.
    #[cold]
    fn raised(&mut self, message: impl Into<String>) -> SyntaxError {
        let token = self.current();
        self.lexical_error().unwrap_or_else(|| error::raised(self.text, token, message.into()))
    }

    /// An exception that Cassandra's parser does not expect while it parses, as its answer tells it.
    #[cold]
    fn failed(&mut self, reason: &str) -> SyntaxError {
        self.raised(format!("Failed parsing statement: [{}] reason: {reason}", self.text))
    }

    /// The characters of a token.
    fn raw(&self, token: Token) -> &'a str {
        self.text.get(token.start as usize..token.end as usize).unwrap_or_default()
    }

    /// The text of a token, quotes and escapes undone.
    fn decoded(&self, token: Token) -> String {
        error::token_text(self.text, token)
    }

    /// A string literal.
    fn string(&mut self) -> Parsed<String> {
        if matches!(self.kind(), Kind::String | Kind::DollarString) {
            let token = self.advance();
            return Ok(self.decoded(token));
        }
        Err(self.mismatched(Kind::String.token_name()))
    }
}

/// A token in the notation of `test_data/tokens.txt`: its name, text and position, or what is wrong with it.
#[cfg(test)]
pub(crate) fn shown_token(text: &str, token: Token, wrong: Option<crate::lexer::LexicalError>) -> String {
    if let Some(wrong) = wrong {
        return error::lexical(text, wrong).message.replacen("line ", "!", 1);
    }
    let error = error::raised(text, token, String::new());
    let decoded = error::token_text(text, token).replace('\n', "\\n");
    format!("{}<{decoded}>{}:{}", token.kind.token_name(), error.line, error.column)
}

#[cfg(test)]
mod tests;
