//! Templates in labels and annotations of alerts.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::{Labels, SearchRegex, Value as SampleValue, format_float_go, parse_duration_ms};
use bellwether_template::library::{Host, RuleData, Sample, SampleValue as TemplateValue, prometheus};
use bellwether_template::{Limits, Options, ParseError, Template, Value};
use parking_lot::RwLock;

use crate::alert::AlertCandidate;

/// Variables that templates of rules may use instead of the fields of their data, as in Prometheus.
const PRELUDE: &str = "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}";

/// Runs a query for a template; the time is that of the evaluation.
pub(crate) type QueryFn = dyn Fn(&str) -> Result<Vec<Sample>, String> + Send + Sync;

/// What templates of one evaluation see besides their alert.
#[derive(Clone)]
pub(crate) struct Surroundings {
    pub(crate) ts_ms: i64,
    pub(crate) external_labels: Labels,
    pub(crate) external_url: String,
    pub(crate) query: Arc<QueryFn>,
}

impl Surroundings {
    /// At the epoch without data.
    pub(crate) fn nobody() -> Self {
        Self {
            ts_ms: 0,
            external_labels: Labels::empty(),
            external_url: String::new(),
            query: Arc::new(|_| Ok(Vec::new())),
        }
    }
}

impl Host for Surroundings {
    fn query(&self, expr: &str) -> Result<Vec<Sample>, String> {
        (self.query)(expr)
    }

    fn now_ms(&self) -> i64 {
        self.ts_ms
    }

    fn external_url(&self) -> String {
        self.external_url.clone()
    }

    fn regex_matches(&self, pattern: &str, text: &str) -> Result<bool, String> {
        Ok(SearchRegex::new(pattern).map_err(|e| e.to_string())?.is_match(text))
    }

    fn regex_replace_all(&self, pattern: &str, text: &str, replacement: &str) -> Result<String, String> {
        let regex = SearchRegex::new(pattern).map_err(|e| e.to_string())?;
        let replaced = regex.replace_all(text, replacement, Limits::default().output_bytes);
        replaced.ok_or_else(|| "the result is too long".to_owned())
    }

    fn parse_duration_ms(&self, text: &str) -> Result<i64, String> {
        parse_duration_ms(text).map_err(|e| e.to_string())
    }
}

/// Stands in for the surroundings of whatever evaluation runs, so that templates are parsed once and not at each evaluation.
#[derive(Default)]
struct CurrentHost(RwLock<Option<Arc<Surroundings>>>);

impl CurrentHost {
    /// The surroundings; those of nobody between evaluations, when nothing is expanded.
    fn get(&self) -> Arc<Surroundings> {
        self.0.read().clone().unwrap_or_else(|| Arc::new(Surroundings::nobody()))
    }
}

impl Host for CurrentHost {
    fn query(&self, expr: &str) -> Result<Vec<Sample>, String> {
        self.get().query(expr)
    }

    fn now_ms(&self) -> i64 {
        self.get().ts_ms
    }

    fn external_url(&self) -> String {
        self.get().external_url.clone()
    }

    fn regex_matches(&self, pattern: &str, text: &str) -> Result<bool, String> {
        self.get().regex_matches(pattern, text)
    }

    fn regex_replace_all(&self, pattern: &str, text: &str, replacement: &str) -> Result<String, String> {
        self.get().regex_replace_all(pattern, text, replacement)
    }

    fn parse_duration_ms(&self, text: &str) -> Result<i64, String> {
        self.get().parse_duration_ms(text)
    }
}

/// The labels and annotations that an alerting rule gives its alerts, parsed.
pub(crate) struct Texts {
    name: String,
    host: Arc<CurrentHost>,
    labels: Vec<(String, Text)>,
    annotations: Vec<(String, Text)>,
}

enum Text {
    Plain(String),
    Template(Template),
    /// What stands for the text of a template that does not parse.
    Broken(String),
}

impl Texts {
    /// Parses the texts of the rule that raises `alert`.
    pub(crate) fn new(
        alert: &str,
        labels: &BTreeMap<String, String>,
        annotations: &BTreeMap<String, String>,
    ) -> Self {
        let host = Arc::new(CurrentHost::default());
        let name = template_name(alert);
        let functions = prometheus(&(Arc::<CurrentHost>::clone(&host) as Arc<dyn Host>));
        let parse = |text: &str| {
            if !text.contains("{{") {
                return Text::Plain(text.to_owned());
            }
            match Template::parse(&name, &format!("{PRELUDE}{text}"), &functions) {
                Ok(template) => Text::Template(template),
                Err(e) => Text::Broken(failed(&format!("error parsing template {name}: {e}"))),
            }
        };
        Self {
            labels: labels.iter().map(|(n, text)| (n.clone(), parse(text))).collect(),
            annotations: annotations.iter().map(|(n, text)| (n.clone(), parse(text))).collect(),
            name,
            host,
        }
    }

    /// Expands texts within these surroundings until the expansion is dropped. A rule has one evaluation at a time.
    pub(crate) fn expansion(&self, surroundings: Surroundings) -> Expansion<'_> {
        let external_labels = strings(&surroundings.external_labels);
        let external_url = surroundings.external_url.as_str().into();
        *self.host.0.write() = Some(Arc::new(surroundings));
        let texts = self.labels.iter().chain(&self.annotations);
        let has_templates = texts.into_iter().any(|(_, text)| matches!(text, Text::Template(_)));
        Expansion { texts: self, external_labels, external_url, has_templates, failed: RefCell::default() }
    }
}

