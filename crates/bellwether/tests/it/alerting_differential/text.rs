use bellwether_promql::conformance::Choices as _;

use crate::differential::random::Random;

/// Whose functions and data a text may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Labels and annotations of alerting rules.
    Rules,
    /// Notifications.
    Notifications,
}

/// Makes templates: most of them are right, some use what is not there or of the wrong type.
pub(super) struct TextGrammar<'r> {
    random: &'r mut Random,
    dialect: Dialect,
    /// How many ranges surround what is written now.
    n_ranges: usize,
}

const STRINGS: [&str; 18] = [
    "\"\"",
    "\"a\"",
    "\"foo bar\"",
    "`raw \\n`",
    "\"tab\\there\"",
    "\"<b>&'\\\"\"",
    "\"ünïcode ✓\"",
    "\"10.0.0.1:9090\"",
    "\"host.example.com:80\"",
    "\"[::1]:80\"",
    "\"3.25\"",
    "\"1h30m\"",
    "\"o'neil mc-fly_x a.b\"",
    "\"\\u00e9\\x41\"",
    "\"a=b&c d+e/%\"",
    "\"+Inf\"",
    "\"0x1F\"",
    "\"x\\ny\"",
];
const NUMBERS: [&str; 24] = [
    "0",
    "1",
    "-3",
    "42",
    "1000",
    "1024",
    "0x1F",
    "0b101",
    "0o17",
    "017",
    "1_000",
    "'a'",
    "'\\n'",
    "1.5",
    "-0.25",
    "1e3",
    "1e21",
    "1e-7",
    "123456789",
    "1435065584.128",
    "86461.5",
    "0.0000123",
    "1e300",
    "99.999",
];
const PATTERNS: [&str; 8] =
    ["\"a\"", "\"(.*):.*\"", "\"[a-f]+\"", "\"^x?\"", "\"(?i)FOO\"", "\"(\"", "`\\d+`", "\"(?P<n>o)\""];
const REPLACEMENTS: [&str; 6] = ["\"\"", "\"$1\"", "\"<$0>\"", "\"${1}x\"", "\"$1x\"", "\"$$n${n}\""];
const FORMATS: [&str; 31] = [
    "%v", "%s", "%d", "%f", "%.2f", "%8.3f", "%-8v|", "%08.3f", "%+d", "%x", "%X", "%q", "%g", "%.3g", "%e",
    "%t", "%c", "%U", "%5s|", "%.2s", "%%", "%6d", "%o", "% d", "%.0f", "%G", "%[1]v", "%+q", "%#q", "%[2]v",
    "%*d",
];
const QUERIES: [&str; 8] = [
    "vector(7)",
    "vector(7) > 9",
    "sort_desc(label_replace(vector(2), `l`, `b`, ``, ``) or label_replace(vector(1.5), `l`, `a`, ``, ``) or label_replace(vector(3), `l`, `B`, ``, ``))",
    "topk(2, label_replace(vector(2), `l`, `b`, ``, ``) or label_replace(vector(3), `l`, `B`, ``, ``) or label_replace(vector(1.5), `l`, `a`, ``, ``))",
    "sum(",
    "1 + 1",
    "label_replace(vector(1e9), `instance`, `db.example:80`, ``, ``)",
    "vector(time() - time())",
];
const STRING_FILTERS: [&str; 14] = [
    "toUpper",
    "toLower",
    "title",
    "safeHtml",
    "len",
    "html",
    "js",
    "urlquery",
    "print",
    "reReplaceAll \"(.*):.*\" \"$1\"",
    "reReplaceAll \"[a-f]+\" \"<$0>\"",
    "match \"a\"",
    "printf \"%q\"",
    "printf \"%10s|%-5.2s\" \"a\"",
];
const NUMBER_FILTERS: [&str; 11] = [
    "humanize",
    "humanize1024",
    "humanizeDuration",
    "humanizePercentage",
    "humanizeTimestamp",
    "toTime",
    "printf \"%.1f\"",
    "printf \"%6.2f|%v\" 1",
    "print",
    "eq 1.5",
    "lt 0.5",
];
const SAMPLE_FILTERS: [&str; 9] = [
    "first",
    "sortByLabel \"l\"",
    "first | value",
    "first | label \"l\"",
    "first | strvalue",
    "len",
    "sortByLabel \"l\" | first | value",
    "print",
    "first | value | humanize",
];
const ANY_FILTERS: [&str; 11] =
    ["print", "html", "js", "urlquery", "println", "not", "and 1", "or 0", "printf \"%v\"", "len", "eq 1"];
