//! The text of CQL: lexer, parser, syntax tree, printer.
