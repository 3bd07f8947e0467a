//! `token(k) > …`

use helenus_model::key::RingPosition;
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
        let token = |term: &Term| -> Result<Token, QueryError> {
            let unset = || "Invalid unset value for partition key token".to_owned();
            match term.evaluate_set(values, options, unset)? {
                Some(bytes) => Ok(Token(decode_bigint(&bytes).unwrap_or(i64::MIN))),
                None => Err(QueryError::invalid("Invalid null token value")),
            }
        };
        if let Some(equal) = &self.equal {
            let token = token(equal)?;
            // The smallest token stands for the whole ring: Cassandra's range from it to itself goes around.
            if token == Token::MIN {
                return Ok(Some((RingPosition::FIRST, RingPosition::LAST)));
            }
            return Ok(Some((RingPosition::before(token), RingPosition::after(token))));
        }
        let start = match &self.start {
            None => RingPosition::FIRST,
            Some((term, true)) => RingPosition::before(token(term)?),
            Some((term, false)) => RingPosition::after(token(term)?),
        };
        let end = match &self.end {
            None => RingPosition::LAST,
            Some((term, inclusive)) => match token(term)? {
                // The smallest token stands for the end of the ring as well: drivers split the ring so.
                Token::MIN => RingPosition::LAST,
                token if *inclusive => RingPosition::after(token),
                token => RingPosition::before(token),
            },
        };
        Ok((start < end).then_some((start, end)))
    }
}
