//! Whether the pack has as many entries as other documentation says.

use super::Found;
use crate::schema::{Pack, Spanned};

pub(super) fn as_documented(pack: &Pack) -> Vec<Found<'_>> {
    let mut found = Vec::new();
    let Some(counts) = &pack.counts else { return found };
    let mut compare = |what: &str, said: &Spanned<usize>, are: usize| {
        if said.value != are {
            let message = format!("there should be {said} {what}, and there are {are}");
            found.push(Found::error(
                said.position,
                message,
                "correct the number, or the documentation that it was taken from",
            ));
        }
    };
    if let Some(said) = &counts.metrics {
        compare("metrics", said, pack.metrics.len());
    }
    for (ty, said) in &counts.types {
        let are = pack.metrics.iter().filter(|metric| metric.kind.as_str() == ty).count();
        compare(&format!("metrics of type {ty}"), said, are);
    }
    for (group, said) in &counts.groups {
        let are = pack.metrics.iter().filter(|metric| metric.group == *group).count();
        compare(&format!("metrics in group {group}"), said, are);
    }
    if let Some(said) = &counts.alerts {
        compare("alerts", said, pack.alerts.len());
    }
    if let Some(said) = &counts.panels {
        compare("panels", said, pack.panels().count());
    }
    found
}