const PLAIN: [&str; 9] = ["", " ", "a ", " of ", "\n", "<b>", "é ", "100% ", " }} "];

impl<'r> TextGrammar<'r> {
    pub(super) fn new(random: &'r mut Random, dialect: Dialect) -> Self {
        Self { random, dialect, n_ranges: 0 }
    }

    /// A whole template.
    pub(super) fn template(&mut self) -> String {
        let n = 1 + self.random.below(3);
        self.parts(n, 2)
    }

    fn parts(&mut self, n: usize, depth: usize) -> String {
        (0..n).map(|_| self.part(depth)).collect()
    }

    fn part(&mut self, depth: usize) -> String {
        let plain = self.random.pick(&PLAIN);
        let (left, right) = (
            if self.random.one_in(8) { "{{- " } else { "{{ " },
            if self.random.one_in(8) { " -}}" } else { " }}" },
        );
        let action = |inner: &str| format!("{left}{inner}{right}");
        if depth == 0 || self.random.below(3) > 0 {
            return format!("{plain}{}", action(&self.pipeline(2)));
        }
        let n = 1 + self.random.below(2);
        match self.random.below(9) {
            0 => format!(
                "{plain}{}{}{{{{ end }}}}",
                action(&format!("if {}", self.bool(2))),
                self.parts(n, depth - 1)
            ),
            1 => {
                let (condition, other) = (self.bool(1), self.bool(1));
                let (first, second, third) =
                    (self.part(depth - 1), self.part(depth - 1), self.part(depth - 1));
                format!(
                    "{}{first}{{{{ else if {other} }}}}{second}{{{{ else }}}}{third}{{{{ end }}}}",
                    action(&format!("if {condition}"))
                )
            }
            2 => format!(
                "{}{}{{{{ else }}}}{plain}{{{{ end }}}}",
                action(&format!("with {}", self.any(2))),
                self.dot_part(depth - 1)
            ),
            3 => {
                let value = self.any(2);
                let body = self.parts(n, depth - 1);
                format!("{}{body}{{{{ $x }}}}{{{{ end }}}}", action(&format!("with $x := {value}")))
            }
            4 | 5 => {
                let list = self.list(2);
                let head = match self.random.below(3) {
                    0 => format!("range {list}"),
                    1 => format!("range $e := {list}"),
                    _ => format!("range $i, $e := {list}"),
                };
                self.n_ranges += 1;
                let body = match self.random.below(3) {
                    0 => self.dot_part(depth - 1),
                    1 => format!("{{{{ . }}}}{}", self.parts(n, depth - 1)),
                    _ => self.parts(n, depth - 1),
                };
                self.n_ranges -= 1;
                let shown = if head.contains("$i") {
                    "{{ $i }}={{ $e }};"
                } else if head.contains("$e") {
                    "{{ $e }};"
                } else {
                    ""
                };
                format!("{plain}{}{shown}{body}{{{{ else }}}}none{{{{ end }}}}", action(&head))
            }
            6 => {
                let (first, second) = (self.any(2), self.any(1));
                format!("{{{{ $y := {first} }}}}{plain}{}{{{{ $y = {second} }}}}{{{{ $y }}}}", action("$y"))
            }
            7 => {
                let (body, argument) = (self.dot_part(0), self.any(1));
                format!(
                    "{{{{ define \"t{n}\" }}}}{body}{{{{ end }}}}{plain}{}",
                    action(&format!("template \"t{n}\" {argument}"))
                )
            }
            _ if self.n_ranges > 0 => {
                let word = self.random.pick(&["break", "continue"]);
                format!("{{{{ if {} }}}}{plain}{}{{{{ end }}}}", self.bool(1), action(word))
            }
            _ => format!("{plain}{}{}", action("/* a comment */"), self.part(depth - 1)),
        }
    }

    /// A part that uses the dot.
    fn dot_part(&mut self, depth: usize) -> String {
        match self.random.below(6) {
            0 => "{{ . }}".to_owned(),
            1 if self.dialect == Dialect::Rules => "{{ .Value }} {{ .Labels.l }}".to_owned(),
            1 => "{{ .Labels.job }} {{ .Status }}".to_owned(),
            2 => "{{ . | printf \"%v\" }}".to_owned(),
            3 => "{{ $.Status }}{{ len . }}".to_owned(),
            4 => "{{ print . }}".to_owned(),
            _ => self.part(depth),
        }
    }

