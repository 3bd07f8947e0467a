//! The lexer: text to tokens, one at a time, without allocating.
//!
//! It follows Cassandra's generated lexer to its oddities, because they are what a statement's acceptance hangs on: a minus sign before `n`
//! or `i` starts `-NaN` or `-Infinity` and nothing else, eight hexadecimal digits before a minus sign start a UUID and nothing else, a line
//! comment needs its line end, `expr(` is one token.

mod keyword;
mod number;
mod token;

pub(crate) use keyword::{Keyword, KeywordClass, lookup};
pub(crate) use token::{Kind, Token};

/// Why the characters at some place are no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LexicalReason {
    /// No token starts, or goes on, like this.
    NoViableAlternative,
    /// One certain character has to follow.
    Expecting(char),
    /// One of several characters has to follow.
    ExpectingSet,
    /// At least one digit has to follow.
    EarlyExit,
}

/// What is wrong with an `Invalid` token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LexicalError {
    /// The byte offset of the offending character; the text's length if the text ends too early.
    pub(crate) offset: usize,
    /// What is wrong.
    pub(crate) reason: LexicalReason,
}

/// A position in a text, going forward token by token.
#[derive(Debug, Clone)]
pub(crate) struct Lexer<'a> {
    bytes: &'a [u8],
    offset: usize,
    error: Option<LexicalError>,
}

impl<'a> Lexer<'a> {
    /// Starts at the beginning. The text is shorter than 4 GiB: the parser limits it far below.
    pub(crate) fn new(text: &'a str) -> Self {
        Self { bytes: text.as_bytes(), offset: 0, error: None }
    }

    /// What was wrong, once `next` has given an `Invalid` token.
    pub(crate) fn error(&self) -> Option<LexicalError> {
        self.error
    }

    /// The next token that is not hidden. After `Invalid` and `End` the same comes again.
    pub(crate) fn next(&mut self) -> Token {
        loop {
            let token = self.next_raw();
            if token.kind != Kind::Hidden {
                return token;
            }
        }
    }

    /// The next token, hidden ones too.
    pub(crate) fn next_raw(&mut self) -> Token {
        let start = self.offset;
        match self.scan(start) {
            Ok((kind, end)) => {
                self.offset = end;
                token(kind, start, end)
            }
            Err(error) => {
                self.error = Some(error);
                token(Kind::Invalid, error.offset, error.offset)
            }
        }
    }

    fn byte(&self, offset: usize) -> Option<u8> {
        self.bytes.get(offset).copied()
    }

    fn count_while(&self, from: usize, accept: impl Fn(u8) -> bool) -> usize {
        self.bytes.get(from..).unwrap_or_default().iter().take_while(|&&byte| accept(byte)).count()
    }

