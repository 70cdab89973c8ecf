use bellwether_promql::syntax::{BinaryExpr, BinaryOp, Expr};

use super::LiveFindings;
use super::server::History;
use crate::rules::{Found, Scene};

/// Operators both of whose sides have results, which never pair.
pub(super) fn never_match(scene: &Scene<'_>, history: &History<'_>) -> LiveFindings {
    let mut found = Vec::new();
    for rule in &scene.rules {
        let mut binaries = Vec::new();
        rule.rule.expr.walk(&mut |node, _| {
            if let Expr::Binary(binary) = node
                && binary.matching.as_ref().is_some_and(|matching| matching.fill.is_none())
                && binary.op != BinaryOp::Or
            {
                binaries.push(&**binary);
            }
        });
        for binary in binaries {
            let both = [&binary.lhs, &binary.rhs].map(|side| history.presence(&side.to_string()));
            let [Ok(lhs), Ok(rhs)] = both else {
                let failed = both.into_iter().find_map(Result::err);
                return Err(failed.expect("BUG: one of them failed"));
            };
            // Only times at which both have results tell anything.
            let together = lhs.iter().any(|time| rhs.binary_search(time).is_ok());
            if together && history.presence(&pairs(binary))?.is_empty() {
                let message = format!(
                    "both sides of `{}` have results, and none of their series pair",
                    binary.op.as_str()
                );
                let remedy = "say with on() or ignoring() which labels count";
                found.push(("sides-never-match", Found::in_expr(rule, binary.op_span, message, remedy)));
            }
        }
    }
    Ok(found)
}

/// The series on the left that have a partner.
fn pairs(binary: &BinaryExpr) -> String {
    let how = binary.matching.as_ref().map_or(String::new(), |matching| {
        let word = if matching.on { "on" } else { "ignoring" };
        format!("{word} ({})", matching.labels.join(", "))
    });
    format!("({}) and {how} ({})", binary.lhs, binary.rhs)
}
