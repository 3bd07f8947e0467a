//! The words of a body.

use crate::CompileError;
use crate::limits::BODY_BYTES_MAX;

/// A word.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token {
    /// A name or a keyword.
    Word(String),
    /// Digits, as written without underscores; the radix and whether they end in `L`.
    Whole { digits: String, radix: u32, long: bool },
    /// A floating number; whether it ends in `f`.
    Real { text: String, single: bool },
    /// `'c'`
    Char(u16),
    /// `"…"`
    Text(Vec<u16>),
    /// An operator or a bracket.
    Symbol(&'static str),
    /// Behind the last word.
    End,
}

/// A word with the line it is on.
#[derive(Clone, Debug)]
pub(crate) struct Lexeme {
    pub(crate) token: Token,
    pub(crate) line: u32,
}

/// Longest first: the first that fits is the word. `>>` and longer ones are put together by the parser, for types end in `>>`.
const SYMBOLS: [&str; 45] = [
    "<<=", "...", "->", "::", "++", "--", "&&", "||", "==", "!=", "<=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=",
    "<<", "(", ")", "{", "}", "[", "]", ";", ",", ".", "=", "<", ">", "!", "~", "?", ":", "+", "-", "*", "/", "&", "|",
    "^", "%", "@",
];

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: u32,
}

/// The words of a text, `End` last.
pub(crate) fn lex(text: &str) -> Result<Vec<Lexeme>, CompileError> {
    let mut lexer = Lexer { text, at: 0, line: 1 };
    if text.len() > BODY_BYTES_MAX {
        return Err(lexer.error(format!("not supported yet: bodies longer than {BODY_BYTES_MAX} bytes")));
    }
    let mut out = Vec::new();
    loop {
        lexer.skip_blank()?;
        let line = lexer.line;
        let token = lexer.token()?;
        let end = token == Token::End;
        out.push(Lexeme { token, line });
        if end {
            return Ok(out);
        }
    }
}

impl<'a> Lexer<'a> {
    fn error(&self, message: impl Into<String>) -> CompileError {
        CompileError { line: self.line, message: message.into() }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        self.line += u32::from(next == '\n');
        Some(next)
    }

