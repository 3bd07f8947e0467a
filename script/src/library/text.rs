//! `String` and `CharSequence`.

use super::math::int;
use super::pattern::compiled;
use super::{Members, Method};
use crate::classes::Class;
use crate::convert::encode_text;
use crate::heap::{Fault, Object, Outcome, Value, null_pointer, thrown};
use crate::run::Machine;

pub(super) fn at(a: &[Value], place: usize) -> Value {
    a.get(place).copied().unwrap_or(Value::Null)
}

fn units(m: &mut Machine<'_>, a: &[Value], place: usize) -> Outcome<Vec<u16>> {
    let units = m.units(at(a, place))?.to_vec();
    m.work(units.len() as u64 / 16)?;
    Ok(units)
}

fn whole(n: usize) -> Value {
    Value::Int(n as i32)
}

/// The first place of `part` in `text` from `from`.
pub(super) fn find(text: &[u16], part: &[u16], from: usize) -> Option<usize> {
    if part.is_empty() {
        return Some(from.min(text.len()));
    }
    let rest = text.get(from..)?;
    rest.windows(part.len()).position(|window| window == part).map(|place| place + from)
}

fn find_last(text: &[u16], part: &[u16], from: usize) -> Option<usize> {
    if part.is_empty() {
        return Some(from.min(text.len()));
    }
    let places = text.windows(part.len()).take(from.saturating_add(1));
    places.enumerate().rev().find(|(_, window)| *window == part).map(|(place, _)| place)
}

fn index(place: Option<usize>) -> Outcome<Value> {
    Ok(place.map_or(Value::Int(-1), whole))
}

fn index_of(m: &mut Machine<'_>, a: &[Value]) -> Outcome<Value> {
    let (text, part) = (units(m, a, 0)?, needle(m, a)?);
    m.work(text.len() as u64 * part.len().min(8) as u64 / 8)?;
    let from = if a.len() > 2 { int(a, 2).max(0) as usize } else { 0 };
    if from > text.len() {
        return index(part.is_empty().then_some(text.len()));
    }
    index(find(&text, &part, from))
}

fn last_index_of(m: &mut Machine<'_>, a: &[Value]) -> Outcome<Value> {
    let (text, part) = (units(m, a, 0)?, needle(m, a)?);
    m.work(text.len() as u64 * part.len().min(8) as u64 / 8)?;
    let from = if a.len() > 2 { int(a, 2) } else { i32::MAX };
    if from < 0 {
        return index(None);
    }
    index(find_last(&text, &part, from as usize))
}

/// A string or a character as what is looked for.
fn needle(m: &mut Machine<'_>, a: &[Value]) -> Outcome<Vec<u16>> {
    match at(a, 1) {
        Value::Object(_) => units(m, a, 1),
        Value::Null => null_pointer(),
        unit => Ok(char::from_u32(unit.to_int() as u32)
            .map_or_else(|| vec![unit.to_int() as u16], |letter| letter.encode_utf16(&mut [0; 2]).to_vec())),
    }
}

pub(super) fn char_at(m: &mut Machine<'_>, a: &[Value]) -> Outcome<Value> {
    let (text, place) = (m.units(at(a, 0))?, int(a, 1));
    match usize::try_from(place).ok().and_then(|place| text.get(place)) {
        Some(unit) => Ok(Value::Char(*unit)),
        None => {
            let length = text.len();
            let builder = matches!(m.heap.get(at(a, 0))?, Object::Builder(_));
            let message = if builder {
                format!("index {place}, length {length}")
            } else {
                format!("String index out of range: {place}")
            };
            thrown(Class::StringIndexOutOfBoundsException, message)
        }
    }
}

pub(super) fn substring(m: &mut Machine<'_>, a: &[Value]) -> Outcome<Value> {
    let text = units(m, a, 0)?;
    let length = text.len() as i32;
    let (begin, end) = (int(a, 1), if a.len() > 2 { int(a, 2) } else { length });
    let range = usize::try_from(begin).ok().zip(usize::try_from(end).ok());
    match range.and_then(|(begin, end)| text.get(begin..end)) {
        Some(part) => {
            let part = part.to_vec();
            m.new_text(part)
        }
        None => {
            let start = if matches!(m.heap.get(at(a, 0))?, Object::Builder(_)) { "start" } else { "begin" };
            thrown(Class::StringIndexOutOfBoundsException, format!("{start} {begin}, end {end}, length {length}"))
        }
    }
}

