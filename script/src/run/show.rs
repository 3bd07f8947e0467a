//! `toString()`.

use helenus_model::types::{CqlType, maybe_quote};
use helenus_model::value::{
    Decimal, TupleBuilder, components, decode_timestamp, elements, encode_date_from_epoch_days, entries, java_double,
    java_float, to_cql_literal, to_text,
};

use super::Machine;
use crate::classes::Class;
use crate::heap::{Fault, Object, Outcome, Value, thrown};
use crate::limits::OBJECT_DEPTH_MAX;

/// `BigDecimal.toString`: with an exponent when the scale is negative or the number very small.
pub(crate) fn decimal_text(decimal: &Decimal) -> String {
    let digits = decimal.unscaled.magnitude().to_string();
    let exponent = digits.len() as i64 - 1 - i64::from(decimal.scale);
    if decimal.scale >= 0 && exponent >= -6 {
        return plain_decimal(decimal);
    }
    let sign = if decimal.unscaled.sign() == num_bigint::Sign::Minus { "-" } else { "" };
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    format!("{sign}{first}{point}{rest}E{exponent:+}")
}

/// `BigDecimal.toPlainString`.
pub(crate) fn plain_decimal(decimal: &Decimal) -> String {
    let digits = decimal.unscaled.magnitude().to_string();
    let sign = if decimal.unscaled.sign() == num_bigint::Sign::Minus { "-" } else { "" };
    let scale = decimal.scale;
    if scale <= 0 {
        let zeros = if digits == "0" { 0 } else { scale.unsigned_abs() as usize };
        return format!("{sign}{digits}{}", "0".repeat(zeros));
    }
    let scale = scale as usize;
    let digits = format!("{}{digits}", "0".repeat((scale + 1).saturating_sub(digits.len())));
    let (whole, part) = digits.split_at(digits.len() - scale);
    format!("{sign}{whole}.{part}")
}

const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// `Date.toString`, in UTC.
fn date_text(millis: i64) -> String {
    // "2020-01-31 12:34:56.789Z"
    let text = to_text(&CqlType::Timestamp, &millis.to_be_bytes());
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let year = text.split('-').next().unwrap_or_default();
    let weekday = millis.div_euclid(86_400_000).rem_euclid(7) as usize;
    let shift = year.len() + 1;
    let month = part(shift, shift + 2).parse::<usize>().unwrap_or(1);
    let (day, time) = (part(shift + 3, shift + 5), part(shift + 6, shift + 14));
    let name = |names: &[&'static str], place: usize| names.get(place).copied().unwrap_or_default();
    format!("{} {} {day} {time} UTC {year}", name(&WEEKDAYS, weekday), name(&MONTHS, month.saturating_sub(1)))
}

/// What is between the brackets of a collection.
enum Part {
    Item(Value),
    Pair(Value, Value),
}

impl Machine<'_> {
    /// The text of a value as a `+` of strings has it.
    pub(crate) fn show_units(&mut self, value: Value) -> Outcome<Vec<u16>> {
        if let Value::Object(_) = value
            && let Object::Text(units) | Object::Builder(units) = self.heap.get(value)?
        {
            let units = units.clone();
            self.work(units.len() as u64 / 16)?;
            return Ok(units);
        }
        let mut out = Vec::new();
        self.show_into(&mut out, value, 0)?;
        Ok(out)
    }

    /// The text of a value.
    pub(crate) fn show(&mut self, value: Value) -> Outcome<String> {
        let units = self.show_units(value)?;
        Ok(String::from_utf8(crate::convert::encode_text(&units)).unwrap_or_default())
    }

    fn show_into(&mut self, out: &mut Vec<u16>, value: Value, depth: u32) -> Outcome<()> {
        self.work(1 + out.len() as u64 / 4096)?;
        if depth > OBJECT_DEPTH_MAX {
            return Err(Fault::Limit("java.lang.StackOverflowError".to_owned()));
        }
        if out.len() > 1 << 22 {
            return Err(Fault::Limit("the function made a string of more than 8 MiB".to_owned()));
        }
        let text = match value {
            Value::Null => "null".to_owned(),
            Value::Boolean(b) => b.to_string(),
            Value::Byte(n) => n.to_string(),
            Value::Short(n) => n.to_string(),
            Value::Char(unit) => {
                out.push(unit);
                return Ok(());
            }
            Value::Int(n) => n.to_string(),
            Value::Long(n) => n.to_string(),
            Value::Float(n) => java_float(n),
            Value::Double(n) => java_double(n),
            Value::Object(_) => match self.heap.get(value)? {
                Object::Text(units) | Object::Builder(units) => {
                    out.extend_from_slice(units);
                    return Ok(());
                }
                Object::List { .. } | Object::Set { .. } | Object::View { .. } => {
                    let parts = self.items(value)?.into_iter().map(Part::Item).collect();
                    return self.show_parts(out, "[", parts, "]", depth);
                }
                Object::Map { .. } => {
                    let parts = self.map_entries(value)?.into_iter().map(|(key, value)| Part::Pair(key, value));
                    let parts = parts.collect();
                    return self.show_parts(out, "{", parts, "}", depth);
                }
                Object::Entry { key, value, .. } => {
                    let parts = vec![Part::Pair(*key, *value)];
                    return self.show_parts(out, "", parts, "", depth);
                }
                Object::Big(n) => {
                    let n = n.clone();
                    self.work_on_digits(n.bits())?;
                    n.to_string()
                }
                Object::Decimal(n) => {
                    let n = n.clone();
                    self.work_on_digits(n.unscaled.bits())?;
                    decimal_text(&n)
                }
                simple => object_text(simple)?,
            },
        };
        out.extend(text.encode_utf16());
        Ok(())
    }

    fn show_parts(&mut self, out: &mut Vec<u16>, open: &str, parts: Vec<Part>, close: &str, depth: u32) -> Outcome<()> {
        out.extend(open.encode_utf16());
        for (place, part) in parts.into_iter().enumerate() {
            if place > 0 {
                out.extend(", ".encode_utf16());
            }
            match part {
                Part::Item(item) => self.show_into(out, item, depth + 1)?,
                Part::Pair(key, value) => {
                    self.show_into(out, key, depth + 1)?;
                    out.push(u16::from(b'='));
                    self.show_into(out, value, depth + 1)?;
                }
            }
        }
        out.extend(close.encode_utf16());
        Ok(())
    }
}