    fn take_while(&mut self, mut accept: impl FnMut(char) -> bool) -> &'a str {
        let start = self.at;
        while self.peek().is_some_and(&mut accept) {
            self.take();
        }
        self.text.get(start..self.at).unwrap_or_default()
    }

    fn skip_blank(&mut self) -> Result<(), CompileError> {
        loop {
            self.take_while(char::is_whitespace);
            if self.rest().starts_with("//") {
                self.take_while(|c| c != '\n');
            } else if self.rest().starts_with("/*") {
                let Some(length) = self.rest().find("*/") else {
                    return Err(self.error("Unexpected end of comment"));
                };
                let end = self.at + length + 2;
                while self.at < end {
                    self.take();
                }
            } else {
                return Ok(());
            }
        }
    }

    fn token(&mut self) -> Result<Token, CompileError> {
        let Some(first) = self.peek() else { return Ok(Token::End) };
        let second = self.rest().chars().nth(1);
        if first.is_alphabetic() || first == '_' || first == '$' {
            let word = self.take_while(|c| c.is_alphanumeric() || c == '_' || c == '$');
            return Ok(Token::Word(word.to_owned()));
        }
        if first.is_ascii_digit() || (first == '.' && second.is_some_and(|c| c.is_ascii_digit())) {
            return self.number();
        }
        match first {
            '\'' => return self.character(),
            '"' => return self.string(),
            _ => {}
        }
        for symbol in SYMBOLS {
            if self.rest().starts_with(symbol) {
                self.at += symbol.len();
                return Ok(Token::Symbol(symbol));
            }
        }
        Err(self.error(format!("Syntax error on token \"{first}\", delete this token")))
    }

    fn number(&mut self) -> Result<Token, CompileError> {
        let lower = self.rest().get(..2).unwrap_or_default().to_ascii_lowercase();
        let radix = match lower.as_str() {
            "0x" => 16,
            "0b" => 2,
            _ => 10,
        };
        if radix != 10 {
            self.at += 2;
            let digits = self.take_while(|c| c.is_digit(radix) || c == '_').replace('_', "");
            let long = self.suffix(&['l', 'L']).is_some();
            if digits.is_empty() || self.peek().is_some_and(|c| c.is_alphanumeric() || c == '.') {
                return Err(self.error("Invalid hex literal number"));
            }
            return Ok(Token::Whole { digits, radix, long });
        }
        let mut text = self.take_while(|c| c.is_ascii_digit() || c == '_').to_owned();
        let mut real = false;
        let mut ahead = self.rest().chars();
        let (next, behind) = (ahead.next(), ahead.next());
        if next == Some('.')
            && !behind.is_some_and(|c| c.is_alphabetic() && !matches!(c, 'e' | 'E' | 'f' | 'F' | 'd' | 'D'))
        {
            real = true;
            self.take();
            text.push('.');
            text.push_str(self.take_while(|c| c.is_ascii_digit() || c == '_'));
        }
        if self.peek().is_some_and(|c| matches!(c, 'e' | 'E')) {
            real = true;
            self.take();
            text.push('e');
            if let Some(sign) = self.suffix(&['+', '-']) {
                text.push(sign);
            }
            text.push_str(self.take_while(|c| c.is_ascii_digit()));
        }
        let text = text.replace('_', "");
        if let Some(suffix) = self.suffix(&['f', 'F', 'd', 'D']) {
            return Ok(Token::Real { text, single: suffix.eq_ignore_ascii_case(&'f') });
        }
        if real {
            return Ok(Token::Real { text, single: false });
        }
        let long = self.suffix(&['l', 'L']).is_some();
        let octal = text.len() > 1 && text.starts_with('0');
        let radix = if octal { 8 } else { 10 };
        Ok(Token::Whole { digits: text, radix, long })
    }

    fn suffix(&mut self, of: &[char]) -> Option<char> {
        let next = self.peek().filter(|c| of.contains(c))?;
        self.take();
        Some(next)
    }

    fn character(&mut self) -> Result<Token, CompileError> {
        self.take();
        let mut units = Vec::new();
        match self.peek() {
            None | Some('\n' | '\'') => return Err(self.error("Invalid character constant")),
            Some(_) => self.unit(&mut units)?,
        }
        if self.take() != Some('\'') {
            return Err(self.error("Invalid character constant"));
        }
        match units.as_slice() {
            [only] => Ok(Token::Char(*only)),
            _ => Err(self.error("Invalid character constant")),
        }
    }

    fn string(&mut self) -> Result<Token, CompileError> {
        if self.rest().starts_with("\"\"\"") {
            return Err(self.error("not supported yet: text blocks"));
        }
        self.take();
        let mut units = Vec::new();
        loop {
            match self.peek() {
                None | Some('\n') => return Err(self.error("String literal is not properly closed by a double-quote")),
                Some('"') => {
                    self.take();
                    return Ok(Token::Text(units));
                }
                Some(_) => self.unit(&mut units)?,
            }
        }
    }

    /// One character or escape.
    fn unit(&mut self, out: &mut Vec<u16>) -> Result<(), CompileError> {
        let Some(next) = self.take() else { return Ok(()) };
        if next != '\\' {
            out.extend_from_slice(next.encode_utf16(&mut [0; 2]));
            return Ok(());
        }
        let wrong = || "Invalid escape sequence (valid ones are  \\b  \\t  \\n  \\f  \\r  \\\"  \\'  \\\\ )";
        let unit = match self.take() {
            Some('b') => 8,
            Some('t') => 9,
            Some('n') => 10,
            Some('f') => 12,
            Some('r') => 13,
            Some('s') => 32,
            Some('"') => 34,
            Some('\'') => 39,
            Some('\\') => 92,
            Some('u') => {
                self.take_while(|c| c == 'u');
                let digits = self.rest().get(..4).unwrap_or_default();
                let unit = u16::from_str_radix(digits, 16).map_err(|_| self.error("Invalid unicode"))?;
                self.at += 4;
                unit
            }
            Some(digit @ '0'..='7') => {
                let most = if digit <= '3' { 2 } else { 1 };
                let mut value = digit as u16 - 48;
                for _ in 0..most {
                    if let Some(next @ '0'..='7') = self.peek() {
                        self.take();
                        value = value * 8 + (next as u16 - 48);
                    }
                }
                value
            }
            _ => return Err(self.error(wrong())),
        };
        out.push(unit);
        Ok(())
    }
}
