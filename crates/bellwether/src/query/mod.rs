//! `bellwether query`: questions to a running server, shown as tables.

mod analyze;
mod answer;
mod api;
mod args;
mod label_columns;
mod render;
mod sparkline;
pub(crate) mod table;
mod time_argument;

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use bellwether_model::{Clock as _, Labels, SystemClock, format_duration_ms, is_legacy_label_name};
use bellwether_promql::syntax::{AggregateOp, Expr, ParserOptions, parse_expr};
use serde_json::Value;

pub(crate) use api::{Api, http_client};
pub(crate) use args::{Format, QueryCommand, WhomArgs, positive_duration, server_url};

use crate::runtime::block_on;
use crate::terminal::{print, visible, width};
use analyze::analyze;
use answer::{QueryResult, Stream, labels, read_result};
use api::Params;
use args::{AskArgs, WindowArgs};
use render::{RangeOfQuery, instant_table, plain, range_table, series_table};
use time_argument::{Step, TimeArgument, api_seconds};

/// The exit code of a command line that cannot be meant.
const USAGE: u8 = 2;

/// Runs one question.
pub(crate) fn query(command: QueryCommand) -> anyhow::Result<ExitCode> {
    block_on(async move {
        let now_ms = SystemClock::new().now_ms();
        match command {
            QueryCommand::Instant { expr, time, common } => instant(expr, time, now_ms, &common).await,
            QueryCommand::Range { expr, start, end, step, common } => {
                let end_ms = end.resolve(now_ms);
                let start_ms = start.map_or(end_ms.saturating_sub(3_600_000), |start| start.resolve(now_ms));
                range(expr, (start_ms, end_ms), step, &common).await
            }
            QueryCommand::Series { matches, window, common } => {
                series(listing(matches, &window, now_ms), &common).await
            }
            QueryCommand::Labels { name, matches, window, common } => {
                label_list(name.as_deref(), listing(matches, &window, now_ms), &common).await
            }
            QueryCommand::Analyze { kind: _, matches, duration, time, common } => {
                let time = time.map(|time| time.resolve(now_ms));
                let duration = format_duration_ms(duration.as_millis() as i64);
                bucket_use(&matches, &duration, time, &common).await
            }
        }
    })
}

async fn instant(
    expr: String,
    time: Option<TimeArgument>,
    now_ms: i64,
    common: &AskArgs,
) -> anyhow::Result<ExitCode> {
    let ordered = is_ordered(&expr);
    let mut params: Params = vec![("query", expr)];
    params.extend(time.map(|time| ("time", api_seconds(time.resolve(now_ms)))));
    let data = Api::new(&common.whom)?.ask(&["query"], &params).await?;
    show(common.format, &data, |mut result| {
        if let QueryResult::Vector(series) = &mut result
            && !ordered
        {
            series.sort_by(|a, b| a.labels.cmp(&b.labels));
        }
        instant_table(&result, width())
    })
}

/// Whether the order of the result is part of the answer.
fn is_ordered(expr: &str) -> bool {
    match parse_expr(expr, &ParserOptions::all_enabled()) {
        Ok(expr) => match expr.unparenthesised() {
            Expr::Call(call) => call.func.name.starts_with("sort"),
            Expr::Aggregate(aggregate) => matches!(aggregate.op, AggregateOp::TopK | AggregateOp::BottomK),
            _ => false,
        },
        // The server knows a language that is not known here.
        Err(_) => true,
    }
}

async fn range(
    expr: String,
    (start_ms, end_ms): (i64, i64),
    step: Option<Step>,
    common: &AskArgs,
) -> anyhow::Result<ExitCode> {
    if end_ms < start_ms {
        writeln!(std::io::stderr(), "bellwether: --end lies before --start")?;
        return Ok(ExitCode::from(USAGE));
    }
    let step = step.unwrap_or_else(|| Step::for_range(end_ms.saturating_sub(start_ms)));
    let params: Params = vec![
        ("query", expr),
        ("start", api_seconds(start_ms)),
        ("end", api_seconds(end_ms)),
        ("step", api_seconds(step.0)),
    ];
    let data = Api::new(&common.whom)?.ask(&["query_range"], &params).await?;
    let range = RangeOfQuery { start_ms, end_ms, step: Some(step.to_string()) };
    show(common.format, &data, |result| range_table(&result, &range, width()))
}

