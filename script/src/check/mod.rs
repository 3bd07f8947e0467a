//! The type checker: from the syntax tree to code whose every name and conversion is settled, in the words of Java's compiler where it
//! refuses.

mod call;
mod expression;
mod flow;
mod operation;
mod statement;

use std::collections::BTreeSet;

use crate::classes::Class;
use crate::code::{Code, Node};
use crate::convert::java_type;
use crate::limits::LOCALS_MAX;
use crate::syntax::{Stmt, TypeName};
use crate::types::{Primitive, Type};
use crate::{CompileError, Signature};
use flow::Flow;

type Checked<T> = Result<T, CompileError>;

/// A variable in scope.
#[derive(Clone, Debug)]
struct Local {
    name: String,
    ty: Type,
    slot: usize,
    /// Its name and size in a stack frame of Java's, for messages.
    frame: u32,
    width: u32,
}

/// A checked expression.
#[derive(Debug)]
struct Typed {
    node: Node,
    ty: Type,
    /// Its value, when it is a constant of a whole type up to int.
    constant: Option<i32>,
}

impl Typed {
    fn new(node: Node, ty: Type) -> Self {
        Typed { node, ty, constant: None }
    }
}

struct Checker {
    locals: Vec<Local>,
    slots: usize,
    texts: Vec<Vec<u16>>,
    return_type: Type,
    flow: Flow,
    /// What the loops and switches around a place collect: the flow at each `break`, at each `continue`; switches take no `continue`.
    exits: Vec<(Option<Flow>, Option<Flow>, bool)>,
    /// The classes that the `try`s around a place catch.
    caught: Vec<Class>,
    /// How many arguments there are: the first slots.
    arguments: usize,
}

/// Checks a body.
pub(crate) fn check(body: &[Stmt], signature: &Signature<'_>) -> Checked<Code> {
    let error = |message: String| CompileError { line: 1, message };
    let return_type = java_type(signature.return_type, !signature.called_on_null_input)
        .ok_or_else(|| error(format!("not supported yet: results of type {}", signature.return_type)))?;
    let mut checker = Checker {
        locals: Vec::new(),
        slots: 0,
        texts: Vec::new(),
        return_type,
        flow: Flow::start(),
        exits: Vec::new(),
        caught: Vec::new(),
        arguments: signature.arguments.len(),
    };
    for (name, ty) in signature.arguments {
        let java = java_type(ty, !signature.called_on_null_input)
            .ok_or_else(|| error(format!("not supported yet: arguments of type {ty}")))?;
        checker.declare(name, java, 1)?;
    }
    checker.declare("udfContext", Type::of(Class::UdfContext), 1)?;
    let actions = checker.block(body)?;
    if checker.flow.live {
        let line = body.last().map_or(1, |statement| statement.line);
        return Err(CompileError {
            line,
            message: format!("This method must return a result of type {}", checker.return_type),
        });
    }
    Ok(Code {
        arguments: signature.arguments.to_vec(),
        return_type: signature.return_type.clone(),
        called_on_null_input: signature.called_on_null_input,
        types: signature.types.to_vec(),
        slots: checker.slots,
        texts: checker.texts,
        body: actions,
    })
}

fn wrong<T>(line: u32, message: impl Into<String>) -> Checked<T> {
    Err(CompileError { line, message: message.into() })
}

fn unsupported<T>(line: u32, what: impl std::fmt::Display) -> Checked<T> {
    wrong(line, format!("not supported yet: {what}"))
}

fn mismatch<T>(line: u32, from: &Type, to: &Type) -> Checked<T> {
    wrong(line, format!("Type mismatch: cannot convert from {from} to {to}"))
}

impl Checker {
    /// A slot for a value without a name.
    fn hidden(&mut self, line: u32) -> Checked<usize> {
        if self.slots >= LOCALS_MAX {
            return unsupported(line, format_args!("more than {LOCALS_MAX} variables"));
        }
        self.slots += 1;
        Ok(self.slots - 1)
    }

    fn declare(&mut self, name: &str, ty: Type, line: u32) -> Checked<usize> {
        if self.locals.iter().any(|local| local.name == name) {
            return wrong(line, format!("Duplicate local variable {name}"));
        }
        let slot = self.hidden(line)?;
        // The context is a field; behind `this`, longs and doubles take two places.
        let frame = self.locals.last().map_or(1, |local| local.frame + local.width);
        let width = match ty {
            Type::Class(Class::UdfContext, _) => 0,
            Type::Primitive(Primitive::Long | Primitive::Double) => 2,
            _ => 1,
        };
        self.locals.push(Local { name: name.to_owned(), ty, slot, frame, width });
        Ok(slot)
    }

