//! Expressions, by precedence.

use super::{Parsed, Parser, is_name, is_primitive};
use crate::lexer::Token;
use crate::syntax::{Expr, ExprKind, Operator, Prefix, TypeName};

/// Operators of two operands by precedence, loosest first.
const LEVELS: [&[Operator]; 10] = [
    &[Operator::LogicalOr],
    &[Operator::LogicalAnd],
    &[Operator::Or],
    &[Operator::Xor],
    &[Operator::And],
    &[Operator::Equal, Operator::NotEqual],
    &[Operator::LessEqual, Operator::GreaterEqual, Operator::Less, Operator::Greater],
    &[Operator::ShiftLeft, Operator::ShiftRightUnsigned, Operator::ShiftRight],
    &[Operator::Add, Operator::Subtract],
    &[Operator::Multiply, Operator::Divide, Operator::Remainder],
];

/// The level of `instanceof`.
const RELATIONAL: usize = 6;

const ASSIGNMENTS: [(&str, Option<Operator>); 10] = [
    ("=", None),
    ("+=", Some(Operator::Add)),
    ("-=", Some(Operator::Subtract)),
    ("*=", Some(Operator::Multiply)),
    ("/=", Some(Operator::Divide)),
    ("%=", Some(Operator::Remainder)),
    ("&=", Some(Operator::And)),
    ("|=", Some(Operator::Or)),
    ("^=", Some(Operator::Xor)),
    ("<<=", Some(Operator::ShiftLeft)),
];

impl Parser {
    pub(super) fn expression(&mut self) -> Parsed<Expr> {
        self.nested(Self::assignment)
    }

    fn assignment(&mut self) -> Parsed<Expr> {
        let line = self.line();
        if self.is("->") || self.is_at(1, "->") || (self.is("(") && self.is_at(1, ")") && self.is_at(2, "->")) {
            return self.unsupported("lambda expressions");
        }
        let target = self.conditional()?;
        if self.is("->") {
            return self.unsupported("lambda expressions");
        }
        if self.is("::") {
            return self.unsupported("method references");
        }
        let shift = if self.is(">") && self.is_at(1, ">") && self.is_at(2, "=") {
            Some((3, Operator::ShiftRight))
        } else if self.is(">") && self.is_at(1, ">") && self.is_at(2, ">") && self.is_at(3, "=") {
            Some((4, Operator::ShiftRightUnsigned))
        } else {
            None
        };
        let found = ASSIGNMENTS.iter().find(|(symbol, _)| self.is(symbol)).map(|(_, operator)| (1, *operator));
        let Some((words, operator)) = found.or(shift.map(|(words, operator)| (words, Some(operator)))) else {
            return Ok(target);
        };
        self.at += words;
        let value = self.expression()?;
        self.expr(ExprKind::Assign(operator, Box::new(target), Box::new(value)), line)
    }

    fn conditional(&mut self) -> Parsed<Expr> {
        let line = self.line();
        let condition = self.binary(0)?;
        if !self.eat("?") {
            return Ok(condition);
        }
        let yes = self.expression()?;
        self.expect(":")?;
        let no = self.nested(Self::conditional)?;
        self.expr(ExprKind::Conditional(Box::new(condition), Box::new(yes), Box::new(no)), line)
    }

    /// The operator of the level that stands here, and its words.
    fn operator(&self, level: usize) -> Option<(Operator, usize)> {
        let shift = self.is(">") && self.is_at(1, ">");
        let unsigned = shift && self.is_at(2, ">");
        let assigns = shift && (self.is_at(2, "=") || (unsigned && self.is_at(3, "=")));
        for operator in LEVELS.get(level)?.iter() {
            let words = match operator {
                Operator::ShiftRightUnsigned if unsigned && !assigns => 3,
                Operator::ShiftRight if shift && !unsigned && !assigns => 2,
                Operator::ShiftRightUnsigned | Operator::ShiftRight => continue,
                Operator::Greater if shift => continue,
                // The lexer leaves `>=` to be put together here.
                Operator::GreaterEqual if self.is(">") && self.is_at(1, "=") && !self.is_at(2, "=") => 2,
                operator if self.is(operator.symbol()) => 1,
                _ => continue,
            };
            return Some((*operator, words));
        }
        None
    }

    fn binary(&mut self, level: usize) -> Parsed<Expr> {
        let line = self.line();
        if level >= LEVELS.len() {
            return self.nested(Self::unary);
        }
        let mut left = self.binary(level + 1)?;
        loop {
            if level == RELATIONAL && self.eat_word("instanceof") {
                let ty = self.expect_type()?;
                if matches!(self.peek(), Token::Word(word) if is_name(word)) {
                    return self.unsupported("patterns behind instanceof");
                }
                left = self.expr(ExprKind::InstanceOf(Box::new(left), ty), line)?;
                continue;
            }
            let Some((operator, words)) = self.operator(level) else { return Ok(left) };
            self.at += words;
            let right = self.binary(level + 1)?;
            left = self.expr(ExprKind::Binary(operator, Box::new(left), Box::new(right)), line)?;
        }
    }

