//! Regular expressions as Prometheus' users write them: Go's RE2 syntax, anchored at both ends, `.` matches a newline.
//!
//! The pattern is translated into the syntax of the `regex-syntax` crate. Both are RE2 descendants and differ in details
//! that would silently change what matches (`\d` is ASCII in Go and Unicode here, `[a&&b]` is an intersection here, ...), so
//! the translator reads the pattern as Go's `regexp/syntax` does, reports Go's errors, and writes every construct
//! in a form that means the same here.

mod search;

use std::fmt::{self, Write as _};
use std::sync::{Arc, OnceLock};

use regex_automata::meta;
use regex_automata::util::captures::Captures;
use regex_automata::{Anchored, Input};
use regex_syntax::hir::literal::{ExtractKind, Extractor};

pub use search::SearchRegex;

/// Repetition counts above this are refused, as in Go.
const MAX_REPEAT: u32 = 1000;
/// Nesting of groups above this is refused; Go's limit.
const MAX_DEPTH: usize = 1000;
/// Compiled automata above this size are refused.
const NFA_SIZE_LIMIT: usize = 10 << 20;
/// The classes that may stand as `[:name:]` inside a class.
const POSIX_CLASSES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
    "upper", "word", "xdigit",
];
/// Patterns that stand for at most this many strings are matched by comparing strings.
const MAX_SET: usize = 256;

/// Why a pattern is not a regular expression; the text is that of Go.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("error parsing regexp: {message}")]
pub struct RegexError {
    message: String,
}

impl RegexError {
    fn new(what: &str, fragment: &str) -> Self {
        Self { message: format!("{what}: `{fragment}`") }
    }
}

/// What came of [`AnchoredRegex::expand_within`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expansion {
    /// The text does not match.
    NoMatch,
    /// The result is there.
    Done,
    /// The result would be too long; what is there is only its beginning.
    TooLong,
}

/// A compiled regular expression that matches whole strings only. A clone shares what was compiled.
#[derive(Clone)]
pub struct AnchoredRegex {
    compiled: Arc<Compiled>,
}

struct Compiled {
    pattern: String,
    /// The pattern in the syntax of `regex-syntax`, anchored.
    translated: String,
    shortcut: Shortcut,
    automaton: OnceLock<meta::Regex>,
}

/// What can be decided without running the automaton.
enum Shortcut {
    /// `.*`: every string.
    All,
    /// `.+`: every string but the empty one.
    NonEmpty,
    /// The pattern stands for exactly these strings, sorted.
    Set(Vec<String>),
    /// Every match starts and ends with these.
    Ends { prefix: String, suffix: String },
}

impl AnchoredRegex {
    /// Compiles `pattern`, which has Go's RE2 syntax.
    pub fn new(pattern: &str) -> Result<Self, RegexError> {
        let inner = go_to_rust_pattern(pattern)?;
        let translated = format!(r"\A(?s:{inner})\z");
        let shortcut = match pattern {
            ".*" => Shortcut::All,
            ".+" => Shortcut::NonEmpty,
            _ => analyse(&inner)?,
        };
        let automaton = OnceLock::new();
        let compiled = Compiled { pattern: pattern.to_owned(), translated, shortcut, automaton };
        let regex = Self { compiled: Arc::new(compiled) };
        if matches!(regex.compiled.shortcut, Shortcut::Ends { .. }) {
            // Only these ever need the automaton for matching; build it now so that errors appear now.
            let _ = regex.compiled.automaton.set(regex.compile()?);
        }
        Ok(regex)
    }

    /// The pattern as it was written.
    pub fn pattern(&self) -> &str {
        &self.compiled.pattern
    }