    /// What Java says of a null that a method is called on, or that is unboxed.
    fn says(&self, method: &str, node: &Node) -> String {
        let of = match node {
            Node::Local(slot) if *slot < self.arguments => format!("\"<parameter{}>\"", slot + 1),
            Node::Local(slot) => match self.locals.iter().find(|local| local.slot == *slot) {
                Some(local) => format!("\"<local{}>\"", local.frame),
                None => String::new(),
            },
            Node::Cast(_, inner) => return self.says(method, inner),
            Node::Call { says: Some(says), .. } => format!("the return value of \"{}\"", says.method),
            _ => String::new(),
        };
        if of.is_empty() {
            return format!("Cannot invoke \"{method}\"");
        }
        format!("Cannot invoke \"{method}\" because {of} is null")
    }

    fn local(&self, name: &str) -> Option<&Local> {
        self.locals.iter().rev().find(|local| local.name == name)
    }

    /// The type that a name means.
    fn resolve(&self, name: &TypeName, line: u32) -> Checked<Type> {
        let mut ty = if let Some(primitive) = Primitive::of_name(&name.name) {
            Type::Primitive(primitive)
        } else {
            let Some(class) = Class::of_name(&name.name) else {
                return wrong(line, format!("{} cannot be resolved to a type", name.name));
            };
            let mut arguments = Vec::new();
            for argument in name.arguments.iter().flatten() {
                let argument = self.resolve(argument, line)?;
                if argument.is_primitive() {
                    return wrong(
                        line,
                        format!(
                            "Syntax error, insert \"Dimensions\" to complete ReferenceType: {argument} is no class"
                        ),
                    );
                }
                arguments.push(argument);
            }
            if !arguments.is_empty() && arguments.len() != class.parameters().len() {
                let given: Vec<String> = arguments.iter().map(ToString::to_string).collect();
                return wrong(
                    line,
                    format!(
                        "Incorrect number of arguments for type {}; it cannot be parameterized with arguments <{}>",
                        class.simple_name(),
                        given.join(", ")
                    ),
                );
            }
            Type::Class(class, arguments)
        };
        for _ in 0..name.dimensions {
            ty = Type::Array(Box::new(ty));
        }
        Ok(ty)
    }

    /// The value as one of another type, as an assignment converts it.
    fn assign(&self, value: Typed, to: &Type, line: u32) -> Checked<Node> {
        let from = value.ty.clone();
        let narrowed = value.constant.and_then(|constant| narrow(constant, to));
        if let Some(node) = narrowed {
            return Ok(node);
        }
        match self.pass(value, to, true) {
            Some(node) => Ok(node),
            None => mismatch(line, &from, to),
        }
    }

    /// The value as an argument of another type; None when it cannot be. `boxing`: boxes and unboxes, too.
    fn pass(&self, value: Typed, to: &Type, boxing: bool) -> Option<Node> {
        passes(&value.ty, to, boxing).then(|| self.convert(value, to))
    }
}

/// Whether a value of one type may be passed where another is wanted.
fn passes(from: &Type, to: &Type, boxing: bool) -> bool {
    match (from, to) {
        (Type::Void, _) => false,
        (Type::Primitive(from), Type::Primitive(to)) => from.widens_to(*to),
        (Type::Primitive(primitive), to) => boxing && Type::of(primitive.boxed()).is_subtype(to),
        (from, Type::Primitive(to)) => boxing && from.unboxed().is_some_and(|from| from.widens_to(*to)),
        (from, to) => from.is_subtype(to),
    }
}

impl Checker {
    /// The value converted to a type that it [`passes`] for.
    fn convert(&self, value: Typed, to: &Type) -> Node {
        match (&value.ty, to) {
            (Type::Primitive(from), Type::Primitive(to)) if from == to => value.node,
            (Type::Primitive(_), Type::Primitive(to)) => Node::Convert(*to, Box::new(value.node)),
            (Type::Primitive(_), _) => value.node,
            (from, Type::Primitive(to)) => {
                let unboxed = self.unbox(value.node, from.unboxed());
                if from.unboxed() == Some(*to) { unboxed } else { Node::Convert(*to, Box::new(unboxed)) }
            }
            _ => value.node,
        }
    }

    /// A null check that says what Java says.
    fn unbox(&self, node: Node, kind: Option<Primitive>) -> Node {
        let kind = kind.unwrap_or(Primitive::Int);
        let method = format!("{}.{}Value()", kind.boxed().full_name(), kind.name());
        let says = self.says(&method, &node);
        Node::Unbox(Box::new(node), says.into())
    }
}

/// A constant as a value of a narrower type, boxed or not, that has room for it.
fn narrow(constant: i32, to: &Type) -> Option<Node> {
    use crate::heap::Value;
    Some(Node::Constant(match to.unboxed()? {
        Primitive::Byte => Value::Byte(i8::try_from(constant).ok()?),
        Primitive::Short => Value::Short(i16::try_from(constant).ok()?),
        Primitive::Char => Value::Char(u16::try_from(constant).ok()?),
        _ => return None,
    }))
}

/// Slots that have no value yet.
type Unassigned = BTreeSet<usize>;
