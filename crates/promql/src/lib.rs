//! PromQL: lexer, parser, printer, type checker, engine and script tests.
