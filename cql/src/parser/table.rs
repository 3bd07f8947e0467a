//! CREATE and ALTER TABLE.

use super::names::{is_column_name, is_name};
use super::{Parsed, Parser};
use crate::ast::{
    AlterTable, AlterTableAction, ColumnDefinition, ColumnMask, CreateTable, Direction, DropColumns, FunctionName,
    Name, PrimaryKey, Renaming, Statement, TableOptions,
};
use crate::lexer::{Keyword, Kind};

impl Parser<'_> {
    /// Behind `CREATE TABLE`.
    pub(super) fn create_table(&mut self) -> Parsed<Statement> {
        let if_not_exists = self.if_not_exists()?;
        let name = self.table_name()?;
        let mut table = CreateTable {
            name,
            if_not_exists,
            columns: Vec::new(),
            primary_keys: Vec::new(),
            options: TableOptions::default(),
        };
        self.expect(Kind::ParenthesisOpen)?;
        self.table_element(&mut table)?;
        while self.eat(Kind::Comma) {
            if is_name(self.kind()) || self.is_keyword(Keyword::Primary) {
                self.table_element(&mut table)?;
            }
        }
        self.expect(Kind::ParenthesisClose)?;
        table.options = self.table_options(true)?;
        Ok(Statement::CreateTable(Box::new(table)))
    }

    /// A column, or the PRIMARY KEY.
    fn table_element(&mut self, table: &mut CreateTable) -> Parsed<()> {
        if self.is_keyword(Keyword::Primary) {
            table.primary_keys.push(self.primary_key()?);
            return Ok(());
        }
        let column = self.column_definition()?;
        if self.eat_keyword(Keyword::Primary) {
            self.expect_keyword(Keyword::Key)?;
            let partition = vec![column.name.clone()];
            table.primary_keys.push(PrimaryKey { partition, clustering: Vec::new() });
        }
        table.columns.push(column);
        Ok(())
    }

    fn column_definition(&mut self) -> Parsed<ColumnDefinition> {
        let name = self.name()?;
        let type_name = self.type_name()?;
        let is_static = self.eat_keyword(Keyword::Static);
        let mask = if self.is_keyword(Keyword::Masked) { Some(self.column_mask()?) } else { None };
        Ok(ColumnDefinition { name, type_name, is_static, mask })
    }

    /// `MASKED WITH f(args)` or `MASKED WITH DEFAULT`
    fn column_mask(&mut self) -> Parsed<ColumnMask> {
        let start = self.position;
        self.expect_keyword(Keyword::Masked)?;
        if !self.is_keyword(Keyword::With) {
            return Err(self.no_viable_between(start, self.position));
        }
        self.advance();
        if self.is_keyword(Keyword::Default) && !matches!(self.kind_ahead(1), Kind::ParenthesisOpen | Kind::Dot) {
            self.advance();
            let function = FunctionName { keyspace: Some(Name::new("system")), name: Name::new("mask_default") };
            return Ok(ColumnMask { function, arguments: Vec::new() });
        }
        let function = self.function_name()?;
        let arguments = self.parenthesised_or_empty(Self::term)?;
        Ok(ColumnMask { function, arguments })
    }

    /// `PRIMARY KEY (a, b)` or `PRIMARY KEY ((a, b), c)`
    pub(super) fn primary_key(&mut self) -> Parsed<PrimaryKey> {
        self.expect_keywords(&[Keyword::Primary, Keyword::Key])?;
        self.expect(Kind::ParenthesisOpen)?;
        let partition =
            if self.kind() == Kind::ParenthesisOpen { self.parenthesised(Self::name)? } else { vec![self.name()?] };
        let mut clustering = Vec::new();
        while self.eat(Kind::Comma) {
            clustering.push(self.name()?);
        }
        self.expect(Kind::ParenthesisClose)?;
        Ok(PrimaryKey { partition, clustering })
    }

    /// The WITH of a new table or view, if there is one.
    pub(super) fn table_options(&mut self, is_table: bool) -> Parsed<TableOptions> {
        let mut options = TableOptions::default();
        if !self.eat_keyword(Keyword::With) {
            return Ok(options);
        }
        loop {
            self.table_option(is_table, &mut options)?;
            if !self.eat_keyword(Keyword::And) {
                break;
            }
        }
        self.check_properties(&options.properties)?;
        Ok(options)
    }

    fn table_option(&mut self, is_table: bool, options: &mut TableOptions) -> Parsed<()> {
        let next = self.kind_ahead(1);
        match (self.kind(), next) {
            (Kind::Keyword(Keyword::Compact), Kind::Keyword(Keyword::Storage)) => {
                if !is_table {
                    let message = "COMPACT STORAGE tables are not allowed starting with version 4.0";
                    return Err(self.raised(message));
                }
                self.advance();
                self.advance();
                options.compact_storage = true;
            }
            (Kind::Keyword(Keyword::Clustering), Kind::Keyword(Keyword::Order)) => {
                self.advance();
                self.advance();
                self.expect_keyword(Keyword::By)?;
                options.clustering_order.extend(self.parenthesised(Self::clustering_order)?);
            }
            _ => options.properties.push(self.property()?),
        }
        Ok(())
    }

    fn clustering_order(&mut self) -> Parsed<(Name, Direction)> {
        let name = self.name()?;
        let direction = if self.eat_keyword(Keyword::Desc) {
            Direction::Descending
        } else if self.eat_keyword(Keyword::Asc) {
            Direction::Ascending
        } else {
            return Err(self.no_viable());
        };
        Ok((name, direction))
    }

    /// Behind `ALTER TABLE`.
    pub(super) fn alter_table(&mut self) -> Parsed<Statement> {
        let if_exists = self.if_exists()?;
        let name = self.table_name()?;
        let action = match self.kind() {
            Kind::Keyword(Keyword::Alter) => self.alter_column()?,
            Kind::Keyword(Keyword::Add) => self.add_columns()?,
            Kind::Keyword(Keyword::Drop) => self.drop_columns()?,
            Kind::Keyword(Keyword::Rename) => {
                self.advance();
                let if_exists = self.if_exists()?;
                AlterTableAction::Rename { if_exists, renamings: self.renamings()? }
            }
            Kind::Keyword(Keyword::With) => {
                self.advance();
                AlterTableAction::With(self.properties()?)
            }
            _ => return Err(self.no_viable()),
        };
        Ok(Statement::AlterTable(Box::new(AlterTable { name, if_exists, action })))
    }

    /// `ALTER c TYPE t`, `ALTER c MASKED WITH …`, `ALTER c DROP MASKED`
    fn alter_column(&mut self) -> Parsed<AlterTableAction> {
        let start = self.position;
        self.advance();
        let if_exists = self.if_exists()?;
        if !is_column_name(self.kind()) {
            return Err(self.no_viable_between(if if_exists { self.position } else { start }, self.position));
        }
        let column = self.take_name();
        match self.kind() {
            Kind::Keyword(Keyword::Type) if !if_exists => {
                self.advance();
                Ok(AlterTableAction::AlterType { column, type_name: self.type_name()? })
            }
            Kind::Keyword(Keyword::Masked) => {
                let mask = Some(self.column_mask()?);
                Ok(AlterTableAction::Mask { if_exists, column, mask })
            }
            Kind::Keyword(Keyword::Drop) => {
                self.advance();
                self.expect_keyword(Keyword::Masked)?;
                Ok(AlterTableAction::Mask { if_exists, column, mask: None })
            }
            _ => Err(self.no_viable_between(if if_exists { self.position } else { start }, self.position)),
        }
    }

    fn add_columns(&mut self) -> Parsed<AlterTableAction> {
        self.advance();
        let if_not_exists = self.if_not_exists()?;
        let columns = if self.kind() == Kind::ParenthesisOpen {
            self.parenthesised(Self::column_definition)?
        } else {
            vec![self.column_definition()?]
        };
        Ok(AlterTableAction::Add { if_not_exists, columns })
    }

    fn drop_columns(&mut self) -> Parsed<AlterTableAction> {
        if self.keyword_ahead(1, Keyword::Compact) && self.keyword_ahead(2, Keyword::Storage) {
            self.advance();
            self.advance();
            self.advance();
            return Ok(AlterTableAction::DropCompactStorage);
        }
        if self.keyword_ahead(1, Keyword::Compact)
            && !matches!(self.kind_ahead(2), Kind::End | Kind::Semicolon | Kind::Keyword(Keyword::Using))
        {
            return Err(self.no_viable_ahead(2));
        }
        self.advance();
        let if_exists = self.if_exists()?;
        let columns =
            if self.kind() == Kind::ParenthesisOpen { self.parenthesised(Self::name)? } else { vec![self.name()?] };
        let mut timestamp = None;
        if self.eat_keyword(Keyword::Using) {
            self.expect_keyword(Keyword::Timestamp)?;
            let token = self.expect(Kind::Integer)?;
            timestamp = Some(self.raw(token).parse().map_err(|_| {
                let raw = self.raw(token);
                self.failed(&format!("NumberFormatException For input string: \"{raw}\""))
            })?);
        }
        Ok(AlterTableAction::Drop(DropColumns { if_exists, columns, timestamp }))
    }

    /// `a TO b AND c TO d`
    pub(super) fn renamings(&mut self) -> Parsed<Vec<Renaming>> {
        let mut renamings = Vec::new();
        loop {
            let from = self.name()?;
            self.expect_keyword(Keyword::To)?;
            renamings.push(Renaming { from, to: self.name()? });
            if !self.eat_keyword(Keyword::And) {
                return Ok(renamings);
            }
        }
    }
}