    /// A value that is piped through functions of its type as a rule.
    fn pipeline(&mut self, depth: usize) -> String {
        let (first, filters) = match self.random.below(8) {
            0..3 => (self.string(depth), &STRING_FILTERS[..]),
            3..6 => (self.number(depth), self.filters_of_numbers()),
            6 if self.dialect == Dialect::Rules => (self.list(depth), &SAMPLE_FILTERS[..]),
            _ => (self.any(depth), &ANY_FILTERS[..]),
        };
        let first = first
            .strip_prefix('(')
            .and_then(|s| s.strip_suffix(')'))
            .filter(|s| !s.contains(['(', ')']))
            .unwrap_or(&first);
        match self.random.below(5) {
            0 => format!("{first} | {}", self.random.pick(filters)),
            1 => format!("{first} | {} | {}", self.random.pick(filters), self.filter()),
            2 => format!("{first} | {}", self.filter()),
            _ => first.to_owned(),
        }
    }

    fn filters_of_numbers(&self) -> &'static [&'static str] {
        if self.dialect == Dialect::Rules { &NUMBER_FILTERS } else { &ANY_FILTERS }
    }

    /// A function of one more argument that takes nearly anything.
    fn filter(&mut self) -> String {
        match self.random.below(4) {
            0 | 1 => format!("printf \"{}\"", self.random.pick(&FORMATS)),
            2 => self.random.pick(&ANY_FILTERS).to_owned(),
            _ if self.random.one_in(3) => self.random.pick(&STRING_FILTERS).to_owned(),
            _ => self.random.pick(self.filters_of_numbers()).to_owned(),
        }
    }

    fn any(&mut self, depth: usize) -> String {
        match self.random.below(10) {
            0..4 => self.string(depth),
            4..7 => self.number(depth),
            7 => self.bool(depth),
            8 => self.list(depth),
            _ => self.map(),
        }
    }

    /// An expression of a type, and sometimes of another.
    fn string(&mut self, depth: usize) -> String {
        if depth == 0 || self.random.one_in(4) {
            return match self.random.below(3) {
                0 => self.random.pick(&STRINGS).to_owned(),
                _ if self.dialect == Dialect::Rules => self
                    .random
                    .pick(&[
                        "$labels.instance",
                        ".Labels.job",
                        "$labels.nope",
                        "$externalLabels.site",
                        ".ExternalURL",
                        "$externalURL",
                        "externalURL",
                        "pathPrefix",
                        "$labels.path",
                    ])
                    .to_owned(),
                _ => self
                    .random
                    .pick(&[
                        ".Receiver",
                        ".Status",
                        ".ExternalURL",
                        ".CommonLabels.job",
                        ".GroupLabels.nope",
                        ".CommonAnnotations.text",
                        "(index .Alerts 0).Labels.instance",
                        "(index .Alerts 0).Fingerprint",
                        "(index .Alerts 1).GeneratorURL",
                    ])
                    .to_owned(),
            };
        }
        let depth = depth - 1;
        if self.random.one_in(16) {
            return self.any(depth);
        }
        let format = self.random.pick(&FORMATS);
        match self.random.below(if self.dialect == Dialect::Rules { 22 } else { 13 }) {
            0 => format!("(toUpper {})", self.string(depth)),
            1 => format!("(toLower {})", self.string(depth)),
            2 => format!("(title {})", self.string(depth)),
            3 => format!(
                "(reReplaceAll {} {} {})",
                self.random.pick(&PATTERNS),
                self.random.pick(&REPLACEMENTS),
                self.string(depth)
            ),
            4 => format!("(printf \"{format}\" {})", self.any(depth)),
            5 => format!(
                "(printf \"{format} {}\" {} {})",
                self.random.pick(&FORMATS),
                self.any(depth),
                self.any(depth)
            ),
            6 => format!("(print {} {} {})", self.any(depth), self.any(depth), self.any(depth)),
            7 => format!("(urlquery {})", self.any(depth)),
            8 => format!("(html {})", self.any(depth)),
            9 => format!("(js {})", self.string(depth)),
            10 => format!("(slice {} {})", self.string(depth), self.random.below(4)),
            11 => format!("({} | {})", self.any(depth), self.filter()),
            12 if self.dialect == Dialect::Notifications => {
                format!("(join {} {})", self.random.pick(&STRINGS), self.list(depth))
            }
            12 | 13 => format!("(humanize {})", self.number(depth)),
            14 => format!("(humanize1024 {})", self.number(depth)),
            15 => format!("(humanizeDuration {})", self.number(depth)),
            16 => format!("(humanizePercentage {})", self.number(depth)),
            17 => format!("(humanizeTimestamp {})", self.number(depth)),
            18 => format!("(stripPort {})", self.string(depth)),
            19 => format!("(stripDomain {})", self.string(depth)),
            20 => format!("(label \"l\" {})", self.sample()),
            _ => format!("(tableLink {})", self.string(depth)),
        }
    }

    fn number(&mut self, depth: usize) -> String {
        let rules = self.dialect == Dialect::Rules;
        match self.random.below(if depth == 0 { 4 } else { 8 }) {
            2 | 3 if rules => self.random.pick(&["$value", ".Value"]).to_owned(),
            4 => format!("(len {})", self.string(depth - 1)),
            5 if rules => {
                format!("(parseDuration {})", self.random.pick(&["\"1h\"", "\"90s\"", "\"x\"", "\"\""]))
            }
            6 if rules => format!("(value {})", self.sample()),
            7 => self.any(depth - 1),
            _ => self.random.pick(&NUMBERS).to_owned(),
        }
    }

    fn bool(&mut self, depth: usize) -> String {
        if depth == 0 {
            return self.random.pick(&["true", "false", "nil"]).to_owned();
        }
        let depth = depth - 1;
        match self.random.below(9) {
            0 => format!("(not {})", self.any(depth)),
            1 => format!("({} {} {})", self.random.pick(&["and", "or"]), self.any(depth), self.any(depth)),
            2 => {
                format!("({} {} {})", self.random.pick(&["eq", "ne"]), self.string(depth), self.string(depth))
            }
            3 | 4 => format!(
                "({} {} {})",
                self.random.pick(&["eq", "ne", "lt", "le", "gt", "ge"]),
                self.number(depth),
                self.number(depth)
            ),
            5 => format!("(eq {} {} {})", self.any(depth), self.any(depth), self.any(depth)),
            6 => format!("(match {} {})", self.random.pick(&PATTERNS), self.string(depth)),
            7 => self.random.pick(&["true", "false"]).to_owned(),
            _ => self.any(depth),
        }
    }

    fn list(&mut self, depth: usize) -> String {
        if self.dialect == Dialect::Rules {
            let query = format!("(query \"{}\")", self.random.pick(&QUERIES));
            return match self.random.below(5) {
                0 => format!("(sortByLabel \"{}\" {query})", self.random.pick(&["l", "nope"])),
                1 => self.map(),
                2 if depth > 0 => format!("(args {} {})", self.any(depth - 1), self.any(depth - 1)),
                _ => query,
            };
        }
        match self.random.below(6) {
            0 => format!("(stringSlice {} {})", self.string(0), self.string(0)),
            1 => self.random.pick(&[".Alerts", ".Alerts.Firing", ".Alerts.Resolved"]).to_owned(),
            2 => format!("{}.{}", self.map(), self.random.pick(&["Names", "Values", "SortedPairs"])),
            3 => format!("(slice .Alerts {})", self.random.below(3)),
            4 => format!("({}.Remove (stringSlice \"job\" \"severity\"))", self.map()),
            _ => self.map(),
        }
    }

    fn map(&mut self) -> String {
        match self.dialect {
            Dialect::Rules => self
                .random
                .pick(&["$labels", ".Labels", "$externalLabels", ".ExternalLabels", "(args 1 \"b\")"])
                .to_owned(),
            Dialect::Notifications => self
                .random
                .pick(&[
                    ".CommonLabels",
                    ".GroupLabels",
                    ".CommonAnnotations",
                    "(index .Alerts 0).Labels",
                    "(index .Alerts 0).Annotations",
                ])
                .to_owned(),
        }
    }

    fn sample(&mut self) -> String {
        let query = format!("query \"{}\"", self.random.pick(&QUERIES));
        match self.random.below(3) {
            0 => format!("(index ({query}) 1)"),
            1 => format!("(first ({query}))"),
            _ => format!("({query} | first)"),
        }
    }
}
