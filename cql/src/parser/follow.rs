//! What may follow a name or a term, anywhere in the grammar.
//!
//! Cassandra's parser looks one token past a name to tell `keyspace.table` from `table`. A token that can follow nowhere in the grammar is
//! reported at once, together with the name; one that can follow elsewhere is reported by the rule that meets it.

use crate::lexer::{Keyword, Kind};

/// What may follow the name of a table.
pub(super) fn of_table(kind: Kind) -> bool {
    use Keyword as K;
    match kind {
        Kind::End | Kind::Semicolon | Kind::ParenthesisOpen | Kind::Dot => true,
        Kind::Keyword(keyword) => matches!(
            keyword,
            K::Where
                | K::Group
                | K::Order
                | K::Per
                | K::Limit
                | K::Allow
                | K::Json
                | K::Using
                | K::Set
                | K::With
                | K::As
                | K::Primary
                | K::To
                | K::From
                | K::Of
                | K::Norecursive
                | K::Add
                | K::Alter
                | K::Drop
                | K::Rename
        ),
        _ => false,
    }
}

/// What may follow a term.
pub(super) fn of_term(kind: Kind) -> bool {
    use Keyword as K;
    match kind {
        Kind::End
        | Kind::Semicolon
        | Kind::Comma
        | Kind::ParenthesisClose
        | Kind::BracketClose
        | Kind::BraceClose
        | Kind::Colon
        | Kind::Range
        | Kind::Plus => true,
        Kind::Keyword(keyword) => matches!(
            keyword,
            K::And
                | K::If
                | K::Where
                | K::Group
                | K::Order
                | K::Per
                | K::Limit
                | K::Allow
                | K::Asc
                | K::Desc
                | K::Apply
                | K::Insert
                | K::Update
                | K::Delete
                | K::Primary
        ),
        _ => false,
    }
}

/// What may follow a native type.
pub(super) fn of_type(kind: Kind) -> bool {
    use Keyword as K;
    match kind {
        Kind::End | Kind::Semicolon | Kind::Comma | Kind::ParenthesisClose | Kind::Greater => true,
        Kind::Keyword(keyword) => {
            matches!(keyword, K::Static | K::Masked | K::Primary | K::Language | K::Finalfunc | K::Initcond)
        }
        _ => false,
    }
}

/// What may follow the name of a function.
pub(super) fn of_function(kind: Kind) -> bool {
    matches!(kind, Kind::ParenthesisOpen | Kind::End | Kind::Semicolon | Kind::Keyword(Keyword::With))
}

/// What may follow a column that is selected by its bare name.
pub(super) fn of_selected_name(kind: Kind) -> bool {
    use Keyword as K;
    match kind {
        Kind::End
        | Kind::Semicolon
        | Kind::Comma
        | Kind::Dot
        | Kind::BracketOpen
        | Kind::BracketClose
        | Kind::BraceClose
        | Kind::ParenthesisClose
        | Kind::Colon
        | Kind::Plus
        | Kind::Minus
        | Kind::Star
        | Kind::Slash
        | Kind::Percent => true,
        Kind::Keyword(keyword) => {
            matches!(keyword, K::As | K::From | K::Order | K::Per | K::Limit | K::Allow)
        }
        _ => false,
    }
}
