//! count, min, max, sum and avg, with Cassandra's types and arithmetic: integers wrap, averages of integers truncate, floats are
//! summed by Kahan's method, decimals keep their scale.

use std::sync::Arc;

use helenus_model::types::CqlType;
use helenus_model::value::{
    Comparator, Decimal, decode_bigint, decode_double, decode_float, decode_int, decode_smallint, decode_tinyint,
    decode_varint, encode_varint, java_double,
};
use num_bigint::BigInt;
use num_traits::{Signed, ToPrimitive, Zero};

use super::selector::Selector;
use crate::error::QueryError;
use crate::function::{UserAggregate, is_number};

/// Which aggregate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AggregateKind {
    /// `count(*)`
    CountRows,
    /// `count(x)`
    Count,
    /// `min(x)`
    Min,
    /// `max(x)`
    Max,
    /// `sum(x)`
    Sum,
    /// `avg(x)`
    Average,
    /// A user aggregate.
    User,
}

impl AggregateKind {
    /// By a function's name.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        Some(match name {
            "count" => AggregateKind::Count,
            "count_rows" => AggregateKind::CountRows,
            "min" => AggregateKind::Min,
            "max" => AggregateKind::Max,
            "sum" => AggregateKind::Sum,
            "avg" => AggregateKind::Average,
            _ => return None,
        })
    }

    /// The type of the result for an argument of this type; None when there is no such aggregate.
    pub(super) fn result_type(self, argument: &CqlType) -> Option<CqlType> {
        match self {
            AggregateKind::CountRows | AggregateKind::Count => Some(CqlType::Bigint),
            AggregateKind::Min | AggregateKind::Max => Some(argument.freeze()),
            AggregateKind::User => None,
            AggregateKind::Sum | AggregateKind::Average => is_number(argument).then(|| argument.clone()),
        }
    }
}

/// An aggregate of the statement.
#[derive(Clone, Debug)]
pub(super) struct AggregatePlan {
    pub(super) kind: AggregateKind,
    /// What is aggregated; None for `count(*)`.
    pub(super) argument: Option<Selector>,
    pub(super) argument_type: CqlType,
    /// A user aggregate and its arguments.
    pub(super) user: Option<(Arc<UserAggregate>, Vec<Selector>)>,
}

/// An aggregate under way.
#[derive(Clone, Debug)]
pub(super) enum State {
    Count(i64),
    Extreme {
        best: Option<Vec<u8>>,
        order: Comparator,
        greatest: bool,
    },
    Whole {
        sum: BigInt,
        count: u64,
        ty: CqlType,
        average: bool,
    },
    Real {
        sum: KahanSum,
        big: Option<Decimal>,
        count: u64,
        ty: CqlType,
        average: bool,
    },
    /// The sum, or the average so far: Cassandra moves it with each number, and rounds it each time.
    Decimal {
        sum: Decimal,
        count: u64,
        average: bool,
        failed: bool,
    },
    User {
        aggregate: Arc<UserAggregate>,
        state: Option<Vec<u8>>,
    },
}

impl State {
    /// Before the first row.
    pub(super) fn new(plan: &AggregatePlan) -> Self {
        if let Some((aggregate, _)) = &plan.user {
            return State::User { aggregate: Arc::clone(aggregate), state: aggregate.initial() };
        }
        let (ty, average) = (plan.argument_type.clone(), plan.kind == AggregateKind::Average);
        match plan.kind {
            AggregateKind::CountRows | AggregateKind::Count | AggregateKind::User => State::Count(0),
            AggregateKind::Min | AggregateKind::Max => State::Extreme {
                best: None,
                order: Comparator::for_type(&ty),
                greatest: plan.kind == AggregateKind::Max,
            },
            AggregateKind::Sum | AggregateKind::Average => match ty {
                CqlType::Float | CqlType::Double => {
                    State::Real { sum: KahanSum::default(), big: None, count: 0, ty, average }
                }
                CqlType::Decimal => State::Decimal {
                    sum: Decimal { unscaled: BigInt::zero(), scale: 0 },
                    count: 0,
                    average,
                    failed: false,
                },
                ty => State::Whole { sum: BigInt::zero(), count: 0, ty, average },
            },
        }
    }