fn object_text(object: &Object) -> Outcome<String> {
    Ok(match object {
        Object::Rounding(name) => (*name).to_owned(),
        Object::Uuid(n) => uuid::Uuid::from_u128(*n).to_string(),
        Object::Date(millis) => date_text(*millis),
        Object::Inet(address) => format!("/{}", inet_text(*address)),
        Object::Bytes { data, position, limit } => {
            format!("java.nio.HeapByteBuffer[pos={position} lim={limit} cap={}]", data.len())
        }
        Object::LocalDate(days) => to_text(&CqlType::Date, &encode_date_from_epoch_days(*days)),
        Object::Duration(duration) => to_text(&CqlType::Duration, &duration.to_bytes()),
        Object::Components { ty, values } => {
            let mut builder = TupleBuilder::default();
            values.iter().for_each(|value| builder.push(value.as_deref()));
            driver_literal(ty, Some(&builder.finish()))
        }
        Object::Thrown(class, Some(message)) => format!("{}: {message}", class.full_name()),
        Object::Thrown(class, None) => class.full_name().to_owned(),
        _ => {
            return thrown(Class::UnsupportedOperationException, "not supported yet: the text of this object");
        }
    })
}

/// The text of a tuple or UDT and of what is in it, as the driver's codecs write literals: without spaces, what is null in capitals, and
/// collections that are null as empty ones.
fn driver_literal(ty: &CqlType, bytes: Option<&[u8]>) -> String {
    let joined = |open: &str, parts: Vec<String>, close: &str| format!("{open}{}{close}", parts.join(","));
    let part = |ty: &CqlType| {
        let ty = ty.clone();
        move |bytes| driver_literal(&ty, Some(bytes))
    };
    match (ty, bytes) {
        (CqlType::List { element, .. }, bytes) => {
            joined("[", elements(bytes.unwrap_or_default()).map(part(element)).collect(), "]")
        }
        (CqlType::Set { element, .. }, bytes) => {
            joined("{", elements(bytes.unwrap_or_default()).map(part(element)).collect(), "}")
        }
        (CqlType::Map { key, value, .. }, bytes) => {
            let pairs = entries(bytes.unwrap_or_default());
            let pairs =
                pairs.map(|(k, v)| format!("{}:{}", driver_literal(key, Some(k)), driver_literal(value, Some(v))));
            joined("{", pairs.collect(), "}")
        }
        (_, None) => "NULL".to_owned(),
        (CqlType::Tuple(types), Some(bytes)) => {
            let mut values = components(bytes);
            let parts = types.iter().map(|ty| driver_literal(ty, values.next().flatten()));
            joined("(", parts.collect(), ")")
        }
        (CqlType::Udt { definition, .. }, Some(bytes)) => {
            let mut values = components(bytes);
            let fields = definition.fields.iter();
            let fields = fields
                .map(|(name, ty)| format!("{}:{}", maybe_quote(name), driver_literal(ty, values.next().flatten())));
            joined("{", fields.collect(), "}")
        }
        (CqlType::Timestamp, Some(bytes)) => {
            decode_timestamp(bytes).map_or_else(String::new, |millis| format!("'{millis}'"))
        }
        (_, Some(bytes)) => to_cql_literal(ty, bytes),
    }
}

/// Java writes all eight groups of an IPv6 address.
pub(crate) fn inet_text(address: std::net::IpAddr) -> String {
    match address {
        std::net::IpAddr::V4(v4) => v4.to_string(),
        std::net::IpAddr::V6(v6) => v6.segments().map(|segment| format!("{segment:x}")).join(":"),
    }
}
