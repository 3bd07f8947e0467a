//! Expressions: names, literals, assignments, conversions.

use super::statement::first_element;
use super::{Checked, Checker, Typed, mismatch, passes, unsupported, wrong};
use crate::classes::Class;
use crate::code::Node;
use crate::heap::Value;
use crate::library::members;
use crate::syntax::{Expr, ExprKind, Operator, TypeName};
use crate::types::{Primitive, Type};

impl Checker {
    pub(super) fn expression(&mut self, expr: &Expr) -> Checked<Typed> {
        let line = expr.line;
        let constant = |value: Value, primitive: Primitive| Typed {
            node: Node::Constant(value),
            ty: Type::Primitive(primitive),
            constant: match value {
                Value::Int(n) => Some(n),
                Value::Char(n) => Some(n.into()),
                _ => None,
            },
        };
        Ok(match &expr.kind {
            ExprKind::Int(n) => constant(Value::Int(*n), Primitive::Int),
            ExprKind::Long(n) => constant(Value::Long(*n), Primitive::Long),
            ExprKind::Float(n) => constant(Value::Float(*n), Primitive::Float),
            ExprKind::Double(n) => constant(Value::Double(*n), Primitive::Double),
            ExprKind::Char(n) => constant(Value::Char(*n), Primitive::Char),
            ExprKind::Boolean(b) => constant(Value::Boolean(*b), Primitive::Boolean),
            ExprKind::Null => Typed::new(Node::Constant(Value::Null), Type::Null),
            ExprKind::Text(units) => self.text(units),
            ExprKind::Name(name) => self.name(name, line)?,
            ExprKind::Field(inner, name) => self.field(inner, name, line)?,
            ExprKind::Call { receiver, name, arguments } => self.call(receiver.as_deref(), name, arguments, line)?,
            ExprKind::Index(array, index) => {
                let (array, index, element) = self.indexed(array, index)?;
                Typed::new(Node::Index(Box::new(array), Box::new(index)), element)
            }
            ExprKind::Prefix(prefix, inner) => self.prefix(*prefix, inner, line)?,
            ExprKind::Step { by, before, target } => self.step(*by, *before, target, line)?,
            ExprKind::Binary(operator, left, right) => self.binary(*operator, left, right, line)?,
            ExprKind::Assign(operator, target, value) => self.assignment(*operator, target, value, line)?,
            ExprKind::Conditional(condition, yes, no) => self.conditional(condition, yes, no)?,
            ExprKind::Cast(name, inner) => self.cast(name, inner, line)?,
            ExprKind::New(name, arguments) => self.creation(name, arguments, line)?,
            ExprKind::NewArray(name, lengths) => self.new_array(name, lengths, line)?,
            ExprKind::ArrayLiteral(Some(name), elements) => {
                let ty = self.resolve(name, line)?;
                self.array_literal(&ty, elements, line)?
            }
            ExprKind::ArrayLiteral(None, _) => {
                return wrong(line, "Array constants can only be used in initializers");
            }
            ExprKind::InstanceOf(inner, name) => self.instance_of(inner, name, line)?,
        })
    }

    fn text(&mut self, units: &[u16]) -> Typed {
        let number = match self.texts.iter().position(|text| text == units) {
            Some(number) => number,
            None => {
                self.texts.push(units.to_vec());
                self.texts.len() - 1
            }
        };
        Typed::new(Node::Text(number), Type::string())
    }

    fn name(&mut self, name: &str, line: u32) -> Checked<Typed> {
        let Some(local) = self.local(name) else {
            return wrong(line, format!("{name} cannot be resolved to a variable"));
        };
        if self.flow.unassigned.contains(&local.slot) {
            return wrong(line, format!("The local variable {name} may not have been initialized"));
        }
        Ok(Typed::new(Node::Local(local.slot), local.ty.clone()))
    }

    /// The class that a chain of names means, when its first is no variable.
    pub(super) fn class_of(&self, expr: &Expr) -> Option<Class> {
        Class::of_name(&self.path(expr)?)
    }

    pub(super) fn path(&self, expr: &Expr) -> Option<String> {
        match &expr.kind {
            ExprKind::Name(name) if self.local(name).is_none() => Some(name.clone()),
            ExprKind::Field(inner, name) => Some(format!("{}.{name}", self.path(inner)?)),
            _ => None,
        }
    }