/// The texts of a rule at one evaluation.
pub(crate) struct Expansion<'a> {
    texts: &'a Texts,
    external_labels: Value,
    external_url: Value,
    has_templates: bool,
    /// What stands for the texts that failed: one of each evaluation is told, however many alerts there are.
    failed: RefCell<Option<(usize, String)>>,
}

impl Drop for Expansion<'_> {
    fn drop(&mut self) {
        *self.texts.host.0.write() = None;
    }
}

impl Expansion<'_> {
    /// The alert for an element with these labels and this value. A text that fails says so itself, so that an alert is never lost for it.
    pub(crate) fn candidate(&self, alert: &str, labels: &Labels, value: SampleValue) -> AlertCandidate {
        let data = if self.has_templates { self.data(labels, &value) } else { Value::Nil };
        let mut builder = labels.without_metric_name().to_builder();
        for (name, text) in &self.texts.labels {
            builder.set(name, &self.expand(text, &data));
        }
        builder.set("alertname", alert);
        let annotations = self.texts.annotations.iter().map(|(n, text)| (n, self.expand(text, &data)));
        let annotations = Labels::from_pairs(annotations);
        AlertCandidate { labels: builder.build(), annotations, value }
    }

    fn data(&self, labels: &Labels, value: &SampleValue) -> Value {
        let data = RuleData {
            labels: strings(labels),
            external_labels: self.external_labels.clone(),
            external_url: self.external_url.clone(),
            value: template_value(value).to_value(),
        };
        Arc::new(data).into()
    }

    /// How many texts failed, and what stands for the first of them.
    pub(crate) fn failures(&self) -> Option<(usize, String)> {
        self.failed.borrow().clone()
    }

    fn expand<'t>(&self, text: &'t Text, data: &Value) -> Cow<'t, str> {
        match text {
            Text::Plain(text) => Cow::Borrowed(text),
            Text::Broken(text) => self.failed(Cow::Borrowed(text)),
            Text::Template(template) => match template.execute_with(data, &Options::default()) {
                Ok(text) => text.into(),
                Err(e) => {
                    let name = &self.texts.name;
                    self.failed(failed(&format!("error executing template {name}: {e}")).into())
                }
            },
        }
    }

    fn failed<'t>(&self, text: Cow<'t, str>) -> Cow<'t, str> {
        self.failed.borrow_mut().get_or_insert_with(|| (0, text.to_string())).0 += 1;
        text
    }
}

fn failed(why: &str) -> String {
    format!("<error expanding template: {why}>")
}

fn strings(labels: &Labels) -> Value {
    Value::string_map(labels.iter().map(|l| (l.name.to_owned(), l.value.to_owned())).collect::<Vec<_>>())
}

fn template_name(alert: &str) -> String {
    format!("__alert_{alert}")
}

/// A value as templates see it.
pub(crate) fn template_value(value: &SampleValue) -> TemplateValue {
    match value {
        SampleValue::Float(v) => TemplateValue::Float(*v),
        SampleValue::Histogram(h) => TemplateValue::Histogram(format!(
            "{{count:{}, sum:{}}}",
            format_float_go(h.count),
            format_float_go(h.sum)
        )),
    }
}

/// The template in a label or an annotation of the alert, as far as it is well-formed, with all variables and functions known.
pub fn rule_template(alert: &str, text: &str) -> Result<Template, ParseError> {
    let nobody: Arc<dyn Host> = Arc::new(Surroundings::nobody());
    Template::parse(&template_name(alert), &format!("{PRELUDE}{text}"), &prometheus(&nobody))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(text: &str) -> String {
        expand_and_count(text).0
    }

    /// The text, and how many failed.
    fn expand_and_count(text: &str) -> (String, usize) {
        let surroundings = Surroundings {
            ts_ms: 0,
            external_labels: Labels::from_pairs([("region", "eu")]),
            external_url: "http://bw.example/x".to_owned(),
            query: Arc::new(|expr| {
                Ok(vec![Sample {
                    labels: [("asked".to_owned(), expr.to_owned())].into(),
                    value: TemplateValue::Float(7.0),
                }])
            }),
        };
        let labels = Labels::from_pairs([("instance", "a:1")]);
        let texts = Texts::new("A", &BTreeMap::new(), &[("text".to_owned(), text.to_owned())].into());
        let expansion = texts.expansion(surroundings);
        let candidate = expansion.candidate("A", &labels, SampleValue::Float(0.25));
        let failed = expansion.failures().map_or(0, |(n, _)| n);
        (candidate.annotations.get("text").unwrap_or_default().to_owned(), failed)
    }

    #[test]
    fn sees_what_prometheus_shows() {
        assert_eq!(expand("plain }}"), "plain }}");
        assert_eq!(expand("{{ $labels.instance }} of {{ $externalLabels.region }}"), "a:1 of eu");
        assert_eq!(expand("{{ $value | humanizePercentage }} {{ .Value }}"), "25% 0.25");
        assert_eq!(expand("{{ with query \"up\" }}{{ . | first | value }}{{ end }}"), "7");
        assert_eq!(expand("{{ $externalURL }} {{ $labels.nope }}|"), "http://bw.example/x |");
        assert_eq!(expand("{{ reReplaceAll \"(.):.*\" \"<$1>\" $labels.instance }}"), "<a>");
    }

    #[test]
    fn a_broken_template_does_not_lose_the_alert() {
        let (text, failed) = expand_and_count("{{ $labels.instance | nope }}");
        assert!(text.starts_with("<error expanding template: error parsing template __alert_A: "), "{text}");
        assert_eq!(failed, 1, "the log tells it");
        let (text, failed) = expand_and_count("{{ humanize $labels.instance }}");
        assert!(
            text.starts_with("<error expanding template: error executing template __alert_A: "),
            "{text}"
        );
        assert_eq!(failed, 1);
    }
}
