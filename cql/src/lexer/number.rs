//! Everything that starts with a digit, and the durations of ISO 8601.

use super::{Kind, Lexer, LexicalError, LexicalReason};

type Scanned = Result<(Kind, usize), LexicalError>;

fn no_viable_alternative(offset: usize) -> LexicalError {
    LexicalError { offset, reason: LexicalReason::NoViableAlternative }
}

fn expecting_set(offset: usize) -> LexicalError {
    LexicalError { offset, reason: LexicalReason::ExpectingSet }
}

impl Lexer<'_> {
    /// An integer, float, blob, UUID or duration. `start` is at a digit or at a minus sign before one.
    pub(super) fn number(&self, start: usize) -> Scanned {
        let negative = self.byte(start) == Some(b'-');
        let first_digit = start + usize::from(negative);
        if !negative {
            if self.byte(start) == Some(b'0') && matches!(self.byte(start + 1), Some(b'x' | b'X')) {
                let digits = self.count_while(start + 2, |byte| byte.is_ascii_hexdigit());
                return Ok((Kind::Hex, start + 2 + digits));
            }
            let hex_digits = self.count_while(start, |byte| byte.is_ascii_hexdigit());
            if hex_digits >= 8 && self.byte(start + 8) == Some(b'-') && !self.float_like_a_uuid(start) {
                return self.uuid(start);
            }
        }
        let digits = self.digits(first_digit);
        let end = first_digit + digits;
        match self.byte(end) {
            Some(b'.') => self.after_point(end),
            Some(b'e' | b'E') => self.exponent_or_uuid(first_digit, end, negative),
            Some(b'a' | b'A' | b'b' | b'B' | b'c' | b'C' | b'f' | b'F') if !negative && digits < 8 => self.uuid(start),
            Some(b'd' | b'D') if !negative && digits < 7 && self.hex_letter(end + 1) => self.uuid(start),
            Some(_) if self.duration_unit(end) != UnitMatch::None => self.duration(end),
            _ => Ok((Kind::Integer, end)),
        }
    }

    /// Whether `1234567e-…` is a float: its exponent reads like the second group of a UUID only up to a point.
    fn float_like_a_uuid(&self, start: usize) -> bool {
        if self.digits(start) != 7 || !matches!(self.byte(start + 7), Some(b'e' | b'E')) {
            return false;
        }
        let digits = self.digits(start + 9);
        let end = start + 9 + digits;
        let group = digits == 4 && self.byte(end) == Some(b'-');
        !(group || digits < 4 && self.hex_letter(end))
    }

    fn hex_letter(&self, offset: usize) -> bool {
        self.byte(offset).is_some_and(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_digit())
    }

    fn digits(&self, from: usize) -> usize {
        self.count_while(from, |byte| byte.is_ascii_digit())
    }

    /// The digits are done and a point follows: a float, unless it is the first point of a range.
    fn after_point(&self, point: usize) -> Scanned {
        if self.byte(point + 1) == Some(b'.') {
            // `1..2` is a range of integers, `1...2` one from the float `1.`
            return if self.byte(point + 2) == Some(b'.') {
                Ok((Kind::Float, point + 1))
            } else {
                Ok((Kind::Integer, point))
            };
        }
        let end = point + 1 + self.digits(point + 1);
        match self.byte(end) {
            Some(b'e' | b'E') => self.exponent(end, LexicalReason::EarlyExit),
            _ => Ok((Kind::Float, end)),
        }
    }

    fn exponent_or_uuid(&self, first_digit: usize, letter: usize, negative: bool) -> Scanned {
        let next = self.byte(letter + 1);
        let could_be_uuid = !negative && letter - first_digit < 8;
        if could_be_uuid && next.is_some_and(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_digit()) {
            return self.uuid(first_digit);
        }
        let (kind, end) = self.exponent(letter, LexicalReason::NoViableAlternative)?;
        let hex_letter = self.byte(end).is_some_and(|byte| byte.is_ascii_hexdigit());
        if could_be_uuid && hex_letter && end - first_digit < 8 && next.is_some_and(|byte| byte.is_ascii_digit()) {
            return self.uuid(first_digit);
        }
        Ok((kind, end))
    }

    /// `e`, an optional sign, digits; `unsigned` is what is wrong when neither follows.
    fn exponent(&self, letter: usize, unsigned: LexicalReason) -> Scanned {
        let signed = matches!(self.byte(letter + 1), Some(b'+' | b'-'));
        let from = letter + 1 + usize::from(signed);
        match self.digits(from) {
            0 if signed => Err(LexicalError { offset: from, reason: LexicalReason::EarlyExit }),
            0 => Err(LexicalError { offset: from, reason: unsigned }),
            digits => Ok((Kind::Float, from + digits)),
        }
    }

    /// `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` and nothing else.
    pub(super) fn uuid(&self, start: usize) -> Scanned {
        let mut offset = start;
        for (group, length) in [8, 4, 4, 4, 12].into_iter().enumerate() {
            if group > 0 {
                if self.byte(offset) != Some(b'-') {
                    return Err(LexicalError { offset, reason: LexicalReason::Expecting('-') });
                }
                offset += 1;
            }
            for _ in 0..length {
                if self.byte(offset).is_none_or(|byte| !byte.is_ascii_hexdigit()) {
                    return Err(expecting_set(offset));
                }
                offset += 1;
            }
        }
        Ok((Kind::Uuid, offset))
    }

    /// Units and digits in turn; `offset` is at the first unit.
    fn duration(&self, mut offset: usize) -> Scanned {
        loop {
            match self.duration_unit(offset) {
                UnitMatch::Length(length) => offset += length,
                UnitMatch::Half => return Err(expecting_set(offset + 1)),
                UnitMatch::HalfMicro => return Err(expecting_set(offset + 2)),
                UnitMatch::None => return Err(no_viable_alternative(offset)),
            }
            match self.digits(offset) {
                0 => return Ok((Kind::Duration, offset)),
                digits => offset += digits,
            }
        }
    }

    fn duration_unit(&self, offset: usize) -> UnitMatch {
        let Some(first) = self.byte(offset) else {
            return UnitMatch::None;
        };
        let second = self.byte(offset + 1).map(|byte| byte.to_ascii_lowercase());
        match first.to_ascii_lowercase() {
            b'y' | b'w' | b'd' | b'h' | b's' => UnitMatch::Length(1),
            b'm' if matches!(second, Some(b'o' | b's')) => UnitMatch::Length(2),
            b'm' => UnitMatch::Length(1),
            b'u' | b'n' if second == Some(b's') => UnitMatch::Length(2),
            b'u' | b'n' => UnitMatch::Half,
            // U+00B5 is two bytes in UTF-8
            0xC2 if second == Some(0xB5) => match self.byte(offset + 2) {
                Some(b's' | b'S') => UnitMatch::Length(3),
                _ => UnitMatch::HalfMicro,
            },
            _ => UnitMatch::None,
        }
    }

    /// `P0001-02-03T04:05:06`; `start` is at the `P`.
    pub(super) fn alternative_duration(&self, start: usize) -> Scanned {
        let mut offset = start;
        for expected in "Pdddd-dd-ddTdd:dd:dd".chars() {
            let byte = self.byte(offset);
            let fits = match expected {
                'd' => byte.is_some_and(|byte| byte.is_ascii_digit()),
                _ => byte.map(char::from) == Some(expected),
            };
            if !fits {
                let reason =
                    if expected == 'd' { LexicalReason::ExpectingSet } else { LexicalReason::Expecting(expected) };
                return Err(LexicalError { offset, reason });
            }
            offset += 1;
        }
        Ok((Kind::Duration, offset))
    }

    /// A minus sign before `P` starts a duration and nothing else.
    pub(super) fn negative_iso_duration(&self, start: usize) -> Scanned {
        if self.digits(start + 2) == 4 && self.byte(start + 6) == Some(b'-') {
            return self.alternative_duration(start + 1);
        }
        self.iso_duration(start + 1).map(|end| (Kind::Duration, end)).map_err(no_viable_alternative)
    }

    /// The end of the longest `P1Y2M3DT4H5M6S` or `P7W` that starts at the `P`, or where it breaks off.
    pub(super) fn iso_duration(&self, start: usize) -> Result<usize, usize> {
        let from = start + 1;
        if self.byte(from) == Some(b'T') {
            return self.designators(from + 1, b"HMS");
        }
        let digits = self.digits(from);
        if digits > 0 && self.byte(from + digits) == Some(b'W') {
            return Ok(from + digits + 1);
        }
        let end = self.designators(from, b"YMD")?;
        if self.byte(end) == Some(b'T') {
            return Ok(self.designators(end + 1, b"HMS").unwrap_or(end));
        }
        Ok(end)
    }

    /// At least one `digits letter`, the letters in the order of `letters`.
    fn designators(&self, from: usize, letters: &[u8]) -> Result<usize, usize> {
        let mut offset = from;
        for letter in letters {
            let digits = self.digits(offset);
            if digits > 0 && self.byte(offset + digits) == Some(*letter) {
                offset += digits + 1;
            }
        }
        if offset == from { Err(from + self.digits(from)) } else { Ok(offset) }
    }
}

/// Whether a duration's unit stands at some place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum UnitMatch {
    /// Yes, with this many bytes.
    Length(usize),
    /// Its first letter does, the second does not.
    Half,
    /// The micro sign does, no `s` follows.
    HalfMicro,
    /// No.
    None,
}
