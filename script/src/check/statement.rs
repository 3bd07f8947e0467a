//! Statements.

use super::flow::Flow;
use super::{Checked, Checker, Typed, mismatch, unsupported, wrong};
use crate::classes::Class;
use crate::code::{Action, Label, Node};
use crate::heap::Value;
use crate::syntax::{Expr, ExprKind, Stmt, StmtKind, TypeName};
use crate::types::{Primitive, Type};

impl Checker {
    /// Statements in a scope of their own.
    pub(super) fn block(&mut self, statements: &[Stmt]) -> Checked<Vec<Action>> {
        let outer = self.locals.len();
        let mut actions = Vec::with_capacity(statements.len());
        for statement in statements {
            self.statement(statement, &mut actions)?;
        }
        self.locals.truncate(outer);
        Ok(actions)
    }

    /// One statement as a body.
    fn body(&mut self, statement: &Stmt) -> Checked<Box<Action>> {
        let mut actions = self.block(std::slice::from_ref(statement))?;
        Ok(Box::new(match actions.len() {
            1 => actions.pop().unwrap_or(Action::Block(Vec::new())),
            _ => Action::Block(actions),
        }))
    }

    fn statement(&mut self, statement: &Stmt, out: &mut Vec<Action>) -> Checked<()> {
        let line = statement.line;
        if !self.flow.live && !matches!(statement.kind, StmtKind::Empty) {
            return wrong(line, "Unreachable code");
        }
        let action = match &statement.kind {
            StmtKind::Empty => return Ok(()),
            StmtKind::Local(ty, variables) => return self.variables(ty, variables, line, out),
            StmtKind::Expr(expr) => Action::Eval(self.effect(expr)?),
            StmtKind::Block(statements) => Action::Block(self.block(statements)?),
            StmtKind::If(condition, yes, no) => {
                let condition = self.condition(condition)?;
                let before = self.flow.clone();
                let yes = self.body(yes)?;
                let after_yes = std::mem::replace(&mut self.flow, before);
                let no = match no {
                    Some(no) => self.body(no)?,
                    None => Box::new(Action::Block(Vec::new())),
                };
                self.flow = after_yes.meet(self.flow.clone());
                Action::If(condition, yes, no)
            }
            StmtKind::While(condition, body) => self.endless_or_not(Some(condition), &[], body)?,
            StmtKind::DoWhile(body, condition) => self.do_while(body, condition)?,
            StmtKind::For { first, condition, update, body } => {
                let outer = self.locals.len();
                let mut actions = Vec::new();
                for statement in first {
                    self.statement(statement, &mut actions)?;
                }
                actions.push(self.endless_or_not(condition.as_ref(), update, body)?);
                self.locals.truncate(outer);
                Action::Block(actions)
            }
            StmtKind::ForEach { ty, name, of, body } => self.for_each(ty, name, of, body, line)?,
            StmtKind::Return(None) => {
                return wrong(line, format!("This method must return a result of type {}", self.return_type));
            }
            StmtKind::Return(Some(value)) => {
                let value = self.expression(value)?;
                let node = self.assign(value, &self.return_type.clone(), line)?;
                self.flow = Flow::dead();
                Action::Return(node)
            }
            StmtKind::Throw(value) => {
                let value = self.expression(value)?;
                match value.ty.class() {
                    Some(class) if class.is_subclass(Class::Throwable) => self.check_thrown(class, line)?,
                    _ if value.ty == Type::Null => {}
                    _ => {
                        return wrong(
                            line,
                            format!(
                                "No exception of type {} can be thrown; an exception type must be a subclass of Throwable",
                                value.ty
                            ),
                        );
                    }
                }
                self.flow = Flow::dead();
                Action::Throw(value.node)
            }
            StmtKind::Break => {
                let flow = std::mem::replace(&mut self.flow, Flow::dead());
                let Some((breaks, _, _)) = self.exits.last_mut() else {
                    return wrong(line, "break cannot be used outside of a loop or a switch");
                };
                *breaks = Some(flow.meet_some(breaks.take()));
                Action::Break
            }
            StmtKind::Continue => {
                let flow = std::mem::replace(&mut self.flow, Flow::dead());
                let Some((_, continues, _)) = self.exits.iter_mut().rev().find(|(_, _, is_loop)| *is_loop) else {
                    return wrong(line, "continue cannot be used outside of a loop");
                };
                *continues = Some(flow.meet_some(continues.take()));
                Action::Continue
            }
            StmtKind::Switch(value, groups) => self.switch(value, groups)?,
            StmtKind::Try(body, catches, last) => self.try_statement(body, catches, last.as_deref(), line)?,
        };
        out.push(action);
        Ok(())
    }

