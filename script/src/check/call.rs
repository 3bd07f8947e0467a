//! Calls and creations: which member of the library a call means.

use std::collections::BTreeMap;

use super::{Checked, Checker, Typed, passes, unsupported, wrong};
use crate::classes::Class;
use crate::code::{Native, Node, Says};
use crate::heap::{Object, Outcome, Value};
use crate::library::pattern::Pattern;
use crate::library::{Method, Parameter, Signature, members, signature};
use crate::run::Machine;
use crate::syntax::{Expr, TypeName};
use crate::types::Type;

/// What type parameters stand for.
type Bindings = BTreeMap<char, Type>;

/// A member that a call might mean.
struct Candidate {
    signature: Signature,
    native: Native,
}

fn shown(arguments: &[Typed]) -> String {
    arguments.iter().map(|argument| argument.ty.to_string()).collect::<Vec<_>>().join(", ")
}

/// The type of a parameter; None for a type parameter that nothing is known of.
fn substitute(parameter: &Parameter, bindings: &Bindings) -> Option<Type> {
    Some(match parameter {
        Parameter::Variable(letter) => bindings.get(letter)?.clone(),
        Parameter::Primitive(primitive) => Type::Primitive(*primitive),
        Parameter::Void => Type::Void,
        Parameter::Array(element) => {
            Type::Array(Box::new(substitute(element, bindings).unwrap_or(Type::of(Class::Object))))
        }
        Parameter::Class(class, arguments) => {
            let arguments: Option<Vec<Type>> = arguments.iter().map(|part| substitute(part, bindings)).collect();
            // Raw when an argument is unknown.
            Type::Class(*class, arguments.unwrap_or_default())
        }
    })
}

/// Learns type parameters of a method from an argument.
fn bind(parameter: &Parameter, argument: &Type, bindings: &mut Bindings) {
    match (parameter, argument) {
        (Parameter::Variable(letter), argument) if *argument != Type::Null => {
            let argument = argument.boxed();
            let known = bindings.get(letter);
            let wider = match known {
                Some(known) if argument.is_subtype(known) => known.clone(),
                Some(known) if !known.is_subtype(&argument) => Type::of(Class::Object),
                _ => argument,
            };
            bindings.insert(*letter, wider);
        }
        (Parameter::Array(parameter), Type::Array(argument)) => bind(parameter, argument, bindings),
        (Parameter::Class(_, parameters), Type::Class(_, arguments)) => {
            for (parameter, argument) in parameters.iter().zip(arguments) {
                bind(parameter, argument, bindings);
            }
        }
        _ => {}
    }
}

impl Candidate {
    /// The bindings and parameter types of a call with these arguments; None if it does not fit.
    fn fits(&self, arguments: &[Typed], own: &Bindings, boxing: bool) -> Option<(Bindings, Vec<Type>)> {
        if self.signature.parameters.len() != arguments.len() {
            return None;
        }
        let mut bindings = own.clone();
        let last = self.signature.parameters.len().wrapping_sub(1);
        for (place, (parameter, argument)) in self.signature.parameters.iter().zip(arguments).enumerate() {
            let argument = match &argument.ty {
                // An array may stand for all that the method takes.
                Type::Array(element) if self.signature.is_variadic && place == last => element,
                other => other,
            };
            bind_free(parameter, argument, own, &mut bindings);
        }
        let types = self.parameter_types(&bindings);
        let fits = types.iter().zip(arguments).all(|(ty, argument)| passes(&argument.ty, ty, boxing));
        fits.then_some((bindings, types))
    }

    fn parameter_types(&self, bindings: &Bindings) -> Vec<Type> {
        let each = self.signature.parameters.iter();
        let mut types: Vec<Type> =
            each.map(|parameter| substitute(parameter, bindings).unwrap_or(Type::of(Class::Object))).collect();
        if self.signature.is_variadic
            && let Some(last) = types.last_mut()
        {
            *last = Type::Array(Box::new(last.clone()));
        }
        types
    }

