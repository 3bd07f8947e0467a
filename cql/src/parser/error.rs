//! Syntax errors, in the words of Cassandra's parser generator.

use std::fmt;

use crate::lexer::{Kind, Lexer, LexicalError, LexicalReason, Token};

/// Why a text is no CQL.
///
/// Displays as the message alone: it carries the position itself wherever Cassandra's does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// The line, from 1; 0 at the end of the text, as Cassandra has it.
    pub line: u32,
    /// The column in UTF-16 units, from 0; -1 at the end of the text, as Cassandra has it.
    pub column: i32,
    /// Cassandra answers this one as an invalid request (0x2200), not as a syntax error (0x2000).
    pub invalid: bool,
    /// The text Cassandra gives, such as `line 1:7 no viable alternative at input 'x' (select [x]...)`.
    pub message: String,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for SyntaxError {}

/// How many tokens, blanks included, a message shows before and after the offending one.
const SNIPPET_TOKENS_BEFORE: usize = 10;
const SNIPPET_TOKENS_AFTER: usize = 2;

/// No alternative of the grammar goes on like this: `token` is what does not fit, `decision` where the alternatives began.
pub(super) fn no_viable_alternative(text: &str, decision: Token, token: Token, last_read: Token) -> SyntaxError {
    let message = format!("no viable alternative at input '{}'", shown(text, token));
    positioned(text, token, &message, decision, last_read)
}

/// Only `expected` fits here, and it is not what stands here.
pub(super) fn mismatched(text: &str, token: Token, expected: &str, last_read: Token) -> SyntaxError {
    let message = format!("mismatched input '{}' expecting {expected}", shown(text, token));
    positioned(text, token, &message, token, last_read)
}

/// An error that Cassandra's parser raises itself: its message has no position, the error has that of `token`.
pub(super) fn raised(text: &str, token: Token, message: String) -> SyntaxError {
    let (line, column) = position_of(text, token);
    SyntaxError { line, column, invalid: false, message }
}

/// Characters that are no token.
pub(super) fn lexical(text: &str, error: LexicalError) -> SyntaxError {
    let (line, column) = line_and_column(text, error.offset);
    let character = match text.get(error.offset..).and_then(|rest| rest.chars().next()) {
        Some('\n') => "\\n".to_owned(),
        Some('\t') => "\\t".to_owned(),
        Some('\r') => "\\r".to_owned(),
        Some(character) => character.to_string(),
        None => "<EOF>".to_owned(),
    };
    let message = match error.reason {
        LexicalReason::NoViableAlternative => {
            format!("no viable alternative at character '{character}'")
        }
        LexicalReason::Expecting(expected) => {
            format!("mismatched character '{character}' expecting '{expected}'")
        }
        LexicalReason::ExpectingSet => {
            format!("mismatched character '{character}' expecting set null")
        }
        LexicalReason::EarlyExit => {
            format!("required (...)+ loop did not match anything at character '{character}'")
        }
    };
    SyntaxError { line, column, invalid: false, message: format!("line {line}:{column} {message}") }
}

fn positioned(text: &str, token: Token, message: &str, highlighted: Token, last_read: Token) -> SyntaxError {
    let (line, column) = position_of(text, token);
    let snippet = snippet(text, highlighted, last_read).unwrap_or_default();
    SyntaxError { line, column, invalid: false, message: format!("line {line}:{column} {message}{snippet}") }
}

/// The end of the text has no position, as in Cassandra.
fn position_of(text: &str, token: Token) -> (u32, i32) {
    if token.kind == Kind::End { (0, -1) } else { line_and_column(text, token.start as usize) }
}

fn line_and_column(text: &str, offset: usize) -> (u32, i32) {
    let before = text.get(..offset).unwrap_or(text);
    let line = 1 + before.bytes().filter(|&byte| byte == b'\n').count();
    let column = utf16_length(before.rsplit('\n').next().unwrap_or_default());
    (u32::try_from(line).unwrap_or(u32::MAX), i32::try_from(column).unwrap_or(i32::MAX))
}

