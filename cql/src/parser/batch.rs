//! BATCH.

use super::{Parsed, Parser};
use crate::ast::{Batch, BatchKind, Modification, Statement};
use crate::lexer::{Keyword, Kind};

impl Parser<'_> {
    /// BEGIN … BATCH … APPLY BATCH
    pub(super) fn batch(&mut self) -> Parsed<Statement> {
        self.expect_keyword(Keyword::Begin)?;
        let kind = if self.eat_keyword(Keyword::Unlogged) {
            BatchKind::Unlogged
        } else if self.eat_keyword(Keyword::Counter) {
            BatchKind::Counter
        } else {
            BatchKind::Logged
        };
        self.expect_keyword(Keyword::Batch)?;
        let using = self.using()?;
        let mut statements = Vec::new();
        loop {
            let statement = match self.kind() {
                Kind::Keyword(Keyword::Insert) => self.insert()?,
                Kind::Keyword(Keyword::Update) => Modification::Update(self.update()?),
                Kind::Keyword(Keyword::Delete) => Modification::Delete(self.delete()?),
                _ => break,
            };
            statements.push(statement);
            self.eat(Kind::Semicolon);
        }
        self.expect_keywords(&[Keyword::Apply, Keyword::Batch])?;
        Ok(Statement::Batch(Box::new(Batch { kind, using, statements })))
    }
}