/// Shows the result of a query.
fn show(format: Format, data: &Value, table: impl FnOnce(QueryResult) -> String) -> anyhow::Result<ExitCode> {
    match format {
        Format::Json => print(&format!("{data}\n"))?,
        Format::Table => print(&table(read_result(data)?))?,
        Format::Plain => print(&plain(&read_result(data)?))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The parameters of a listing.
fn listing(matches: Vec<String>, window: &WindowArgs, now_ms: i64) -> Params {
    let time = |time: TimeArgument| api_seconds(time.resolve(now_ms));
    let mut params: Params = matches.into_iter().map(|selector| ("match[]", selector)).collect();
    params.extend(window.start.map(|start| ("start", time(start))));
    params.extend(window.end.map(|end| ("end", time(end))));
    params.extend(window.limit.map(|limit| ("limit", limit.to_string())));
    params
}

async fn series(params: Params, common: &AskArgs) -> anyhow::Result<ExitCode> {
    let data = Api::new(&common.whom)?.ask(&["series"], &params).await?;
    let series = || -> anyhow::Result<Vec<Labels>> {
        let list = data.as_array().context("the answer has no list of series")?;
        Ok(list.iter().map(labels).collect())
    };
    print(&match common.format {
        Format::Json => format!("{data}\n"),
        Format::Table => series_table(&series()?, width()),
        Format::Plain => lines(series()?.iter().map(ToString::to_string)),
    })?;
    Ok(ExitCode::SUCCESS)
}

async fn label_list(name: Option<&str>, params: Params, common: &AskArgs) -> anyhow::Result<ExitCode> {
    let api = Api::new(&common.whom)?;
    let data = match name {
        None => api.ask(&["labels"], &params).await?,
        Some(name) => api.ask(&["label", &name_in_path(name), "values"], &params).await?,
    };
    if common.format == Format::Json {
        print(&format!("{data}\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let list = data.as_array().context("the answer has no list")?;
    let texts = list.iter().filter_map(Value::as_str);
    print(&match common.format {
        Format::Plain => lines(texts.map(str::to_owned)),
        Format::Table | Format::Json => lines(texts.map(visible)),
    })?;
    Ok(ExitCode::SUCCESS)
}

fn lines(texts: impl Iterator<Item = String>) -> String {
    texts.flat_map(|text| [text, "\n".to_owned()]).collect()
}

/// A label name as it stands in the path of a request: what is no plain word is escaped as Prometheus does.
fn name_in_path(name: &str) -> String {
    if is_legacy_label_name(name) {
        return name.to_owned();
    }
    let mut out = "U__".to_owned();
    for c in name.chars() {
        match c {
            '_' => out.push_str("__"),
            c if c.is_ascii_alphanumeric() => out.push(c),
            c => out.extend(["_", &format!("{:x}", u32::from(c)), "_"]),
        }
    }
    out
}

async fn bucket_use(
    matches: &[String],
    duration: &str,
    time: Option<i64>,
    common: &AskArgs,
) -> anyhow::Result<ExitCode> {
    let api = Api::new(&common.whom)?;
    let mut streams: Vec<Stream> = Vec::new();
    for selector in matches {
        let mut params: Params = vec![("query", format!("{selector}[{duration}]"))];
        params.extend(time.map(|ts_ms| ("time", api_seconds(ts_ms))));
        let data = api.ask(&["query"], &params).await?;
        let QueryResult::Matrix(found) = read_result(&data)? else {
            bail!("{selector} selects no samples of series")
        };
        // A series that two selectors match counts once.
        let known: std::collections::HashSet<String> = streams.iter().map(|s| s.labels.to_string()).collect();
        streams.extend(found.into_iter().filter(|stream| !known.contains(&stream.labels.to_string())));
    }
    let found = analyze(&streams);
    let mut err = std::io::stderr().lock();
    if found.too_short > 0 {
        writeln!(
            err,
            "info: {} histograms have fewer than two complete scrapes in {duration}",
            found.too_short
        )?;
    }
    if found.others > 0 {
        writeln!(
            err,
            "info: {} series belong to no histogram; select the _bucket series of classic histograms",
            found.others
        )?;
    }
    print(&match common.format {
        Format::Json => format!("{}\n", analyze::to_json(&found.histograms)),
        Format::Table => analyze::table(&found.histograms, width()),
        Format::Plain => analyze::plain(&found.histograms),
    })?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_that_was_asked_for_is_kept() {
        let check = |expr: &str, want| assert_eq!(is_ordered(expr), want, "{expr}");
        check("sort_desc(up)", true);
        check("(sort_by_label(up, \"job\"))", true);
        check("topk by (job) (3, up)", true);
        check("sum(topk(3, up))", false);
        check("up", false);
        check("from the future(up)", true);
    }

    #[test]
    fn names_in_paths() {
        let check = |name: &str, want: &str| assert_eq!(name_in_path(name), want);
        check("job", "job");
        check("http.status_code", "U__http_2e_status__code");
        check("ö/", "U___f6__2f_");
    }
}