    /// Whether the whole of `s` matches.
    pub fn is_match(&self, s: &str) -> bool {
        match &self.compiled.shortcut {
            Shortcut::All => true,
            Shortcut::NonEmpty => !s.is_empty(),
            Shortcut::Set(set) => set.binary_search_by(|x| x.as_str().cmp(s)).is_ok(),
            Shortcut::Ends { prefix, suffix } => {
                s.starts_with(prefix.as_str())
                    && s.ends_with(suffix.as_str())
                    && self.automaton().is_match(Input::new(s).anchored(Anchored::Yes))
            }
        }
    }

    /// Roughly the memory that it takes, in bytes. A short pattern with repetitions can take megabytes.
    pub fn memory_bytes(&self) -> usize {
        let automaton = self.compiled.automaton.get().map_or(0, meta::Regex::memory_usage);
        self.compiled.pattern.len() + self.compiled.translated.len() + automaton
    }

    /// The strings that match, sorted, if they are few enough to be listed.
    pub fn set_matches(&self) -> Option<&[String]> {
        match &self.compiled.shortcut {
            Shortcut::Set(set) => Some(set),
            _ => None,
        }
    }

    /// A string with which every match starts; may be empty.
    pub fn prefix(&self) -> &str {
        match &self.compiled.shortcut {
            Shortcut::Ends { prefix, .. } => prefix,
            _ => "",
        }
    }

    /// Whether every string matches.
    pub fn matches_all(&self) -> bool {
        matches!(self.compiled.shortcut, Shortcut::All)
    }

    /// If the whole of `s` matches, writes `template` to `out` with `$1`, `${1}`, `$name` and `${name}` replaced by what the groups matched
    /// (Go's `Regexp.Expand`: unknown groups are empty, `$$` is a dollar, a name is as long as possible), and returns true.
    pub fn expand(&self, s: &str, template: &str, out: &mut String) -> bool {
        self.expand_within(s, template, usize::MAX, out) == Expansion::Done
    }

    /// Like [`expand`](Self::expand), but gives up before `out` has more than `max_bytes`: who writes the template chooses how often a group is
    /// repeated, so the result may be much longer than all that went in.
    pub fn expand_within(&self, s: &str, template: &str, max_bytes: usize, out: &mut String) -> Expansion {
        let automaton = self.automaton();
        let mut captures = automaton.create_captures();
        automaton.captures(Input::new(s).anchored(Anchored::Yes), &mut captures);
        if !captures.is_match() {
            return Expansion::NoMatch;
        }
        let mut out = Bounded { out, max_bytes };
        match expand_template(template, s, &captures, &mut out) {
            Some(()) => Expansion::Done,
            None => Expansion::TooLong,
        }
    }

    fn automaton(&self) -> &meta::Regex {
        self.compiled.automaton.get_or_init(|| {
            self.compile().expect("BUG: a pattern that stands for a few strings compiles, checked in `new`")
        })
    }

    fn compile(&self) -> Result<meta::Regex, RegexError> {
        build(&self.compiled.translated, &self.compiled.pattern)
    }
}

/// Compiles what was translated from `pattern`.
fn build(translated: &str, pattern: &str) -> Result<meta::Regex, RegexError> {
    meta::Regex::builder()
        .configure(meta::Config::new().nfa_size_limit(Some(NFA_SIZE_LIMIT)))
        .build(translated)
        .map_err(|_| RegexError::new("expression too large", pattern))
}

impl PartialEq for AnchoredRegex {
    fn eq(&self, other: &Self) -> bool {
        self.compiled.pattern == other.compiled.pattern
    }
}

impl Eq for AnchoredRegex {}

impl fmt::Debug for AnchoredRegex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AnchoredRegex").field(&self.compiled.pattern).finish()
    }
}

