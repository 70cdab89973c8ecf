//! `bellwether promql`: expressions as text, without any server.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use bellwether_promql::syntax::{
    Explanation, Expr, NodeRole, ParseErrors, ParserOptions, TextSpan, explain, parse_expr, prettify,
};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::terminal::{caret, columns, fill, print, visible, width};

/// What can be done with an expression.
#[derive(Debug, Subcommand)]
pub(crate) enum PromqlCommand {
    /// Lay an expression out as `promtool promql format` does.
    Format {
        /// The expression.
        #[command(flatten)]
        source: Source,
    },
    /// Say in words what each part of an expression does.
    Explain {
        /// The expression.
        #[command(flatten)]
        source: Source,
        /// How to show the explanation.
        #[arg(long, value_name = "FORMAT", default_value = "text")]
        format: ExplainFormat,
    },
}

/// Where an expression comes from.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct Source {
    /// The expression; `-` reads it from standard input. Put `--` in front of one that starts with a minus sign.
    expr: Option<String>,
    /// A file that holds the expression.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

/// How an explanation is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExplainFormat {
    /// An indented list, for people.
    #[value(alias = "table")]
    Text,
    /// A tree with byte ranges, for programs.
    Json,
}

/// Runs one command.
pub(crate) fn promql(command: PromqlCommand) -> anyhow::Result<ExitCode> {
    match command {
        PromqlCommand::Format { source } => {
            let (_, expr) = read(source)?;
            print(&format!("{}\n", prettify(&expr)))?;
        }
        PromqlCommand::Explain { source, format } => {
            let (text, expr) = read(source)?;
            let explanation = explain(&expr);
            print(&match format {
                ExplainFormat::Text => as_text(&explanation, &text, width()),
                ExplainFormat::Json => format!("{}\n", as_json(&explanation, &text)),
            })?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn read(source: Source) -> anyhow::Result<(String, Expr)> {
    let text = match (source.file, source.expr.as_deref()) {
        (Some(file), _) => std::fs::read_to_string(&file).with_context(|| file.display().to_string())?,
        (None, Some("-") | None) => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
            text
        }
        (None, Some(expr)) => expr.to_owned(),
    };
    // Whether the experimental parts of the language are switched on is a server's affair.
    let expr = parse_expr(&text, &ParserOptions::all_enabled()).map_err(|errors| refusal(&errors))?;
    Ok((text, expr))
}

fn refusal(errors: &ParseErrors) -> anyhow::Error {
    let (line, column) = errors.first().span.line_column(errors.query());
    match caret(errors.query(), line, column) {
        Some(place) if !errors.query().is_empty() => anyhow!("{errors}\n{place}"),
        _ => anyhow!("{errors}"),
    }
}

/// One item for each node, indented below the node above it.
fn as_text(explanation: &Explanation, query: &str, width: usize) -> String {
    let mut out = String::new();
    push_item(&mut out, explanation, query, 0, width);
    out
}

fn push_item(out: &mut String, node: &Explanation, query: &str, level: usize, width: usize) {
    let indent = "  ".repeat(level);
    let role = match node.role {
        NodeRole::Left | NodeRole::Right | NodeRole::Parameter => format!("{}: ", node.role.as_str()),
        NodeRole::Query | NodeRole::Argument | NodeRole::Operand => String::new(),
    };
    let room = width.saturating_sub(columns(&indent) + 2).max(30);
    let text = part_text(node, query, room.saturating_sub(columns(&role)));
    out.extend([&indent, "- ", &role, &text, "\n"]);
    for line in fill(visible(&node.sentence).split(' '), " ", room) {
        out.extend([&indent, "  ", &line, "\n"]);
    }
    node.children.iter().for_each(|child| push_item(out, child, query, level + 1, width));
}

/// The text of a node on one line. If that is too long, what is said of the nodes below it anyway is left out.
fn part_text(node: &Explanation, query: &str, width: usize) -> String {
    /// Shorter parts than this are kept, as they tell more than they take.
    const SHORT: usize = 16;
    let whole = visible(&one_line(node.span.text(query)));
    if columns(&whole) <= width {
        return whole;
    }
    let (mut out, mut done) = (String::new(), node.span.start);
    for child in &node.children {
        let part = one_line(child.span.text(query));
        out.push_str(TextSpan { start: done, end: child.span.start }.text(query));
        out.push_str(if columns(&part) <= SHORT { &part } else { "…" });
        done = child.span.end;
    }
    out.push_str(TextSpan { start: done, end: node.span.end }.text(query));
    shortened(&visible(&one_line(&out)), width)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn shortened(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

fn as_json(node: &Explanation, query: &str) -> Value {
    json!({
        "start": node.span.start,
        "end": node.span.end,
        "text": node.span.text(query),
        "kind": node.kind.as_str(),
        "role": node.role.as_str(),
        "sentence": node.sentence,
        "children": node.children.iter().map(|child| as_json(child, query)).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explained(query: &str) -> Explanation {
        explain(&parse_expr(query, &ParserOptions::all_enabled()).expect("parses"))
    }

    #[test]
    fn explanations_are_lists() {
        let query = "sum(rate(hits_total[5m]))\n  > 10";
        assert_eq!(
            as_text(&explained(query), query, 60),
            "- sum(rate(hits_total[5m])) > 10\n\
             \u{20} Keeps the samples on the left that are greater than the\n\
             \u{20} number on the right.\n\
             \u{20} - left: sum(rate(hits_total[5m]))\n\
             \u{20}   The sum of the samples of each group; all series are one\n\
             \u{20}   group.\n\
             \u{20}   - rate(hits_total[5m])\n\
             \u{20}     The mean growth per second of a counter over the\n\
             \u{20}     window, extrapolated to its edges; resets are\n\
             \u{20}     accounted for.\n\
             \u{20}     - hits_total[5m]\n\
             \u{20}       The samples of the last 5 minutes of each series of\n\
             \u{20}       the metric hits_total.\n\
             \u{20} - right: 10\n\
             \u{20}   The number 10.\n"
        );
    }

    #[test]
    fn long_parts_are_shortened() {
        let check = |query: &str, want: &str| {
            let text = as_text(&explained(query), query, 40);
            assert_eq!(text.lines().next(), Some(want));
        };
        let long = "a".repeat(50);
        check(&format!("-{long}"), "- -…");
        check(&format!("b + sum by (x) ({long})"), "- b + …");
        check(&format!("topk(3, {long}) > 1"), "- … > 1");
        check(&format!("topk by (x) (3, {long})"), "- topk by (x) (3, …)");
        check(&long, &format!("- {}…", "a".repeat(37)));
    }

    #[test]
    fn explanations_are_trees() {
        let query = "-up";
        assert_eq!(
            as_json(&explained(query), query),
            json!({
                "start": 0, "end": 3, "text": "-up", "kind": "unaryExpr", "role": "query",
                "sentence": "Changes the sign of each sample.",
                "children": [{
                    "start": 1, "end": 3, "text": "up", "kind": "vectorSelector", "role": "operand",
                    "sentence": "The newest sample of each series of the metric up.", "children": [],
                }],
            })
        );
    }

    #[test]
    fn refusals_point_at_the_place() {
        let check = |query: &str, want: &str| {
            let errors = parse_expr(query, &ParserOptions::all_enabled()).expect_err(query);
            assert_eq!(refusal(&errors).to_string(), want);
        };
        check("sum(up", "1:7: parse error: unclosed left parenthesis\n    sum(up\n          ^");
        check("", "unknown position: parse error: no expression found in input");
    }
}