    /// Exceptions that must be caught.
    pub(super) fn check_thrown(&self, class: Class, line: u32) -> Checked<()> {
        if class.is_checked_exception() && !self.caught.iter().any(|caught| class.is_subclass(*caught)) {
            return wrong(line, format!("Unhandled exception type {}", class.simple_name()));
        }
        Ok(())
    }

    fn variables(
        &mut self,
        name: &TypeName,
        variables: &[(String, usize, Option<Expr>)],
        line: u32,
        out: &mut Vec<Action>,
    ) -> Checked<()> {
        for (variable, dimensions, value) in variables {
            if name.name == "var" && name.arguments.is_none() {
                let Some(value) = value else {
                    return wrong(line, format!("Cannot use 'var' on variable without initializer: {variable}"));
                };
                let value = self.expression(value)?;
                if matches!(value.ty, Type::Null | Type::Void) {
                    return wrong(line, format!("Cannot infer type for local variable initialized to '{}'", value.ty));
                }
                let slot = self.declare(variable, value.ty, line)?;
                out.push(Action::Eval(Node::SetLocal(slot, Box::new(value.node))));
                continue;
            }
            let wide = TypeName { dimensions: name.dimensions + dimensions, ..name.clone() };
            let ty = self.resolve(&wide, line)?;
            let value = match value {
                Some(value) => Some(self.typed_value(value, &ty)?),
                None => None,
            };
            let node = match value {
                Some(value) => Some(self.assign(value, &ty, line)?),
                None => None,
            };
            let slot = self.declare(variable, ty, line)?;
            match node {
                Some(node) => out.push(Action::Eval(Node::SetLocal(slot, Box::new(node)))),
                None => {
                    self.flow.unassigned.insert(slot);
                }
            }
        }
        Ok(())
    }

    /// An expression where a value of a type is wanted: `{…}` takes the type from there.
    fn typed_value(&mut self, value: &Expr, ty: &Type) -> Checked<Typed> {
        match &value.kind {
            ExprKind::ArrayLiteral(None, elements) => self.array_literal(ty, elements, value.line),
            _ => self.expression(value),
        }
    }

    fn condition(&mut self, condition: &Expr) -> Checked<Node> {
        let line = condition.line;
        let typed = self.expression(condition)?;
        self.assign(typed, &Type::BOOLEAN, line)
    }

    /// Runs a loop's body and gives the flows of its `break`s and `continue`s.
    fn loop_body(&mut self, body: &Stmt) -> Checked<(Box<Action>, Option<Flow>, Option<Flow>)> {
        self.exits.push((None, None, true));
        let body = self.body(body)?;
        let (breaks, continues, _) = self.exits.pop().unwrap_or((None, None, true));
        Ok((body, breaks, continues))
    }

    fn endless_or_not(&mut self, condition: Option<&Expr>, update: &[Expr], body: &Stmt) -> Checked<Action> {
        let constant = condition.map_or(Some(true), constant_condition);
        let condition = match condition {
            Some(condition) => Some(self.condition(condition)?),
            None => None,
        };
        if constant == Some(false) {
            return wrong(body.line, "Unreachable code");
        }
        let before = self.flow.clone();
        let (body, breaks, continues) = self.loop_body(body)?;
        self.flow = std::mem::replace(&mut self.flow, Flow::dead()).meet_some(continues);
        if !self.flow.live {
            // The updates are never run; they are checked all the same.
            self.flow = before.clone();
        }
        let update = update.iter().map(|expr| self.effect(expr)).collect::<Checked<Vec<Node>>>()?;
        let end = if constant == Some(true) { Flow::dead() } else { before };
        self.flow = end.meet_some(breaks);
        Ok(Action::While { condition, update, body, body_first: false })
    }