fn analyse(inner: &str) -> Result<Shortcut, RegexError> {
    let hir = regex_syntax::Parser::new()
        .parse(&format!("(?s:{inner})"))
        .map_err(|e| RegexError { message: format!("{e}") })?;
    let extract = |kind: ExtractKind| {
        let mut extractor = Extractor::new();
        extractor.kind(kind).limit_total(MAX_SET).limit_class(64).limit_repeat(32).limit_literal_len(1 << 10);
        extractor.extract(&hir)
    };
    let text = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(str::to_owned);
    let prefixes = extract(ExtractKind::Prefix);
    // Look-around is invisible to the extractor, so an "exact" literal could still be refused by a `^` or `\b` inside.
    let no_looks = hir.properties().look_set().is_empty();
    if no_looks
        && prefixes.is_exact()
        && let Some(literals) = prefixes.literals()
    {
        let set: Option<Vec<String>> = literals.iter().map(|l| text(l.as_bytes())).collect();
        if let Some(mut set) = set {
            set.sort();
            set.dedup();
            return Ok(Shortcut::Set(set));
        }
    }
    let prefix = prefixes.longest_common_prefix().and_then(text).unwrap_or_default();
    let suffix = extract(ExtractKind::Suffix).longest_common_suffix().and_then(text).unwrap_or_default();
    Ok(Shortcut::Ends { prefix, suffix })
}

/// A text that does not grow beyond a limit.
struct Bounded<'a> {
    out: &'a mut String,
    max_bytes: usize,
}

impl Bounded<'_> {
    fn push_str(&mut self, text: &str) -> Option<()> {
        if text.len() > self.max_bytes.saturating_sub(self.out.len()) {
            return None;
        }
        self.out.push_str(text);
        Some(())
    }
}

/// Gives up with `None` when `out` is full.
fn expand_template(template: &str, haystack: &str, captures: &Captures, out: &mut Bounded<'_>) -> Option<()> {
    let mut rest = template;
    while let Some(at) = memchr::memchr(b'$', rest.as_bytes()) {
        out.push_str(&rest[..at])?;
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push_str("$")?;
            rest = after;
            continue;
        }
        let Some((name, after)) = group_reference(rest) else {
            // Malformed; Go treats the dollar as text.
            out.push_str("$")?;
            continue;
        };
        rest = after;
        let span = match name.parse::<usize>() {
            Ok(idx) => captures.get_group(idx),
            Err(_) => captures.get_group_by_name(name),
        };
        if let Some(span) = span {
            out.push_str(&haystack[span.start..span.end])?;
        }
    }
    out.push_str(rest)
}

/// Splits `1}rest`, `name rest` and the like after the dollar into the name of the group and what follows.
fn group_reference(s: &str) -> Option<(&str, &str)> {
    let (braced, body) = match s.strip_prefix('{') {
        Some(body) => (true, body),
        None => (false, s),
    };
    let end = body.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(body.len());
    if end == 0 {
        return None;
    }
    let (name, after) = body.split_at(end);
    // Go reads only names that are all digits as numbers and refuses numbers such as `01`.
    if braced { after.strip_prefix('}').map(|after| (name, after)) } else { Some((name, after)) }
}

/// Translates a pattern in Go's RE2 syntax into the syntax of the `regex-syntax` crate.
///
/// The result is not anchored. Errors have Go's texts.
pub fn go_to_rust_pattern(pattern: &str) -> Result<String, RegexError> {
    Translator { pattern, at: 0, out: String::with_capacity(pattern.len() + 16) }.run()
}

struct Translator<'a> {
    pattern: &'a str,
    at: usize,
    out: String,
}

