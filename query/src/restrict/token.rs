//! `token(k) > …`

use helenus_model::key::{KeyRef, RingPosition};
use helenus_model::token::Token;
use helenus_model::value::decode_bigint;

use crate::error::QueryError;
use crate::term::Term;
use crate::values::{BoundValues, ExecuteOptions};

/// Bounds of the token.
#[derive(Clone, Debug, Default)]
pub struct TokenRestriction {
    /// `token(k) = …`
    pub equal: Option<Term>,
    /// Lower bound, and whether it is included.
    pub start: Option<(Term, bool)>,
    /// Upper bound, and whether it is included.
    pub end: Option<(Term, bool)>,
}

impl TokenRestriction {
    /// The range `[start, end)` of the ring; None when it is empty.
    ///
    /// # Errors
    /// Null and unset values.
    pub fn range(
        &self,
        values: &dyn BoundValues,
        options: &ExecuteOptions<'_>,
    ) -> Result<Option<(RingPosition, RingPosition)>, QueryError> {
        let (mut start, mut end) = self.bounds(values, options)?;
        // Behind the smallest token is all of the ring, its keys as well: an empty partition key of a view.
        if start == RingPosition::after(Token::MIN) {
            start = RingPosition::before(Token::MIN);
        }
        // The smallest token stands for the end of the ring as well: drivers split the ring so.
        if self.end.is_some() && end <= RingPosition::after(Token::MIN) {
            end = RingPosition::LAST;
        }
        // The smallest token stands for the whole ring: Cassandra's range from it to itself goes around.
        if self.equal.is_some() && start == RingPosition::before(Token::MIN) {
            return Ok(Some((RingPosition::FIRST, RingPosition::LAST)));
        }
        Ok((start < end).then_some((start, end)))
    }

    /// Whether keys lie between the bounds. Bounds that are the wrong way round go round the ring, as Cassandra has it for tokens beside
    /// keys, though not for tokens alone.
    ///
    /// # Errors
    /// Null and unset values.
    pub fn contains(
        &self,
        values: &dyn BoundValues,
        options: &ExecuteOptions<'_>,
    ) -> Result<impl Fn(KeyRef<'_>) -> bool, QueryError> {
        let (start, end) = self.bounds(values, options)?;
        let is_one_token = match (&self.start, &self.end) {
            (Some((start, _)), Some((end, _))) => start.evaluate(values, options)? == end.evaluate(values, options)?,
            _ => false,
        };
        let goes_round = start > end && !is_one_token;
        Ok(move |key: KeyRef<'_>| {
            let (behind, before) = (start.compare_to_key(key).is_lt(), end.compare_to_key(key).is_gt());
            if goes_round { behind || before } else { behind && before }
        })
    }

    fn bounds(
        &self,
        values: &dyn BoundValues,
        options: &ExecuteOptions<'_>,
    ) -> Result<(RingPosition, RingPosition), QueryError> {
        let token = |term: &Term| -> Result<Token, QueryError> {
            let unset = || "Invalid unset value for partition key token".to_owned();
            match term.evaluate_set(values, options, unset)? {
                Some(bytes) => Ok(Token(decode_bigint(&bytes).unwrap_or(i64::MIN))),
                None => Err(QueryError::invalid("Invalid null token value")),
            }
        };
        if let Some(equal) = &self.equal {
            let token = token(equal)?;
            return Ok((RingPosition::before(token), RingPosition::after(token)));
        }
        let start = match &self.start {
            None => RingPosition::FIRST,
            Some((term, true)) => RingPosition::before(token(term)?),
            Some((term, false)) => RingPosition::after(token(term)?),
        };
        let end = match &self.end {
            None => RingPosition::LAST,
            Some((term, true)) => RingPosition::after(token(term)?),
            Some((term, false)) => RingPosition::before(token(term)?),
        };
        Ok((start, end))
    }
}
