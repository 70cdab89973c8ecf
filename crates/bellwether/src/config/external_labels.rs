use std::collections::BTreeMap;

use bellwether_model::{ValidationScheme, is_valid_label_name};
use bellwether_yaml::{Decode, Errors, Node, Reported, Resolved};

use super::error::SectionError;

/// Reads the labels that are attached to everything that leaves this server. References to the environment are not resolved yet.
pub(super) fn read_external_labels(
    node: Node<'_>,
    scheme: ValidationScheme,
    errors: &mut Errors,
) -> Result<BTreeMap<String, String>, Reported> {
    let mut failed = None;
    for entry in node.entries() {
        if let Some(invalid) = not_text(entry.key) {
            failed = Some(errors.reject(entry.key, SectionError::LabelName(invalid)));
        } else if let Some(name) = entry.key.scalar()
            && !is_valid_label_name(name.text, scheme)
        {
            failed = Some(errors.reject(entry.key, SectionError::LabelName(format!("{:?}", name.text))));
        }
        if let Some(invalid) = not_text(entry.value) {
            failed = Some(errors.reject(entry.value, SectionError::LabelValue(invalid)));
        }
    }
    match failed {
        Some(reported) => Err(reported),
        None => BTreeMap::decode(node, errors),
    }
}

/// The bytes in quotes if the node is binary and no UTF-8.
fn not_text(node: Node<'_>) -> Option<String> {
    match node.scalar()?.resolve() {
        Resolved::Binary(bytes) if std::str::from_utf8(&bytes).is_err() => {
            Some(format!("\"{}\"", bytes.escape_ascii()))
        }
        _ => None,
    }
}
