//! The interpreter: checked code, evaluated with a count of steps.

mod number;
mod object;
mod show;
mod table;

use std::ops::ControlFlow;

use crate::Failure;
use crate::classes::Class;
use crate::code::{Action, Code, Label, Node, Says};
use crate::heap::{Fault, Heap, Object, Outcome, Value, null_pointer, thrown};
use crate::limits::STEPS_MAX;

pub(crate) use number::{arithmetic, compare_numbers, convert};
pub(crate) use object::{compare_doubles, double_bits, float_bits};
pub(crate) use show::{inet_text, plain_decimal};

/// One call under way.
#[derive(Debug)]
pub(crate) struct Machine<'c> {
    pub(crate) heap: Heap,
    pub(crate) code: &'c Code,
    slots: Vec<Value>,
    texts: Vec<Option<Value>>,
    steps: u64,
}

/// How a statement ended, if not at its end.
enum Exit {
    Return(Value),
    Break,
    Continue,
}

type Ended = Outcome<ControlFlow<Exit>>;

const ON: Ended = Ok(ControlFlow::Continue(()));

/// Calls a function.
pub(crate) fn call(code: &Code, arguments: &[Option<&[u8]>]) -> Result<Option<Vec<u8>>, Failure> {
    let mut machine = Machine {
        heap: Heap::default(),
        code,
        slots: vec![Value::Null; code.slots],
        texts: vec![None; code.texts.len()],
        steps: STEPS_MAX,
    };
    machine.call(arguments).map_err(|fault| {
        Failure(match fault {
            Fault::Thrown(class, Some(message)) => format!("{}: {message}", class.full_name()),
            Fault::Thrown(class, None) => class.full_name().to_owned(),
            Fault::Limit(message) => message,
        })
    })
}

