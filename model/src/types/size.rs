//! How large a type may be: what a schema keeps must be readable again, and user-defined types inside of each other can double at each step.

use super::{CqlType, TypeError};
use crate::limits::{NAME_BYTES_OF_PART, TYPE_DEPTH_MAX, TYPE_PARTS_MAX};

impl CqlType {
    /// Looks at how deep the type is nested and how many parts it has, those of user-defined types wherever they are used. What
    /// it takes is bounded by [`TYPE_PARTS_MAX`], however large the type is.
    ///
    /// # Errors
    /// [`TypeError::TooDeep`], [`TypeError::TooLarge`].
    pub fn check_size(&self) -> Result<(), TypeError> {
        let mut left = TYPE_PARTS_MAX;
        self.count(0, &mut left)
    }

    /// Takes the type's parts off `left`, to bound several together.
    ///
    /// # Errors
    /// [`TypeError::TooDeep`], [`TypeError::TooLarge`]: there are more than are left.
    pub fn take_parts(&self, left: &mut usize) -> Result<(), TypeError> {
        self.count(0, left)
    }

    fn count(&self, depth: usize, left: &mut usize) -> Result<(), TypeError> {
        if depth > TYPE_DEPTH_MAX {
            return Err(TypeError::TooDeep);
        }
        let own = 1 + self.name_parts();
        *left = left.checked_sub(own).ok_or(TypeError::TooLarge)?;
        let mut inner = |part: &CqlType| part.count(depth + 1, left);
        match self {
            CqlType::List { element, .. } | CqlType::Set { element, .. } | CqlType::Vector { element, .. } => {
                inner(element)
            }
            CqlType::Map { key, value, .. } => inner(key).and_then(|()| inner(value)),
            CqlType::Tuple(parts) => parts.iter().try_for_each(inner),
            CqlType::Udt { definition, .. } => definition.fields.iter().try_for_each(|(_, field)| inner(field)),
            _ => Ok(()),
        }
    }

    /// What the names of the type itself count for, without those of its parts.
    fn name_parts(&self) -> usize {
        let of = |name: &str| name.len() / NAME_BYTES_OF_PART;
        match self {
            CqlType::Udt { definition, .. } => {
                let fields = definition.fields.iter().map(|(name, _)| of(name));
                fields.sum::<usize>() + of(&definition.keyspace) + of(&definition.name)
            }
            CqlType::Custom(class) => of(class),
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::types::UdtDefinition;

    /// `levels` of user-defined types, each with `width` fields of the one before.
    fn nested(levels: usize, width: usize) -> CqlType {
        (0..levels).fold(CqlType::Int, |inner, level| {
            let fields = (0..width).map(|field| (format!("f{field}"), inner.clone())).collect();
            let definition = UdtDefinition { keyspace: "ks".to_owned(), name: format!("t{level}"), fields };
            CqlType::Udt { definition: Arc::new(definition), frozen: true }
        })
    }

    fn check(levels: usize, width: usize, wanted: &str) {
        let answer = nested(levels, width).check_size().map_or_else(|error| error.to_string(), |()| "taken".to_owned());
        assert_eq!(answer, wanted, "{levels} levels of {width}");
    }

    #[test]
    fn large_types_are_told_at_once() {
        check(0, 0, "taken");
        check(TYPE_DEPTH_MAX, 1, "taken");
        check(TYPE_DEPTH_MAX + 1, 1, "Type is nested too deeply");
        check(1, TYPE_PARTS_MAX - 1, "taken");
        check(1, TYPE_PARTS_MAX, "Type has too many parts");
        check(15, 2, "taken");
        check(16, 2, "Type has too many parts");
        check(60, 2, "Type has too many parts");
    }

    #[test]
    fn long_names_count_as_parts() {
        let of = |bytes: usize| {
            let fields = vec![("f".repeat(bytes), CqlType::Int)];
            let definition = UdtDefinition { keyspace: "ks".to_owned(), name: "t".to_owned(), fields };
            CqlType::tuple(vec![CqlType::Udt { definition: Arc::new(definition), frozen: true }; 100])
        };
        for (bytes, is_taken) in [(1, true), (9_000, true), (11_000, false), (60_000, false)] {
            assert_eq!(of(bytes).check_size().is_ok(), is_taken, "100 names of {bytes} bytes");
        }
        let mut left = 350;
        assert_eq!((of(1).take_parts(&mut left), left), (Ok(()), 149), "a tuple of a hundred with a field each");
        assert!(of(1).take_parts(&mut left).is_err());
    }
}