fn replace(m: &mut Machine<'_>, a: &[Value]) -> Outcome<Value> {
    let text = units(m, a, 0)?;
    let one = |value: Value| matches!(value, Value::Char(_)).then(|| vec![value.to_int() as u16]);
    let from = match one(at(a, 1)) {
        Some(unit) => unit,
        None => units(m, a, 1)?,
    };
    let to = match one(at(a, 2)) {
        Some(unit) => unit,
        None => units(m, a, 2)?,
    };
    m.work(text.len() as u64 / 4)?;
    let mut out = Vec::new();
    let mut start = 0;
    if from.is_empty() {
        for unit in &text {
            out.extend_from_slice(&to);
            out.push(*unit);
            m.work(1 + to.len() as u64 / 8)?;
        }
        out.extend_from_slice(&to);
        return m.new_text(out);
    }
    while let Some(place) = find(&text, &from, start) {
        out.extend_from_slice(text.get(start..place).unwrap_or_default());
        out.extend_from_slice(&to);
        start = place + from.len();
        m.work(1 + to.len() as u64 / 8)?;
        if out.len() > 1 << 22 {
            return Err(Fault::Limit("the function made a string of more than 8 MiB".to_owned()));
        }
    }
    out.extend_from_slice(text.get(start..).unwrap_or_default());
    m.new_text(out)
}

/// The replacement of `replaceAll`: groups are not supported.
fn replacement(to: &[u16]) -> Outcome<Vec<u16>> {
    let mut out = Vec::new();
    let mut rest = to.iter();
    while let Some(unit) = rest.next() {
        match *unit {
            36 => return Err(Fault::Limit("not supported yet: groups of regular expressions".to_owned())),
            92 => out.extend(rest.next()),
            unit => out.push(unit),
        }
    }
    Ok(out)
}

fn replace_matches(m: &mut Machine<'_>, a: &[Value], all: bool) -> Outcome<Value> {
    let (text, pattern, to) = (units(m, a, 0)?, units(m, a, 1)?, units(m, a, 2)?);
    let (pattern, to) = (compiled(&pattern)?, replacement(&to)?);
    let (mut out, mut start, mut from) = (Vec::new(), 0, 0);
    while let Some((begin, end)) = pattern.find(m, &text, from)? {
        out.extend_from_slice(text.get(start..begin).unwrap_or_default());
        out.extend_from_slice(&to);
        m.work(1 + to.len() as u64 / 8)?;
        start = end;
        from = if end == begin { end + 1 } else { end };
        if !all || from > text.len() {
            break;
        }
        // An empty match leaves its unit to be copied.
    }
    out.extend_from_slice(text.get(start..).unwrap_or_default());
    m.new_text(out)
}

fn split(m: &mut Machine<'_>, a: &[Value]) -> Outcome<Value> {
    let (text, pattern) = (units(m, a, 0)?, units(m, a, 1)?);
    let limit = if a.len() > 2 { int(a, 2) } else { 0 };
    let pattern = compiled(&pattern)?;
    let mut parts: Vec<Vec<u16>> = Vec::new();
    let (mut start, mut from) = (0, 0);
    while limit <= 0 || (parts.len() as i32) < limit - 1 {
        let Some((begin, end)) = pattern.find(m, &text, from)? else { break };
        from = if end == begin { end + 1 } else { end };
        if begin >= text.len() && end == begin {
            break;
        }
        // A match of nothing at the very start splits nothing off.
        if end == 0 {
            continue;
        }
        parts.push(text.get(start..begin).unwrap_or_default().to_vec());
        start = end;
        if from > text.len() {
            break;
        }
    }
    let matched = !parts.is_empty();
    parts.push(text.get(start..).unwrap_or_default().to_vec());
    if limit == 0 && matched {
        while parts.last().is_some_and(Vec::is_empty) {
            parts.pop();
        }
    }
    let items: Outcome<Vec<Value>> = parts.into_iter().map(|part| m.new_text(part)).collect();
    m.heap.make(Object::Array(items?))
}

fn trimmed(m: &mut Machine<'_>, a: &[Value], is_blank: fn(u16) -> bool, start: bool, end: bool) -> Outcome<Value> {
    let text = units(m, a, 0)?;
    let mut rest = text.as_slice();
    while let Some((first, behind)) = rest.split_first()
        && start
        && is_blank(*first)
    {
        rest = behind;
    }
    while let Some((last, before)) = rest.split_last()
        && end
        && is_blank(*last)
    {
        rest = before;
    }
    let rest = rest.to_vec();
    m.new_text(rest)
}

fn is_control(unit: u16) -> bool {
    unit <= 32
}

fn is_blank(unit: u16) -> bool {
    let none = matches!(unit, 0xa0 | 0x2007 | 0x202f | 0x85);
    (char::from_u32(unit.into()).is_some_and(char::is_whitespace) && !none) || matches!(unit, 0x1c..=0x1f)
}

