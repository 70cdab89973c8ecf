use std::borrow::Cow;

use bellwether_yaml::{Decode, Errors, Kind, MapReader, Node, Reported};

use super::spanned::Spanned;

/// A defect of the application's own guide, and what became of it.
#[derive(Debug, Clone)]
pub struct Fix {
    /// Its id in the guide.
    pub id: Spanned<String>,
    /// What was wrong; empty if that is said elsewhere.
    pub was: String,
    /// What became of it: how it is corrected, or why it stays.
    pub now: String,
    /// What keeps it from coming back, beside the lint rules that are made for it: an alert, a test, a type. Empty for nothing.
    pub by: String,
}

/// Defects by id, in the order in which they are written.
pub(super) struct Fixes(pub(super) Vec<Fix>);

impl<'d> Decode<'d> for Fixes {
    fn type_name() -> Cow<'static, str> {
        "map[string]pack.fix".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        if !matches!(node.kind(), Kind::Mapping) {
            return Err(errors.push(node.wrong_type(&Self::type_name())));
        }
        let mut fixes = Vec::with_capacity(node.entries().len());
        let mut failed = None;
        for entry in node.entries() {
            match (Spanned::decode(entry.key, errors), Correction::decode(entry.value, errors)) {
                (Ok(id), Ok(Correction { was, now, by })) => fixes.push(Fix { id, was, now, by }),
                (Err(reported), _) | (_, Err(reported)) => failed = Some(reported),
            }
        }
        failed.map_or(Ok(Self(fixes)), Err)
    }
}

/// A [`Fix`] without its id.
struct Correction {
    was: String,
    now: String,
    by: String,
}

impl<'d> Decode<'d> for Correction {
    fn type_name() -> Cow<'static, str> {
        "pack.fix".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        if node.scalar().is_some() {
            return Ok(Self { was: String::new(), now: String::decode(node, errors)?, by: String::new() });
        }
        let mut map = MapReader::new(node, "pack.fix", errors)?;
        let correction = Self {
            was: map.or_default("was"),
            now: map.required("now").unwrap_or_default(),
            by: map.or_default("by"),
        };
        map.finish()?;
        Ok(correction)
    }
}
