//! Statements.

use super::{Parsed, Parser, is_name};
use crate::lexer::Token;
use crate::syntax::{Stmt, StmtKind, TypeName};

impl Parser {
    pub(super) fn statement(&mut self) -> Parsed<Stmt> {
        self.nested(Self::statement_inside)
    }

    fn statement_inside(&mut self) -> Parsed<Stmt> {
        let line = self.line();
        let kind = match self.peek().clone() {
            Token::Symbol("{") => StmtKind::Block(self.block()?),
            Token::Symbol(";") => {
                self.at += 1;
                StmtKind::Empty
            }
            Token::Symbol("@") => return self.unsupported("annotations"),
            Token::Word(word) => match self.keyword(&word)? {
                Some(kind) => kind,
                None => self.local_or_expression()?,
            },
            Token::End => return Err(self.unexpected("Statement")),
            _ => self.expression_statement()?,
        };
        Ok(Stmt { kind, line })
    }

    fn keyword(&mut self, word: &str) -> Parsed<Option<StmtKind>> {
        let what = match word {
            "synchronized" => "synchronized blocks",
            "assert" => "assert",
            "class" | "interface" | "enum" | "abstract" | "static" => "classes inside the body",
            _ => "",
        };
        if !what.is_empty() {
            return self.unsupported(what);
        }
        if self.is_at(1, ":") && is_name(word) {
            return self.unsupported("labels");
        }
        let start = self.at;
        self.at += 1;
        Ok(Some(match word {
            "if" => {
                let condition = self.parenthesised()?;
                let yes = Box::new(self.statement()?);
                let no = if self.eat_word("else") { Some(Box::new(self.statement()?)) } else { None };
                StmtKind::If(condition, yes, no)
            }
            "while" => {
                let condition = self.parenthesised()?;
                StmtKind::While(condition, Box::new(self.statement()?))
            }
            "do" => {
                let body = Box::new(self.statement()?);
                if !self.eat_word("while") {
                    return Err(self.unexpected("while"));
                }
                let condition = self.parenthesised()?;
                self.expect(";")?;
                StmtKind::DoWhile(body, condition)
            }
            "for" => self.for_statement()?,
            "return" => {
                let value = if self.is(";") { None } else { Some(self.expression()?) };
                self.expect(";")?;
                StmtKind::Return(value)
            }
            "throw" => {
                let value = self.expression()?;
                self.expect(";")?;
                StmtKind::Throw(value)
            }
            "break" | "continue" => {
                if matches!(self.peek(), Token::Word(_)) {
                    return self.unsupported("labels");
                }
                self.expect(";")?;
                if word == "break" { StmtKind::Break } else { StmtKind::Continue }
            }
            "switch" => self.switch()?,
            "try" => self.try_statement()?,
            "final" => {
                let ty = self.expect_type()?;
                let local = self.variables(ty)?;
                self.expect(";")?;
                local
            }
            _ => {
                self.at = start;
                return Ok(None);
            }
        }))
    }

    fn parenthesised(&mut self) -> Parsed<crate::syntax::Expr> {
        self.expect("(")?;
        let inner = self.expression()?;
        self.expect(")")?;
        Ok(inner)
    }

    fn block(&mut self) -> Parsed<Vec<Stmt>> {
        self.expect("{")?;
        let mut body = Vec::new();
        while !self.is("}") {
            if *self.peek() == Token::End {
                return Err(self.unexpected("}"));
            }
            body.push(self.statement()?);
        }
        self.expect("}")?;
        Ok(body)
    }

    fn local_or_expression(&mut self) -> Parsed<StmtKind> {
        if let Some(local) = self.try_local()? {
            self.expect(";")?;
            return Ok(local);
        }
        self.expression_statement()
    }

    /// Variables, when a type and a name stand here.
    fn try_local(&mut self) -> Parsed<Option<StmtKind>> {
        let start = self.at;
        if let Some(ty) = self.try_type()
            && matches!(self.peek(), Token::Word(word) if is_name(word))
        {
            return self.variables(ty).map(Some);
        }
        self.at = start;
        Ok(None)
    }