fn starts(m: &mut Machine<'_>, a: &[Value]) -> Outcome<Value> {
    let (text, part) = (units(m, a, 0)?, units(m, a, 1)?);
    let from = if a.len() > 2 { int(a, 2) } else { 0 };
    let rest = usize::try_from(from).ok().and_then(|from| text.get(from..));
    Ok(Value::Boolean(rest.is_some_and(|rest| rest.starts_with(&part))))
}

/// Difference of the first units that differ, else of the lengths.
fn difference(a: &[u16], b: &[u16]) -> i32 {
    match a.iter().zip(b).find(|(a, b)| a != b) {
        Some((a, b)) => i32::from(*a) - i32::from(*b),
        None => a.len() as i32 - b.len() as i32,
    }
}

fn folded(units: &[u16]) -> Vec<u16> {
    String::from_utf16_lossy(units).to_uppercase().to_lowercase().encode_utf16().collect()
}

fn same_ignoring_case(m: &mut Machine<'_>, a: &[Value]) -> Outcome<Value> {
    if matches!(at(a, 1), Value::Null) {
        return Ok(Value::Boolean(false));
    }
    let (one, other) = (units(m, a, 0)?, units(m, a, 1)?);
    Ok(Value::Boolean(folded(&one) == folded(&other)))
}

fn joined(m: &mut Machine<'_>, between: Value, parts: Vec<Value>) -> Outcome<Value> {
    let between = m.units(between)?.to_vec();
    let mut out = Vec::new();
    for (place, part) in parts.into_iter().enumerate() {
        if place > 0 {
            out.extend_from_slice(&between);
        }
        out.extend(m.show_units(part)?);
        m.work(1 + between.len() as u64 / 16)?;
        if out.len() > 1 << 22 {
            return Err(Fault::Limit("the function made a string of more than 8 MiB".to_owned()));
        }
    }
    m.new_text(out)
}

fn shown(m: &mut Machine<'_>, a: &[Value]) -> Outcome<Value> {
    let text = m.show_units(at(a, 0))?;
    m.new_text(text)
}

fn array(m: &Machine<'_>, value: Value) -> Outcome<Vec<Value>> {
    match m.heap.get(value)? {
        Object::Array(items) => Ok(items.clone()),
        _ => null_pointer(),
    }
}

fn of_chars(m: &mut Machine<'_>, a: &[Value]) -> Outcome<Value> {
    let chars: Vec<u16> = array(m, at(a, 0))?.into_iter().map(|unit| unit.to_int() as u16).collect();
    m.new_text(chars)
}

pub(super) const CHAR_SEQUENCE: &[Method] = &[
    ("length() int", |m, a| Ok(whole(m.units(at(a, 0))?.len()))),
    ("charAt(int) char", char_at),
    ("subSequence(int,int) CharSequence", substring),
    ("isEmpty() boolean", |m, a| Ok(Value::Boolean(m.units(at(a, 0))?.is_empty()))),
];

