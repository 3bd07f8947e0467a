//! Similarity of vectors of floats, as Lucene counts it: 1 for the most similar.

use helenus_model::types::CqlType;
use helenus_model::value::{decode_float, vector_elements};

use super::{Argument, Body, ScalarFunction};
use crate::error::QueryError;
use crate::spec::ColumnSpec;

/// How similarity is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Similarity {
    /// (1 + cos) / 2
    Cosine,
    /// 1 / (1 + distance²)
    Euclidean,
    /// (1 + dot product) / 2
    DotProduct,
}

/// The function of this name for these arguments: vectors of floats, lists as literals of them, of one dimension.
pub(super) fn signatures(
    name: &str,
    arguments: &[&dyn Argument],
    receiver: &ColumnSpec,
    wanted: Option<&CqlType>,
) -> Result<Vec<ScalarFunction>, QueryError> {
    if arguments.len() != 2 {
        return Err(QueryError::invalid(format!(
            "Invalid number of arguments for function system.{name}(vector<float, n>, vector<float, n>)"
        )));
    }
    // Cassandra infers the types of all arguments before it looks at the first.
    if arguments.iter().any(|argument| argument.list_length() == Some(0)) {
        return Err(QueryError::invalid("vectors may only have positive dimensions; given 0"));
    }
    let mut found: Option<CqlType> = None;
    // Cassandra looks at lists after all other arguments, and ends in a Java exception then.
    let mut of_list: Option<QueryError> = None;
    for argument in arguments {
        let literal = argument.list_length().and_then(|length| u32::try_from(length).ok());
        let ty = match (literal, argument.exact_type(receiver)) {
            (Some(dimension), _) => CqlType::vector(CqlType::Float, dimension),
            (None, Some(ty)) => ty,
            (None, None) => match wanted {
                // As Cassandra has it: what says nothing of its type is taken for what the function's result is wanted for.
                Some(wanted) => wanted.clone(),
                None => continue,
            },
        };
        if !matches!(&ty, CqlType::Vector { element, .. } if **element == CqlType::Float) {
            let refused = QueryError::invalid(format!(
                "Function system.{name} requires a float vector argument, but found argument {} of type {ty}",
                argument.text()
            ));
            if !matches!(ty, CqlType::List { .. }) {
                return Err(refused);
            }
            of_list.get_or_insert(refused);
            continue;
        }
        if found.as_ref().is_some_and(|other| *other != ty) {
            return Err(QueryError::invalid("All arguments must have the same vector dimensions"));
        }
        found = Some(ty);
    }
    if let Some(refused) = of_list {
        return Err(refused);
    }
    let Some(ty) = found else {
        return Err(QueryError::invalid(format!(
            "Cannot infer type of argument {} in call to function system.{name}(vector<float, n>, vector<float, n>): use type casts to disambiguate",
            arguments.first().map(|argument| argument.text()).unwrap_or_default()
        )));
    };
    let similarity = match name {
        "similarity_cosine" => Similarity::Cosine,
        "similarity_euclidean" => Similarity::Euclidean,
        _ => Similarity::DotProduct,
    };
    Ok(vec![ScalarFunction::new(name, vec![ty.clone(), ty], CqlType::Float, Body::Similarity(similarity))])
}

pub(super) fn similarity(kind: Similarity, arguments: &[&[u8]]) -> Result<Option<Vec<u8>>, QueryError> {
    let [left, right] = arguments else { return Ok(None) };
    let floats = |bytes| vector_elements(bytes, Some(4)).filter_map(decode_float);
    let dot: f32 = floats(left).zip(floats(right)).map(|(a, b)| a * b).sum();
    let answer = match kind {
        Similarity::DotProduct => (1.0 + dot) / 2.0,
        Similarity::Euclidean => {
            let distance: f32 = floats(left).zip(floats(right)).map(|(a, b)| (a - b) * (a - b)).sum();
            1.0 / (1.0 + distance)
        }
        Similarity::Cosine => {
            let norm = |bytes| floats(bytes).map(|a| a * a).sum::<f32>();
            let (a, b) = (norm(left), norm(right));
            if a == 0.0 || b == 0.0 {
                return Err(QueryError::invalid("Function system.similarity_cosine doesn't support all-zero vectors."));
            }
            (1.0 + (f64::from(dot) / (f64::from(a) * f64::from(b)).sqrt()) as f32) / 2.0
        }
    };
    Ok(Some(answer.to_be_bytes().to_vec()))
}
