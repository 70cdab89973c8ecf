//! The keys of a section as a Markdown table.

use std::fmt::Write as _;

use super::fields::{SectionFields, Type};

/// The keys of `section`, one row each.
pub fn markdown_table(section: &SectionFields) -> String {
    let mut out = String::from("| Key | Value | Meaning |\n|---|---|---|\n");
    for field in section.fields {
        let needed = if field.required { " (must be there)" } else { "" };
        let row = format!("| `{}`{needed} | {} | {} |", field.name, in_words(field.ty), field.doc);
        writeln!(out, "{row}").expect("BUG: writing to a string cannot fail");
    }
    out
}

fn in_words(ty: Type) -> String {
    match ty {
        Type::Text => "text".to_owned(),
        Type::Number => "number".to_owned(),
        Type::Whole => "whole number".to_owned(),
        Type::Bool => "true or false".to_owned(),
        Type::Duration => "duration".to_owned(),
        Type::PromQl => "PromQL".to_owned(),
        Type::Selector => "selector".to_owned(),
        Type::Word(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
        Type::Section(name) => name.replace('_', " "),
        Type::List(of) => format!("list of {}", in_words(*of)),
        Type::OneOrMore(of) => format!("{}, or a list", in_words(*of)),
        Type::Map(of) => format!("mapping to {}", in_words(*of)),
        Type::Either(one, other) => format!("{}, or {}", in_words(*one), in_words(*other)),
    }
}
