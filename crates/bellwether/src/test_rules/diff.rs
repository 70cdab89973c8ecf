use bellwether_rules::Mismatch;

use crate::terminal::{columns, visible};

/// Expected and found in two columns; lines in only one of them are marked. Lines that do not fit beside each other stand below each other.
pub(super) fn beside(mismatch: &Mismatch, width: usize) -> String {
    let lines = |lines: &[String]| -> Vec<String> { lines.iter().map(|line| visible(line)).collect() };
    let (expected, got) = (lines(&mismatch.expected), lines(&mismatch.got));
    let widest =
        expected.iter().chain(&got).map(|line| columns(line)).max().unwrap_or(0).max("expected".len());
    let rows = aligned(&expected, &got);
    if 2 * (widest + 6) > width {
        return below(&rows);
    }
    let mut text = format!("    {:<widest$}   | got\n", "expected");
    for (left, right) in rows {
        let mark = if left == right { ' ' } else { '!' };
        let (left, right) = (left.unwrap_or(""), right.unwrap_or(""));
        let pad = " ".repeat(widest - columns(left));
        text.push_str(format!("  {mark} {left}{pad}   | {right}").trim_end());
        text.push('\n');
    }
    text
}

/// As a patch: what both have, what is missing, what is too much.
fn below(rows: &[(Option<&str>, Option<&str>)]) -> String {
    let mut text = String::new();
    for (left, right) in rows {
        let marked = match (left, right) {
            (Some(left), Some(right)) if left == right => vec![(" ", *left)],
            (left, right) => {
                [left.map(|l| ("-", l)), right.map(|r| ("+", r))].into_iter().flatten().collect()
            }
        };
        for (mark, line) in marked {
            text.extend(["    ", mark, " ", line, "\n"]);
        }
    }
    text
}

/// Equal lines beside each other, then the others in order. Neither side has an order that matters.
fn aligned<'l>(expected: &'l [String], got: &'l [String]) -> Vec<(Option<&'l str>, Option<&'l str>)> {
    let mut left: Vec<&str> = got.iter().map(String::as_str).collect();
    let (mut rows, mut missing) = (Vec::new(), Vec::new());
    for line in expected {
        match left.iter().position(|other| other == line) {
            Some(at) => {
                left.remove(at);
                rows.push((Some(line.as_str()), Some(line.as_str())));
            }
            None => missing.push(line.as_str()),
        }
    }
    for row in 0..missing.len().max(left.len()) {
        rows.push((missing.get(row).copied(), left.get(row).copied()));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mismatch() -> Mismatch {
        let lines = |lines: &[&str]| lines.iter().map(|&line| line.to_owned()).collect();
        Mismatch { expected: lines(&["a 1", "b 2"]), got: lines(&["b 2", "a 3", "c 4"]) }
    }

    #[test]
    fn equal_lines_stand_beside_each_other() {
        let want = "    expected   | got\n    b 2        | b 2\n  ! a 1        | a 3\n  !            | c 4\n";
        assert_eq!(beside(&mismatch(), 80), want);
    }

    #[test]
    fn long_lines_stand_below_each_other() {
        assert_eq!(beside(&mismatch(), 20), "      b 2\n    - a 1\n    + a 3\n    + c 4\n");
    }
}
