//! Similarity of vectors of floats, as Lucene counts it: 1 for the most similar.

use helenus_model::value::{decode_float, vector_elements};

use crate::error::QueryError;

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
