use bellwether_model::format_duration_ms;

use super::{ChangeKind, Changes};
use crate::schema::{Alert, Pack, Recording};

/// Adds what has changed about alerts.
pub(super) fn compare(changes: &mut Changes<'_>) {
    let (old, new) = (changes.old, changes.new);
    for before in &old.alerts {
        if let Some(after) = new.alerts.iter().find(|alert| alert.name.value == before.name.value) {
            same(changes, before, after);
        } else {
            let message = format!("alert {} is gone", before.name);
            changes.gone(true, (&before.name, before.name.position), message);
        }
    }
    for after in &new.alerts {
        if !old.alerts.iter().any(|alert| alert.name.value == after.name.value) {
            let message = format!("alert {} is new", after.name);
            changes.add(ChangeKind::Added, false, (&after.name, after.name.position), message);
        }
    }
}

fn same(changes: &mut Changes<'_>, before: &Alert, after: &Alert) {
    let (old, new) = (changes.old, changes.new);
    let name = &after.name;
    let mut add = |breaking: bool, message: String| {
        changes.add(ChangeKind::Alert, breaking, (name, after.when.position), message);
    };
    if before.when.text != after.when.text {
        add(false, format!("alert {name} fires if {}, and fired if {}", after.when.text, before.when.text));
    } else if condition(old, before) != condition(new, after) {
        add(
            false,
            format!("alert {name} has the same words, which mean something else: {}", condition(new, after)),
        );
    }
    if before.for_ms != after.for_ms {
        let word = |ms: Option<i64>| format_duration_ms(ms.unwrap_or(0));
        let (is, was) = (word(after.for_ms), word(before.for_ms));
        add(false, format!("alert {name} fires after {is}, and fired after {was}"));
    }
    if before.severity != after.severity {
        let word = |alert: &Alert| alert.severity.map_or("of no severity", |severity| severity.as_str());
        let (is, was) = (word(after), word(before));
        // Routes and inhibitions go by it.
        add(true, format!("alert {name} is {is}, and was {was}"));
    }
    for (label, value) in &before.labels {
        if after.labels.get(label) != Some(value) {
            add(true, format!("alert {name} no longer has the label {label}={value:?}"));
        }
    }
}

/// The condition as the server evaluates it, with what the names in it stand for.
fn condition(pack: &Pack, alert: &Alert) -> String {
    match pack.compile_alert(alert) {
        Ok(compiled) => compiled.expr.to_string(),
        Err(_) => alert.when.text.clone(),
    }
}

/// Adds what has changed about recordings.
pub(super) fn recordings(changes: &mut Changes<'_>) {
    let (old, new) = (changes.old, changes.new);
    for before in &old.recordings {
        let name = &before.record;
        match new.recordings.iter().find(|recording| recording.record.value == name.value) {
            Some(after) if expression(old, before) != expression(new, after) => {
                let message = format!("{name} holds {}, and held {}", after.expr.text, before.expr.text);
                changes.add(ChangeKind::Recording, true, (name, after.record.position), message);
            }
            Some(_) => {}
            // A metric may take the place of what was computed.
            None if new.metric(name).is_some() => {}
            None => changes.gone(true, (name, name.position), format!("recording {name} is gone")),
        }
    }
    for after in &new.recordings {
        let name = &after.record;
        if !old.recordings.iter().any(|recording| recording.record.value == name.value) {
            changes.add(ChangeKind::Added, false, (name, name.position), format!("recording {name} is new"));
        }
    }
}

fn expression(pack: &Pack, recording: &Recording) -> String {
    match pack.compile(&recording.expr) {
        Ok(compiled) => compiled.expr.to_string(),
        Err(_) => recording.expr.text.clone(),
    }
}