    fn do_while(&mut self, body: &Stmt, condition: &Expr) -> Checked<Action> {
        let (body, breaks, continues) = self.loop_body(body)?;
        let end = std::mem::replace(&mut self.flow, Flow::dead()).meet_some(continues);
        let reached = end.live;
        self.flow = Flow { live: true, ..end };
        let node = self.condition(condition)?;
        if !reached || constant_condition(condition) == Some(true) {
            self.flow = Flow::dead();
        }
        self.flow = std::mem::replace(&mut self.flow, Flow::dead()).meet_some(breaks);
        Ok(Action::While { condition: Some(node), update: Vec::new(), body, body_first: true })
    }

    fn for_each(&mut self, ty: &TypeName, name: &str, of: &Expr, body: &Stmt, line: u32) -> Checked<Action> {
        let of = self.expression(of)?;
        let element = match &of.ty {
            Type::Array(element) => (**element).clone(),
            Type::Class(class, arguments) if class.is_subclass(Class::Iterable) => {
                arguments.first().cloned().unwrap_or(Type::of(Class::Object))
            }
            _ => return wrong(line, "Can only iterate over an array or an instance of java.lang.Iterable"),
        };
        let before = self.flow.clone();
        let outer = self.locals.len();
        let raw = self.hidden(line)?;
        let wanted = if ty.name == "var" { element.clone() } else { self.resolve(ty, line)? };
        // What comes out of a collection is cast to what it should hold.
        let node = match element.class() {
            Some(class) if class != Class::Object && !matches!(of.ty, Type::Array(_)) => {
                Node::Cast(class, Box::new(Node::Local(raw)))
            }
            _ => Node::Local(raw),
        };
        let Some(node) = self.pass(Typed::new(node, element.clone()), &wanted, true) else {
            return mismatch(line, &element, &wanted);
        };
        let slot = self.declare(name, wanted, line)?;
        let (body, breaks, _) = self.loop_body(body)?;
        self.locals.truncate(outer);
        self.flow = before.meet_some(breaks);
        let first = Action::Eval(Node::SetLocal(slot, Box::new(node)));
        Ok(Action::ForEach { of: of.node, slot: raw, body: Box::new(Action::Block(vec![first, *body])) })
    }

    fn switch(&mut self, value: &Expr, groups: &[(Vec<Option<Expr>>, Vec<Stmt>)]) -> Checked<Action> {
        let line = value.line;
        let typed = self.expression(value)?;
        let is_text = typed.ty.is_string();
        let kind = typed.ty.unboxed();
        let node = match (is_text, kind) {
            (true, _) => typed.node,
            (_, Some(Primitive::Int | Primitive::Short | Primitive::Byte | Primitive::Char)) => {
                self.assign(typed, &Type::INT, line)?
            }
            _ => {
                return wrong(
                    line,
                    format!(
                        "Cannot switch on a value of type {}. Only convertible int values, strings or enum variables are permitted",
                        typed.ty
                    ),
                );
            }
        };
        let before = self.flow.clone();
        let outer = self.locals.len();
        self.exits.push((None, None, false));
        self.flow = Flow::dead();
        let (mut labels, mut default, mut body) = (Vec::new(), None, Vec::new());
        for (group, statements) in groups {
            for label in group {
                match label {
                    None if default.is_some() => return wrong(line, "The default case is already defined"),
                    None => default = Some(body.len()),
                    Some(expr) => labels.push((self.label(expr, is_text)?, body.len())),
                }
            }
            self.flow = std::mem::replace(&mut self.flow, Flow::dead()).meet(before.clone());
            for statement in statements {
                self.statement(statement, &mut body)?;
            }
        }
        for (place, (label, _)) in labels.iter().enumerate() {
            if labels.iter().take(place).any(|(other, _)| same_label(label, other)) {
                return wrong(line, "Duplicate case");
            }
        }
        self.locals.truncate(outer);
        let (breaks, _, _) = self.exits.pop().unwrap_or((None, None, false));
        let mut end = std::mem::replace(&mut self.flow, Flow::dead()).meet_some(breaks);
        if default.is_none() || groups.is_empty() {
            end = end.meet(before);
        }
        self.flow = end;
        let default = default.unwrap_or(body.len());
        Ok(Action::Switch { value: node, labels, default, body })
    }