impl Machine<'_> {
    fn call(&mut self, arguments: &[Option<&[u8]>]) -> Outcome<Option<Vec<u8>>> {
        let code = self.code;
        for (place, (_, ty)) in code.arguments.iter().enumerate() {
            let value = self.decode(ty, arguments.get(place).copied().flatten())?;
            if matches!(value, Value::Null) && !code.called_on_null_input {
                return Ok(None);
            }
            self.set(place, value);
        }
        let context = self.heap.make(Object::Context)?;
        self.set(code.arguments.len(), context);
        for action in &code.body {
            if let ControlFlow::Break(Exit::Return(value)) = self.act(action)? {
                return self.encode(&code.return_type, value);
            }
        }
        Ok(None)
    }

    /// Counts work; an exhausted call ends.
    pub(crate) fn work(&mut self, steps: u64) -> Outcome<()> {
        match self.steps.checked_sub(steps) {
            Some(left) => {
                self.steps = left;
                Ok(())
            }
            None => {
                self.steps = 0;
                Err(Fault::Limit(format!("the function ran longer than {STEPS_MAX} steps")))
            }
        }
    }

    /// The work of writing a number of so many bits in decimal digits.
    pub(crate) fn work_on_digits(&mut self, bits: u64) -> Outcome<()> {
        self.work((bits / 64) * (bits / 64) / 16 + 1)
    }

    fn set(&mut self, slot: usize, value: Value) {
        if let Some(place) = self.slots.get_mut(slot) {
            *place = value;
        }
    }

    fn act(&mut self, action: &Action) -> Ended {
        self.work(1)?;
        match action {
            Action::Eval(node) => {
                self.eval(node)?;
                ON
            }
            Action::Block(actions) => self.block(actions),
            Action::If(condition, yes, no) => {
                if self.truth(condition)? {
                    self.act(yes)
                } else {
                    self.act(no)
                }
            }
            Action::While { condition, update, body, body_first } => {
                self.while_loop(condition.as_ref(), update, body, *body_first)
            }
            Action::ForEach { of, slot, body } => self.for_each(of, *slot, body),
            Action::Return(node) => Ok(ControlFlow::Break(Exit::Return(self.eval(node)?))),
            Action::Throw(node) => {
                let value = self.eval(node)?;
                match self.heap.get(value)? {
                    Object::Thrown(class, message) => Err(Fault::Thrown(*class, message.clone())),
                    _ => null_pointer(),
                }
            }
            Action::Break => Ok(ControlFlow::Break(Exit::Break)),
            Action::Continue => Ok(ControlFlow::Break(Exit::Continue)),
            Action::Switch { value, labels, default, body } => {
                let start = self.label(value, labels)?.unwrap_or(*default);
                match self.block(body.get(start..).unwrap_or_default())? {
                    ControlFlow::Break(Exit::Break) => ON,
                    other => Ok(other),
                }
            }
            Action::Try { body, catches, last } => {
                let ended = match self.act(body) {
                    Err(Fault::Thrown(class, message)) => self.catch(class, message, catches),
                    other => other,
                };
                if let Some(last) = last
                    && !matches!(ended, Err(Fault::Limit(_)))
                    && let end @ ControlFlow::Break(_) = self.act(last)?
                {
                    return Ok(end);
                }
                ended
            }
        }
    }

    fn catch(&mut self, class: Class, message: Option<String>, catches: &[(Vec<Class>, usize, Action)]) -> Ended {
        for (classes, slot, action) in catches {
            if classes.iter().any(|caught| class.is_subclass(*caught)) {
                let value = self.heap.make(Object::Thrown(class, message))?;
                self.set(*slot, value);
                return self.act(action);
            }
        }
        Err(Fault::Thrown(class, message))
    }

    fn block(&mut self, actions: &[Action]) -> Ended {
        for action in actions {
            let ended = self.act(action)?;
            if ended.is_break() {
                return Ok(ended);
            }
        }
        ON
    }

    fn while_loop(&mut self, condition: Option<&Node>, update: &[Node], body: &Action, body_first: bool) -> Ended {
        let mut checked = body_first;
        loop {
            if !checked
                && let Some(condition) = condition
                && !self.truth(condition)?
            {
                return ON;
            }
            checked = false;
            match self.act(body)? {
                ControlFlow::Break(Exit::Break) => return ON,
                ControlFlow::Continue(()) | ControlFlow::Break(Exit::Continue) => {}
                other => return Ok(other),
            }
            for node in update {
                self.eval(node)?;
            }
        }
    }

    fn for_each(&mut self, of: &Node, slot: usize, body: &Action) -> Ended {
        let of = self.eval(of)?;
        let before = self.changes(of)?;
        let items = match self.heap.get(of)? {
            Object::Array(items) => items.clone(),
            _ => self.items(of)?,
        };
        self.work(items.len() as u64)?;
        let count = items.len();
        for (place, item) in items.into_iter().enumerate() {
            if let Some(before) = before
                && self.changes(of)? != Some(before)
            {
                // A list that became as short as what was seen of it just ends.
                if self.size(of)? == place {
                    return ON;
                }
                return Err(Fault::Thrown(Class::ConcurrentModificationException, None));
            }
            self.set(slot, item);
            match self.act(body)? {
                ControlFlow::Break(Exit::Break) => return ON,
                ControlFlow::Continue(()) | ControlFlow::Break(Exit::Continue) => {}
                other => return Ok(other),
            }
        }
        let is_list = matches!(self.heap.get(of)?, Object::List { .. });
        if is_list && before.is_some() && self.changes(of)? != before && self.size(of)? != count {
            return Err(Fault::Thrown(Class::ConcurrentModificationException, None));
        }
        ON
    }

    /// Where a switch goes on.
    fn label(&mut self, value: &Node, labels: &[(Label, usize)]) -> Outcome<Option<usize>> {
        let value = self.eval(value)?;
        let number = match value {
            Value::Int(n) => Some(n),
            Value::Byte(n) => Some(n.into()),
            Value::Short(n) => Some(n.into()),
            Value::Char(n) => Some(n.into()),
            _ => None,
        };
        if let Some(number) = number {
            let found = labels.iter().find(|(label, _)| matches!(label, Label::Number(n) if *n == number));
            return Ok(found.map(|(_, place)| *place));
        }
        let text = self.units(value)?;
        let found = labels.iter().find(|(label, _)| matches!(label, Label::Text(units) if *units == text));
        Ok(found.map(|(_, place)| *place))
    }

    fn truth(&mut self, node: &Node) -> Outcome<bool> {
        match self.eval(node)? {
            Value::Boolean(value) => Ok(value),
            _ => null_pointer(),
        }
    }

    pub(crate) fn eval(&mut self, node: &Node) -> Outcome<Value> {
        self.work(1)?;
        Ok(match node {
            Node::Constant(value) => *value,
            Node::Text(number) => return self.literal(*number),
            Node::Local(slot) => self.slots.get(*slot).copied().unwrap_or(Value::Null),
            Node::SetLocal(slot, value) => {
                let value = self.eval(value)?;
                self.set(*slot, value);
                value
            }
            Node::Convert(to, inner) => convert(self.eval(inner)?, *to),
            Node::Unbox(inner, says) => match self.eval(inner)? {
                Value::Null => return thrown(Class::NullPointerException, &**says),
                value => value,
            },
            Node::Arithmetic(operator, kind, left, right) => {
                let (left, right) = (self.eval(left)?, self.eval(right)?);
                arithmetic(*operator, *kind, left, right)?
            }
            Node::Compare(operator, kind, left, right) => {
                let (left, right) = (self.eval(left)?, self.eval(right)?);
                Value::Boolean(compare_numbers(*operator, *kind, left, right))
            }
            Node::Not(inner) => Value::Boolean(!self.truth(inner)?),
            Node::And(left, right) => Value::Boolean(self.truth(left)? && self.truth(right)?),
            Node::Or(left, right) => Value::Boolean(self.truth(left)? || self.truth(right)?),
            Node::Conditional(condition, yes, no) => {
                return if self.truth(condition)? { self.eval(yes) } else { self.eval(no) };
            }
            other => return self.eval_object(other),
        })
    }

    fn literal(&mut self, number: usize) -> Outcome<Value> {
        if let Some(Some(value)) = self.texts.get(number) {
            return Ok(*value);
        }
        let units = self.code.texts.get(number).cloned().unwrap_or_default();
        let value = self.heap.make(Object::Text(units))?;
        if let Some(place) = self.texts.get_mut(number) {
            *place = Some(value);
        }
        Ok(value)
    }

    /// The rarer ones.
    fn eval_object(&mut self, node: &Node) -> Outcome<Value> {
        Ok(match node {
            Node::Call { native, says, arguments } => return self.invoke(*native, says.as_deref(), arguments),
            Node::Concat(left, right) => {
                let (left, right) = (self.eval(left)?, self.eval(right)?);
                let mut units = self.show_units(left)?;
                units.extend(self.show_units(right)?);
                return self.new_text(units);
            }
            Node::Index(array, index) => {
                let (array, index) = (self.eval(array)?, self.eval(index)?);
                let place = self.array_place(array, index)?;
                match self.heap.get(array)? {
                    Object::Array(items) => items.get(place).copied().unwrap_or(Value::Null),
                    _ => Value::Null,
                }
            }
            Node::SetIndex(array, index, value) => {
                let (array, index) = (self.eval(array)?, self.eval(index)?);
                let value = self.eval(value)?;
                let place = self.array_place(array, index)?;
                if let Object::Array(items) = self.heap.get_mut(array)?
                    && let Some(item) = items.get_mut(place)
                {
                    *item = value;
                }
                value
            }
            Node::Length(array) => {
                let array = self.eval(array)?;
                match self.heap.get(array)? {
                    Object::Array(items) => Value::Int(items.len() as i32),
                    _ => Value::Int(0),
                }
            }
            Node::Same(left, right) => {
                let (left, right) = (self.eval(left)?, self.eval(right)?);
                Value::Boolean(same(left, right))
            }
            Node::Negate(kind, inner) => number::negate(*kind, self.eval(inner)?),
            Node::Complement(inner) => match self.eval(inner)? {
                Value::Long(n) => Value::Long(!n),
                Value::Int(n) => Value::Int(!n),
                other => other,
            },
            Node::Cast(class, inner) => {
                let value = self.eval(inner)?;
                if !matches!(value, Value::Null) && !self.class_of(value).is_subclass(*class) {
                    let found = self.class_of(value).full_name();
                    let wanted = class.full_name();
                    return thrown(Class::ClassCastException, cast_message(found, wanted));
                }
                value
            }
            Node::InstanceOf(class, inner) => {
                let value = self.eval(inner)?;
                Value::Boolean(!matches!(value, Value::Null) && self.class_of(value).is_subclass(*class))
            }
            Node::NewArray(first, lengths) => {
                let mut counts = Vec::with_capacity(lengths.len());
                for length in lengths {
                    match self.eval(length)? {
                        Value::Int(n) if n < 0 => return thrown(Class::NegativeArraySizeException, n.to_string()),
                        Value::Int(n) => counts.push(n as usize),
                        _ => return null_pointer(),
                    }
                }
                return self.new_array(*first, &counts);
            }
            Node::ArrayLiteral(elements) => {
                let items: Outcome<Vec<Value>> = elements.iter().map(|element| self.eval(element)).collect();
                let items = items?;
                return self.heap.make(Object::Array(items));
            }
            Node::Sequence(nodes) => {
                let mut last = Value::Null;
                for node in nodes {
                    last = self.eval(node)?;
                }
                last
            }
            _ => Value::Null,
        })
    }

    fn invoke(&mut self, native: crate::code::Native, says: Option<&Says>, arguments: &[Node]) -> Outcome<Value> {
        let mut values = [Value::Null; 8];
        if let Some(places) = values.get_mut(..arguments.len()) {
            for (place, argument) in places.iter_mut().zip(arguments) {
                *place = self.eval(argument)?;
            }
            if let (Some(says), Some(Value::Null)) = (says, places.first()) {
                return thrown(Class::NullPointerException, says.message.as_str());
            }
            let places = &*places;
            return native(self, places);
        }
        let values: Outcome<Vec<Value>> = arguments.iter().map(|argument| self.eval(argument)).collect();
        native(self, &values?)
    }

    fn array_place(&self, array: Value, index: Value) -> Outcome<usize> {
        let Object::Array(items) = self.heap.get(array)? else { return null_pointer() };
        let Value::Int(index) = index else { return null_pointer() };
        match usize::try_from(index).ok().filter(|place| *place < items.len()) {
            Some(place) => Ok(place),
            None => thrown(
                Class::ArrayIndexOutOfBoundsException,
                format!("Index {index} out of bounds for length {}", items.len()),
            ),
        }
    }

    fn new_array(&mut self, first: Value, counts: &[usize]) -> Outcome<Value> {
        let Some((count, inner)) = counts.split_first() else { return Ok(first) };
        self.heap.charge(count.saturating_mul(16))?;
        self.work(*count as u64 / 4)?;
        let mut items = Vec::with_capacity(*count);
        for _ in 0..*count {
            items.push(self.new_array(first, inner)?);
        }
        self.heap.make(Object::Array(items))
    }
}

pub(crate) fn cast_message(found: &str, wanted: &str) -> String {
    let base = |name: &str| name.starts_with("java.");
    let tail = if base(found) && base(wanted) {
        format!(" ({found} and {wanted} are in module java.base of loader 'bootstrap')")
    } else {
        String::new()
    };
    format!("class {found} cannot be cast to class {wanted}{tail}")
}

/// `==` of objects. Boxed numbers are the same where Java keeps one object for each: from −128 to 127.
fn same(left: Value, right: Value) -> bool {
    let small = |n: i64| (-128..=127).contains(&n);
    match (left, right) {
        (Value::Null, Value::Null) => true,
        (Value::Object(a), Value::Object(b)) => a == b,
        (Value::Boolean(a), Value::Boolean(b)) => a == b,
        (Value::Byte(a), Value::Byte(b)) => a == b,
        (Value::Short(a), Value::Short(b)) => a == b && small(a.into()),
        (Value::Char(a), Value::Char(b)) => a == b && a <= 127,
        (Value::Int(a), Value::Int(b)) => a == b && small(a.into()),
        (Value::Long(a), Value::Long(b)) => a == b && small(a),
        _ => false,
    }
}
