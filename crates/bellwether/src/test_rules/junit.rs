use std::fmt::Write as _;

use super::Outcome;

/// A suite for each file, a case for each test, as the readers of JUnit's XML expect it. Times are not told: the tests have none of their own.
pub(super) fn document(outcomes: &[(String, Outcome)]) -> String {
    let mut xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n".to_owned();
    for (file, outcome) in outcomes {
        write_suite(&mut xml, file, outcome).expect("BUG: writing to a string cannot fail");
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn write_suite(xml: &mut String, file: &str, outcome: &Outcome) -> std::fmt::Result {
    let file = escaped(file);
    let report = match outcome {
        Ok(report) => report,
        Err(error) => {
            writeln!(xml, "  <testsuite name=\"{file}\" tests=\"1\" failures=\"0\" errors=\"1\">")?;
            writeln!(xml, "    <testcase classname=\"{file}\" name=\"{file}\">")?;
            writeln!(xml, "      <error message=\"{}\"/>", escaped(&error.to_string()))?;
            writeln!(xml, "    </testcase>\n  </testsuite>")?;
            return Ok(());
        }
    };
    let failed = report.outcomes.iter().filter(|outcome| !outcome.failures.is_empty()).count();
    let tests = report.outcomes.len();
    writeln!(xml, "  <testsuite name=\"{file}\" tests=\"{tests}\" failures=\"{failed}\" errors=\"0\">")?;
    for outcome in &report.outcomes {
        let name = if outcome.name.is_empty() {
            format!("test in line {}", outcome.position.line)
        } else {
            outcome.name.clone()
        };
        let name = escaped(&name);
        if outcome.failures.is_empty() {
            writeln!(xml, "    <testcase classname=\"{file}\" name=\"{name}\"/>")?;
            continue;
        }
        writeln!(xml, "    <testcase classname=\"{file}\" name=\"{name}\">")?;
        for failure in &outcome.failures {
            let (message, text) = (escaped(&failure.message), escaped(&failure.to_string()));
            writeln!(xml, "      <failure message=\"{message}\">{text}</failure>")?;
        }
        writeln!(xml, "    </testcase>")?;
    }
    writeln!(xml, "  </testsuite>")
}

/// For texts and attributes. Characters that XML cannot have at all become U+FFFD.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
