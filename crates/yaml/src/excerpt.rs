use std::fmt::Write as _;

use crate::error::Error;

/// Longest part of a line that is shown.
const MAX_WIDTH: usize = 160;

impl Error {
    /// The problem with the line where it is and a mark under the place, for a terminal. `text` is the text of the file.
    ///
    /// The line is shown as it is and may hold a secret, so this is for the person who can read the file anyway, never for
    /// logs or the network.
    ///
    /// ```text
    /// prometheus.yml:2:3: yaml: unmarshal errors: field scrape_intervall not found in type config.plain; did you mean "scrape_interval"?
    ///   |
    /// 2 |   scrape_intervall: 15s
    ///   |   ^ global.scrape_intervall
    /// ```
    pub fn excerpt(&self, text: &str) -> String {
        let mut out = self.to_string();
        let Some(position) = self.position() else { return out };
        // Problems at the end of the text are one line behind it.
        let found = text.lines().nth(position.line as usize - 1).map(|line| (position, line));
        let Some((position, line)) = found else { return out };
        let number = position.line.to_string();
        let margin = " ".repeat(number.len());
        let line: String = line.chars().take(MAX_WIDTH).map(|c| if c == '\t' { ' ' } else { c }).collect();
        let indent = " ".repeat((position.column as usize - 1).min(MAX_WIDTH));
        let path = if self.path().is_empty() { String::new() } else { format!(" {}", self.path()) };
        write!(out, "\n{margin} |\n{number} | {line}\n{margin} | {indent}^{path}")
            .expect("BUG: writing to a string cannot fail");
        out
    }
}