    fn unary(&mut self) -> Parsed<Expr> {
        let line = self.line();
        for (symbol, by) in [("++", 1), ("--", -1)] {
            if self.eat(symbol) {
                let target = Box::new(self.nested(Self::unary)?);
                return self.expr(ExprKind::Step { by, before: true, target }, line);
            }
        }
        if self.eat("-") {
            // The least numbers have no positive literal.
            if let Token::Whole { digits, radix, long } = self.peek().clone()
                && radix == 10
            {
                self.at += 1;
                let kind = self.whole(&format!("-{digits}"), 10, long)?;
                let literal = self.expr(kind, line)?;
                return self.postfix(literal);
            }
            let inner = self.nested(Self::unary)?;
            return self.expr(ExprKind::Prefix(Prefix::Minus, Box::new(inner)), line);
        }
        for (symbol, prefix) in [("+", Prefix::Plus), ("!", Prefix::Not), ("~", Prefix::Complement)] {
            if self.eat(symbol) {
                let inner = self.nested(Self::unary)?;
                return self.expr(ExprKind::Prefix(prefix, Box::new(inner)), line);
            }
        }
        if let Some(ty) = self.cast() {
            let inner = self.nested(Self::unary)?;
            return self.expr(ExprKind::Cast(ty, Box::new(inner)), line);
        }
        let primary = self.primary()?;
        self.postfix(primary)
    }

    /// `(T)` in front of something that can be cast.
    fn cast(&mut self) -> Option<TypeName> {
        if !self.is("(") {
            return None;
        }
        let start = self.at;
        self.at += 1;
        if let Some(ty) = self.try_type()
            && self.eat(")")
        {
            let primitive = is_primitive(&ty.name) && ty.dimensions == 0;
            let castable = match self.peek() {
                Token::Word(word) => {
                    is_name(word) || matches!(word.as_str(), "new" | "null" | "true" | "false" | "this")
                }
                Token::Symbol(symbol) => matches!(*symbol, "(" | "!" | "~"),
                Token::End => false,
                _ => true,
            };
            if primitive || castable {
                return Some(ty);
            }
        }
        self.at = start;
        None
    }

    fn postfix(&mut self, mut expr: Expr) -> Parsed<Expr> {
        loop {
            let line = self.line();
            if self.eat(".") {
                if self.is("<") {
                    return self.unsupported("type arguments of a method call");
                }
                if self.is_word("class") {
                    return self.unsupported("class literals");
                }
                if self.is_word("this") || self.is_word("new") {
                    return self.unsupported("inner classes");
                }
                let name = self.name()?;
                expr = if self.is("(") {
                    let (arguments, class) = self.arguments_with_classes(&name)?;
                    // `get(x, T.class)` is what `getObject(x)` gives, as a T.
                    let name = if class.is_some() { "getObject".to_owned() } else { name };
                    let call = self.expr(ExprKind::Call { receiver: Some(Box::new(expr)), name, arguments }, line)?;
                    match class {
                        Some(class) => self.expr(ExprKind::Cast(class, Box::new(call)), line)?,
                        None => call,
                    }
                } else {
                    self.expr(ExprKind::Field(Box::new(expr), name), line)?
                };
            } else if self.eat("[") {
                let index = self.expression()?;
                self.expect("]")?;
                expr = self.expr(ExprKind::Index(Box::new(expr), Box::new(index)), line)?;
            } else if self.is("++") || self.is("--") {
                let by = if self.is("++") { 1 } else { -1 };
                self.at += 1;
                expr = self.expr(ExprKind::Step { by, before: false, target: Box::new(expr) }, line)?;
            } else {
                return Ok(expr);
            }
        }
    }

    /// Arguments of a method that may be one of a UDT or tuple that takes the classes of what it gives: they say nothing that its type does not
    /// say. Of `get` the class is given back.
    fn arguments_with_classes(&mut self, name: &str) -> Parsed<(Vec<Expr>, Option<TypeName>)> {
        if !matches!(name, "get" | "getList" | "getSet" | "getMap") {
            return Ok((self.arguments()?, None));
        }
        let line = self.line();
        let mut class = None;
        let mut arguments = Vec::new();
        self.expect("(")?;
        while !self.is(")") {
            if !arguments.is_empty() {
                self.expect(",")?;
            }
            match self.class_literal() {
                Some(found) if name == "get" => {
                    class = Some(found);
                    break;
                }
                Some(_) => arguments.push(self.expr(ExprKind::Null, line)?),
                None => arguments.push(self.expression()?),
            }
        }
        self.expect(")")?;
        Ok((arguments, class))
    }

    /// `T.class` as a whole argument.
    fn class_literal(&mut self) -> Option<TypeName> {
        let start = self.at;
        if let Some(ty) = self.try_type()
            && self.eat(".")
            && self.eat_word("class")
            && (self.is(",") || self.is(")"))
        {
            return Some(ty);
        }
        self.at = start;
        None
    }

