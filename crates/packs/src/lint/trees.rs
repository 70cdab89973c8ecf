//! Questions about PromQL trees.

use bellwether_promql::syntax::{BinaryOp, Expr};

/// A comparison with a number.
#[derive(Clone, Copy)]
pub(super) struct Comparison<'e> {
    /// What is compared.
    pub(super) what: &'e Expr,
    /// How.
    pub(super) op: BinaryOp,
    /// With what.
    pub(super) number: f64,
}

/// The comparisons with a number.
pub(super) fn comparisons(expr: &Expr) -> Vec<Comparison<'_>> {
    let mut all = Vec::new();
    expr.walk(&mut |node, _| {
        let Expr::Binary(binary) = node else { return };
        if let (true, Expr::Number(number)) = (binary.op.is_comparison(), binary.rhs.unparenthesised()) {
            let what = binary.lhs.unparenthesised();
            all.push(Comparison { what, op: binary.op, number: number.value });
        }
    });
    all
}

/// Whether series are divided by series.
pub(super) fn divides(expr: &Expr) -> bool {
    any(
        expr,
        |node| matches!(node, Expr::Binary(binary) if binary.op == BinaryOp::Div && !binary.rhs.selectors().is_empty()),
    )
}

/// Whether the function is called.
pub(super) fn calls(expr: &Expr, function: &str) -> bool {
    any(expr, |node| matches!(node, Expr::Call(call) if call.func.name == function))
}

/// Whether the operator occurs.
pub(super) fn has_operator(expr: &Expr, op: BinaryOp) -> bool {
    any(expr, |node| matches!(node, Expr::Binary(binary) if binary.op == op))
}

fn any(expr: &Expr, holds: impl Fn(&Expr) -> bool) -> bool {
    let mut found = false;
    expr.walk(&mut |node, _| found |= holds(node));
    found
}