impl<'a> Translator<'a> {
    fn run(mut self) -> Result<String, RegexError> {
        let mut depth = 0_usize;
        // Whether there is something to the left that an operator such as `*` can repeat.
        let mut repeatable = false;
        // Where the repetition operator directly to the left starts.
        let mut last_repeat: Option<usize> = None;
        while let Some(c) = self.peek() {
            let start = self.at;
            let mut this_repeat = None;
            match c {
                '\\' => {
                    self.escape()?;
                    repeatable = true;
                }
                '[' => {
                    self.class()?;
                    repeatable = true;
                }
                '(' => {
                    let opened = self.group()?;
                    if opened {
                        depth += 1;
                        if depth > MAX_DEPTH {
                            return Err(RegexError::new("expression nests too deeply", self.pattern));
                        }
                        repeatable = false;
                    }
                }
                ')' => {
                    if depth == 0 {
                        return Err(RegexError::new("unexpected )", self.pattern));
                    }
                    depth -= 1;
                    self.copy(c);
                    repeatable = true;
                }
                '|' => {
                    self.copy(c);
                    repeatable = false;
                }
                '*' | '+' | '?' => {
                    self.copy(c);
                    self.finish_repeat(start, repeatable, last_repeat)?;
                    this_repeat = Some(start);
                }
                '{' => {
                    if let Some(text) = self.counted_repeat()? {
                        self.out.push_str(&text);
                        self.finish_repeat(start, repeatable, last_repeat)?;
                        this_repeat = Some(start);
                    } else {
                        self.at += 1;
                        self.out.push_str(r"\{");
                        repeatable = true;
                    }
                }
                '^' | '$' | '.' => {
                    self.copy(c);
                    repeatable = true;
                }
                c => {
                    self.at += c.len_utf8();
                    push_literal(&mut self.out, c);
                    repeatable = true;
                }
            }
            last_repeat = this_repeat;
        }
        if depth > 0 {
            return Err(RegexError::new("missing closing )", self.pattern));
        }
        Ok(self.out)
    }

    fn rest(&self) -> &'a str {
        &self.pattern[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn eat(&mut self, c: char) -> bool {
        let found = self.peek() == Some(c);
        if found {
            self.at += c.len_utf8();
        }
        found
    }

    fn copy(&mut self, c: char) {
        self.at += c.len_utf8();
        self.out.push(c);
    }

    /// After a repetition operator that starts at `start`: takes the lazy mark and checks that the operator may stand here.
    fn finish_repeat(
        &mut self,
        start: usize,
        repeatable: bool,
        last_repeat: Option<usize>,
    ) -> Result<(), RegexError> {
        if !repeatable {
            let end = self.at;
            return Err(RegexError::new(
                "missing argument to repetition operator",
                &self.pattern[start..end],
            ));
        }
        if self.eat('?') {
            self.out.push('?');
        }
        if let Some(first) = last_repeat {
            return Err(RegexError::new("invalid nested repetition operator", &self.pattern[first..self.at]));
        }
        Ok(())
    }

    /// Reads `{n}`, `{n,}` or `{n,m}`; `None` (and nothing consumed) if the brace is just a brace.
    fn counted_repeat(&mut self) -> Result<Option<String>, RegexError> {
        let rest = self.rest();
        let Some(end) = rest.find('}') else { return Ok(None) };
        let body = &rest[1..end];
        let (min, max) = match body.split_once(',') {
            Some((min, max)) => (min, Some(max)),
            None => (body, None),
        };
        let is_number = |s: &str| {
            !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit()) && (s.len() == 1 || !s.starts_with('0'))
        };
        if !is_number(min) || !max.is_none_or(|m| m.is_empty() || is_number(m)) {
            return Ok(None);
        }
        let bounded = |s: &str| s.parse::<u32>().ok().filter(|n| *n <= MAX_REPEAT);
        let whole = &rest[..=end];
        let bad = || RegexError::new("invalid repeat count", whole);
        let lo = bounded(min).ok_or_else(bad)?;
        if let Some(max) = max.filter(|m| !m.is_empty())
            && bounded(max).is_none_or(|hi| hi < lo)
        {
            return Err(bad());
        }
        self.at += end + 1;
        Ok(Some(whole.to_owned()))
    }