    /// As [`Candidate::fits`], for methods that take any number at the end.
    fn fits_many(&self, arguments: &[Typed], own: &Bindings) -> Option<(Bindings, Vec<Type>, Type)> {
        let (last, fixed) = self.signature.parameters.split_last()?;
        if !self.signature.is_variadic || arguments.len() < fixed.len() {
            return None;
        }
        let mut bindings = own.clone();
        let (given, many) = arguments.split_at(fixed.len());
        for (parameter, argument) in fixed.iter().zip(given) {
            bind_free(parameter, &argument.ty, own, &mut bindings);
        }
        for argument in many {
            bind_free(last, &argument.ty, own, &mut bindings);
        }
        let mut types = self.parameter_types(&bindings);
        types.pop();
        let element = substitute(last, &bindings).unwrap_or(Type::of(Class::Object));
        let fits = types.iter().zip(given).all(|(ty, argument)| passes(&argument.ty, ty, true))
            && many.iter().all(|argument| passes(&argument.ty, &element, true));
        fits.then_some((bindings, types, element))
    }
}

/// As [`bind`], but for what the receiver has settled.
fn bind_free(parameter: &Parameter, argument: &Type, own: &Bindings, bindings: &mut Bindings) {
    let mut learned = Bindings::new();
    for (letter, ty) in bindings.iter().filter(|(letter, _)| !own.contains_key(letter)) {
        learned.insert(*letter, ty.clone());
    }
    bind(parameter, argument, &mut learned);
    for (letter, ty) in learned {
        if !own.contains_key(&letter) {
            bindings.insert(letter, ty);
        }
    }
}

/// Methods of a name, those of the class before those it inherits.
fn methods(class: Class, name: &str, out: &mut Vec<Candidate>) {
    let own = members(class);
    candidates(own.methods, name, out);
    candidates(own.more, name, out);
    for parent in class.supers() {
        methods(*parent, name, out);
    }
}

fn candidates(methods: &[Method], name: &str, out: &mut Vec<Candidate>) {
    for (text, native) in methods {
        if text.split_once('(').is_some_and(|(other, _)| other == name)
            && let Some(signature) = signature(text)
        {
            out.push(Candidate { signature, native: *native });
        }
    }
}

impl Checker {
    fn arguments(&mut self, arguments: &[Expr]) -> Checked<Vec<Typed>> {
        arguments.iter().map(|argument| self.expression(argument)).collect()
    }

    pub(super) fn call(
        &mut self,
        receiver: Option<&Expr>,
        name: &str,
        arguments: &[Expr],
        line: u32,
    ) -> Checked<Typed> {
        let Some(receiver) = receiver else {
            let arguments = self.arguments(arguments)?;
            return wrong(
                line,
                format!("The method {name}({}) is undefined for the type of the function", shown(&arguments)),
            );
        };
        if let Some(class) = self.class_of(receiver) {
            let arguments = self.arguments(arguments)?;
            let mut found = Vec::new();
            let mut at = vec![class];
            while let Some(class) = at.pop() {
                candidates(members(class).statics, name, &mut found);
                at.extend(class.supers());
            }
            return self.chosen(found, None, (class, &Bindings::new()), name, arguments, line);
        }
        if let Some(unknown) = self.path(receiver) {
            return refused_class(&unknown, name, line);
        }
        let receiver = self.expression(receiver)?;
        let arguments = self.arguments(arguments)?;
        let (class, types) = match &receiver.ty {
            Type::Class(class, types) => (*class, types.clone()),
            Type::Primitive(primitive) => {
                return wrong(
                    line,
                    format!("Cannot invoke {name}({}) on the primitive type {}", shown(&arguments), primitive.name()),
                );
            }
            Type::Array(_) => return unsupported(line, format_args!("the method {name} of arrays")),
            Type::Null | Type::Void => return wrong(line, format!("Cannot invoke {name}() on {}", receiver.ty)),
        };
        let mut own = Bindings::new();
        for (place, letter) in class.parameters().chars().enumerate() {
            own.insert(letter, types.get(place).cloned().unwrap_or(Type::of(Class::Object)));
        }
        let mut found = Vec::new();
        methods(class, name, &mut found);
        candidates(members(Class::Object).methods, name, &mut found);
        self.chosen(found, Some(receiver.node), (class, &own), name, arguments, line)
    }