    fn label(&mut self, expr: &Expr, is_text: bool) -> Checked<Label> {
        if let (ExprKind::Text(units), true) = (&expr.kind, is_text) {
            return Ok(Label::Text(units.clone()));
        }
        let typed = self.expression(expr)?;
        match typed.constant {
            Some(constant) if !is_text => Ok(Label::Number(constant)),
            _ if matches!(expr.kind, ExprKind::Name(_)) => unsupported(expr.line, "enum constants"),
            _ => wrong(expr.line, "case expressions must be constant expressions"),
        }
    }

    fn try_statement(
        &mut self,
        body: &[Stmt],
        catches: &[(Vec<TypeName>, String, Vec<Stmt>)],
        last: Option<&[Stmt]>,
        line: u32,
    ) -> Checked<Action> {
        let before = self.flow.clone();
        let mut classes = Vec::with_capacity(catches.len());
        for (types, _, _) in catches {
            let mut found = Vec::new();
            for name in types {
                match self.resolve(name, line)?.class() {
                    Some(class) if class.is_subclass(Class::Throwable) => found.push(class),
                    _ => {
                        return wrong(
                            line,
                            format!(
                                "No exception of type {} can be thrown; an exception type must be a subclass of Throwable",
                                name.name
                            ),
                        );
                    }
                }
            }
            classes.push(found);
        }
        let outer = self.caught.len();
        self.caught.extend(classes.iter().flatten());
        let body = Box::new(Action::Block(self.block(body)?));
        self.caught.truncate(outer);
        let mut end = std::mem::replace(&mut self.flow, Flow::dead());
        let mut actions = Vec::with_capacity(catches.len());
        for ((_, name, statements), classes) in catches.iter().zip(classes) {
            // Anything the block assigned may not have been.
            self.flow = before.clone();
            let scope = self.locals.len();
            let ty = Type::of(if classes.len() == 1 { classes[0] } else { Class::Exception });
            let slot = self.declare(name, ty, line)?;
            let action = Action::Block(self.block(statements)?);
            self.locals.truncate(scope);
            end = end.meet(std::mem::replace(&mut self.flow, Flow::dead()));
            actions.push((classes, slot, action));
        }
        let mut last_action = None;
        self.flow = end;
        if let Some(last) = last {
            let end = std::mem::replace(&mut self.flow, before);
            last_action = Some(Box::new(Action::Block(self.block(last)?)));
            if self.flow.live {
                self.flow = end;
            }
        }
        Ok(Action::Try { body, catches: actions, last: last_action })
    }

    /// An expression whose value nobody wants.
    fn effect(&mut self, expr: &Expr) -> Checked<Node> {
        match &expr.kind {
            // Nobody sees the difference to `++x`.
            ExprKind::Step { by, target, .. } => Ok(self.step(*by, true, target, expr.line)?.node),
            ExprKind::Assign(..) | ExprKind::Call { .. } | ExprKind::New(..) => Ok(self.expression(expr)?.node),
            _ => wrong(
                expr.line,
                "Syntax error, the left-hand side of an assignment must be a variable: this expression is no statement",
            ),
        }
    }
}

fn same_label(a: &Label, b: &Label) -> bool {
    match (a, b) {
        (Label::Number(a), Label::Number(b)) => a == b,
        (Label::Text(a), Label::Text(b)) => a == b,
        _ => false,
    }
}

/// `true` and `false` as written.
fn constant_condition(condition: &Expr) -> Option<bool> {
    match condition.kind {
        ExprKind::Boolean(value) => Some(value),
        _ => None,
    }
}

/// What an array begins with.
pub(super) fn first_element(ty: &Type) -> Value {
    match ty {
        Type::Primitive(Primitive::Boolean) => Value::Boolean(false),
        Type::Primitive(Primitive::Byte) => Value::Byte(0),
        Type::Primitive(Primitive::Short) => Value::Short(0),
        Type::Primitive(Primitive::Char) => Value::Char(0),
        Type::Primitive(Primitive::Int) => Value::Int(0),
        Type::Primitive(Primitive::Long) => Value::Long(0),
        Type::Primitive(Primitive::Float) => Value::Float(0.0),
        Type::Primitive(Primitive::Double) => Value::Double(0.0),
        _ => Value::Null,
    }
}
