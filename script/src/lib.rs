//! Bodies of user functions: the subset of Java that people write in them, parsed, type-checked and interpreted.
//!
//! A body is checked once ([`Function::compile`]) and called many times ([`Function::call`]). It sees its arguments and nothing else: no
//! clock, no chance, no file, no thread, no class beyond the tables in `library`. A call is bounded: so many steps, so much memory;
//! there are no methods to define, so nothing can recurse.
//!
//! ```text
//! text → lexer → parser (syntax) → check (typed code) → run (values on an arena that dies with the call)
//! ```

mod check;
mod classes;
mod code;
mod convert;
mod heap;
mod lexer;
mod library;
mod limits;
mod parser;
mod run;
mod syntax;
#[cfg(test)]
mod tests;
mod types;

use std::sync::Arc;

use helenus_model::types::{CqlType, UdtDefinition};

/// What a body is compiled against.
#[derive(Clone, Copy)]
pub struct Signature<'a> {
    /// Names and types of the arguments.
    pub arguments: &'a [(String, CqlType)],
    /// Type of the result.
    pub return_type: &'a CqlType,
    /// `CALLED ON NULL INPUT`: the arguments are objects that may be null; else primitives where there are such.
    pub called_on_null_input: bool,
    /// The body.
    pub body: &'a str,
    /// The user-defined types of the keyspace, for `udfContext.newUDTValue`.
    pub types: &'a [Arc<UdtDefinition>],
}

/// Why a body is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError {
    /// Line of the body, from 1.
    pub line: u32,
    /// What is wrong, in the words of Java's compiler where it has some.
    pub message: String,
}

/// An exception that a call ended with, as Java writes it: class and message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure(pub String);

/// A checked body.
#[derive(Debug)]
pub struct Function {
    code: code::Code,
}

impl Function {
    /// Parses and checks a body.
    ///
    /// # Errors
    /// It is no Java, it is wrong, or it uses what is not supported yet.
    pub fn compile(signature: &Signature<'_>) -> Result<Function, CompileError> {
        for (name, _) in signature.arguments {
            parser::check_parameter(name)?;
        }
        let body = parser::parse(signature.body)?;
        Ok(Function { code: check::check(&body, signature)? })
    }

    /// Calls the function with serialized arguments; None is null. With `RETURNS NULL ON NULL INPUT` a null argument makes a null result.
    ///
    /// # Errors
    /// An exception that the body does not catch, or a limit.
    pub fn call(&self, arguments: &[Option<&[u8]>]) -> Result<Option<Vec<u8>>, Failure> {
        run::call(&self.code, arguments)
    }
}
