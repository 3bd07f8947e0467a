//! `StringBuilder` and `StringBuffer`.

use super::Members;
use super::math::int;
use super::text::{at, find, substring};
use crate::classes::Class;
use crate::heap::{Fault, Object, Outcome, Value, null_pointer, thrown};
use crate::run::Machine;

fn content<'m>(m: &'m mut Machine<'_>, value: Value) -> Outcome<&'m mut Vec<u16>> {
    match m.heap.get_mut(value)? {
        Object::Builder(units) => Ok(units),
        _ => null_pointer(),
    }
}

fn append(m: &mut Machine<'_>, a: &[Value]) -> Outcome<Value> {
    let text = m.show_units(at(a, 1))?;
    m.heap.charge(text.len() * 2)?;
    m.work(text.len() as u64 / 16)?;
    content(m, at(a, 0))?.extend(text);
    Ok(at(a, 0))
}

fn out_of_range<T>(message: String) -> Outcome<T> {
    thrown(Class::StringIndexOutOfBoundsException, message)
}

/// A range inside the content; ends beyond it are cut where Java cuts them.
fn range(m: &Machine<'_>, a: &[Value]) -> Outcome<(usize, usize)> {
    let length = m.units(at(a, 0))?.len();
    let (start, end) = (int(a, 1), int(a, 2).min(length as i32));
    if start < 0 || start > end {
        return out_of_range(format!("start {start}, end {end}, length {length}"));
    }
    Ok((start as usize, end as usize))
}

fn insert(m: &mut Machine<'_>, a: &[Value]) -> Outcome<Value> {
    let text = m.show_units(at(a, 2))?;
    let (place, length) = (int(a, 1), m.units(at(a, 0))?.len());
    if place < 0 || place as usize > length {
        return out_of_range(format!("offset {place}, length {length}"));
    }
    m.heap.charge(text.len() * 2)?;
    m.work((length + text.len()) as u64 / 16)?;
    let place = place as usize;
    content(m, at(a, 0))?.splice(place..place, text);
    Ok(at(a, 0))
}

fn place_in(m: &Machine<'_>, a: &[Value]) -> Outcome<usize> {
    let (place, length) = (int(a, 1), m.units(at(a, 0))?.len());
    match usize::try_from(place).ok().filter(|place| *place < length) {
        Some(place) => Ok(place),
        None => out_of_range(format!("index {place}, length {length}")),
    }
}

fn made(m: &mut Machine<'_>, units: Vec<u16>) -> Outcome<Value> {
    m.heap.make(Object::Builder(units))
}

pub(super) fn builder() -> Members {
    Members {
        constructors: &[
            ("new() StringBuilder", |m, _| made(m, Vec::new())),
            ("new(int) StringBuilder", |m, _| made(m, Vec::new())),
            ("new(CharSequence) StringBuilder", |m, a| {
                let units = m.units(at(a, 0))?.to_vec();
                made(m, units)
            }),
        ],
        methods: &[
            ("append(char) StringBuilder", append),
            ("append(boolean) StringBuilder", append),
            ("append(int) StringBuilder", append),
            ("append(long) StringBuilder", append),
            ("append(float) StringBuilder", append),
            ("append(double) StringBuilder", append),
            ("append(CharSequence,int,int) StringBuilder", |m, a| {
                let args = [at(a, 1), at(a, 2), at(a, 3)];
                let part = substring(m, &args)?;
                append(m, &[at(a, 0), part])
            }),
            ("append(Object) StringBuilder", append),
            ("insert(int,char) StringBuilder", insert),
            ("insert(int,boolean) StringBuilder", insert),
            ("insert(int,int) StringBuilder", insert),
            ("insert(int,long) StringBuilder", insert),
            ("insert(int,double) StringBuilder", insert),
            ("insert(int,Object) StringBuilder", insert),
            ("reverse() StringBuilder", |m, a| {
                // Pairs of halves keep their order.
                let text: Vec<_> = char::decode_utf16(m.units(at(a, 0))?.iter().copied()).collect();
                m.work(text.len() as u64 / 4)?;
                let mut out = Vec::new();
                for letter in text.into_iter().rev() {
                    match letter {
                        Ok(letter) => out.extend_from_slice(letter.encode_utf16(&mut [0; 2])),
                        Err(half) => out.push(half.unpaired_surrogate()),
                    }
                }
                *content(m, at(a, 0))? = out;
                Ok(at(a, 0))
            }),
            ("delete(int,int) StringBuilder", |m, a| {
                let (start, end) = range(m, a)?;
                content(m, at(a, 0))?.drain(start..end);
                Ok(at(a, 0))
            }),
            ("deleteCharAt(int) StringBuilder", |m, a| {
                let place = place_in(m, a)?;
                content(m, at(a, 0))?.remove(place);
                Ok(at(a, 0))
            }),
            ("replace(int,int,String) StringBuilder", |m, a| {
                let (start, end) = range(m, a)?;
                let text = m.units(at(a, 3))?.to_vec();
                m.heap.charge(text.len() * 2)?;
                content(m, at(a, 0))?.splice(start..end, text);
                Ok(at(a, 0))
            }),
            ("setCharAt(int,char) void", |m, a| {
                let place = place_in(m, a)?;
                let unit = int(a, 2) as u16;
                if let Some(old) = content(m, at(a, 0))?.get_mut(place) {
                    *old = unit;
                }
                Ok(Value::Null)
            }),
            ("setLength(int) void", |m, a| {
                let length = int(a, 1);
                if length < 0 {
                    return out_of_range(format!("String index out of range: {length}"));
                }
                m.heap.charge(length as usize * 2)?;
                content(m, at(a, 0))?.resize(length as usize, 0);
                Ok(Value::Null)
            }),
            ("substring(int) String", substring),
            ("substring(int,int) String", substring),
            ("indexOf(String) int", |m, a| {
                let part = m.units(at(a, 1))?.to_vec();
                let text = m.units(at(a, 0))?;
                let found = find(text, &part, 0);
                let cost = text.len() as u64 / 8;
                m.work(cost)?;
                Ok(found.map_or(Value::Int(-1), |place| Value::Int(place as i32)))
            }),
            ("capacity() int", |_, _| Err(Fault::Limit("not supported yet: capacities".to_owned()))),
        ],
        ..Members::default()
    }
}
