//! `float` and `double` as text, digit for digit as Java 11 and 17 print them, on which Cassandra 5.0 runs.
//!
//! They do not always print the shortest digits that read back (1e23 is `9.999999999999999E22`), so:
//! 1. Whole numbers below 2^63 are printed exactly, but for digits that their precision does not carry.
//! 2. Of others, digits are taken one by one until what is left is nearer than the margin to zero or to one unit of
//!    the last digit. The margin is half the distance to the next number, and half of that for powers of two.
//! 3. Numbers with an exponent get at least two digits.
//!
//! One in twenty thousand random floats, between 1e24 and 1e26, differs in its last digit: there Java's own arithmetic
//! overflows. Both forms read back.

use num_bigint::BigUint;
use num_traits::ToPrimitive;

/// Up to this exponent whole numbers are printed exactly.
const WHOLE_EXPONENT_MAX: i32 = 62;

/// The number as Java's `Double.toString` prints it: `1.0`, `1.0E7`, `1.0E-4`, `NaN`, `-Infinity`.
pub fn java_double(value: f64) -> String {
    if let Some(name) = special(value) {
        return name.to_owned();
    }
    let bits = value.to_bits();
    print(Binary::new(bits & ((1 << 52) - 1), (bits >> 52) as i32 & 0x7ff, 52, 1023), value.is_sign_negative())
}

/// The number as Java's `Float.toString` prints it.
pub fn java_float(value: f32) -> String {
    if let Some(name) = special(f64::from(value)) {
        return name.to_owned();
    }
    let bits = value.to_bits();
    let fraction = u64::from(bits & ((1 << 23) - 1));
    print(Binary::new(fraction, (bits >> 23) as i32 & 0xff, 23, 127), value.is_sign_negative())
}

fn special(value: f64) -> Option<&'static str> {
    if value.is_nan() {
        Some("NaN")
    } else if value.is_infinite() {
        Some(if value > 0.0 { "Infinity" } else { "-Infinity" })
    } else if value == 0.0 {
        Some(if value.is_sign_negative() { "-0.0" } else { "0.0" })
    } else {
        None
    }
}

/// A finite number that is not zero: odd × 2^shift.
struct Binary {
    odd: u64,
    shift: i32,
    /// Exponent of the highest bit.
    exponent: i32,
    /// Bits the number could have: fewer for denormal ones.
    precision: i32,
}

impl Binary {
    fn new(fraction: u64, biased_exponent: i32, fraction_bits: i32, bias: i32) -> Binary {
        let normal = biased_exponent != 0;
        let mantissa = if normal { fraction | 1 << fraction_bits } else { fraction };
        let lowest_bit_exponent = biased_exponent.max(1) - bias - fraction_bits;
        let length = 64 - mantissa.leading_zeros() as i32;
        let zeros = mantissa.trailing_zeros();
        Binary {
            odd: mantissa >> zeros,
            shift: lowest_bit_exponent + zeros as i32,
            exponent: lowest_bit_exponent + length - 1,
            precision: length,
        }
    }

    fn is_power_of_two(&self) -> bool {
        self.odd == 1
    }

    /// Exponent of the first decimal digit, or one more: the tangent of the logarithm at 1.5.
    #[expect(clippy::approx_constant, reason = "the estimate must be as rough as Java's")]
    fn estimated_decimal_exponent(&self) -> i32 {
        let between_one_and_two = self.odd as f64 / (1u64 << (63 - self.odd.leading_zeros())) as f64;
        let logarithm = (between_one_and_two - 1.5) * 0.289_529_654
            + 0.176_091_259
            + f64::from(self.exponent) * 0.301_029_995_663_981;
        logarithm.floor() as i32
    }
}

/// Decimal digits d1 d2 d3… of the number d1.d2d3… × 10^exponent.
struct Digits {
    digits: Vec<u8>,
    exponent: i32,
}

fn print(binary: Binary, negative: bool) -> String {
    let Digits { digits, exponent } = whole_digits(&binary).unwrap_or_else(|| generated_digits(&binary));
    let sign = if negative { "-" } else { "" };
    let digits: String = digits.iter().map(|digit| (b'0' + digit) as char).collect();
    match exponent {
        0..7 => {
            let whole = exponent as usize + 1;
            let padded = format!("{digits:0<whole$}");
            let (before, behind) = padded.split_at(whole);
            format!("{sign}{before}.{}", if behind.is_empty() { "0" } else { behind })
        }
        -3..0 => format!("{sign}0.{}{digits}", "0".repeat((-exponent - 1) as usize)),
        _ => {
            let (before, behind) = digits.split_at(1);
            format!("{sign}{before}.{}E{exponent}", if behind.is_empty() { "0" } else { behind })
        }
    }
}

