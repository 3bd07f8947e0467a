//! The properties of WITH, read as the kinds of values options have.

use std::collections::BTreeMap;

use helenus_cql::ast::{Property, PropertyValue};

use crate::error::QueryError;

/// The properties of one statement.
#[derive(Clone, Copy, Debug)]
pub(super) struct Properties<'a>(pub(super) &'a [Property]);

impl<'a> Properties<'a> {
    /// Refuses properties that are not among `known`, and any named twice.
    pub(super) fn check_known(self, known: &[&str]) -> Result<(), QueryError> {
        for (place, property) in self.0.iter().enumerate() {
            let name = property.name.as_str();
            if !known.contains(&name) {
                return Err(QueryError::Syntax(format!("Unknown property '{name}'")));
            }
            if self.0.iter().take(place).any(|other| other.name == property.name) {
                return Err(QueryError::Syntax(format!("Multiple definitions for property '{name}'")));
            }
        }
        Ok(())
    }

    pub(super) fn get(self, name: &str) -> Option<&'a PropertyValue> {
        self.0.iter().find(|property| property.name.as_str() == name).map(|property| &property.value)
    }

    /// A simple value's text.
    pub(super) fn text(self, name: &str) -> Result<Option<&'a str>, QueryError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        match value.text() {
            Some(text) => Ok(Some(text)),
            None => Err(QueryError::Syntax(format!("Invalid value for property '{name}'. It should be a string"))),
        }
    }

    /// A map, its keys and values as texts.
    pub(super) fn map(self, name: &str) -> Result<Option<BTreeMap<String, String>>, QueryError> {
        match self.get(name) {
            None => Ok(None),
            Some(PropertyValue::Map(entries)) => {
                Ok(Some(entries.iter().map(|(key, value)| (key.text.clone(), value.text.clone())).collect()))
            }
            Some(_) => Err(QueryError::Syntax(format!("Invalid value for property '{name}'. It should be a map."))),
        }
    }

    pub(super) fn boolean(self, name: &str) -> Result<Option<bool>, QueryError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        match text.to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" => Ok(Some(true)),
            "0" | "false" | "no" => Ok(Some(false)),
            _ => Err(QueryError::Syntax(format!(
                "Invalid boolean value {text} for '{name}'. Positive values can be '1', 'true' or 'yes'. Negative values can be '0', 'false' or 'no'."
            ))),
        }
    }

    pub(super) fn integer(self, name: &str) -> Result<Option<i32>, QueryError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        match text.parse() {
            Ok(number) => Ok(Some(number)),
            Err(_) => Err(QueryError::Syntax(format!("Invalid integer value {text} for '{name}'"))),
        }
    }

    pub(super) fn double(self, name: &str) -> Result<Option<f64>, QueryError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        match parse_double(text) {
            Some(number) => Ok(Some(number)),
            None => Err(QueryError::Syntax(format!("Invalid double value {text} for '{name}'"))),
        }
    }
}

/// A number as Java's `Double.parseDouble` reads it: with spaces around, and with the `f` or `d` of a literal behind.
pub(super) fn parse_double(text: &str) -> Option<f64> {
    let text = text.trim_matches(|letter: char| letter <= ' ');
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    match unsigned {
        "NaN" => Some(f64::NAN),
        "Infinity" if text.starts_with('-') => Some(f64::NEG_INFINITY),
        "Infinity" => Some(f64::INFINITY),
        _ if unsigned.starts_with(|letter: char| letter.is_ascii_digit() || letter == '.') => {
            text.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(text).parse().ok()
        }
        _ => None,
    }
}
