//! What a notification tells: the data that templates and webhooks see.

use std::any::Any;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use bellwether_model::{Alert, Fingerprint};
use bellwether_template::library::GoTime;
use bellwether_template::{FunctionError, Record, Value, write_json_string};

/// Texts by name, as templates see them: a map with methods.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kv(pub BTreeMap<String, String>);

/// Texts by name in an order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pairs(pub Vec<(String, String)>);

/// All that a notification tells.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Data {
    /// Who is told.
    pub receiver: String,
    /// The alerts, in an order that does not change from one notification to the next. Shared, because each template that mentions them looks at all.
    pub alerts: Vec<Arc<AlertData>>,
    /// The labels by which the alerts are a group.
    pub group_labels: Option<Kv>,
    /// The labels that all alerts have alike.
    pub common_labels: Option<Kv>,
    /// The annotations that all alerts have alike.
    pub common_annotations: Option<Kv>,
    /// Texts of the route; each is a template.
    pub route_labels: Option<Kv>,
    /// The address of the server.
    pub external_url: String,
    /// How many more alerts there are, of which nothing is told.
    pub truncated_alerts: usize,
}

/// One alert of a notification.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertData {
    /// Whether it is over.
    pub status: Status,
    /// What it is.
    pub labels: Option<Kv>,
    /// Texts about it.
    pub annotations: Option<Kv>,
    /// Since when it fires.
    pub starts_at: GoTime,
    /// When it was over, or will be.
    pub ends_at: GoTime,
    /// A page that shows what was seen.
    pub generator_url: String,
    /// What it is called by; `None` where nobody computed it.
    pub fingerprint: Option<Fingerprint>,
}

/// Whether an alert, or one of a group, fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Status {
    /// It does.
    Firing,
    /// It is over.
    #[default]
    Resolved,
}

impl Status {
    /// `firing` or `resolved`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }
}

impl Data {
    /// What is told of alerts at `now_ms`.
    pub fn new(receiver: &str, group_labels: Kv, alerts: &[Alert], external_url: &str, now_ms: i64) -> Self {
        let alerts = alerts.iter().map(|alert| AlertData::new(alert, now_ms));
        Self::of(receiver, group_labels, alerts, external_url)
    }

    /// What is told of alerts of which all is known.
    pub fn of(
        receiver: &str,
        group_labels: Kv,
        alerts: impl IntoIterator<Item: Into<Arc<AlertData>>>,
        external_url: &str,
    ) -> Self {
        let alerts: Vec<Arc<AlertData>> = alerts.into_iter().map(Into::into).collect();
        Self {
            receiver: receiver.to_owned(),
            group_labels: Some(group_labels),
            common_labels: Some(common(&alerts, |alert| alert.labels.as_ref())),
            common_annotations: Some(common(&alerts, |alert| alert.annotations.as_ref())),
            route_labels: None,
            external_url: external_url.to_owned(),
            truncated_alerts: 0,
            alerts,
        }
    }

    /// Whether one of the alerts fires.
    pub fn status(&self) -> Status {
        let firing = self.alerts.iter().any(|alert| alert.status == Status::Firing);
        if firing { Status::Firing } else { Status::Resolved }
    }
}

/// The texts that all alerts have alike.
fn common(alerts: &[Arc<AlertData>], texts: impl Fn(&AlertData) -> Option<&Kv>) -> Kv {
    let mut alerts = alerts.iter().map(|alert| texts(alert).cloned().unwrap_or_default().0);
    let Some(mut common) = alerts.next() else { return Kv::default() };
    for other in alerts {
        common.retain(|name, text| other.get(name) == Some(text));
    }
    Kv(common)
}

impl AlertData {
    fn new(alert: &Alert, now_ms: i64) -> Self {
        let kv = |labels: &bellwether_model::Labels| {
            Some(Kv(labels.iter().map(|label| (label.name.to_owned(), label.value.to_owned())).collect()))
        };
        Self {
            status: if alert.is_resolved(now_ms) { Status::Resolved } else { Status::Firing },
            labels: kv(&alert.labels),
            annotations: kv(&alert.annotations),
            starts_at: GoTime::from_ms(alert.starts_at_ms),
            ends_at: alert.ends_at_ms.map_or_else(GoTime::zero, GoTime::from_ms),
            generator_url: alert.generator_url.clone(),
            fingerprint: Some(alert.fingerprint()),
        }
    }
}

impl Kv {
    /// The texts in the order of their names, but the name of the alert first.
    pub fn sorted_pairs(&self) -> Pairs {
        let (first, others): (Vec<_>, Vec<_>) = self.0.iter().partition(|(name, _)| *name == "alertname");
        Pairs(first.into_iter().chain(others).map(|(name, text)| (name.clone(), text.clone())).collect())
    }

    /// Those that have other names.
    #[must_use]
    pub fn without(&self, names: &[&str]) -> Self {
        let kept = self.0.iter().filter(|(name, _)| !names.contains(&name.as_str()));
        Self(kept.map(|(name, text)| (name.clone(), text.clone())).collect())
    }
}