    /// Reads what follows a `(`. Returns whether a group was opened (and not just flags set, as by `(?i)`).
    fn group(&mut self) -> Result<bool, RegexError> {
        let start = self.at;
        self.at += 1;
        if !self.eat('?') {
            self.out.push('(');
            return Ok(true);
        }
        let rest = self.rest();
        for opener in ["P<", "<"] {
            if let Some(body) = rest.strip_prefix(opener) {
                let Some(end) = body.find('>') else {
                    return Err(RegexError::new("invalid named capture", &self.pattern[start..]));
                };
                let name = &body[..end];
                let ok = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
                if !ok {
                    let to = self.at + opener.len() + end + 1;
                    return Err(RegexError::new("invalid named capture", &self.pattern[start..to]));
                }
                // Go takes names that start with a digit; they cannot be referred to by name there either.
                if name.starts_with(|c: char| c.is_ascii_digit()) {
                    self.out.push('(');
                } else {
                    self.out.push_str("(?P<");
                    self.out.push_str(name);
                    self.out.push('>');
                }
                self.at += opener.len() + end + 1;
                return Ok(true);
            }
        }
        let mut flags = String::new();
        let (mut negated, mut seen) = (false, false);
        loop {
            let Some(c) = self.next() else {
                return Err(RegexError::new("missing closing )", self.pattern));
            };
            match c {
                'i' | 'm' | 's' | 'U' => {
                    flags.push(c);
                    seen = true;
                }
                '-' if !negated => {
                    negated = true;
                    flags.push('-');
                    seen = false;
                }
                ':' | ')' if !negated || seen => {
                    if flags.is_empty() && c == ')' {
                        // `(?)` sets nothing.
                        return Ok(false);
                    }
                    self.out.push_str("(?");
                    self.out.push_str(&flags);
                    self.out.push(c);
                    return Ok(c == ':');
                }
                _ => {
                    return Err(RegexError::new(
                        "invalid or unsupported Perl syntax",
                        &self.pattern[start..self.at],
                    ));
                }
            }
        }
    }

    /// Reads an escape outside a class.
    fn escape(&mut self) -> Result<(), RegexError> {
        let start = self.at;
        self.at += 1;
        match self.peek() {
            Some('Q') => {
                self.at += 1;
                let body = self.rest();
                let (quoted, skip) = match body.find(r"\E") {
                    Some(end) => (&body[..end], end + 2),
                    None => (body, body.len()),
                };
                self.at += skip;
                // A group, so that a following operator would repeat only what Go lets it repeat: the last character.
                for c in quoted.chars() {
                    push_literal(&mut self.out, c);
                }
                Ok(())
            }
            Some(c @ ('A' | 'z' | 'b' | 'B')) => {
                self.at += 1;
                self.out.push_str(match c {
                    'A' => r"\A",
                    'z' => r"\z",
                    // Word boundaries are ASCII in Go.
                    'b' => r"(?-u:\b)",
                    _ => r"(?-u:\B)",
                });
                Ok(())
            }
            Some('C') => Err(RegexError::new("invalid escape sequence", r"\C")),
            _ => {
                self.at = start;
                if let Some(class) = self.perl_or_unicode_class()? {
                    self.out.push_str(&class);
                    return Ok(());
                }
                let c = self.escaped_char()?;
                push_literal(&mut self.out, c);
                Ok(())
            }
        }
    }

