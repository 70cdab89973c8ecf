use super::ast::Expr;
use super::print::{AggregationHead, Operator, SubqueryTail};

/// Expressions up to this many bytes stay on one line.
const MAX_LINE: usize = 100;
const INDENT: &str = "  ";

/// Lays a query out over several lines, as `promtool promql format` does.
///
/// What fits into 100 columns stays on one line; anything longer has each operand, argument and operator on lines of its own,
/// indented by two blanks per level. Selectors and literals are never split.
pub fn prettify(expr: &Expr) -> String {
    let mut out = String::new();
    push(&mut out, expr, 0);
    out
}

fn push(out: &mut String, expr: &Expr, level: usize) {
    let line = expr.to_string();
    let fits = line.len() <= MAX_LINE;
    match expr {
        // Prometheus forgets to indent these; the sign goes in front of the indented rest.
        Expr::Subquery(_) if fits => out.push_str(&line),
        Expr::Subquery(subquery) => {
            push(out, &subquery.expr, level);
            out.push_str(&SubqueryTail(subquery).to_string());
        }
        Expr::Unary(unary) => {
            indent(out, level);
            out.push_str(unary.op.as_str());
            let mut operand = String::new();
            push(&mut operand, &unary.expr, level);
            out.push_str(operand.trim());
        }
        Expr::Binary(binary) if !fits => {
            push(out, &binary.lhs, level + 1);
            out.push('\n');
            indent(out, level);
            out.push_str(&Operator(binary).to_string());
            out.push('\n');
            push(out, &binary.rhs, level + 1);
        }
        Expr::Aggregate(aggregate) if !fits => {
            let args = aggregate.param.iter().chain([&aggregate.expr]);
            push_arguments(out, &AggregationHead(aggregate).to_string(), args, level);
        }
        Expr::Call(call) if !fits => push_arguments(out, call.func.name, &call.args, level),
        Expr::Paren(paren) if !fits => push_arguments(out, "", [&paren.expr], level),
        Expr::Binary(_)
        | Expr::Aggregate(_)
        | Expr::Call(_)
        | Expr::Paren(_)
        | Expr::Number(_)
        | Expr::String(_)
        | Expr::Vector(_)
        | Expr::Matrix(_) => {
            indent(out, level);
            out.push_str(&line);
        }
    }
}

/// `head(`, then each argument on a line, then `)`.
fn push_arguments<'a>(out: &mut String, head: &str, args: impl IntoIterator<Item = &'a Expr>, level: usize) {
    indent(out, level);
    out.push_str(head);
    out.push_str("(\n");
    for (idx, arg) in args.into_iter().enumerate() {
        out.push_str(if idx > 0 { ",\n" } else { "" });
        push(out, arg, level + 1);
    }
    out.push('\n');
    indent(out, level);
    out.push(')');
}

fn indent(out: &mut String, level: usize) {
    for _ in 0..level {
        out.push_str(INDENT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::{ParserOptions, parse_expr};

    #[test]
    fn splits_what_is_longer_than_a_line() {
        let check = |query: &str, want: &str| {
            let expr = parse_expr(query, &ParserOptions::all_enabled()).expect("parses");
            let pretty = prettify(&expr);
            assert_eq!(pretty, want);
            let again = parse_expr(&pretty, &ParserOptions::all_enabled()).expect("parses");
            assert_eq!(again.to_string(), expr.to_string());
        };
        check("sum by(job) ( rate(a[5m]) )", "sum by (job) (rate(a[5m]))");
        let long = "a_metric_with_a_name_that_fills_a_good_part_of_the_line_and_more";
        check(
            &format!("sum by(job) (rate({long}[5m])) / on(job) group_left {long}"),
            &format!("  sum by (job) (rate({long}[5m]))\n/ on (job) group_left ()\n  {long}"),
        );
        check(
            &format!(
                "topk(5, sum without(a) (label_replace({long}, \"a_new_label\", \"$1\", \"an_old_label\", \"(.*)\")))"
            ),
            &format!(
                "topk(\n  5,\n  sum without (a) (\n    label_replace(\n      {long},\n      \"a_new_label\",\n      \"$1\",\n      \"an_old_label\",\n      \"(.*)\"\n    )\n  )\n)"
            ),
        );
        check(
            &format!("-(max_over_time(({long} or {long})[1h:5m]) > bool 1)"),
            &format!(
                "-(\n    max_over_time(\n      (\n          {long}\n        or\n          {long}\n      )[1h:5m]\n    )\n  > bool\n    1\n)"
            ),
        );
    }
}