    /// A row's value. Null counts for nothing but `count(*)`, for which every row has a value.
    pub(super) fn add(&mut self, value: Option<&[u8]>) {
        let Some(value) = value else { return };
        match self {
            State::Count(count) => *count += 1,
            State::Extreme { best, order, greatest } => {
                let better = match best.as_deref() {
                    None => true,
                    Some(best) if *greatest => order.compare(value, best).is_gt(),
                    Some(best) => order.compare(value, best).is_lt(),
                };
                if better {
                    let best = best.get_or_insert_default();
                    best.clear();
                    best.extend_from_slice(value);
                }
            }
            State::Whole { sum, count, ty, .. } => {
                if let Some(number) = whole(ty, value) {
                    *sum += number;
                    *count += 1;
                }
            }
            State::Real { sum, big, count, ty, average } => {
                let number = match ty {
                    CqlType::Float => decode_float(value).map(f64::from),
                    _ => decode_double(value),
                };
                if let Some(number) = number {
                    *count += 1;
                    match big {
                        Some(big) => add_exactly(big, number),
                        None => {
                            let before = sum.sum;
                            sum.add(number);
                            // An average lies among its numbers: where their sum does not, it goes on in decimals.
                            if *average && sum.sum.is_infinite() && number.is_finite() && before.is_finite() {
                                let mut exact = exact(before);
                                add_exactly(&mut exact, number);
                                *big = Some(exact);
                            }
                        }
                    }
                }
            }
            State::Decimal { sum, count, failed, average } => {
                if let Some(mut number) = Decimal::from_bytes(value) {
                    *count += 1;
                    if *average {
                        let minus = Decimal { unscaled: -&sum.unscaled, scale: sum.scale };
                        *failed |= !add_decimal(&mut number, &minus);
                        number.unscaled = divide_half_even(&number.unscaled, &BigInt::from(*count));
                    }
                    *failed |= !add_decimal(sum, &number);
                }
            }
            State::User { .. } => {}
        }
    }

    /// A row's arguments of a user aggregate.
    ///
    /// # Errors
    /// Its state function failed.
    pub(super) fn add_all(&mut self, values: &[Option<&[u8]>]) -> Result<(), QueryError> {
        match self {
            State::User { aggregate, state } => aggregate.add(state, values),
            _ => Ok(()),
        }
    }

    /// The result.
    ///
    /// # Errors
    /// A final function that fails; decimals whose scales lie too far apart to be added.
    pub(super) fn result(&self) -> Result<Option<Vec<u8>>, QueryError> {
        Ok(match self {
            State::User { aggregate, state } => aggregate.result(state.as_deref())?,
            State::Count(count) => Some(count.to_be_bytes().to_vec()),
            State::Extreme { best, .. } => best.clone(),
            State::Whole { sum, count, ty, average } => {
                let result = if *average && *count > 0 { sum / BigInt::from(*count) } else { sum.clone() };
                Some(encode_whole(ty, &result))
            }
            State::Real { sum, big, count, ty, average } => {
                let result = match (*average, *count) {
                    (true, 0) => 0.0,
                    (true, count) if let Some(big) = big => {
                        let unscaled = divide_half_even(&big.unscaled, &BigInt::from(count));
                        nearest(&Decimal { unscaled, scale: big.scale })
                    }
                    (true, count) => sum.total() / count as f64,
                    (false, _) => sum.total(),
                };
                Some(match ty {
                    CqlType::Float => (result as f32).to_be_bytes().to_vec(),
                    _ => result.to_be_bytes().to_vec(),
                })
            }
            State::Decimal { failed: true, .. } => {
                return Err(QueryError::unsupported("sums of decimals of very different scales"));
            }
            State::Decimal { sum, .. } => Some(sum.to_bytes()),
        })
    }
}

/// What `sum` or `avg` gives for these values.
fn of_values<'v>(
    kind: AggregateKind,
    ty: &CqlType,
    values: impl Iterator<Item = &'v [u8]>,
) -> Result<Option<Vec<u8>>, QueryError> {
    let mut state = State::new(&AggregatePlan { kind, argument: None, argument_type: ty.clone(), user: None });
    values.for_each(|value| state.add(Some(value)));
    state.result()
}

/// `sum` of these values.
///
/// # Errors
/// As [`State::result`].
pub(crate) fn sum_of<'v>(ty: &CqlType, values: impl Iterator<Item = &'v [u8]>) -> Result<Option<Vec<u8>>, QueryError> {
    of_values(AggregateKind::Sum, ty, values)
}

