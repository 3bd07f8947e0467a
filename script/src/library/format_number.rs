//! The digits of a number as `String.format` lays them out: decimals are rounded half up, doubles from the shortest digits that mean them.

use helenus_model::value::Decimal;

/// The most characters of a number.
const LONGEST: i64 = 1 << 21;

/// How digits are to be laid out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) precision: usize,
    /// A point stands also where nothing follows it.
    pub(super) with_point: bool,
}

/// A magnitude: `0.digits` times ten to the power of `point`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Digits {
    digits: String,
    point: i64,
}

impl Digits {
    pub(super) fn of_double(n: f64) -> Digits {
        let text = format!("{:e}", n.abs());
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        Digits { digits: mantissa.replace('.', ""), point: exponent.parse().unwrap_or(0) + 1 }
    }

    pub(super) fn of_decimal(decimal: &Decimal) -> Digits {
        let digits = decimal.unscaled.magnitude().to_string();
        let point = digits.len() as i64 - i64::from(decimal.scale);
        Digits { digits, point }
    }

    fn is_zero(&self) -> bool {
        self.digits.bytes().all(|digit| digit == b'0')
    }

    /// With so many digits at most; none or fewer leave nothing, or the one digit that they are rounded up to.
    fn rounded(&self, places: i64) -> Digits {
        let Ok(places) = usize::try_from(places) else {
            return Digits { digits: "0".to_owned(), ..*self };
        };
        let Some(next) = self.digits.as_bytes().get(places) else { return self.clone() };
        let kept = self.digits.get(..places).unwrap_or_default();
        if *next < b'5' {
            return Digits { digits: if kept.is_empty() { "0" } else { kept }.to_owned(), ..*self };
        }
        let head = kept.trim_end_matches('9');
        let nines = kept.len() - head.len();
        match head.as_bytes().last() {
            Some(last) => {
                let front = head.get(..head.len() - 1).unwrap_or_default();
                Digits { digits: format!("{front}{}{}", char::from(last + 1), "0".repeat(nines)), ..*self }
            }
            None => Digits { digits: format!("1{}", "0".repeat(nines.saturating_sub(1))), point: self.point + 1 },
        }
    }

    /// With so many digits behind the point. None where it would be too long.
    pub(super) fn fixed(&self, layout: Layout) -> Option<String> {
        let precision = layout.precision;
        let rounded = self.rounded(self.point.saturating_add(precision as i64));
        if rounded.point > LONGEST {
            return None;
        }
        let mut text = String::new();
        let whole = usize::try_from(rounded.point).unwrap_or(0);
        let (front, behind) = rounded.digits.split_at(whole.min(rounded.digits.len()));
        text.push_str(front);
        text.push_str(&"0".repeat(whole - front.len()));
        if text.is_empty() || rounded.is_zero() {
            text = "0".to_owned();
        }
        if precision > 0 || layout.with_point {
            text.push('.');
        }
        let zeros = usize::try_from(-rounded.point).unwrap_or(0).min(precision);
        let length = text.len() + precision;
        text.push_str(&"0".repeat(zeros));
        text.push_str(behind.get(..behind.len().min(precision - zeros)).unwrap_or_default());
        text.push_str(&"0".repeat(length - text.len()));
        Some(text)
    }

    /// The mantissa, with so many digits behind its point, and the exponent.
    pub(super) fn scientific(&self, layout: Layout) -> (String, String) {
        let rounded = self.rounded(layout.precision as i64 + 1);
        let (first, behind) = rounded.digits.split_at(1);
        let point = if layout.precision > 0 || layout.with_point { "." } else { "" };
        let missing = layout.precision.saturating_sub(behind.len());
        let mantissa = format!("{first}{point}{behind}{}", "0".repeat(missing));
        let exponent = rounded.point - 1;
        let sign = if exponent < 0 { '-' } else { '+' };
        (mantissa, format!("e{sign}{:02}", exponent.abs()))
    }

    /// So many significant digits, with an exponent outside of 0.0001 and the power of ten that has as many digits.
    pub(super) fn general(&self, layout: Layout) -> Option<(String, String)> {
        let significant = layout.precision.max(1);
        let exponent = self.rounded(significant as i64).point - 1;
        // A zero of a decimal has to be written without a scale.
        let in_range = if self.is_zero() { exponent == 0 } else { (-4..significant as i64).contains(&exponent) };
        if in_range {
            let precision = usize::try_from(significant as i64 - exponent - 1).unwrap_or(0);
            return Some((self.fixed(Layout { precision, ..layout })?, String::new()));
        }
        Some(self.scientific(Layout { precision: significant - 1, ..layout }))
    }
}