    /// The candidate that fits, called.
    fn chosen(
        &mut self,
        found: Vec<Candidate>,
        receiver: Option<Node>,
        (class, own): (Class, &Bindings),
        name: &str,
        arguments: Vec<Typed>,
        line: u32,
    ) -> Checked<Typed> {
        let given = shown(&arguments);
        self.check_pattern(class, name, &arguments, line)?;
        for boxing in [false, true] {
            for candidate in &found {
                if let Some((bindings, types)) = candidate.fits(&arguments, own, boxing) {
                    let says = receiver.as_ref().map(|node| self.call_says(class, name, candidate, node));
                    let mut nodes: Vec<Node> = receiver.into_iter().collect();
                    nodes.extend(arguments.into_iter().zip(&types).map(|(argument, ty)| self.convert(argument, ty)));
                    return Ok(called(candidate, &bindings, says, nodes));
                }
            }
        }
        for candidate in &found {
            if let Some((bindings, types, element)) = candidate.fits_many(&arguments, own) {
                let says = receiver.as_ref().map(|node| self.call_says(class, name, candidate, node));
                let mut nodes: Vec<Node> = receiver.into_iter().collect();
                let mut arguments = arguments.into_iter();
                nodes.extend(
                    arguments.by_ref().take(types.len()).zip(&types).map(|(argument, ty)| self.convert(argument, ty)),
                );
                nodes.push(Node::ArrayLiteral(arguments.map(|argument| self.convert(argument, &element)).collect()));
                return Ok(called(candidate, &bindings, says, nodes));
            }
        }
        match found.first() {
            Some(candidate) if found.len() == 1 => {
                let wanted: Vec<String> = candidate.parameter_types(own).iter().map(ToString::to_string).collect();
                wrong(
                    line,
                    format!(
                        "The method {name}({}) in the type {} is not applicable for the arguments ({given})",
                        wanted.join(", "),
                        class.simple_name()
                    ),
                )
            }
            _ => unsupported(line, format_args!("the method {name}({given}) of {}", class.full_name())),
        }
    }

    /// What Java says when the receiver is null.
    fn call_says(&self, class: Class, name: &str, candidate: &Candidate, receiver: &Node) -> Box<Says> {
        let parameters: Vec<String> = candidate.signature.parameters.iter().map(erased).collect();
        let method = format!("{}.{name}({})", class_text(class), parameters.join(", "));
        Box::new(Says { message: self.says(&method, receiver), method })
    }

    /// Regular expressions that are written out are read now.
    fn check_pattern(&self, class: Class, name: &str, arguments: &[Typed], line: u32) -> Checked<()> {
        let takes = class == Class::String && matches!(name, "split" | "replaceAll" | "replaceFirst" | "matches");
        if let (true, Some(Typed { node: Node::Text(number), .. })) = (takes, arguments.first())
            && let Some(text) = self.texts.get(*number)
            && Pattern::parse(text).is_none()
        {
            return unsupported(line, format_args!("the regular expression {}", String::from_utf16_lossy(text)));
        }
        Ok(())
    }

    /// `new T(…)`
    pub(super) fn creation(&mut self, name: &TypeName, arguments: &[Expr], line: u32) -> Checked<Typed> {
        let ty = match self.resolve(name, line) {
            Ok(ty) => ty,
            Err(_) if crate::classes::is_forbidden(&name.name) => {
                return unsupported(line, format_args!("the class {}", name.name));
            }
            Err(error) => return Err(error),
        };
        let arguments = self.arguments(arguments)?;
        let Type::Class(class, types) = &ty else {
            return wrong(line, format!("Cannot instantiate the type {ty}"));
        };
        if class.is_subclass(Class::Throwable) {
            return exception(*class, arguments, line);
        }
        if *class == Class::Object && arguments.is_empty() {
            let native: Native = |m, _| m.heap.make(Object::Plain);
            return Ok(Typed::new(Node::Call { native, says: None, arguments: Vec::new() }, ty.clone()));
        }
        let mut found = Vec::new();
        candidates(members(*class).constructors, "new", &mut found);
        if found.is_empty() {
            let what = if class.supers().is_empty() || ty.class().is_some_and(is_abstract) {
                return wrong(line, format!("Cannot instantiate the type {}", class.simple_name()));
            } else {
                class.full_name()
            };
            return unsupported(line, format_args!("the constructors of {what}"));
        }
        let mut own = Bindings::new();
        for (letter, argument) in class.parameters().chars().zip(types) {
            own.insert(letter, argument.clone());
        }
        if types.is_empty() {
            // The diamond: whatever is passed, what it holds is settled where it is assigned to.
            for letter in class.parameters().chars() {
                own.insert(letter, Type::of(Class::Object));
            }
        }
        let typed = self.chosen(found, None, (*class, &own), "new", arguments, line)?;
        Ok(Typed::new(typed.node, ty))
    }
}