    fn field(&mut self, inner: &Expr, name: &str, line: u32) -> Checked<Typed> {
        if let Some(class) = self.class_of(inner) {
            let members = members(class);
            if let Some((_, ty, value)) = members.constants.iter().find(|(other, _, _)| *other == name) {
                let constant = match value {
                    Value::Int(n) => Some(*n),
                    Value::Char(n) => Some((*n).into()),
                    Value::Short(n) => Some((*n).into()),
                    Value::Byte(n) => Some((*n).into()),
                    _ => None,
                };
                return Ok(Typed { node: Node::Constant(*value), ty: ty.clone(), constant });
            }
            let object = members
                .objects
                .iter()
                .find(|(signature, _)| signature.split_once('(').is_some_and(|(other, _)| other == name));
            if let Some((_, native)) = object {
                let node = Node::Call { native: *native, says: None, arguments: Vec::new() };
                return Ok(Typed::new(node, Type::of(class)));
            }
            return unsupported(line, format_args!("the field {}.{name}", class.full_name()));
        }
        if let Some(path) = self.path(inner) {
            let first = path.split('.').next().unwrap_or_default();
            return wrong(line, format!("{} cannot be resolved", if path.contains('.') { &path } else { first }));
        }
        let inner = self.expression(inner)?;
        match (&inner.ty, name) {
            (Type::Array(_), "length") => Ok(Typed::new(Node::Length(Box::new(inner.node)), Type::INT)),
            (Type::Primitive(ty), _) => {
                wrong(line, format!("The primitive type {} of the expression does not have a field {name}", ty.name()))
            }
            _ => wrong(line, format!("{name} cannot be resolved or is not a field")),
        }
    }

    fn indexed(&mut self, array: &Expr, index: &Expr) -> Checked<(Node, Node, Type)> {
        let line = index.line;
        let array = self.expression(array)?;
        let Type::Array(element) = &array.ty else {
            return wrong(
                line,
                format!("The type of the expression must be an array type but it resolved to {}", array.ty),
            );
        };
        let element = (**element).clone();
        let index = self.expression(index)?;
        let index = self.assign(index, &Type::INT, line)?;
        Ok((array.node, index, element))
    }

    /// `target = value` and `target op= value`.
    fn assignment(&mut self, operator: Option<Operator>, target: &Expr, value: &Expr, line: u32) -> Checked<Typed> {
        match &target.kind {
            ExprKind::Name(name) => {
                let Some(local) = self.local(name).cloned() else {
                    return wrong(line, format!("{name} cannot be resolved to a variable"));
                };
                if let Some(operator) = operator {
                    let old = self.name(name, line)?;
                    let value = self.expression(value)?;
                    let node = self.compound(operator, old, value, &local.ty, line)?;
                    return Ok(Typed::new(Node::SetLocal(local.slot, Box::new(node)), local.ty));
                }
                let value = self.expression(value)?;
                let node = self.assign(value, &local.ty, line)?;
                self.flow.unassigned.remove(&local.slot);
                Ok(Typed::new(Node::SetLocal(local.slot, Box::new(node)), local.ty))
            }
            ExprKind::Index(array, index) => {
                let (array, index, element) = self.indexed(array, index)?;
                let Some(operator) = operator else {
                    let value = self.expression(value)?;
                    let value = self.assign(value, &element, line)?;
                    return Ok(Typed::new(Node::SetIndex(Box::new(array), Box::new(index), Box::new(value)), element));
                };
                let (place, first) = self.remembered(array, index, line)?;
                let old = Typed::new(Node::Index(place.0(), place.1()), element.clone());
                let value = self.expression(value)?;
                let node = self.compound(operator, old, value, &element, line)?;
                let mut nodes = first;
                nodes.push(Node::SetIndex(place.0(), place.1(), Box::new(node)));
                Ok(Typed::new(Node::Sequence(nodes), element))
            }
            _ => wrong(line, "The left-hand side of an assignment must be a variable"),
        }
    }

    /// Array and index in slots of their own, so that they are worked out once.
    #[expect(clippy::type_complexity, reason = "two makers of nodes and the nodes that fill them")]
    fn remembered(
        &mut self,
        array: Node,
        index: Node,
        line: u32,
    ) -> Checked<((impl Fn() -> Box<Node> + use<>, impl Fn() -> Box<Node> + use<>), Vec<Node>)> {
        let (a, i) = (self.hidden(line)?, self.hidden(line)?);
        let first = vec![Node::SetLocal(a, Box::new(array)), Node::SetLocal(i, Box::new(index))];
        Ok(((move || Box::new(Node::Local(a)), move || Box::new(Node::Local(i))), first))
    }

