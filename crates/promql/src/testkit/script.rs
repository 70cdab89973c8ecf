use bellwether_model::parse_duration_ms;

use super::expectation::{Expectation, read_expectation};
use super::load::{Load, read_load};

/// A script cannot be run from a certain line on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct ScriptError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

impl ScriptError {
    pub(super) fn new(line: usize, message: impl Into<String>) -> Self {
        Self { line, message: message.into() }
    }
}

/// One thing that a script asks for.
#[derive(Debug)]
pub(super) enum Command {
    /// Throw everything away.
    Clear,
    Load(Load),
    Eval(Box<Eval>),
}

/// A query and what must come out.
#[derive(Debug)]
pub(super) struct Eval {
    /// The line of the command, counted from 1.
    pub(super) line: usize,
    pub(super) query: String,
    pub(super) times: EvalTimes,
    pub(super) expectation: Expectation,
}

/// When a query is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EvalTimes {
    Instant { ts_ms: i64 },
    Range { start_ms: i64, end_ms: i64, step_ms: i64 },
}

/// A line without surrounding blanks, and its number counted from 1. Comments are empty lines.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'a> {
    pub(super) number: usize,
    pub(super) text: &'a str,
}

/// Reads a script. What cannot be understood ends it.
pub(super) fn read_script(text: &str) -> Result<Vec<Command>, ScriptError> {
    let lines: Vec<Line<'_>> = text
        .split('\n')
        .enumerate()
        .map(|(idx, text)| {
            let text = text.trim();
            Line { number: idx + 1, text: if text.starts_with('#') { "" } else { text } }
        })
        .collect();
    let mut commands = Vec::new();
    let mut rest = lines.as_slice();
    while let [first, after @ ..] = rest {
        rest = after;
        if first.text.is_empty() {
            continue;
        }
        let word = first.text.to_ascii_lowercase();
        if word.starts_with("clear") {
            commands.push(Command::Clear);
        } else if word.starts_with("load") {
            let block = take_block(&mut rest);
            commands.push(Command::Load(read_load(*first, block)?));
        } else if word.starts_with("eval") {
            commands.push(Command::Eval(Box::new(read_eval(*first, &mut rest)?)));
        } else {
            return Err(ScriptError::new(first.number, format!("invalid command {:?}", first.text)));
        }
    }
    Ok(commands)
}

/// The lines up to the next empty one.
fn take_block<'a, 'l>(rest: &mut &'a [Line<'l>]) -> &'a [Line<'l>] {
    let n = rest.iter().position(|line| line.text.is_empty()).unwrap_or(rest.len());
    let (block, after) = rest.split_at(n);
    *rest = after;
    block
}

fn read_eval(first: Line<'_>, rest: &mut &[Line<'_>]) -> Result<Eval, ScriptError> {
    let refuse = |message: String| ScriptError::new(first.number, message);
    let mut words = Words(first.text);
    let command = words.next();
    let times = match words.next() {
        "instant" => {
            words.expect("at").map_err(refuse)?;
            EvalTimes::Instant { ts_ms: time(words.next()).map_err(refuse)? }
        }
        "range" => {
            let mut part = |word: &str| {
                words.expect(word)?;
                time(words.next())
            };
            let start_ms = part("from").map_err(refuse)?;
            let end_ms = part("to").map_err(refuse)?;
            let step_ms = part("step").map_err(refuse)?;
            if end_ms < start_ms || step_ms <= 0 {
                let message = "invalid range: the end must not be before the start, the step not zero";
                return Err(refuse(message.to_owned()));
            }
            EvalTimes::Range { start_ms, end_ms, step_ms }
        }
        other => return Err(refuse(format!("expected \"instant\" or \"range\", got {other:?}"))),
    };
    let query = words.0.to_owned();
    if query.is_empty() {
        return Err(refuse("there is no query".to_owned()));
    }
    let expectation = read_expectation(first.number, &command.to_ascii_lowercase(), times, rest)?;
    Ok(Eval { line: first.number, query, times, expectation })
}

/// Splits off blank-separated words.
struct Words<'a>(&'a str);

impl<'a> Words<'a> {
    fn next(&mut self) -> &'a str {
        let end = self.0.find(char::is_whitespace).unwrap_or(self.0.len());
        let (word, after) = self.0.split_at(end);
        self.0 = after.trim_start();
        word
    }

    fn expect(&mut self, word: &str) -> Result<(), String> {
        match self.next() {
            got if got == word => Ok(()),
            got => Err(format!("expected {word:?}, got {got:?}")),
        }
    }
}

/// A time as an offset from the epoch.
fn time(text: &str) -> Result<i64, String> {
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(unsigned) => (-1, unsigned),
        None => (1, text),
    };
    parse_duration_ms(unsigned).map(|ms| sign * ms).map_err(|e| format!("invalid time {text:?}: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_commands() {
        let script =
            "clear\n  # note\nload 5m\n  a 1 2\n  b 3\n\nEVAL instant at 1m  a + b\n  {} 5\n\nclear # x\n";
        let commands = read_script(script).expect("reads");
        let kinds =
            matches!(&commands[..], [Command::Clear, Command::Load(_), Command::Eval(_), Command::Clear]);
        assert!(kinds, "{commands:?}");
        let Command::Eval(eval) = &commands[2] else { panic!("an eval") };
        assert_eq!((eval.line, eval.query.as_str()), (7, "a + b"));
        assert_eq!(eval.times, EvalTimes::Instant { ts_ms: 60_000 });
    }

    #[test]
    fn tells_where_it_fails() {
        let check = |script: &str, want: &str| {
            assert_eq!(read_script(script).map(|_| ()).map_err(|e| e.to_string()), Err(want.to_owned()));
        };
        check("\nfoo", "line 2: invalid command \"foo\"");
        check("eval at 5m x", "line 1: expected \"instant\" or \"range\", got \"at\"");
        check("eval instant at x y", "line 1: invalid time \"x\": not a valid duration string: \"x\"");
        check("eval range from 0 to 5m x", "line 1: expected \"step\", got \"x\"");
        check("eval instant at 5m", "line 1: there is no query");
        check("load 5m\n a{ 1", "line 2: 1:4: parse error: unexpected character inside braces: '1'");
        check(
            "eval instant at 1m x\n expect info msg: a\n expect no_info",
            "line 1: \"expect info\" and \"expect no_info\" exclude each other",
        );
    }
}
