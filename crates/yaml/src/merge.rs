//! Merge keys (`<<: *defaults`): entries of other mappings that count where the mapping has no such key itself.

use std::collections::HashSet;

use crate::error::ErrorKind;
use crate::scalar::Style;
use crate::tree::{Content, EntryData, MAX_NODES, NodeId, Tree};

/// Replaces merge keys by the entries that they stand for. Keys of the mapping itself win, then the mappings in the order in
/// which they are listed.
pub(crate) fn resolve(tree: &Tree, entries: Vec<EntryData>) -> Result<Vec<EntryData>, (NodeId, ErrorKind)> {
    if !entries.iter().any(|e| is_merge_key(tree, e.key)) {
        return Ok(entries);
    }
    let (merges, mut own): (Vec<_>, Vec<_>) = entries.into_iter().partition(|e| is_merge_key(tree, e.key));
    let mut seen: HashSet<&str> = own.iter().filter_map(|e| scalar_text(tree, e.key)).collect();
    for merge in merges {
        let bad = || (merge.key, ErrorKind::BadMerge);
        let sources = match &tree.get(merge.value).content {
            Content::Sequence(items) => items.as_slice(),
            _ => std::slice::from_ref(&merge.value),
        };
        for source in sources {
            let Content::Mapping(inherited) = &tree.get(*source).content else { return Err(bad()) };
            for entry in inherited {
                let new = scalar_text(tree, entry.key).is_none_or(|key| seen.insert(key));
                if new {
                    own.push(EntryData { merged: true, ..*entry });
                }
            }
            if own.len() as u64 > MAX_NODES {
                return Err((merge.key, ErrorKind::ExcessiveAliasing { limit: MAX_NODES }));
            }
        }
    }
    Ok(own)
}

fn is_merge_key(tree: &Tree, key: NodeId) -> bool {
    let data = tree.get(key);
    match &data.content {
        Content::Scalar { text, style: Style::Plain } => {
            &**text == "<<" && data.tag.as_deref().is_none_or(|tag| tag == "!!merge")
        }
        _ => false,
    }
}

fn scalar_text(tree: &Tree, key: NodeId) -> Option<&str> {
    match &tree.get(key).content {
        Content::Scalar { text, .. } => Some(text),
        _ => None,
    }
}