/// Step 1: the digits of a whole number, without those beyond its precision and without zeros at the end.
fn whole_digits(binary: &Binary) -> Option<Digits> {
    if binary.shift < 0 || binary.exponent > WHOLE_EXPONENT_MAX {
        return None;
    }
    let mut number = binary.odd << binary.shift;
    let excess_bits = (binary.exponent - binary.precision - 1).max(0);
    let dropped = (f64::from(excess_bits) * std::f64::consts::LOG10_2) as u32;
    let mut exponent = dropped as i32;
    if dropped > 0 {
        let unit = 10u64.pow(dropped);
        let rest = number % unit;
        number = number / unit + u64::from(rest >= unit / 2);
    }
    let mut digits: Vec<u8> = number.to_string().bytes().map(|digit| digit - b'0').collect();
    exponent += digits.len() as i32 - 1;
    strip_zeros(&mut digits);
    Some(Digits { digits, exponent })
}

/// Step 2: digits by exact long division.
fn generated_digits(binary: &Binary) -> Digits {
    let margin_exponent = binary.exponent - binary.precision - i32::from(binary.is_power_of_two());
    // All three are scaled by the same power of two so that the smallest is whole.
    let lowest = margin_exponent.min(binary.shift).min(0);
    let two_to = |power: i32| BigUint::from(1u8) << (power - lowest) as u32;
    let mut rest = BigUint::from(binary.odd) * two_to(binary.shift);
    let mut margin = two_to(margin_exponent);
    let mut unit = two_to(0);
    let mut exponent = binary.estimated_decimal_exponent();
    let power_of_ten = BigUint::from(10u8).pow(exponent.unsigned_abs());
    if exponent >= 0 {
        unit *= power_of_ten;
    } else {
        rest *= &power_of_ten;
        margin *= power_of_ten;
    }
    let ten_units = &unit * 10u8;
    let mut digits = Vec::new();
    loop {
        let digit = (&rest / &unit).to_u8().unwrap_or(0);
        rest = (&rest % &unit) * 10u8;
        margin *= 10u8;
        let mut low = rest < margin;
        let mut high = &rest + &margin > ten_units;
        let first = digits.is_empty();
        if first && digit == 0 && !high && exponent == binary.estimated_decimal_exponent() {
            exponent -= 1;
            continue;
        }
        digits.push(digit);
        // Step 3.
        if first && !(-3..8).contains(&exponent) {
            (low, high) = (false, false);
        }
        if low || high {
            let twice = &rest * 2u8;
            let odd = digit % 2 == 1;
            let nearer_above = twice > ten_units || (twice == ten_units && odd);
            if high && (!low || nearer_above) {
                round_up(&mut digits, &mut exponent);
            }
            break;
        }
    }
    drop_leading_zero(&mut digits, &mut exponent);
    strip_zeros(&mut digits);
    Digits { digits, exponent }
}

fn round_up(digits: &mut [u8], exponent: &mut i32) {
    for digit in digits.iter_mut().rev() {
        if *digit < 9 {
            *digit += 1;
            return;
        }
        *digit = 0;
    }
    // All were nines.
    if let Some(first) = digits.first_mut() {
        *first = 1;
    }
    *exponent += 1;
}

/// The first digit is zero when the estimate of the exponent was too high and the number within the margin of it.
fn drop_leading_zero(digits: &mut Vec<u8>, exponent: &mut i32) {
    if digits.len() > 1 && digits.first() == Some(&0) {
        digits.remove(0);
        *exponent -= 1;
    }
}

fn strip_zeros(digits: &mut Vec<u8>) {
    while digits.len() > 1 && digits.last() == Some(&0) {
        digits.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn doubles_read_back(bits in any::<u64>()) {
            let value = f64::from_bits(bits);
            if value.is_finite() {
                prop_assert_eq!(java_double(value).parse::<f64>().unwrap().to_bits(), bits);
            }
        }

        #[test]
        fn floats_read_back(bits in any::<u32>()) {
            let value = f32::from_bits(bits);
            if value.is_finite() {
                prop_assert_eq!(java_float(value).parse::<f32>().unwrap().to_bits(), bits);
            }
        }
    }
}