/// `avg` of these values.
///
/// # Errors
/// As [`State::result`].
pub(crate) fn average_of<'v>(
    ty: &CqlType,
    values: impl Iterator<Item = &'v [u8]>,
) -> Result<Option<Vec<u8>>, QueryError> {
    of_values(AggregateKind::Average, ty, values)
}

fn whole(ty: &CqlType, value: &[u8]) -> Option<BigInt> {
    Some(match ty {
        CqlType::Tinyint => decode_tinyint(value)?.into(),
        CqlType::Smallint => decode_smallint(value)?.into(),
        CqlType::Int => decode_int(value)?.into(),
        CqlType::Bigint | CqlType::Counter => decode_bigint(value)?.into(),
        _ => decode_varint(value)?,
    })
}

/// Numbers of fixed width wrap, as in Java.
fn encode_whole(ty: &CqlType, number: &BigInt) -> Vec<u8> {
    let low = || {
        let mask = BigInt::from(u64::MAX);
        (number & &mask).to_u64().unwrap_or_default()
    };
    match ty {
        CqlType::Tinyint => (low() as u8).to_be_bytes().to_vec(),
        CqlType::Smallint => (low() as u16).to_be_bytes().to_vec(),
        CqlType::Int => (low() as u32).to_be_bytes().to_vec(),
        CqlType::Bigint | CqlType::Counter => low().to_be_bytes().to_vec(),
        _ => encode_varint(number),
    }
}

/// Kahan's sum, with the plain sum beside it for infinities.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct KahanSum {
    sum: f64,
    compensation: f64,
    simple: f64,
}

impl KahanSum {
    fn add(&mut self, number: f64) {
        self.simple += number;
        let corrected = number - self.compensation;
        let rounded = self.sum + corrected;
        self.compensation = (rounded - self.sum) - corrected;
        self.sum = rounded;
    }

    fn total(&self) -> f64 {
        let sum = self.sum + self.compensation;
        if sum.is_nan() && self.simple.is_infinite() { self.simple } else { sum }
    }
}

/// The shortest decimal that means this number, as Java makes it; zero for what is no number.
fn exact(number: f64) -> Decimal {
    let none = Decimal { unscaled: BigInt::zero(), scale: 0 };
    let text = java_double(number);
    let (digits, exponent) = text.split_once('E').unwrap_or((&text, "0"));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    match (format!("{whole}{fraction}").parse::<BigInt>(), exponent.parse::<i32>()) {
        (Ok(unscaled), Ok(exponent)) => Decimal { unscaled, scale: fraction.len() as i32 - exponent },
        _ => none,
    }
}

fn add_exactly(sum: &mut Decimal, number: f64) {
    if number.is_finite() {
        add_decimal(sum, &exact(number));
    }
}

/// The double next to a decimal.
fn nearest(number: &Decimal) -> f64 {
    format!("{}E{}", number.unscaled, -i64::from(number.scale)).parse().unwrap_or(f64::NAN)
}

/// Scales further apart than this are not added: the result would be mostly zeros.
const SCALE_SPREAD_MAX: i64 = 100_000;

/// Adds; false when the scales lie too far apart.
fn add_decimal(sum: &mut Decimal, number: &Decimal) -> bool {
    let spread = (i64::from(number.scale) - i64::from(sum.scale)).abs();
    if spread > SCALE_SPREAD_MAX {
        return false;
    }
    let power = BigInt::from(10).pow(spread as u32);
    if number.scale >= sum.scale {
        sum.unscaled = &sum.unscaled * power + &number.unscaled;
        sum.scale = number.scale;
    } else {
        sum.unscaled += &number.unscaled * power;
    }
    true
}

fn divide_half_even(number: &BigInt, by: &BigInt) -> BigInt {
    let quotient = number / by;
    let rest: BigInt = (number - &quotient * by).abs() * 2_u8;
    let up = match rest.cmp(&by.abs()) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Equal => (&quotient % 2_u8) != BigInt::zero(),
    };
    match (up, number.is_negative() != by.is_negative()) {
        (false, _) => quotient,
        (true, false) => quotient + 1_u8,
        (true, true) => quotient - 1_u8,
    }
}