    /// Reads `\d`, `\s`, `\w`, `\pL`, `\p{Greek}` and their negations; `None` (nothing consumed) for any other escape.
    fn perl_or_unicode_class(&mut self) -> Result<Option<String>, RegexError> {
        let start = self.at;
        let mut chars = self.rest().chars();
        let (Some('\\'), Some(kind)) = (chars.next(), chars.next()) else { return Ok(None) };
        let text = match kind {
            'd' => "[0-9]",
            'D' => "[^0-9]",
            's' => r"[\t\n\x0C\r ]",
            'S' => r"[^\t\n\x0C\r ]",
            'w' => "[0-9A-Za-z_]",
            'W' => "[^0-9A-Za-z_]",
            'p' | 'P' => {
                self.at += 2;
                let name = match self.next() {
                    Some('{') => {
                        let Some(end) = self.rest().find('}') else {
                            return Err(RegexError::new(
                                "invalid character class range",
                                &self.pattern[start..],
                            ));
                        };
                        let name = &self.rest()[..end];
                        self.at += end + 1;
                        name.to_owned()
                    }
                    Some(c) => c.to_string(),
                    None => {
                        return Err(RegexError::new("invalid character class range", &self.pattern[start..]));
                    }
                };
                let (negated, name) = match name.strip_prefix('^') {
                    Some(rest) => (kind == 'p', rest),
                    None => (kind == 'P', name.as_str()),
                };
                let class = match name {
                    "Any" => if negated { r"[^\x{0}-\x{10FFFF}]" } else { r"[\x{0}-\x{10FFFF}]" }.to_owned(),
                    name => format!("\\{}{{{name}}}", if negated { 'P' } else { 'p' }),
                };
                if regex_syntax::Parser::new().parse(&class).is_err() {
                    let text = &self.pattern[start..self.at];
                    return Err(RegexError::new("invalid character class range", text));
                }
                return Ok(Some(class));
            }
            _ => return Ok(None),
        };
        self.at += 2;
        Ok(Some(text.to_owned()))
    }

    /// Reads an escape that stands for one character.
    fn escaped_char(&mut self) -> Result<char, RegexError> {
        let start = self.at;
        self.at += 1;
        let Some(c) = self.next() else {
            return Err(RegexError::new("trailing backslash at end of expression", ""));
        };
        let bad = |to: usize| RegexError::new("invalid escape sequence", &self.pattern[start..to]);
        Ok(match c {
            // `\1` to `\7` are octal only when another octal digit follows: otherwise they would be backreferences.
            '1'..='7' if !matches!(self.peek(), Some('0'..='7')) => return Err(bad(self.at)),
            '0'..='7' => {
                let mut value = c.to_digit(8).unwrap_or(0);
                for _ in 0..2 {
                    let Some(d) = self.peek().and_then(|d| d.to_digit(8)) else { break };
                    value = value * 8 + d;
                    self.at += 1;
                }
                char::from_u32(value)
                    .ok_or_else(|| RegexError::new("invalid escape sequence", &self.pattern[start..]))?
            }
            'x' => {
                let (digits, end) = match self.rest().strip_prefix('{') {
                    Some(body) => {
                        let Some(end) = body.find('}') else { return Err(bad(self.pattern.len())) };
                        (&body[..end], self.at + end + 2)
                    }
                    None => match self.rest().get(..2) {
                        Some(digits) => (digits, self.at + 2),
                        None => return Err(bad(self.pattern.len())),
                    },
                };
                let value = (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit()))
                    .then(|| u32::from_str_radix(digits, 16).ok())
                    .flatten()
                    .and_then(char::from_u32);
                let Some(value) = value else { return Err(bad(end)) };
                self.at = end;
                value
            }
            'a' => '\x07',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => c,
            _ => return Err(bad(self.at)),
        })
    }

    /// Reads a class such as `[^a-z\d[:alpha:]]`.
    fn class(&mut self) -> Result<(), RegexError> {
        let start = self.at;
        let missing = || RegexError::new("missing closing ]", &self.pattern[start..]);
        self.at += 1;
        self.out.push('[');
        if self.eat('^') {
            self.out.push('^');
        }
        let mut first = true;
        loop {
            let Some(c) = self.peek() else { return Err(missing()) };
            if c == ']' && !first {
                self.at += 1;
                self.out.push(']');
                return Ok(());
            }
            first = false;
            if c == '['
                && self.rest().starts_with("[:")
                && let Some(end) = self.rest()[2..].find(":]")
            {
                let name = &self.rest()[..end + 4];
                let known = POSIX_CLASSES.contains(&name[2..name.len() - 2].trim_start_matches('^'));
                if !known {
                    return Err(RegexError::new("invalid character class range", name));
                }
                self.out.push_str(name);
                self.at += end + 4;
                continue;
            }
            if c == '\\'
                && let Some(class) = self.perl_or_unicode_class()?
            {
                self.out.push_str(&class);
                continue;
            }
            let range_start = self.at;
            let lo = self.class_char(missing)?;
            let mut hi = lo;
            // A dash is a range unless it is the last character of the class.
            let mut ahead = self.rest().chars();
            if ahead.next() == Some('-') && !matches!(ahead.next(), None | Some(']')) {
                self.at += 1;
                hi = self.class_char(missing)?;
                if hi < lo {
                    let text = &self.pattern[range_start..self.at];
                    return Err(RegexError::new("invalid character class range", text));
                }
            }
            push_literal(&mut self.out, lo);
            if hi != lo {
                self.out.push('-');
                push_literal(&mut self.out, hi);
            }
        }
    }

    fn class_char(&mut self, missing: impl Fn() -> RegexError) -> Result<char, RegexError> {
        match self.peek() {
            Some('\\') => self.escaped_char(),
            Some(c) => {
                self.at += c.len_utf8();
                Ok(c)
            }
            None => Err(missing()),
        }
    }
}