    fn scan(&self, start: usize) -> Result<(Kind, usize), LexicalError> {
        let Some(first) = self.byte(start) else {
            return Ok((Kind::End, start));
        };
        match first {
            b'a'..=b'z' | b'A'..=b'Z' => self.word(start, first),
            b'0'..=b'9' => self.number(start),
            b' ' | b'\t' | b'\n' | b'\r' => {
                Ok((Kind::Hidden, start + self.count_while(start, |byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))))
            }
            b'\'' => self.string(start),
            b'"' => self.quoted_name(start),
            b'$' => self.dollar_string(start),
            b'-' => self.minus(start),
            b'/' => match self.byte(start + 1) {
                Some(b'/') => self.line_comment(start),
                Some(b'*') => self.block_comment(start),
                _ => Ok((Kind::Slash, start + 1)),
            },
            _ => self.symbol(start, first),
        }
    }

    fn symbol(&self, start: usize, first: u8) -> Result<(Kind, usize), LexicalError> {
        let second = self.byte(start + 1);
        let (kind, length) = match (first, second) {
            (b'(', _) => (Kind::ParenthesisOpen, 1),
            (b')', _) => (Kind::ParenthesisClose, 1),
            (b'[', _) => (Kind::BracketOpen, 1),
            (b']', _) => (Kind::BracketClose, 1),
            (b'{', _) => (Kind::BraceOpen, 1),
            (b'}', _) => (Kind::BraceClose, 1),
            (b',', _) => (Kind::Comma, 1),
            (b';', _) => (Kind::Semicolon, 1),
            (b':', _) => (Kind::Colon, 1),
            (b'?', _) => (Kind::Question, 1),
            (b'.', Some(b'.')) => (Kind::Range, 2),
            (b'.', _) => (Kind::Dot, 1),
            (b'=', _) => (Kind::Equal, 1),
            (b'!', Some(b'=')) => (Kind::NotEqual, 2),
            (b'!', _) => {
                return Err(LexicalError { offset: start + 1, reason: LexicalReason::Expecting('=') });
            }
            (b'<', Some(b'=')) => (Kind::LessOrEqual, 2),
            (b'<', _) => (Kind::Less, 1),
            (b'>', Some(b'=')) => (Kind::GreaterOrEqual, 2),
            (b'>', _) => (Kind::Greater, 1),
            (b'+', Some(b'=')) => (Kind::PlusEqual, 2),
            (b'+', _) => (Kind::Plus, 1),
            (b'*', _) => (Kind::Star, 1),
            (b'%', _) => (Kind::Percent, 1),
            _ => {
                return Err(LexicalError { offset: start, reason: LexicalReason::NoViableAlternative });
            }
        };
        Ok((kind, start + length))
    }

    /// A word: a keyword, a boolean, a name; or `expr(`, a UUID that starts with a letter, an ISO 8601 duration.
    fn word(&self, start: usize, first: u8) -> Result<(Kind, usize), LexicalError> {
        let length = self.count_while(start, |byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let end = start + length;
        let word = self.bytes.get(start..end).unwrap_or_default();
        if length == 8 && self.byte(end) == Some(b'-') && word.iter().all(u8::is_ascii_hexdigit) {
            return self.uuid(start);
        }
        if first == b'P' && self.byte(start + 1).is_some_and(|byte| byte.is_ascii_digit() || byte == b'T') {
            if length == 5 && self.byte(end) == Some(b'-') && word.iter().skip(1).all(u8::is_ascii_digit) {
                return self.alternative_duration(start);
            }
            if self.iso_duration(start) == Ok(end) {
                return Ok((Kind::Duration, end));
            }
        }
        if word == b"expr" && self.byte(end) == Some(b'(') {
            return Ok((Kind::ExpressionOpen, end + 1));
        }
        let kind = match lookup(word) {
            Some(keyword) => Kind::Keyword(keyword),
            None if word.eq_ignore_ascii_case(b"true") || word.eq_ignore_ascii_case(b"false") => Kind::Boolean,
            None => Kind::Identifier,
        };
        Ok((kind, end))
    }

    /// What starts with a minus sign.
    fn minus(&self, start: usize) -> Result<(Kind, usize), LexicalError> {
        match self.byte(start + 1) {
            Some(b'0'..=b'9') => self.number(start),
            Some(b'-') => self.line_comment(start),
            Some(b'=') => Ok((Kind::MinusEqual, start + 2)),
            Some(b'P') => self.negative_iso_duration(start),
            Some(b'n' | b'N') => self.fixed_word(start, b"nan", Kind::NegativeNan),
            Some(b'i' | b'I') => self.fixed_word(start, b"infinity", Kind::NegativeInfinity),
            _ => Ok((Kind::Minus, start + 1)),
        }
    }

    /// A minus sign and exactly this word, whatever follows.
    fn fixed_word(&self, start: usize, word: &[u8], kind: Kind) -> Result<(Kind, usize), LexicalError> {
        for (index, expected) in word.iter().enumerate() {
            let offset = start + 1 + index;
            if self.byte(offset).is_none_or(|byte| !byte.eq_ignore_ascii_case(expected)) {
                return Err(LexicalError { offset, reason: LexicalReason::ExpectingSet });
            }
        }
        Ok((kind, start + 1 + word.len()))
    }

    fn string(&self, start: usize) -> Result<(Kind, usize), LexicalError> {
        self.closed_by(start + 1, b'\'').map(|end| (Kind::String, end))
    }

    fn quoted_name(&self, start: usize) -> Result<(Kind, usize), LexicalError> {
        if self.byte(start + 1) == Some(b'"') && self.byte(start + 2) != Some(b'"') {
            return Ok((Kind::EmptyQuotedName, start + 2));
        }
        if self.byte(start + 1).is_none() {
            return Err(LexicalError { offset: start + 1, reason: LexicalReason::NoViableAlternative });
        }
        self.closed_by(start + 1, b'"').map(|end| (Kind::QuotedName, end))
    }

    /// The offset after the closing quote; a doubled quote does not close.
    fn closed_by(&self, from: usize, quote: u8) -> Result<usize, LexicalError> {
        let mut offset = from;
        loop {
            offset += self.count_while(offset, |byte| byte != quote);
            if self.byte(offset).is_none() {
                return Err(LexicalError { offset, reason: LexicalReason::Expecting(char::from(quote)) });
            }
            if self.byte(offset + 1) != Some(quote) {
                return Ok(offset + 1);
            }
            offset += 2;
        }
    }

    fn dollar_string(&self, start: usize) -> Result<(Kind, usize), LexicalError> {
        let expecting = |offset| LexicalError { offset, reason: LexicalReason::Expecting('$') };
        if self.byte(start + 1) != Some(b'$') {
            return Err(expecting(start + 1));
        }
        let mut offset = start + 2;
        loop {
            offset += self.count_while(offset, |byte| byte != b'$');
            match (self.byte(offset), self.byte(offset + 1)) {
                (Some(_), Some(b'$')) => return Ok((Kind::DollarString, offset + 2)),
                (Some(_), Some(_)) => offset += 1,
                (Some(_), None) => return Err(expecting(offset + 1)),
                // Cassandra does not look at the last character without a second one behind it
                (None, _) => return Err(expecting(self.last_character(start + 2))),
            }
        }
    }

    /// The offset of the text's last character, but not below `from`.
    fn last_character(&self, from: usize) -> usize {
        let continuation = |byte: &&u8| **byte & 0b1100_0000 == 0b1000_0000;
        let rest = self.bytes.get(from..).unwrap_or_default();
        let trailing = rest.iter().rev().take_while(continuation).count();
        from + rest.len().saturating_sub(trailing + 1)
    }

    fn line_comment(&self, start: usize) -> Result<(Kind, usize), LexicalError> {
        let end = start + self.count_while(start, |byte| byte != b'\n' && byte != b'\r');
        match self.byte(end) {
            Some(_) => Ok((Kind::Hidden, end + 1)),
            None => Err(LexicalError { offset: end, reason: LexicalReason::ExpectingSet }),
        }
    }

    fn block_comment(&self, start: usize) -> Result<(Kind, usize), LexicalError> {
        let mut offset = start + 2;
        loop {
            offset += self.count_while(offset, |byte| byte != b'*');
            if self.byte(offset).is_none() {
                return Err(LexicalError { offset, reason: LexicalReason::Expecting('*') });
            }
            if self.byte(offset + 1) == Some(b'/') {
                return Ok((Kind::Hidden, offset + 2));
            }
            offset += 1;
        }
    }
}

fn token(kind: Kind, start: usize, end: usize) -> Token {
    Token { kind, start: offset(start), end: offset(end) }
}

/// A byte offset in a token. Texts are limited far below 4 GiB.
fn offset(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
