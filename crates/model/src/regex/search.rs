use regex_automata::{Input, meta};

use super::{Bounded, RegexError, build, expand_template, go_to_rust_pattern};

/// A compiled regular expression that matches anywhere in a string, as the functions of templates use it. A dot does not match a line feed.
#[derive(Debug, Clone)]
pub struct SearchRegex {
    automaton: meta::Regex,
}

impl SearchRegex {
    /// Compiles `pattern`, which has Go's RE2 syntax.
    pub fn new(pattern: &str) -> Result<Self, RegexError> {
        let automaton = build(&go_to_rust_pattern(pattern)?, pattern)?;
        Ok(Self { automaton })
    }

    /// Whether it matches somewhere in `s`.
    pub fn is_match(&self, s: &str) -> bool {
        self.automaton.is_match(s)
    }

    /// `s` with all that matches replaced by `template`, in which `$1` and its like stand for what the groups matched; see [`AnchoredRegex::expand`].
    /// `None` if the result would have more than `max_bytes`.
    ///
    /// ```
    /// let regex = bellwether_model::SearchRegex::new("a(b*)").unwrap();
    /// assert_eq!(regex.replace_all("abb-a", "<$1>", 100).as_deref(), Some("<bb>-<>"));
    /// ```
    pub fn replace_all(&self, s: &str, template: &str, max_bytes: usize) -> Option<String> {
        let mut captures = self.automaton.create_captures();
        let mut text = String::new();
        let mut out = Bounded { out: &mut text, max_bytes };
        let mut at = 0;
        for found in self.automaton.find_iter(s) {
            self.automaton.captures(Input::new(s).range(found.range()), &mut captures);
            out.push_str(&s[at..found.start()])?;
            expand_template(template, s, &captures, &mut out)?;
            at = found.end();
        }
        out.push_str(&s[at..])?;
        Some(text)
    }
}
