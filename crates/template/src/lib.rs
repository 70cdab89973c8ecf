//! The subset of Go text/template that alerts and notifications use.
