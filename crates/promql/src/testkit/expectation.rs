use bellwether_model::{AnchoredRegex, Labels, parse_duration_ms};

use super::script::{EvalTimes, Line, ScriptError};
use crate::syntax::{Expr, ParserOptions, SequenceValue, parse_expr, parse_series};

/// What must come out of a query.
#[derive(Debug, Default)]
pub(super) struct Expectation {
    pub(super) result: ExpectedResult,
    /// The query must fail, with a message that matches this.
    pub(super) fail: Option<Text>,
    pub(super) warnings: ExpectedAnnotations,
    pub(super) infos: ExpectedAnnotations,
    /// The order of the result is that of the lines.
    pub(super) ordered: bool,
}

#[derive(Debug)]
pub(super) enum ExpectedResult {
    Scalar(f64),
    String(String),
    /// Values by position; for an instant query there is one.
    Series(Vec<(Labels, Vec<SequenceValue>)>),
    /// The samples of a range vector: value number i belongs to `start_ms + i * step_ms`.
    RangeVector {
        start_ms: i64,
        step_ms: i64,
        end_ms: i64,
        series: Vec<(Labels, Vec<SequenceValue>)>,
    },
}

impl Default for ExpectedResult {
    fn default() -> Self {
        Self::Series(Vec::new())
    }
}

/// The annotations of one kind.
#[derive(Debug, Default)]
pub(super) struct ExpectedAnnotations {
    /// There must be none.
    pub(super) none: bool,
    /// There must be one that matches each of these, and each annotation must match one of these.
    pub(super) texts: Vec<Text>,
    /// There must be at least one, whatever it says; the old form.
    pub(super) at_least_one: bool,
}

/// A text that is compared.
#[derive(Debug)]
pub(super) enum Text {
    /// Whatever it says.
    Any,
    /// The whole text.
    Exact(String),
    /// A regular expression that finds something in it.
    Pattern(AnchoredRegex),
}

impl Text {
    pub(super) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(want) => want == text.trim(),
            Self::Pattern(pattern) => pattern.is_match(text),
        }
    }

    pub(super) fn describe(&self) -> String {
        match self {
            Self::Any => "anything".to_owned(),
            Self::Exact(want) => format!("{want:?}"),
            Self::Pattern(pattern) => format!("/{}/", pattern.pattern()),
        }
    }

    fn pattern(text: &str) -> Result<Self, String> {
        // The expression may match anywhere.
        AnchoredRegex::new(&format!("(?s:.*)(?:{text})(?s:.*)")).map(Self::Pattern).map_err(|e| e.to_string())
    }
}

