//! Checked code: every name is a slot, every conversion is spelled out, every method is a function of ours.

use std::sync::Arc;

use helenus_model::types::{CqlType, UdtDefinition};

use crate::classes::Class;
use crate::heap::{Outcome, Value};
use crate::run::Machine;
use crate::syntax::Operator;
use crate::types::Primitive;

/// What a method does. The receiver, if there is one, is the first value and not null.
pub(crate) type Native = fn(&mut Machine<'_>, &[Value]) -> Outcome<Value>;

/// A checked body.
#[derive(Debug)]
pub(crate) struct Code {
    pub(crate) arguments: Vec<(String, CqlType)>,
    pub(crate) return_type: CqlType,
    pub(crate) called_on_null_input: bool,
    pub(crate) types: Vec<Arc<UdtDefinition>>,
    /// Slots of arguments and local variables; the first are the arguments, behind them `udfContext`.
    pub(crate) slots: usize,
    pub(crate) texts: Vec<Vec<u16>>,
    pub(crate) body: Vec<Action>,
}

/// An expression.
#[derive(Debug)]
pub(crate) enum Node {
    Constant(Value),
    /// A string literal: its number.
    Text(usize),
    Local(usize),
    SetLocal(usize, Box<Node>),
    Index(Box<Node>, Box<Node>),
    SetIndex(Box<Node>, Box<Node>, Box<Node>),
    Length(Box<Node>),
    /// To a primitive type, from any other.
    Convert(Primitive, Box<Node>),
    /// A null check, with what Java says of null.
    Unbox(Box<Node>, Box<str>),
    Arithmetic(Operator, Primitive, Box<Node>, Box<Node>),
    Compare(Operator, Primitive, Box<Node>, Box<Node>),
    /// `==` of objects.
    Same(Box<Node>, Box<Node>),
    Negate(Primitive, Box<Node>),
    Complement(Box<Node>),
    Not(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Conditional(Box<Node>, Box<Node>, Box<Node>),
    Concat(Box<Node>, Box<Node>),
    Cast(Class, Box<Node>),
    InstanceOf(Class, Box<Node>),
    /// `says`: what Java says of a null receiver; None for static methods.
    Call {
        native: Native,
        says: Option<Box<Says>>,
        arguments: Vec<Node>,
    },
    /// The element an array begins with, and its lengths.
    NewArray(Value, Vec<Node>),
    ArrayLiteral(Vec<Node>),
    /// One after the other; the last gives the value.
    Sequence(Vec<Node>),
}

/// What Java says of a call on null, and of the null that a call gave.
#[derive(Debug)]
pub(crate) struct Says {
    /// The method with its class and parameters.
    pub(crate) method: String,
    /// The whole message.
    pub(crate) message: String,
}

/// A statement.
#[derive(Debug)]
pub(crate) enum Action {
    Eval(Node),
    Block(Vec<Action>),
    If(Node, Box<Action>, Box<Action>),
    /// `while` and `for`: the updates run before the condition is looked at again.
    While {
        condition: Option<Node>,
        update: Vec<Node>,
        body: Box<Action>,
        body_first: bool,
    },
    /// The slot of the element as it comes out of the collection or array.
    ForEach {
        of: Node,
        slot: usize,
        body: Box<Action>,
    },
    Return(Node),
    Throw(Node),
    Break,
    Continue,
    /// The labels with the place in the body they lead to.
    Switch {
        value: Node,
        labels: Vec<(Label, usize)>,
        default: usize,
        body: Vec<Action>,
    },
    Try {
        body: Box<Action>,
        catches: Vec<(Vec<Class>, usize, Action)>,
        last: Option<Box<Action>>,
    },
}

/// A `case`.
#[derive(Debug)]
pub(crate) enum Label {
    Number(i32),
    Text(Vec<u16>),
}