/// Writes one character so that it means itself, inside and outside a class.
fn push_literal(out: &mut String, c: char) {
    if c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii() {
        out.push(c);
    } else {
        // Every ASCII character that is not a word character can be written as a code point.
        write!(out, "\\x{:02X}", c as u32).expect("BUG: writing to a string cannot fail");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, s: &str) -> bool {
        AnchoredRegex::new(pattern).unwrap_or_else(|e| panic!("{pattern}: {e}")).is_match(s)
    }

    #[test]
    fn anchored_and_dot_matches_newline() {
        assert!(matches("foo.*", "foo\nbar"));
        assert!(!matches("foo", "foobar"));
        assert!(!matches("foo|bar", "foob"));
        assert!(matches("", ""));
        assert!(!matches("", "a"));
        assert!(matches(".*", ""));
        assert!(!matches(".+", ""));
    }

    #[test]
    fn finite_patterns_become_sets() {
        let set = |p: &str| AnchoredRegex::new(p).expect("compiles").set_matches().map(<[String]>::to_vec);
        let want = |items: &[&str]| Some(items.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>());
        assert_eq!(set("prod|dev|prodx"), want(&["dev", "prod", "prodx"]));
        assert_eq!(set("node-(a|b)[12]"), want(&["node-a1", "node-a2", "node-b1", "node-b2"]));
        assert_eq!(set("(?i)ab"), want(&["AB", "Ab", "aB", "ab"]));
        assert_eq!(set("5.."), None);
        assert_eq!(set("a$b"), None);
        assert_eq!(set("^foo"), None);
        assert!(matches("^foo$", "foo"));
        assert!(!matches("a$b", "ab"));
    }

    #[test]
    fn ends_are_a_prefilter() {
        let regex = AnchoredRegex::new("api-.*-prod").expect("compiles");
        assert_eq!(regex.prefix(), "api-");
        assert!(regex.is_match("api-x-prod"));
        assert!(!regex.is_match("api-prod"));
    }

    #[test]
    fn means_what_it_means_in_go() {
        // Perl classes and word boundaries are ASCII in Go.
        assert!(!matches(r"\d", "\u{0663}"));
        assert!(matches(r"\w+", "a_9"));
        assert!(!matches(r"\w", "é"));
        assert!(!matches(r"\s", "\x0b"));
        // Set operations of the Rust syntax are plain characters in Go.
        assert!(matches(r"[a&&b]+", "a&b"));
        assert!(matches("[+--]+", "+,-"));
        assert!(matches(r"[[a]", "["));
        assert!(matches("[]a]", "]"));
        assert!(matches("[a-]", "-"));
        // A brace that is no repetition is a brace.
        assert!(matches("a{,2}", "a{,2}"));
        assert!(matches("a{x", "a{x"));
        assert!(matches("a{2}", "aa"));
        assert!(matches(r"\Qa.b\E.", "a.bc"));
        assert!(matches(r"\x{e9}\xe9\141", "ééa"));
        assert!(matches("(?P<n>a)(?<m>b)", "ab"));
        assert!(matches("(?i)straße", "STRASSE") || matches("(?i)ÉTÉ", "été"));
        assert!(matches(r"\p{Greek}\pL\PL", "αa1"));
        assert!(matches("a #b", "a #b"));
        assert!(matches("(?U)a+", "aa"));
        assert!(matches("~a~", "~a~"));
    }

    #[test]
    fn errors_are_those_of_go() {
        let check = |pattern: &str, want: &str| {
            let got = AnchoredRegex::new(pattern).map_err(|e| e.to_string());
            assert_eq!(got.map(|_| ()), Err(format!("error parsing regexp: {want}")), "{pattern}");
        };
        check("[", "missing closing ]: `[`");
        check("x[a-", "missing closing ]: `[a-`");
        check("[z-a]", "invalid character class range: `z-a`");
        check("(", "missing closing ): `(`");
        check("a)b", "unexpected ): `a)b`");
        check("*", "missing argument to repetition operator: `*`");
        check("a|*", "missing argument to repetition operator: `*`");
        check("a**", "invalid nested repetition operator: `**`");
        check("a{1001}", "invalid repeat count: `{1001}`");
        check("a{3,2}", "invalid repeat count: `{3,2}`");
        check(r"\q", r"invalid escape sequence: `\q`");
        check(r"\1", r"invalid escape sequence: `\1`");
        check("a\\", "trailing backslash at end of expression: ``");
        check("(?x)a", "invalid or unsupported Perl syntax: `(?x`");
        check("(?=a)", "invalid or unsupported Perl syntax: `(?=`");
        check("(?P<a", "invalid named capture: `(?P<a`");
        check("(?P<>a)", "invalid named capture: `(?P<>`");
        check("[[:foo:]]", "invalid character class range: `[:foo:]`");
        check(r"\p{Nope}", r"invalid character class range: `\p{Nope}`");
    }

    #[test]
    fn expands_groups_as_go() {
        let expand = |pattern: &str, s: &str, template: &str| {
            let mut out = String::new();
            AnchoredRegex::new(pattern).expect("compiles").expand(s, template, &mut out).then_some(out)
        };
        assert_eq!(expand("(.*)", "x", "$1"), Some("x".to_owned()));
        assert_eq!(expand("(a)(?P<n>b)?", "a", "${1}-${n}-$9-$$-$"), Some("a---$-$".to_owned()));
        assert_eq!(expand("(a)", "a", "$1x"), Some(String::new()));
        assert_eq!(expand("(a)", "a", "${1}x"), Some("ax".to_owned()));
        assert_eq!(expand("(a)", "b", "$1"), None);
        assert_eq!(expand("a|(b)", "a", "[$1]"), Some("[]".to_owned()));
        assert_eq!(expand("(a)", "a", "${1"), Some("${1".to_owned()));
    }

    #[test]
    fn expansions_end_at_a_limit() {
        let check = |s: &str, template: &str, want: Expansion| {
            let mut out = String::new();
            let regex = AnchoredRegex::new("(a+)").expect("compiles");
            assert_eq!(regex.expand_within(s, template, 6, &mut out), want, "{s} {template}");
            assert!(out.len() <= 6, "{out}");
        };
        check("aa", "$1$1$1", Expansion::Done);
        check("aa", "$1$1${1}x", Expansion::TooLong);
        check("aa", "$1$1$1$$", Expansion::TooLong);
        check("aaa", "$1$1$1$1", Expansion::TooLong);
        check("aaa", "1234567", Expansion::TooLong);
        check("b", "1234567", Expansion::NoMatch);
    }
}
