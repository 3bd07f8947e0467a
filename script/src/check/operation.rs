//! Operators.

use super::{Checked, Checker, Typed, unsupported, wrong};
use crate::code::Node;
use crate::heap::Value;
use crate::syntax::{Expr, Operator, Prefix};
use crate::types::{Primitive, Type};

fn undefined<T>(operator: &str, left: &Type, right: &Type, line: u32) -> Checked<T> {
    wrong(line, format!("The operator {operator} is undefined for the argument type(s) {left}, {right}"))
}

impl Checker {
    /// The value as one of a primitive type.
    fn as_primitive(&self, value: Typed, kind: Primitive) -> Box<Node> {
        Box::new(self.convert(value, &Type::Primitive(kind)))
    }

    pub(super) fn binary(&mut self, operator: Operator, left: &Expr, right: &Expr, line: u32) -> Checked<Typed> {
        let left = self.expression(left)?;
        if matches!(operator, Operator::LogicalAnd | Operator::LogicalOr) {
            // What the right side assigns may not happen.
            let before = self.flow.clone();
            let right = self.expression(right)?;
            self.flow = before;
            let boolean = Some(Primitive::Boolean);
            if left.ty.unboxed() != boolean || right.ty.unboxed() != boolean {
                return undefined(operator.symbol(), &left.ty, &right.ty, line);
            }
            let (left, right) =
                (self.as_primitive(left, Primitive::Boolean), self.as_primitive(right, Primitive::Boolean));
            let node = if operator == Operator::LogicalAnd { Node::And(left, right) } else { Node::Or(left, right) };
            return Ok(Typed::new(node, Type::BOOLEAN));
        }
        let right = self.expression(right)?;
        self.operation(operator, left, right, line)
    }

    /// An operator on checked operands.
    pub(super) fn operation(&mut self, operator: Operator, left: Typed, right: Typed, line: u32) -> Checked<Typed> {
        if operator == Operator::Add && (left.ty.is_string() || right.ty.is_string()) {
            if left.ty == Type::Void || right.ty == Type::Void {
                return undefined("+", &left.ty, &right.ty, line);
            }
            let node = Node::Concat(Box::new(left.node), Box::new(right.node));
            return Ok(Typed::new(node, Type::string()));
        }
        if matches!(operator, Operator::Equal | Operator::NotEqual) {
            return self.equality(operator, left, right, line);
        }
        let (Some(a), Some(b)) = (left.ty.unboxed(), right.ty.unboxed()) else {
            return undefined(operator.symbol(), &left.ty, &right.ty, line);
        };
        let constants = left.constant.zip(right.constant);
        match operator {
            Operator::And | Operator::Or | Operator::Xor if a == Primitive::Boolean && b == Primitive::Boolean => {
                let (left, right) = (self.as_primitive(left, a), self.as_primitive(right, b));
                Ok(Typed::new(Node::Arithmetic(operator, a, left, right), Type::BOOLEAN))
            }
            _ if !a.is_number() || !b.is_number() => undefined(operator.symbol(), &left.ty, &right.ty, line),
            Operator::ShiftLeft | Operator::ShiftRight | Operator::ShiftRightUnsigned => {
                if !a.is_whole() || !b.is_whole() {
                    return undefined(operator.symbol(), &left.ty, &right.ty, line);
                }
                let (kind, distance) = (a.promoted(), b.promoted());
                let (left, right) = (self.as_primitive(left, kind), self.as_primitive(right, distance));
                Ok(folded(Node::Arithmetic(operator, kind, left, right), operator, kind, constants))
            }
            Operator::Less | Operator::LessEqual | Operator::Greater | Operator::GreaterEqual => {
                let kind = a.promoted().max(b.promoted());
                let (left, right) = (self.as_primitive(left, kind), self.as_primitive(right, kind));
                Ok(Typed::new(Node::Compare(operator, kind, left, right), Type::BOOLEAN))
            }
            _ => {
                let kind = a.promoted().max(b.promoted());
                if matches!(operator, Operator::And | Operator::Or | Operator::Xor) && !kind.is_whole() {
                    return undefined(operator.symbol(), &left.ty, &right.ty, line);
                }
                let (left, right) = (self.as_primitive(left, kind), self.as_primitive(right, kind));
                Ok(folded(Node::Arithmetic(operator, kind, left, right), operator, kind, constants))
            }
        }
    }

