//! Templates in labels and annotations of alerts.

use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::{Labels, SearchRegex, Value as SampleValue, format_float_go, parse_duration_ms};
use bellwether_template::library::{Host, Sample, SampleValue as TemplateValue, prometheus};
use bellwether_template::{Limits, Options, ParseError, Template, Value};

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

/// Expands the templates of one element of a result.
pub(crate) struct Expander<'a> {
    name: &'a str,
    data: Value,
    host: Arc<dyn Host>,
}

impl<'a> Expander<'a> {
    /// For the alert `name` of the rule, over an element with these labels and this value.
    pub(crate) fn new(
        name: &'a str,
        labels: &Labels,
        value: &SampleValue,
        surroundings: &Surroundings,
    ) -> Self {
        let strings = |labels: &Labels| {
            Value::string_map(
                labels.iter().map(|l| (l.name.to_owned(), l.value.to_owned())).collect::<Vec<_>>(),
            )
        };
        let data = Value::map([
            ("Labels", strings(labels)),
            ("ExternalLabels", strings(&surroundings.external_labels)),
            ("ExternalURL", surroundings.external_url.as_str().into()),
            ("Value", template_value(value).to_value()),
        ]);
        Self { name, data, host: Arc::new(surroundings.clone()) }
    }

    /// The text with its templates expanded; a failure is part of the text, so that an alert is never lost for it.
    pub(crate) fn expand(&self, text: &str) -> String {
        if !text.contains("{{") {
            return text.to_owned();
        }
        let name = template_name(self.name);
        let outcome = Template::parse(&name, &format!("{PRELUDE}{text}"), &prometheus(&self.host))
            .map_err(|e| format!("error parsing template {name}: {e}"))
            .and_then(|t| {
                t.execute_with(&self.data, &Options::default())
                    .map_err(|e| format!("error executing template {name}: {e}"))
            });
        outcome.unwrap_or_else(|e| format!("<error expanding template: {e}>"))
    }

    /// Expands all values of a map.
    pub(crate) fn expand_all(&self, texts: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        texts.iter().map(|(name, text)| (name.clone(), self.expand(text))).collect()
    }
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

/// A host at the epoch without data.
pub(crate) fn nobody() -> Arc<dyn Host> {
    Arc::new(Surroundings {
        ts_ms: 0,
        external_labels: Labels::empty(),
        external_url: String::new(),
        query: Arc::new(|_| Ok(Vec::new())),
    })
}

/// Whether the templates of a text are well-formed, with all variables and functions known.
pub(crate) fn check_template(alert: &str, text: &str) -> Result<(), ParseError> {
    Template::parse(&template_name(alert), &format!("{PRELUDE}{text}"), &prometheus(&nobody())).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(text: &str) -> String {
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
        Expander::new("A", &labels, &SampleValue::Float(0.25), &surroundings).expand(text)
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
        let text = expand("{{ $labels.instance | nope }}");
        assert!(text.starts_with("<error expanding template: error parsing template __alert_A: "), "{text}");
    }
}
