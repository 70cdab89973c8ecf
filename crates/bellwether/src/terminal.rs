//! Text for people in front of a terminal: how wide it is, what may be shown there, and where lines break.

use std::io::Write as _;

use rustix::termios::tcgetwinsize;

/// How many columns there are if neither the environment nor a terminal says so.
const DEFAULT_WIDTH: usize = 110;
/// Narrower than this, lines are rather broken by the terminal.
const MIN_WIDTH: usize = 40;

/// How many columns a line may have: `COLUMNS`, else the width of the terminal, else 110.
pub(crate) fn width() -> usize {
    let terminal = tcgetwinsize(std::io::stdout()).ok().map(|size| usize::from(size.ws_col));
    width_from(std::env::var("COLUMNS").ok().as_deref(), terminal)
}

fn width_from(columns: Option<&str>, terminal: Option<usize>) -> usize {
    let said = columns.and_then(|text| text.trim().parse().ok());
    let usable = |width: &usize| *width > 0;
    said.filter(usable).or(terminal.filter(usable)).unwrap_or(DEFAULT_WIDTH).max(MIN_WIDTH)
}

/// Writes to standard output. A reader that has seen enough (`| head`) is no failure.
pub(crate) fn print(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

/// How many columns a text takes.
pub(crate) fn columns(text: &str) -> usize {
    text.chars().count()
}

/// The text without anything that a terminal obeys: control characters and marks that turn the direction of writing are spelled out.
pub(crate) fn visible(text: &str) -> String {
    let hidden = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if hidden(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// As [`visible`], with the line breaks kept.
pub(crate) fn visible_lines(text: &str) -> String {
    text.split('\n').map(visible).collect::<Vec<_>>().join("\n")
}

/// Puts pieces into lines of at most `width` columns, each piece whole.
pub(crate) fn fill<'a>(
    pieces: impl IntoIterator<Item = &'a str>,
    separator: &str,
    width: usize,
) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for piece in pieces {
        match lines.last_mut() {
            Some(line) if columns(line) + columns(separator) + columns(piece) <= width => {
                line.push_str(separator);
                line.push_str(piece);
            }
            Some(line) => {
                line.push_str(separator.trim_end());
                lines.push(piece.to_owned());
            }
            None => lines.push(piece.to_owned()),
        }
    }
    lines
}

/// The line of `text` that holds a position and a caret below it; line and column count from 1, columns in bytes.
pub(crate) fn caret(text: &str, line: usize, column: usize) -> Option<String> {
    let shown = text.split('\n').nth(line.checked_sub(1)?)?;
    let before = shown.get(..column.checked_sub(1)?.min(shown.len()))?;
    let shift = columns(&visible(before));
    Some(format!("    {}\n    {}^", visible(shown), " ".repeat(shift)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_wins_over_the_terminal() {
        let check = |columns, terminal, want| assert_eq!(width_from(columns, terminal), want);
        check(None, None, 110);
        check(None, Some(0), 110);
        check(None, Some(80), 80);
        check(Some("132"), Some(80), 132);
        check(Some("wide"), Some(80), 80);
        check(Some("0"), None, 110);
        check(Some("3"), None, 40);
    }

    #[test]
    fn what_a_terminal_obeys_is_spelled_out() {
        assert_eq!(visible("plain ö"), "plain ö");
        assert_eq!(visible("a\u{1b}[31m\nb\u{202e}"), "a\\u{1b}[31m\\nb\\u{202e}");
        assert_eq!(visible_lines("a\u{7}\nb"), "a\\u{7}\nb");
    }

    #[test]
    fn pieces_stay_whole() {
        assert_eq!(fill(["aa", "bb", "cc"], ", ", 6), ["aa, bb,", "cc"]);
        assert_eq!(fill(["a-long-piece", "b"], " ", 5), ["a-long-piece", "b"]);
        assert!(fill([], " ", 5).is_empty());
    }

    #[test]
    fn the_caret_stands_below() {
        assert_eq!(caret("sum(x", 1, 6).as_deref(), Some("    sum(x\n         ^"));
        assert_eq!(caret("ö +\n  x y", 2, 5).as_deref(), Some("      x y\n        ^"));
        assert_eq!(caret("ö+", 1, 3).as_deref(), Some("    ö+\n     ^"));
        assert_eq!(caret("a\tb)", 1, 4).as_deref(), Some("    a\\tb)\n        ^"));
        assert_eq!(caret("x", 3, 1), None);
        assert_eq!(caret("x", 1, 99).as_deref(), Some("    x\n     ^"));
    }
}