/// Java's messages write two classes without package.
fn class_text(class: Class) -> &'static str {
    match class {
        Class::String => "String",
        Class::Object => "Object",
        class => class.full_name(),
    }
}

/// A parameter as a class file has it.
fn erased(parameter: &Parameter) -> String {
    match parameter {
        Parameter::Variable(_) => "Object".to_owned(),
        Parameter::Primitive(primitive) => primitive.name().to_owned(),
        Parameter::Void => "void".to_owned(),
        Parameter::Class(class, _) => class_text(*class).to_owned(),
        Parameter::Array(element) => format!("{}[]", erased(element)),
    }
}

fn is_abstract(class: Class) -> bool {
    matches!(
        class,
        Class::Number
            | Class::List
            | Class::Set
            | Class::Map
            | Class::Collection
            | Class::Queue
            | Class::Deque
            | Class::SortedSet
            | Class::SortedMap
            | Class::CharSequence
    )
}

/// A class that is no part of the library.
fn refused_class<T>(class: &str, method: &str, line: u32) -> Checked<T> {
    if crate::classes::is_forbidden(class) {
        return unsupported(line, format_args!("{class}.{method}"));
    }
    wrong(line, format!("{class} cannot be resolved"))
}

fn called(candidate: &Candidate, bindings: &Bindings, says: Option<Box<Says>>, arguments: Vec<Node>) -> Typed {
    let ty = substitute(&candidate.signature.returns, bindings).unwrap_or(Type::of(Class::Object));
    let node = Node::Call { native: candidate.native, says, arguments };
    // What comes out of a generic object is cast, as Java does.
    let node = match (&candidate.signature.returns, ty.class()) {
        (Parameter::Variable(_), Some(class)) if class != Class::Object => Node::Cast(class, Box::new(node)),
        _ => node,
    };
    Typed::new(node, ty)
}

/// Exceptions take nothing, a message, a cause, or both.
fn exception(class: Class, arguments: Vec<Typed>, line: u32) -> Checked<Typed> {
    if class.supers() == [Class::IllegalFormatException] {
        return unsupported(line, format!("new {}", class.simple_name()));
    }
    let given = shown(&arguments);
    let is = |argument: &Typed, wanted: Class| argument.ty.is_subtype(&Type::of(wanted));
    let fits = match arguments.as_slice() {
        [] => true,
        [one] => is(one, Class::String) || is(one, Class::Throwable),
        [message, cause] => is(message, Class::String) && is(cause, Class::Throwable),
        _ => false,
    };
    if !fits {
        return wrong(line, format!("The constructor {}({given}) is undefined", class.simple_name()));
    }
    let nodes = arguments.into_iter().map(|argument| argument.node).collect();
    let native = maker(class);
    Ok(Typed::new(Node::Call { native, says: None, arguments: nodes }, Type::of(class)))
}

/// The message of a new exception: its first argument, or what the cause says.
fn message(m: &mut Machine<'_>, a: &[Value]) -> Outcome<Option<String>> {
    match a.first() {
        None | Some(Value::Null) => Ok(None),
        Some(value) => Ok(Some(m.show(*value)?)),
    }
}

macro_rules! makers {
    ($($class:ident)*) => {
        /// What makes an exception of a class.
        fn maker(class: Class) -> Native {
            match class {
                $(Class::$class => |m, a| {
                    let message = message(m, a)?;
                    m.heap.make(Object::Thrown(Class::$class, message))
                },)*
                _ => |m, a| {
                    let message = message(m, a)?;
                    m.heap.make(Object::Thrown(Class::Throwable, message))
                },
            }
        }
    };
}

makers! {
    Exception RuntimeException IllegalArgumentException IllegalStateException UnsupportedOperationException
    ArithmeticException NullPointerException ClassCastException NegativeArraySizeException NumberFormatException
    IllegalFormatException IndexOutOfBoundsException ArrayIndexOutOfBoundsException StringIndexOutOfBoundsException
    NoSuchElementException ConcurrentModificationException BufferUnderflowException BufferOverflowException
}