fn utf16_length(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// The token's text with quotes and escapes undone.
pub(super) fn token_text(text: &str, token: Token) -> String {
    let raw = text.get(token.start as usize..token.end as usize).unwrap_or_default();
    let inner = |width: usize| raw.get(width..raw.len().saturating_sub(width)).unwrap_or_default();
    match token.kind {
        Kind::String => unescaped(inner(1), "''", "'"),
        Kind::QuotedName => unescaped(inner(1), "\"\"", "\""),
        Kind::DollarString => inner(2).to_owned(),
        _ => raw.to_owned(),
    }
}

fn unescaped(inner: &str, doubled: &str, single: &str) -> String {
    if inner.contains(single) { inner.replace(doubled, single) } else { inner.to_owned() }
}

fn shown(text: &str, token: Token) -> String {
    if token.kind == Kind::End {
        return "<EOF>".to_owned();
    }
    token_text(text, token).replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t")
}

/// A token's place in the lines of a text, in UTF-16 units.
struct Span {
    line: usize,
    column: usize,
    end: usize,
}

fn span(text: &str, token: Token) -> Span {
    let (line, column) = line_and_column(text, token.start as usize);
    let column = usize::try_from(column).unwrap_or_default();
    // Cassandra measures the text without its quotes, so the bracket of a string closes early
    Span { line: line as usize, column, end: column + utf16_length(&token_text(text, token)) }
}

/// ` (...before [highlighted] after...)`, or nothing where the text has ended.
fn snippet(text: &str, highlighted: Token, last_read: Token) -> Option<String> {
    if highlighted.kind == Kind::End || last_read.kind == Kind::End && highlighted.start >= last_read.start {
        return None;
    }
    let mut lexer = Lexer::new(text);
    let mut tokens = Vec::new();
    loop {
        let token = lexer.next_raw();
        if matches!(token.kind, Kind::End | Kind::Invalid) {
            break;
        }
        tokens.push(token);
        if token.start >= last_read.start {
            break;
        }
    }
    let index = tokens.iter().position(|token| token.start == highlighted.start)?;
    let last_index = index + SNIPPET_TOKENS_AFTER;
    if last_read.kind == Kind::End && last_index >= tokens.len() {
        return None;
    }
    let from = span(text, *tokens.get(index.saturating_sub(SNIPPET_TOKENS_BEFORE))?);
    let to = span(text, *tokens.get(last_index.min(tokens.len() - 1))?);
    let offending = span(text, *tokens.get(index)?);
    cut_out(text, &from, &to, &offending)
}

fn cut_out(text: &str, from: &Span, to: &Span, offending: &Span) -> Option<String> {
    let mut lines: Vec<Vec<u16>> = Vec::new();
    let trimmed = text.trim_end_matches('\n');
    for line in trimmed.split('\n') {
        lines.push(line.encode_utf16().collect());
    }
    let whole_start = from.line == 1 && from.column == 0;
    let whole_end = to.line == lines.len() && to.end == lines.last()?.len();
    let to_line = lines.get_mut(to.line - 1)?;
    to_line.truncate(to.end);
    let line = lines.get_mut(offending.line - 1)?;
    if offending.end > line.len() {
        return None;
    }
    line.insert(offending.end, u16::from(b']'));
    line.insert(offending.column, u16::from(b'['));
    let from_line = lines.get_mut(from.line - 1)?;
    if from.column > from_line.len() {
        return None;
    }
    from_line.drain(..from.column);
    let shown: Vec<u16> = lines.get(from.line - 1..to.line)?.concat();
    let shown = String::from_utf16_lossy(&shown);
    let before = if whole_start { "" } else { "..." };
    let after = if whole_end { "" } else { "..." };
    Some(format!(" ({before}{shown}{after})"))
}
