//! Every expression of a pack with what it belongs to.

use std::collections::BTreeMap;

use bellwether_promql::syntax::Expr;
use bellwether_yaml::Position;

use crate::compile::{CompileError, Compiled};
use crate::schema::{Definition, Pack};

/// An expression and what it belongs to.
pub(super) struct Use<'p> {
    /// For messages: `alert "X"`.
    pub(super) owner: String,
    /// Where the expression stands.
    pub(super) position: Position,
    /// What the author has set aside.
    pub(super) allow: &'p BTreeMap<String, String>,
    /// What it means.
    pub(super) compiled: Result<Compiled, CompileError>,
    /// What was written as PromQL, and so can have mistakes which the other sections cannot have.
    pub(super) written: Option<Expr>,
}

impl Use<'_> {
    /// The tree, if the expression has a meaning.
    pub(super) fn expr(&self) -> Option<&Expr> {
        self.compiled.as_ref().ok().map(|compiled| &compiled.expr)
    }
}

/// Every expression of the pack.
pub(super) fn all(pack: &Pack) -> Vec<Use<'_>> {
    let named = pack.named.iter().map(|named| {
        let (position, written) = match &named.definition {
            Definition::Plain(expression) => (expression.position, pack.outline(expression)),
            _ => (named.position, None),
        };
        Use {
            owner: format!("{:?}", named.name.value),
            position,
            allow: &named.allow,
            compiled: pack.compile_named(named),
            written,
        }
    });
    let recordings = pack.recordings.iter().map(|recording| Use {
        owner: format!("recording {:?}", recording.record.value),
        position: recording.expr.position,
        allow: &recording.allow,
        compiled: pack.compile(&recording.expr),
        written: pack.outline(&recording.expr),
    });
    let alerts = pack.alerts.iter().map(|alert| Use {
        owner: format!("alert {:?}", alert.name.value),
        position: alert.when.position,
        allow: &alert.allow,
        compiled: pack.compile_alert(alert),
        written: pack.outline(&alert.when),
    });
    let panels = pack.panels().flat_map(|panel| {
        panel.show.iter().map(|show| Use {
            owner: format!("panel {:?}", panel.title.value),
            position: show.expr.position,
            allow: &panel.allow,
            compiled: pack.compile(&show.expr),
            written: pack.outline(&show.expr),
        })
    });
    named.chain(recordings).chain(alerts).chain(panels).collect()
}