/// Reads the lines behind an `eval` command. `command` tells the old forms.
pub(super) fn read_expectation(
    eval_line: usize,
    command: &str,
    times: EvalTimes,
    rest: &mut &[Line<'_>],
) -> Result<Expectation, ScriptError> {
    let mut expectation = Expectation::default();
    match command {
        "eval" => {}
        "eval_fail" => expectation.fail = Some(Text::Any),
        "eval_warn" => expectation.warnings.at_least_one = true,
        "eval_info" => expectation.infos.at_least_one = true,
        "eval_ordered" => expectation.ordered = true,
        other => return Err(ScriptError::new(eval_line, format!("invalid command {other:?}"))),
    }
    while let [line, after @ ..] = *rest {
        *rest = after;
        if line.text.is_empty() {
            break;
        }
        let last = read_line(line.text, times, &mut expectation)
            .map_err(|message| ScriptError::new(line.number, message))?;
        if last {
            break;
        }
    }
    for (name, annotations) in [("warn", &expectation.warnings), ("info", &expectation.infos)] {
        if annotations.none && !annotations.texts.is_empty() {
            let message = format!("\"expect {name}\" and \"expect no_{name}\" exclude each other");
            return Err(ScriptError::new(eval_line, message));
        }
    }
    Ok(expectation)
}

/// Reads one line; returns whether it ends the block.
fn read_line(line: &str, times: EvalTimes, expectation: &mut Expectation) -> Result<bool, String> {
    if let Some(rest) = line.strip_prefix("expect").filter(|rest| rest.starts_with([' ', '\t'])) {
        return read_expect(rest.trim(), times, expectation).map(|()| false);
    }
    if let Some(text) = line.strip_prefix("expected_fail_message") {
        expectation.fail = Some(Text::Exact(text.trim().to_owned()));
        return Ok(true);
    }
    if let Some(text) = line.strip_prefix("expected_fail_regexp") {
        expectation.fail = Some(Text::pattern(text.trim())?);
        return Ok(true);
    }
    if let Some(v) = read_number(line) {
        expectation.result = ExpectedResult::Scalar(v);
        return Ok(true);
    }
    let series = parse_series(line).map_err(|e| e.to_string())?;
    let list = match &mut expectation.result {
        ExpectedResult::Series(list) => {
            let instant = matches!(times, EvalTimes::Instant { .. });
            if instant && series.values.len() != 1 {
                return Err("expecting multiple values in instant evaluation not allowed".to_owned());
            }
            list
        }
        ExpectedResult::RangeVector { series: list, .. } => list,
        ExpectedResult::Scalar(_) | ExpectedResult::String(_) => {
            return Err("series cannot be expected beside a scalar or string".to_owned());
        }
    };
    if list.iter().any(|(labels, _)| *labels == series.labels) {
        return Err(format!("series {} is expected twice", series.labels));
    }
    list.push((series.labels, series.values));
    Ok(false)
}

fn read_expect(text: &str, times: EvalTimes, expectation: &mut Expectation) -> Result<(), String> {
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim();
    let compared = |rest: &str| -> Result<Text, String> {
        if rest.is_empty() {
            Ok(Text::Any)
        } else if let Some(text) = rest.strip_prefix("msg:") {
            Ok(Text::Exact(text.trim().to_owned()))
        } else if let Some(text) = rest.strip_prefix("regex:") {
            Text::pattern(text.trim())
        } else {
            Err(format!("expected \"msg:\" or \"regex:\", got {rest:?}"))
        }
    };
    match word {
        "fail" if expectation.fail.is_some() => Err("a query can fail only once".to_owned()),
        "fail" => {
            expectation.fail = Some(compared(rest)?);
            Ok(())
        }
        "warn" => {
            expectation.warnings.texts.push(compared(rest)?);
            Ok(())
        }
        "info" => {
            expectation.infos.texts.push(compared(rest)?);
            Ok(())
        }
        "no_warn" => {
            expectation.warnings.none = true;
            Ok(())
        }
        "no_info" => {
            expectation.infos.none = true;
            Ok(())
        }
        "ordered" if matches!(times, EvalTimes::Instant { .. }) => {
            expectation.ordered = true;
            Ok(())
        }
        "string" if matches!(times, EvalTimes::Instant { .. }) => {
            let Ok(Expr::String(literal)) = parse_expr(rest, &ParserOptions::default()) else {
                return Err(format!("expected a quoted string, got {rest}"));
            };
            expectation.result = ExpectedResult::String(literal.value.clone());
            Ok(())
        }
        "range" if matches!(times, EvalTimes::Instant { .. }) => {
            expectation.result = read_range_vector(rest)?;
            Ok(())
        }
        other => Err(format!("invalid expectation {other:?}")),
    }
}

/// Reads `vector from A to B step S`.
fn read_range_vector(text: &str) -> Result<ExpectedResult, String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let ["vector", "from", start, "to", end, "step", step] = words[..] else {
        return Err(format!("expected \"range vector from A to B step S\", got \"range {text}\""));
    };
    let ms = |text: &str| parse_duration_ms(text).map_err(|e| e.to_string());
    Ok(ExpectedResult::RangeVector {
        start_ms: ms(start)?,
        end_ms: ms(end)?,
        step_ms: ms(step)?,
        series: Vec::new(),
    })
}

/// A line that is nothing but a number, sign included.
fn read_number(line: &str) -> Option<f64> {
    let Ok(Expr::Number(number)) = parse_expr(line, &ParserOptions::default()) else { return None };
    Some(number.value)
}
