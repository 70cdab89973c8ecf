//! Comments that set findings aside.
//!
//! `# lint: disable=RULE[,RULE] reason` holds for the rule in which it stands or before which it stands, `# lint: disable-file=RULE reason` for the file. Those of
//! pint are understood as well: `# pint disable CHECK`, `# pint file/disable CHECK`, `# pint snooze DATE CHECK`, `# pint file/snooze DATE CHECK`,
//! `# pint ignore/file`.

use std::collections::BTreeMap;

use bellwether_yaml::{Position, nearest};
use time::format_description::well_known::{Iso8601, Rfc3339};
use time::{Date, OffsetDateTime};

use crate::finding::{Finding, Place, Severity};
use crate::options::Options;
use crate::rules::{self, RULES};
use crate::source::RuleSource;

/// The id of comments that set nothing aside.
pub(crate) const UNUSED_DISABLE: &str = "unused-disable";
/// The id of comments without a reason, or about a rule that there is not.
pub(crate) const BAD_DISABLE: &str = "bad-disable";

/// What one comment sets aside.
pub(crate) struct Disable {
    /// The rules; empty for all.
    rules: Vec<&'static str>,
    /// The first and the last line for which it holds.
    lines: (u32, u32),
    place: Place,
    /// Whether it must set something aside: comments for pint may be about what pint alone finds.
    must_be_used: bool,
    used: bool,
}

impl Disable {
    /// Whether it sets the finding aside.
    pub(crate) fn covers(&self, finding: &Finding) -> bool {
        self.place.file == finding.place.file
            && (self.lines.0..=self.lines.1).contains(&line_of(finding))
            && (self.rules.is_empty() || self.rules.contains(&finding.rule))
    }
}

/// The line of a finding; the first one if it is about the file as a whole.
fn line_of(finding: &Finding) -> u32 {
    finding.place.start.map_or(1, |start| start.line)
}

/// Comments by the file and the first line for which they hold, so that not each is held against each finding. The lines of two comments are the same, apart from each other, or one's are those of the file.
struct Index(BTreeMap<String, BTreeMap<u32, Vec<usize>>>);

impl Index {
    fn of(disables: &[Disable]) -> Self {
        let mut by_file: BTreeMap<String, BTreeMap<u32, Vec<usize>>> = BTreeMap::new();
        for (idx, disable) in disables.iter().enumerate() {
            let of_file = by_file.entry(disable.place.file.clone()).or_default();
            of_file.entry(disable.lines.0).or_default().push(idx);
        }
        Self(by_file)
    }

    /// The numbers of the comments that may hold for a finding.
    fn near(&self, finding: &Finding) -> impl Iterator<Item = usize> {
        let of_file = self.0.get(&finding.place.file);
        let whole = of_file.and_then(|by_line| by_line.get(&FILE.0));
        let before = of_file.and_then(|by_line| by_line.range(FILE.0 + 1..=line_of(finding)).next_back());
        whole.into_iter().chain(before.map(|(_, idxs)| idxs)).flatten().copied()
    }
}

/// Leaves out what the comments of the files set aside, and adds what is wrong with the comments. `judged` says whether a rule was looked at, so that its
/// comment can be told to be of no use.
pub(crate) fn set_aside(
    findings: Vec<Finding>,
    sources: &[RuleSource],
    options: &Options,
    judged: impl Fn(&str) -> bool,
) -> Vec<Finding> {
    let (mut disables, mut left) = (Vec::new(), Vec::new());
    for source in sources {
        read(source, options, &mut disables, &mut left);
    }
    let index = Index::of(&disables);
    for finding in findings {
        let mut is_set_aside = false;
        for idx in index.near(&finding) {
            if disables[idx].covers(&finding) {
                (disables[idx].used, is_set_aside) = (true, true);
            }
        }
        if !is_set_aside {
            left.push(finding);
        }
    }
    let idle = disables.into_iter().filter(|disable| {
        disable.must_be_used && !disable.used && disable.rules.iter().all(|rule| judged(rule))
    });
    left.extend(idle.map(|disable| {
        let rules = disable.rules.join(", ");
        warning(
            UNUSED_DISABLE,
            disable.place,
            format!("nothing is set aside here: {rules} finds nothing"),
            "remove the comment",
        )
    }));
    left
}

fn warning(rule: &'static str, place: Place, message: String, remedy: &str) -> Finding {
    Finding { remedy: remedy.to_owned(), ..Finding::new(rule, Severity::Warning, place, message) }
}

/// The comments of one file.
fn read(source: &RuleSource, options: &Options, disables: &mut Vec<Disable>, problems: &mut Vec<Finding>) {
    let extents = Extents::of(source);
    for (line, column, comment) in comments(source.text()) {
        let start = Position { line, column };
        let end = Position { line, column: column + comment.chars().count() as u32 };
        let reader = Reader {
            place: Place { file: source.name.clone(), start: Some(start), end: Some(end) },
            of_rule: extents.around(line),
            options,
        };
        if let Some(said) = comment.strip_prefix("# lint:") {
            reader.own(said.trim(), disables, problems);
        } else if let Some(said) = comment.strip_prefix("# pint ") {
            reader.of_pint(said.trim(), disables, problems);
        }
    }
}

/// The comments of a text: a hash at the beginning of a line or behind a blank, to the end of the line.
fn comments(text: &str) -> impl Iterator<Item = (u32, u32, &str)> {
    text.lines().enumerate().filter_map(|(idx, line)| {
        let begins = |mark: &str| {
            let at = line.find(mark)?;
            line[..at].chars().next_back().is_none_or(char::is_whitespace).then_some(at)
        };
        let at = begins("# lint:").or_else(|| begins("# pint "))?;
        Some((idx as u32 + 1, line[..at].chars().count() as u32 + 1, line[at..].trim_end()))
    })
}