/// `name=text` with commas between, as Alertmanager prints pairs.
impl std::fmt::Display for Pairs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (idx, (name, text)) in self.0.iter().enumerate() {
            let comma = if idx > 0 { ", " } else { "" };
            write!(f, "{comma}{name}={text}")?;
        }
        Ok(())
    }
}

/// A list of texts for templates.
fn strings<'t>(texts: impl IntoIterator<Item = &'t String>) -> Value {
    Value::list(texts.into_iter().map(|text| text.as_str().into()))
}

fn of_map(kv: Option<&Kv>) -> Value {
    kv.cloned().map_or(Value::Nil, |kv| Arc::new(kv).into())
}

fn json_object<'t>(out: &mut String, fields: impl IntoIterator<Item = (&'t str, Cow<'t, str>)>) {
    out.push('{');
    for (idx, (name, json)) in fields.into_iter().enumerate() {
        if idx > 0 {
            out.push(',');
        }
        write_json_string(out, name);
        out.push(':');
        out.push_str(&json);
    }
    out.push('}');
}

fn json_text(text: &str) -> Cow<'static, str> {
    let mut out = String::new();
    write_json_string(&mut out, text);
    out.into()
}

fn json_kv(kv: Option<&Kv>) -> Cow<'static, str> {
    kv.map_or(Cow::Borrowed("null"), |kv| kv.json().into_owned().into())
}

fn json_list<'a, T: Record + 'a>(items: impl IntoIterator<Item = &'a T>) -> String {
    let items: Vec<Cow<'_, str>> = items.into_iter().map(Record::json).collect();
    format!("[{}]", items.join(","))
}

impl Record for Kv {
    fn type_name(&self) -> &'static str {
        "template.KV"
    }

    /// The text with this name, empty if there is none: it is a map.
    fn field(&self, name: &str) -> Option<Value> {
        Some(self.0.get(name).map_or("", String::as_str).into())
    }

    fn entries(&self) -> Option<Vec<(Value, Value)>> {
        Some(self.0.iter().map(|(name, text)| (name.as_str().into(), text.as_str().into())).collect())
    }

    fn call(&self, name: &str, args: &[Value]) -> Option<Result<Value, FunctionError>> {
        Some(Ok(match (name, args) {
            ("SortedPairs", []) => Arc::new(self.sorted_pairs()).into(),
            ("Names", []) => strings(self.sorted_pairs().0.iter().map(|(name, _)| name)),
            ("Values", []) => strings(self.sorted_pairs().0.iter().map(|(_, text)| text)),
            ("Remove", [Value::List(names)]) => {
                let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
                Arc::new(self.without(&names)).into()
            }
            ("Remove", _) => return Some(Err(FunctionError::new("Remove takes a list of names"))),
            _ => return None,
        }))
    }

    fn print(&self) -> String {
        let entries: Vec<String> = self.0.iter().map(|(name, text)| format!("{name}:{text}")).collect();
        format!("map[{}]", entries.join(" "))
    }

    fn json(&self) -> Cow<'_, str> {
        let mut out = String::new();
        json_object(&mut out, self.0.iter().map(|(name, text)| (name.as_str(), json_text(text))));
        out.into()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Record for Pairs {
    fn type_name(&self) -> &'static str {
        "template.Pairs"
    }

    fn field(&self, _: &str) -> Option<Value> {
        None
    }

    fn entries(&self) -> Option<Vec<(Value, Value)>> {
        let pair = |(idx, (name, text)): (usize, &(String, String))| {
            (Value::Int(idx as i64), Arc::new(Pair(name.clone(), text.clone())).into())
        };
        Some(self.0.iter().enumerate().map(pair).collect())
    }

    fn call(&self, name: &str, args: &[Value]) -> Option<Result<Value, FunctionError>> {
        Some(Ok(match (name, args) {
            ("Names", []) => strings(self.0.iter().map(|(name, _)| name)),
            ("Values", []) => strings(self.0.iter().map(|(_, text)| text)),
            ("String", []) => self.to_string().into(),
            _ => return None,
        }))
    }

    fn print(&self) -> String {
        self.to_string()
    }

    fn json(&self) -> Cow<'_, str> {
        let pairs: Vec<Pair> = self.0.iter().map(|(name, text)| Pair(name.clone(), text.clone())).collect();
        json_list(&pairs).into()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A text with its name, as templates see it.
#[derive(Debug)]
struct Pair(String, String);

impl Record for Pair {
    fn type_name(&self) -> &'static str {
        "template.Pair"
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "Name" => Some(self.0.as_str().into()),
            "Value" => Some(self.1.as_str().into()),
            _ => None,
        }
    }

    fn parts(&self) -> Vec<Value> {
        vec![self.0.as_str().into(), self.1.as_str().into()]
    }

    fn print(&self) -> String {
        format!("{{{} {}}}", self.0, self.1)
    }

    fn json(&self) -> Cow<'_, str> {
        let mut out = String::new();
        json_object(&mut out, [("Name", json_text(&self.0)), ("Value", json_text(&self.1))]);
        out.into()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Alerts, as templates see them: a list with methods.