    /// The new value of `target op= value`: cast back to the target's type.
    fn compound(&mut self, operator: Operator, old: Typed, value: Typed, to: &Type, line: u32) -> Checked<Node> {
        if to.is_string() && operator == Operator::Add {
            if value.ty == Type::Void {
                return wrong(line, "The operator += is undefined for the argument type(s) String, void");
            }
            return Ok(Node::Concat(Box::new(old.node), Box::new(value.node)));
        }
        let result = self.operation(operator, old, value, line)?;
        match (to, result.ty.clone()) {
            (to, Type::Primitive(from)) => match to.unboxed() {
                Some(kind) if kind == from => Ok(result.node),
                Some(kind) if kind.is_number() && from.is_number() && to.is_primitive() => {
                    Ok(Node::Convert(kind, Box::new(result.node)))
                }
                _ => mismatch(line, &result.ty, to),
            },
            (to, from) => mismatch(line, &from, to),
        }
    }

    /// `++` and `--`.
    pub(super) fn step(&mut self, by: i8, before: bool, target: &Expr, line: u32) -> Checked<Typed> {
        let operator = if by > 0 { Operator::Add } else { Operator::Subtract };
        let one = || Typed { node: Node::Constant(Value::Int(1)), ty: Type::INT, constant: None };
        let (old, place, mut nodes) = match &target.kind {
            ExprKind::Name(name) => (self.name(name, line)?, None, Vec::new()),
            ExprKind::Index(array, index) => {
                let (array, index, element) = self.indexed(array, index)?;
                let (place, first) = self.remembered(array, index, line)?;
                (Typed::new(Node::Index(place.0(), place.1()), element), Some(place), first)
            }
            _ => return wrong(line, "Invalid argument to operation ++/--"),
        };
        let ty = old.ty.clone();
        let Some(kind) = ty.unboxed().filter(|kind| kind.is_number()) else {
            return wrong(line, format!("Type mismatch: cannot convert from {ty} to int"));
        };
        let mut source = old;
        let mut kept = None;
        if !before {
            let slot = self.hidden(line)?;
            nodes.push(Node::SetLocal(slot, Box::new(source.node)));
            source = Typed::new(Node::Local(slot), ty.clone());
            kept = Some(slot);
        }
        let result = self.operation(operator, source, one(), line)?;
        let node =
            if result.ty == Type::Primitive(kind) { result.node } else { Node::Convert(kind, Box::new(result.node)) };
        let set = match (place, &target.kind) {
            (Some(place), _) => Node::SetIndex(place.0(), place.1(), Box::new(node)),
            (None, ExprKind::Name(name)) => {
                let slot = self.local(name).map_or(0, |local| local.slot);
                Node::SetLocal(slot, Box::new(node))
            }
            _ => node,
        };
        if nodes.is_empty() {
            return Ok(Typed::new(set, ty));
        }
        nodes.push(set);
        if let Some(slot) = kept {
            nodes.push(Node::Local(slot));
        }
        Ok(Typed::new(Node::Sequence(nodes), ty))
    }

    fn conditional(&mut self, condition: &Expr, yes: &Expr, no: &Expr) -> Checked<Typed> {
        let line = condition.line;
        let condition = self.expression(condition)?;
        let condition = self.assign(condition, &Type::BOOLEAN, line)?;
        let before = self.flow.clone();
        let yes = self.expression(yes)?;
        let after = std::mem::replace(&mut self.flow, before);
        let no = self.expression(no)?;
        self.flow = after.meet(self.flow.clone());
        let ty = common(&yes, &no);
        let Some(ty) = ty else { return wrong(line, "Incompatible conditional operand types") };
        let (yes, no) = (self.assign(yes, &ty, line)?, self.assign(no, &ty, line)?);
        Ok(Typed::new(Node::Conditional(Box::new(condition), Box::new(yes), Box::new(no)), ty))
    }

    fn cast(&mut self, name: &TypeName, inner: &Expr, line: u32) -> Checked<Typed> {
        let to = self.resolve(name, line)?;
        let inner = self.expression(inner)?;
        let from = inner.ty.clone();
        let refused = || wrong(line, format!("Cannot cast from {from} to {to}"));
        match (&from, &to) {
            (Type::Void, _) => refused(),
            (Type::Primitive(a), Type::Primitive(b)) => {
                if a == b {
                    return Ok(inner);
                }
                if !a.is_number() || !b.is_number() {
                    return refused();
                }
                let constant = inner.constant.filter(|_| b.is_whole() && *b <= Primitive::Int);
                let constant = constant.map(|n| crate::run::convert(Value::Int(n), *b).to_int());
                Ok(Typed { node: Node::Convert(*b, Box::new(inner.node)), ty: to, constant })
            }
            (Type::Primitive(_), to) if passes(&from, to, true) => Ok(Typed::new(inner.node, to.clone())),
            (Type::Primitive(_), _) => refused(),
            (from, Type::Primitive(kind)) => {
                if passes(from, &to, true) {
                    return Ok(Typed::new(self.convert(inner, &to), to));
                }
                // From Object or Number the class is checked first.
                if from.class().is_some_and(|class| kind.boxed().is_subclass(class)) {
                    let node = self.unbox(Node::Cast(kind.boxed(), Box::new(inner.node)), Some(*kind));
                    return Ok(Typed::new(node, to));
                }
                refused()
            }
            (Type::Null, _) => Ok(Typed::new(inner.node, to)),
            (Type::Class(a, _), Type::Class(b, _)) => {
                let related = a.is_subclass(*b) || b.is_subclass(*a) || (is_interface(*a) || is_interface(*b));
                if !related {
                    return refused();
                }
                let node = if a.is_subclass(*b) { inner.node } else { Node::Cast(*b, Box::new(inner.node)) };
                Ok(Typed::new(node, to))
            }
            (Type::Array(_), Type::Array(_)) if from == to => Ok(inner),
            (Type::Array(_), Type::Class(Class::Object, _)) => Ok(Typed::new(inner.node, to)),
            _ => unsupported(line, format_args!("casts from {from} to {to}")),
        }
    }