const METHODS: &[Method] = &[
    ("substring(int) String", substring),
    ("substring(int,int) String", substring),
    ("indexOf(String) int", index_of),
    ("indexOf(int) int", index_of),
    ("indexOf(String,int) int", index_of),
    ("indexOf(int,int) int", index_of),
    ("lastIndexOf(String) int", last_index_of),
    ("lastIndexOf(int) int", last_index_of),
    ("lastIndexOf(String,int) int", last_index_of),
    ("lastIndexOf(int,int) int", last_index_of),
    ("contains(CharSequence) boolean", |m, a| {
        let (text, part) = (units(m, a, 0)?, units(m, a, 1)?);
        m.work(text.len() as u64 * part.len().min(8) as u64 / 8)?;
        Ok(Value::Boolean(find(&text, &part, 0).is_some()))
    }),
    ("startsWith(String) boolean", starts),
    ("startsWith(String,int) boolean", starts),
    ("endsWith(String) boolean", |m, a| {
        let (text, part) = (units(m, a, 0)?, units(m, a, 1)?);
        Ok(Value::Boolean(text.ends_with(&part)))
    }),
    ("toUpperCase() String", |m, a| {
        let text = String::from_utf16_lossy(&units(m, a, 0)?).to_uppercase();
        m.new_string(&text)
    }),
    ("toLowerCase() String", |m, a| {
        let text = String::from_utf16_lossy(&units(m, a, 0)?).to_lowercase();
        m.new_string(&text)
    }),
    ("trim() String", |m, a| trimmed(m, a, is_control, true, true)),
    ("strip() String", |m, a| trimmed(m, a, is_blank, true, true)),
    ("stripLeading() String", |m, a| trimmed(m, a, is_blank, true, false)),
    ("stripTrailing() String", |m, a| trimmed(m, a, is_blank, false, true)),
    ("isBlank() boolean", |m, a| Ok(Value::Boolean(m.units(at(a, 0))?.iter().all(|unit| is_blank(*unit))))),
    ("concat(String) String", |m, a| {
        let mut text = units(m, a, 0)?;
        text.extend(units(m, a, 1)?);
        m.new_text(text)
    }),
    ("replace(char,char) String", replace),
    ("replace(CharSequence,CharSequence) String", replace),
    ("replaceAll(String,String) String", |m, a| replace_matches(m, a, true)),
    ("replaceFirst(String,String) String", |m, a| replace_matches(m, a, false)),
    ("matches(String) boolean", |m, a| {
        let (text, pattern) = (units(m, a, 0)?, units(m, a, 1)?);
        Ok(Value::Boolean(compiled(&pattern)?.is_match(m, &text)?))
    }),
    ("split(String) String[]", split),
    ("split(String,int) String[]", split),
    ("equalsIgnoreCase(String) boolean", same_ignoring_case),
    ("compareTo(String) int", |m, a| {
        let (one, other) = (units(m, a, 0)?, units(m, a, 1)?);
        Ok(Value::Int(difference(&one, &other)))
    }),
    ("compareToIgnoreCase(String) int", |m, a| {
        let (one, other) = (units(m, a, 0)?, units(m, a, 1)?);
        Ok(Value::Int(difference(&folded(&one), &folded(&other))))
    }),
    ("contentEquals(CharSequence) boolean", |m, a| {
        let (one, other) = (units(m, a, 0)?, units(m, a, 1)?);
        Ok(Value::Boolean(one == other))
    }),
    ("repeat(int) String", |m, a| {
        let (text, count) = (units(m, a, 0)?, int(a, 1));
        if count < 0 {
            return thrown(Class::IllegalArgumentException, format!("count is negative: {count}"));
        }
        m.heap.charge(text.len().saturating_mul(count as usize).saturating_mul(2))?;
        m.new_text(text.repeat(count as usize))
    }),
    ("codePointAt(int) int", |m, a| {
        let text = units(m, a, 0)?;
        let place = int(a, 1);
        let rest = usize::try_from(place).ok().and_then(|place| text.get(place..)).filter(|rest| !rest.is_empty());
        match rest.and_then(|rest| char::decode_utf16(rest.iter().copied()).next()) {
            Some(Ok(letter)) => Ok(Value::Int(letter as i32)),
            Some(Err(half)) => Ok(Value::Int(half.unpaired_surrogate().into())),
            None => thrown(Class::StringIndexOutOfBoundsException, format!("index {place}, length {}", text.len())),
        }
    }),
    ("toCharArray() char[]", |m, a| {
        let items = units(m, a, 0)?.into_iter().map(Value::Char).collect();
        m.heap.make(Object::Array(items))
    }),
    ("getBytes() byte[]", |m, a| {
        let items = encode_text(&units(m, a, 0)?).into_iter().map(|byte| Value::Byte(byte as i8)).collect();
        m.heap.make(Object::Array(items))
    }),
    ("intern() String", |_, a| Ok(at(a, 0))),
];

pub(super) fn string() -> Members {
    Members {
        methods: METHODS,
        constructors: &[
            ("new() String", |m, _| m.new_text(Vec::new())),
            ("new(String) String", |m, a| {
                let text = units(m, a, 0)?;
                m.new_text(text)
            }),
            ("new(StringBuilder) String", |m, a| {
                let text = units(m, a, 0)?;
                m.new_text(text)
            }),
            ("new(char[]) String", of_chars),
            ("new(byte[]) String", |m, a| {
                let bytes: Vec<u8> = array(m, at(a, 0))?.into_iter().map(|byte| byte.to_int() as u8).collect();
                let text = String::from_utf8_lossy(&bytes).into_owned();
                m.new_string(&text)
            }),
        ],
        statics: &[
            ("valueOf(char) String", shown),
            ("valueOf(boolean) String", shown),
            ("valueOf(int) String", shown),
            ("valueOf(long) String", shown),
            ("valueOf(float) String", shown),
            ("valueOf(double) String", shown),
            ("valueOf(char[]) String", of_chars),
            ("valueOf(Object) String", shown),
            ("format(String,Object...) String", |m, a| super::format::format(m, at(a, 0), array(m, at(a, 1))?)),
            ("join(CharSequence,Iterable<CharSequence>) String", |m, a| {
                let parts = m.items(at(a, 1))?;
                joined(m, at(a, 0), parts)
            }),
            ("join(CharSequence,CharSequence...) String", |m, a| {
                let parts = array(m, at(a, 1))?;
                joined(m, at(a, 0), parts)
            }),
        ],
        ..Members::default()
    }
}