/// From which to which line each rule goes, with the comments before it.
struct Extents(Vec<(u32, u32)>);

impl Extents {
    fn of(source: &RuleSource) -> Self {
        let lines: Vec<&str> = source.text().lines().collect();
        let is_apart = |line: &str| line.trim().is_empty() || line.trim_start().starts_with('#');
        let with_comments = |line: u32| {
            let above = lines[..line as usize - 1].iter().rev();
            line - above.take_while(|line| is_apart(line)).count() as u32
        };
        let (mut starts, mut before) = (Vec::new(), None);
        for rule in source.rules() {
            // Of several rules in one line all have the comments above it.
            let line = rule.start().line;
            let start = match before {
                Some((known, start)) if known == line => start,
                _ => with_comments(line),
            };
            before = Some((line, start));
            starts.push(start);
        }
        let ends = starts.iter().skip(1).map(|next| next.saturating_sub(1)).chain([u32::MAX]);
        Self(starts.iter().copied().zip(ends).collect())
    }

    /// The rule in which or before which the line stands; none for lines before the first one.
    fn around(&self, line: u32) -> Option<(u32, u32)> {
        let behind = self.0.partition_point(|(first, _)| *first <= line);
        self.0[..behind].last().filter(|(_, last)| line <= *last).copied()
    }
}

struct Reader<'o> {
    place: Place,
    of_rule: Option<(u32, u32)>,
    options: &'o Options,
}

/// All lines of a file; no rule begins at the first one.
const FILE: (u32, u32) = (0, u32::MAX);

impl Reader<'_> {
    fn own(&self, said: &str, disables: &mut Vec<Disable>, problems: &mut Vec<Finding>) {
        let mut refuse = |message: String, remedy: &str| {
            problems.push(warning(BAD_DISABLE, self.place.clone(), message, remedy));
        };
        let (what, reason) = said.split_once(char::is_whitespace).unwrap_or((said, ""));
        let lines = match what.split_once('=') {
            Some(("disable", _)) => self.of_rule,
            Some(("disable-file", _)) => Some(FILE),
            _ => {
                refuse(
                    format!("{what:?} is no comment for lint"),
                    "write `# lint: disable=RULE reason` or `# lint: disable-file=RULE reason`",
                );
                return;
            }
        };
        let Some(lines) = lines else {
            refuse("the comment stands before no rule".to_owned(), "write `disable-file` for the whole file");
            return;
        };
        if reason.trim().is_empty() {
            refuse("the comment gives no reason".to_owned(), "say behind the rule why it does not apply");
        }
        let mut known = Vec::new();
        for name in what.split_once('=').map_or("", |(_, names)| names).split(',') {
            if let Some(rule) = RULES.iter().find(|rule| rule.id == name) {
                known.push(rule.id);
                continue;
            }
            let near = nearest(name, RULES.iter().map(|rule| rule.id));
            let remedy = near.map_or("see docs/lint.md".to_owned(), |near| format!("did you mean {near:?}?"));
            refuse(format!("there is no rule {name:?}"), &remedy);
        }
        if !known.is_empty() {
            disables.push(self.disable(known, lines, true));
        }
    }

    fn of_pint(&self, said: &str, disables: &mut Vec<Disable>, problems: &mut Vec<Finding>) {
        let mut words = said.split_whitespace();
        let (command, lines) = match words.next() {
            Some("ignore/file") => {
                disables.push(self.disable(Vec::new(), FILE, false));
                return;
            }
            Some(command @ ("file/disable" | "file/snooze")) => (command, Some(FILE)),
            Some(command @ ("disable" | "snooze")) => (command, self.of_rule),
            // Owners and settings of pint.
            _ => return,
        };
        if command.ends_with("snooze") {
            let until = words.next().unwrap_or_default();
            match end_of_snooze(until) {
                Some(until_ms) if self.options.now_ms < until_ms => {}
                Some(_) => {
                    let message =
                        format!("the time until {until} is over, and the comment sets nothing aside");
                    problems.push(warning(UNUSED_DISABLE, self.place.clone(), message, "remove the comment"));
                    return;
                }
                None => {
                    let message =
                        format!("{until:?} is neither a day such as 2026-12-31 nor an RFC 3339 time");
                    problems.push(warning(BAD_DISABLE, self.place.clone(), message, "correct the comment"));
                    return;
                }
            }
        }
        // `promql/series(metric)` is about one selector of a rule that has several.
        let check = words.next().unwrap_or_default();
        let check = check.split_once('(').map_or(check, |(check, _)| check);
        let rules = rules::of_pint(check);
        if let (Some(lines), false) = (lines, rules.is_empty()) {
            disables.push(self.disable(rules.to_vec(), lines, false));
        }
    }

    fn disable(&self, rules: Vec<&'static str>, lines: (u32, u32), must_be_used: bool) -> Disable {
        Disable { rules, lines, place: self.place.clone(), must_be_used, used: false }
    }
}

/// The first millisecond at which a snooze is over: the beginning of the day, as pint has it.
fn end_of_snooze(until: &str) -> Option<i64> {
    let day = Date::parse(until, &Iso8601::DATE).ok();
    let at =
        day.map(|day| day.midnight().assume_utc()).or_else(|| OffsetDateTime::parse(until, &Rfc3339).ok())?;
    Some((at.unix_timestamp_nanos() / 1_000_000) as i64)
}