    fn equality(&mut self, operator: Operator, left: Typed, right: Typed, line: u32) -> Checked<Typed> {
        let numeric = left.ty.is_primitive() || right.ty.is_primitive();
        if let (true, Some(a), Some(b)) = (numeric, left.ty.unboxed(), right.ty.unboxed()) {
            let kind = match (a, b) {
                (Primitive::Boolean, Primitive::Boolean) => Primitive::Boolean,
                (a, b) if a.is_number() && b.is_number() => a.promoted().max(b.promoted()),
                _ => return wrong(line, format!("Incompatible operand types {} and {}", left.ty, right.ty)),
            };
            let (left, right) = (self.as_primitive(left, kind), self.as_primitive(right, kind));
            return Ok(Typed::new(Node::Compare(operator, kind, left, right), Type::BOOLEAN));
        }
        let comparable = left.ty.is_reference()
            && right.ty.is_reference()
            && (left.ty.is_subtype(&right.ty) || right.ty.is_subtype(&left.ty));
        if !comparable {
            return wrong(line, format!("Incompatible operand types {} and {}", left.ty, right.ty));
        }
        if left.ty.is_string() && right.ty.is_string() {
            return unsupported(line, "== between strings (use equals)");
        }
        let same = Node::Same(Box::new(left.node), Box::new(right.node));
        let node = if operator == Operator::Equal { same } else { Node::Not(Box::new(same)) };
        Ok(Typed::new(node, Type::BOOLEAN))
    }

    pub(super) fn prefix(&mut self, prefix: Prefix, inner: &Expr, line: u32) -> Checked<Typed> {
        let inner = self.expression(inner)?;
        let (symbol, fits) = match (prefix, inner.ty.unboxed()) {
            (Prefix::Plus, kind) => ("+", kind.is_some_and(Primitive::is_number)),
            (Prefix::Minus, kind) => ("-", kind.is_some_and(Primitive::is_number)),
            (Prefix::Complement, kind) => ("~", kind.is_some_and(Primitive::is_whole)),
            (Prefix::Not, kind) => ("!", kind == Some(Primitive::Boolean)),
        };
        let Some(kind) = inner.ty.unboxed().filter(|_| fits) else {
            return wrong(line, format!("The operator {symbol} is undefined for the argument type(s) {}", inner.ty));
        };
        if prefix == Prefix::Not {
            return Ok(Typed::new(Node::Not(self.as_primitive(inner, Primitive::Boolean)), Type::BOOLEAN));
        }
        let kind = kind.promoted();
        let constant = inner.constant.map(|n| match prefix {
            Prefix::Minus => n.wrapping_neg(),
            Prefix::Complement => !n,
            _ => n,
        });
        let node = self.as_primitive(inner, kind);
        let node = match prefix {
            Prefix::Minus => Node::Negate(kind, node),
            Prefix::Complement => Node::Complement(node),
            _ => *node,
        };
        Ok(Typed { node, ty: Type::Primitive(kind), constant })
    }
}

/// Remembers the value of an operation on constants.
fn folded(node: Node, operator: Operator, kind: Primitive, constants: Option<(i32, i32)>) -> Typed {
    let constant = constants.filter(|_| kind == Primitive::Int).and_then(|(a, b)| {
        match crate::run::arithmetic(operator, kind, Value::Int(a), Value::Int(b)) {
            Ok(Value::Int(n)) => Some(n),
            _ => None,
        }
    });
    Typed { node, ty: Type::Primitive(kind), constant }
}