    /// Behind the type.
    fn variables(&mut self, ty: TypeName) -> Parsed<StmtKind> {
        let mut variables = Vec::new();
        loop {
            let name = self.name()?;
            if self.is("(") {
                return self.unsupported("methods inside the body");
            }
            let mut dimensions = 0;
            while self.eat("[") {
                self.expect("]")?;
                dimensions += 1;
            }
            let value = match self.eat("=") {
                true if self.is("{") => Some(self.array_literal(None)?),
                true => Some(self.expression()?),
                false => None,
            };
            variables.push((name, dimensions, value));
            if !self.eat(",") {
                return Ok(StmtKind::Local(ty, variables));
            }
        }
    }

    fn expression_statement(&mut self) -> Parsed<StmtKind> {
        let expression = self.expression()?;
        if !self.eat(";") {
            return Err(match self.peek() {
                Token::End => self.error("Syntax error, insert \";\" to complete BlockStatements"),
                _ => self.unexpected(";"),
            });
        }
        Ok(StmtKind::Expr(expression))
    }

    fn for_statement(&mut self) -> Parsed<StmtKind> {
        self.expect("(")?;
        let start = self.at;
        let line = self.line();
        self.eat_word("final");
        if let Some(ty) = self.try_type()
            && let Token::Word(name) = self.peek().clone()
            && is_name(&name)
            && self.is_at(1, ":")
        {
            self.at += 2;
            let of = self.expression()?;
            self.expect(")")?;
            return Ok(StmtKind::ForEach { ty, name, of, body: Box::new(self.statement()?) });
        }
        self.at = start;
        self.eat_word("final");
        let mut first = Vec::new();
        if !self.is(";") {
            match self.try_local()? {
                Some(kind) => first.push(Stmt { kind, line }),
                None => loop {
                    first.push(Stmt { kind: StmtKind::Expr(self.expression()?), line });
                    if !self.eat(",") {
                        break;
                    }
                },
            }
        }
        self.expect(";")?;
        let condition = if self.is(";") { None } else { Some(self.expression()?) };
        self.expect(";")?;
        let mut update = Vec::new();
        while !self.is(")") {
            if !update.is_empty() {
                self.expect(",")?;
            }
            update.push(self.expression()?);
        }
        self.expect(")")?;
        Ok(StmtKind::For { first, condition, update, body: Box::new(self.statement()?) })
    }

    fn switch(&mut self) -> Parsed<StmtKind> {
        let value = self.parenthesised()?;
        self.expect("{")?;
        let mut groups = Vec::new();
        while !self.eat("}") {
            let mut labels = Vec::new();
            loop {
                if self.eat_word("default") {
                    labels.push(None);
                } else if self.eat_word("case") {
                    labels.push(Some(self.nested(Self::case_label)?));
                } else {
                    break;
                }
                if self.is("->") || self.is(",") {
                    return self.unsupported("case labels with -> or several values");
                }
                self.expect(":")?;
            }
            if labels.is_empty() {
                return Err(self.unexpected("case"));
            }
            let mut body = Vec::new();
            while !self.is("}") && !self.is_word("case") && !self.is_word("default") {
                if *self.peek() == Token::End {
                    return Err(self.unexpected("}"));
                }
                body.push(self.statement()?);
            }
            groups.push((labels, body));
        }
        Ok(StmtKind::Switch(value, groups))
    }

    fn case_label(&mut self) -> Parsed<crate::syntax::Expr> {
        if self.is_at(1, "->") {
            return self.unsupported("case labels with -> or several values");
        }
        self.expression()
    }

    fn try_statement(&mut self) -> Parsed<StmtKind> {
        if self.is("(") {
            return self.unsupported("try with resources");
        }
        let body = self.block()?;
        let mut catches = Vec::new();
        while self.eat_word("catch") {
            self.expect("(")?;
            self.eat_word("final");
            let mut types = vec![self.expect_type()?];
            while self.eat("|") {
                types.push(self.expect_type()?);
            }
            let name = self.name()?;
            self.expect(")")?;
            catches.push((types, name, self.block()?));
        }
        let last = if self.eat_word("finally") { Some(self.block()?) } else { None };
        if catches.is_empty() && last.is_none() {
            return Err(self.error("Syntax error, insert \"Finally\" to complete BlockStatements"));
        }
        Ok(StmtKind::Try(body, catches, last))
    }
}