    fn instance_of(&mut self, inner: &Expr, name: &TypeName, line: u32) -> Checked<Typed> {
        let to = self.resolve(name, line)?;
        let inner = self.expression(inner)?;
        match (&inner.ty, to.class()) {
            (Type::Primitive(_) | Type::Void, _) => {
                wrong(line, format!("Incompatible conditional operand types {} and {to}", inner.ty))
            }
            (_, Some(class)) => Ok(Typed::new(Node::InstanceOf(class, Box::new(inner.node)), Type::BOOLEAN)),
            (_, None) => unsupported(line, "instanceof of arrays"),
        }
    }

    fn new_array(&mut self, name: &TypeName, lengths: &[Expr], line: u32) -> Checked<Typed> {
        let ty = self.resolve(name, line)?;
        let mut nodes = Vec::with_capacity(lengths.len());
        let mut element = ty.clone();
        for length in lengths {
            let typed = self.expression(length)?;
            nodes.push(self.assign(typed, &Type::INT, line)?);
            element = match element {
                Type::Array(inner) => *inner,
                other => other,
            };
        }
        Ok(Typed::new(Node::NewArray(first_element(&element), nodes), ty))
    }

    pub(super) fn array_literal(&mut self, ty: &Type, elements: &[Expr], line: u32) -> Checked<Typed> {
        let Type::Array(element) = ty else { return mismatch(line, &Type::Array(Box::new(ty.clone())), ty) };
        let mut nodes = Vec::with_capacity(elements.len());
        for expr in elements {
            let typed = match &expr.kind {
                ExprKind::ArrayLiteral(None, inner) => self.array_literal(element, inner, expr.line)?,
                _ => self.expression(expr)?,
            };
            nodes.push(self.assign(typed, element, expr.line)?);
        }
        Ok(Typed::new(Node::ArrayLiteral(nodes), ty.clone()))
    }
}

/// Whether objects of any class might implement it.
fn is_interface(class: Class) -> bool {
    matches!(
        class,
        Class::Comparable
            | Class::CharSequence
            | Class::Iterable
            | Class::Collection
            | Class::List
            | Class::Set
            | Class::Map
            | Class::Queue
            | Class::Deque
            | Class::SortedMap
            | Class::SortedSet
    )
}

/// The type of `c ? yes : no`.
fn common(yes: &Typed, no: &Typed) -> Option<Type> {
    let (a, b) = (&yes.ty, &no.ty);
    if a == b {
        return (*a != Type::Void).then(|| a.clone());
    }
    // A constant takes the type of the other side that has room for it.
    for (typed, other) in [(yes, b), (no, a)] {
        if let (Some(constant), Type::Primitive(_)) = (typed.constant, other)
            && super::narrow(constant, other).is_some()
        {
            return Some(other.clone());
        }
    }
    match (a.unboxed(), b.unboxed()) {
        (Some(Primitive::Boolean), Some(Primitive::Boolean)) => return Some(Type::BOOLEAN),
        (Some(x), Some(y)) if x.is_number() && y.is_number() => {
            return Some(Type::Primitive(if x == y { x } else { x.promoted().max(y.promoted()) }));
        }
        _ => {}
    }
    match (a, b) {
        (Type::Void, _) | (_, Type::Void) => None,
        (Type::Null, other) | (other, Type::Null) => Some(other.boxed()),
        (a, b) => {
            let (a, b) = (a.boxed(), b.boxed());
            Some(if a.is_subtype(&b) {
                b
            } else if b.is_subtype(&a) {
                a
            } else {
                Type::of(Class::Object)
            })
        }
    }
}