    fn arguments(&mut self) -> Parsed<Vec<Expr>> {
        self.expect("(")?;
        let mut arguments = Vec::new();
        while !self.is(")") {
            if !arguments.is_empty() {
                self.expect(",")?;
            }
            arguments.push(self.expression()?);
        }
        self.expect(")")?;
        Ok(arguments)
    }

    fn whole(&self, digits: &str, radix: u32, long: bool) -> Parsed<ExprKind> {
        let shown = digits.trim_start_matches('-');
        let kind = if long {
            let value = if radix == 10 {
                digits.parse::<i64>().ok()
            } else {
                u64::from_str_radix(digits, radix).ok().map(|value| value as i64)
            };
            value.map(ExprKind::Long)
        } else {
            let value = if radix == 10 {
                digits.parse::<i32>().ok()
            } else {
                u32::from_str_radix(digits, radix).ok().map(|value| value as i32)
            };
            value.map(ExprKind::Int)
        };
        let ty = if long { "long" } else { "int" };
        kind.ok_or_else(|| self.error(format!("The literal {shown} of type {ty} is out of range ")))
    }

    fn primary(&mut self) -> Parsed<Expr> {
        let line = self.line();
        match self.peek().clone() {
            Token::Whole { digits, radix, long } => {
                let kind = self.whole(&digits, radix, long)?;
                self.at += 1;
                self.expr(kind, line)
            }
            Token::Real { text, single } => {
                let kind = if single { text.parse().map(ExprKind::Float) } else { text.parse().map(ExprKind::Double) };
                let kind = kind.map_err(|_| self.error(format!("Invalid float literal number {text}")))?;
                if matches!(kind, ExprKind::Float(value) if value.is_infinite())
                    || matches!(kind, ExprKind::Double(value) if value.is_infinite())
                {
                    let ty = if single { "float" } else { "double" };
                    return Err(self.error(format!("The literal {text} of type {ty} is out of range ")));
                }
                self.at += 1;
                self.expr(kind, line)
            }
            Token::Char(unit) => {
                self.at += 1;
                self.expr(ExprKind::Char(unit), line)
            }
            Token::Text(units) => {
                self.at += 1;
                self.expr(ExprKind::Text(units), line)
            }
            Token::Symbol("(") => {
                self.at += 1;
                let inner = self.expression()?;
                if self.is(",") {
                    return self.unsupported("lambda expressions");
                }
                self.expect(")")?;
                if self.is("->") {
                    return self.unsupported("lambda expressions");
                }
                Ok(inner)
            }
            Token::Word(word) => self.word(&word, line),
            _ => Err(self.unexpected("Expression")),
        }
    }

    fn word(&mut self, word: &str, line: u32) -> Parsed<Expr> {
        let literal = match word {
            "true" => Some(ExprKind::Boolean(true)),
            "false" => Some(ExprKind::Boolean(false)),
            "null" => Some(ExprKind::Null),
            _ => None,
        };
        if let Some(literal) = literal {
            self.at += 1;
            return self.expr(literal, line);
        }
        match word {
            "new" => {
                self.at += 1;
                return self.creation(line);
            }
            "this" | "super" => return self.unsupported(&format!("the word {word}")),
            "switch" => return self.unsupported("switch expressions"),
            "class" => return self.unsupported("class literals"),
            _ if is_primitive(word) => return self.unsupported("class literals of primitive types"),
            _ => {}
        }
        // A generic type is no value: only a method reference or a call of a static method follows.
        let name = self.name()?;
        if self.is("(") {
            let arguments = self.arguments()?;
            return self.expr(ExprKind::Call { receiver: None, name, arguments }, line);
        }
        self.expr(ExprKind::Name(name), line)
    }

    /// Behind `new`.
    fn creation(&mut self, line: u32) -> Parsed<Expr> {
        let Some(mut ty) = self.type_name(false) else { return Err(self.unexpected("Type")) };
        if self.is("[") {
            let mut lengths = Vec::new();
            while self.eat("[") {
                ty.dimensions += 1;
                if self.eat("]") {
                    continue;
                }
                if ty.dimensions > lengths.len() + 1 {
                    return Err(self.unexpected("]"));
                }
                lengths.push(self.expression()?);
                self.expect("]")?;
            }
            if lengths.is_empty() {
                return self.array_literal(Some(ty));
            }
            return self.expr(ExprKind::NewArray(ty, lengths), line);
        }
        let arguments = self.arguments()?;
        if self.is("{") {
            return self.unsupported("anonymous classes");
        }
        self.expr(ExprKind::New(ty, arguments), line)
    }

    /// `{a, b}`
    pub(super) fn array_literal(&mut self, ty: Option<TypeName>) -> Parsed<Expr> {
        let line = self.line();
        self.expect("{")?;
        let mut elements = Vec::new();
        while !self.is("}") {
            if !elements.is_empty() {
                self.expect(",")?;
                if self.is("}") {
                    break;
                }
            }
            elements.push(if self.is("{") {
                self.nested(|parser| parser.array_literal(None))?
            } else {
                self.expression()?
            });
        }
        self.expect("}")?;
        self.expr(ExprKind::ArrayLiteral(ty, elements), line)
    }
}