#[derive(Debug, Clone)]
struct Alerts(Vec<Arc<AlertData>>);

impl Alerts {
    fn with_status(&self, status: Status) -> Value {
        let alerts = self.0.iter().filter(|alert| alert.status == status).cloned().collect();
        Arc::new(Self(alerts)).into()
    }
}

impl Record for Alerts {
    fn type_name(&self) -> &'static str {
        "template.Alerts"
    }

    fn field(&self, _: &str) -> Option<Value> {
        None
    }

    fn entries(&self) -> Option<Vec<(Value, Value)>> {
        let alerts = self.0.iter().enumerate();
        Some(alerts.map(|(idx, alert)| (Value::Int(idx as i64), Arc::clone(alert).into())).collect())
    }

    fn call(&self, name: &str, args: &[Value]) -> Option<Result<Value, FunctionError>> {
        match (name, args) {
            ("Firing", []) => Some(Ok(self.with_status(Status::Firing))),
            ("Resolved", []) => Some(Ok(self.with_status(Status::Resolved))),
            _ => None,
        }
    }

    fn print(&self) -> String {
        let alerts: Vec<String> = self.0.iter().map(|alert| alert.print()).collect();
        format!("[{}]", alerts.join(" "))
    }

    fn json(&self) -> Cow<'_, str> {
        json_list(self.0.iter().map(|alert| &**alert)).into()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Record for AlertData {
    fn type_name(&self) -> &'static str {
        "template.Alert"
    }

    fn field(&self, name: &str) -> Option<Value> {
        Some(match name {
            "Status" => self.status.as_str().into(),
            "Labels" => of_map(self.labels.as_ref()),
            "Annotations" => of_map(self.annotations.as_ref()),
            "StartsAt" => Arc::new(self.starts_at.clone()).into(),
            "EndsAt" => Arc::new(self.ends_at.clone()).into(),
            "GeneratorURL" => self.generator_url.as_str().into(),
            "Fingerprint" => self.fingerprint_text().into(),
            _ => return None,
        })
    }

    fn parts(&self) -> Vec<Value> {
        let names = ["Status", "Labels", "Annotations", "StartsAt", "EndsAt", "GeneratorURL", "Fingerprint"];
        names.into_iter().filter_map(|name| self.field(name)).collect()
    }

    fn print(&self) -> String {
        let kv = |kv: Option<&Kv>| kv.map_or_else(|| "map[]".to_owned(), Record::print);
        format!(
            "{{{} {} {} {} {} {} {}}}",
            self.status.as_str(),
            kv(self.labels.as_ref()),
            kv(self.annotations.as_ref()),
            self.starts_at,
            self.ends_at,
            self.generator_url,
            self.fingerprint_text()
        )
    }

    fn json(&self) -> Cow<'_, str> {
        let mut out = String::new();
        let fields = [
            ("status", json_text(self.status.as_str())),
            ("labels", json_kv(self.labels.as_ref())),
            ("annotations", json_kv(self.annotations.as_ref())),
            ("startsAt", self.starts_at.json()),
            ("endsAt", self.ends_at.json()),
            ("generatorURL", json_text(&self.generator_url)),
            ("fingerprint", json_text(&self.fingerprint_text())),
        ];
        json_object(&mut out, fields);
        out.into()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl AlertData {
    fn fingerprint_text(&self) -> String {
        self.fingerprint.map_or_else(String::new, |fingerprint| fingerprint.to_string())
    }
}

impl Record for Data {
    fn type_name(&self) -> &'static str {
        "*template.Data"
    }

    fn field(&self, name: &str) -> Option<Value> {
        Some(match name {
            "Receiver" => self.receiver.as_str().into(),
            "Status" => self.status().as_str().into(),
            "Alerts" => Arc::new(Alerts(self.alerts.clone())).into(),
            "GroupLabels" => of_map(self.group_labels.as_ref()),
            "CommonLabels" => of_map(self.common_labels.as_ref()),
            "CommonAnnotations" => of_map(self.common_annotations.as_ref()),
            "RouteLabels" => of_map(self.route_labels.as_ref()),
            "ExternalURL" => self.external_url.as_str().into(),
            "TruncatedAlerts" => (self.truncated_alerts as i64).into(),
            _ => return None,
        })
    }

    fn print(&self) -> String {
        format!("{{{} {} ...}}", self.receiver, self.status().as_str())
    }

    fn json(&self) -> Cow<'_, str> {
        let mut out = String::new();
        let fields = [
            ("receiver", json_text(&self.receiver)),
            ("status", json_text(self.status().as_str())),
            ("alerts", json_list(self.alerts.iter().map(|alert| &**alert)).into()),
            ("groupLabels", json_kv(self.group_labels.as_ref())),
            ("commonLabels", json_kv(self.common_labels.as_ref())),
            ("commonAnnotations", json_kv(self.common_annotations.as_ref())),
            ("externalURL", json_text(&self.external_url)),
        ];
        json_object(&mut out, fields);
        out.into()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
