//! A module for Rust: a set of metrics over `bellwether-sdk`, with an enum for each closed label.

use std::fmt::Write as _;

use super::{camel_case, origin};
use crate::schema::{Alias, Label, Metric, MetricKind, Multiprocess, Normalise, Pack};

/// Words that cannot be fields as they are.
const KEYWORDS: [&str; 38] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else",
    "enum", "extern", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "match", "mod", "move",
    "override", "priv", "pub", "ref", "return", "static", "struct", "trait", "type", "use", "where", "yield",
];

/// The module.
pub(super) fn module(pack: &Pack) -> String {
    let mut module = Module { pack, enums: Vec::new(), structs: Vec::new() };
    let fields: Vec<String> = pack.metrics.iter().map(|metric| module.field(metric)).collect();
    let mut out = format!("//! {}\n//!\n//! {}\n\n", one_line(&pack.title), origin(pack));
    if fields.is_empty() {
        return out;
    }
    push(&mut out, format_args!("use bellwether_sdk::{{{}}};\n", module.imports().join(", ")));
    for (name, label, values) in &module.enums {
        push(&mut out, format_args!("/// Values of the label `{label}`."));
        out.push_str("#[derive(Debug, Clone, Copy, PartialEq, Eq, LabelValue)]\n");
        push(&mut out, format_args!("pub enum {name} {{"));
        for (variant, value) in variants(values) {
            push(&mut out, format_args!("    /// `{}`", one_line(value)));
            push(&mut out, format_args!("    #[label(name = {value:?})]"));
            push(&mut out, format_args!("    {variant},"));
        }
        out.push_str("}\n\n");
    }
    for (name, metrics, body) in &module.structs {
        push(&mut out, format_args!("/// Labels of {}.", metrics.join(", ")));
        out.push_str("#[derive(Debug, Clone, Copy, Labels)]\n");
        push(&mut out, format_args!("pub struct {name} {{"));
        out.push_str(body);
        out.push_str("}\n\n");
    }
    push(&mut out, format_args!("/// The metrics of pack `{}`.", pack.name));
    out.push_str("#[derive(Debug, Clone, Copy, MetricSet)]\n");
    push(&mut out, format_args!("pub struct {} {{", camel_case(&pack.name)));
    out.extend(fields);
    out.push_str("}\n");
    out
}

fn push(out: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(out, "{line}").expect("BUG: writing to a string cannot fail");
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The type of the instrument.
fn instrument(metric: &Metric) -> &'static str {
    match metric.kind {
        MetricKind::Counter if metric.observed => "ObservedCounter",
        MetricKind::Counter => "Counter",
        MetricKind::Gauge => "Gauge",
        MetricKind::Histogram => "Histogram",
        MetricKind::NativeHistogram => "NativeHistogram",
        MetricKind::Summary => "Summary",
        MetricKind::Info => "Info",
        MetricKind::StateSet => "StateSet",
    }
}

/// How the instrument joins processes; `None` if it does so by itself. Only gauges have a choice.
fn merge(metric: &Metric) -> Option<&'static str> {
    if metric.kind != MetricKind::Gauge {
        return None;
    }
    match metric.multiprocess {
        Multiprocess::Sum | Multiprocess::SumLive => None,
        Multiprocess::MaxLive => Some("GaugeMerge::MaxLive"),
        Multiprocess::MinLive => Some("GaugeMerge::MinLive"),
        Multiprocess::Latest => Some("GaugeMerge::Latest"),
        Multiprocess::PerProcess => Some("GaugeMerge::PerProcess"),
        Multiprocess::SumAll => Some("GaugeMerge::SumAll"),
    }
}

struct Module<'p> {
    pack: &'p Pack,
    /// Name, label, values.
    enums: Vec<(String, String, Vec<String>)>,
    /// Name with lifetime, metrics that have these labels, fields.
    structs: Vec<(String, Vec<String>, String)>,
}

impl Module<'_> {
    /// The field of a metric.
    fn field(&mut self, metric: &Metric) -> String {
        let instrument = instrument(metric);
        let labels = self.labels(metric);
        let arguments = match (metric.kind, labels) {
            (MetricKind::StateSet, labels) => {
                let states = self.enumeration(metric, &metric.name, &metric.states);
                labels.map_or_else(|| format!("<{states}>"), |labels| format!("<{states}, {labels}>"))
            }
            (MetricKind::Info, None) => "<()>".to_owned(),
            (_, None) => String::new(),
            (_, Some(labels)) => format!("<{labels}>"),
        };
        let family = metric.family();
        let mut settings = vec![format!("name = {family:?}")];
        if !metric.unit.is_empty() && family.ends_with(&format!("_{}", metric.unit)) {
            settings.push(format!("unit = {:?}", metric.unit));
        }
        let list = |values: &[f64]| values.iter().map(|value| literal(*value)).collect::<Vec<_>>().join(", ");
        if let Some(bounds) = self.pack.bounds(metric) {
            settings.push(format!("buckets = &[{}]", list(bounds)));
        }
        if metric.kind == MetricKind::Summary {
            settings.push(format!("quantiles = &[{}]", list(&metric.quantiles)));
        }
        if let Some(merge) = merge(metric) {
            settings.push(format!("merge = {merge}"));
        }
        if let Some(max) = metric.max_series {
            settings.push(format!("max_series = {max}"));
        }
        if metric.exemplars {
            settings.push("exemplars".to_owned());
        }
        if metric.begins_whole() {
            settings.push("init".to_owned());
        }
        if !metric.aliases.is_empty() {
            let aliases: Vec<String> = metric.aliases.iter().map(alias).collect();
            settings.push(format!("aliases = &[{}]", aliases.join(", ")));
        }
        let field =
            family.strip_prefix(&self.pack.namespace).filter(|rest| !rest.is_empty()).unwrap_or(family);
        let mut out = String::new();
        push(&mut out, format_args!("    /// {}", one_line(&metric.help)));
        push(&mut out, format_args!("    #[metric({})]", settings.join(", ")));
        push(&mut out, format_args!("    pub {}: {instrument}{arguments},", identifier(field)));
        out
    }

    /// The type of the labels of a metric, which is shared by metrics with the same ones; `None` if it has none.
    fn labels(&mut self, metric: &Metric) -> Option<String> {
        if metric.labels.is_empty() {
            return None;
        }
        let mut body = String::new();
        let mut is_open = false;
        for (name, label) in &metric.labels {
            let about =
                if label.help.is_empty() { format!("Label `{name}`.") } else { one_line(&label.help) };
            push(&mut body, format_args!("    /// {about}"));
            let ty = if label.is_closed() {
                self.enumeration(metric, name, &label.values)
            } else {
                is_open = true;
                push_limits(&mut body, label);
                "&'a str".to_owned()
            };
            push(&mut body, format_args!("    pub {}: {ty},", identifier(name)));
        }
        let static_arguments = if is_open { "<'static>" } else { "" };
        if let Some((name, metrics, _)) = self.structs.iter_mut().find(|(_, _, other)| *other == body) {
            metrics.push(format!("`{}`", metric.name));
            return Some(name.replace("<'a>", static_arguments));
        }
        let short = metric.family().strip_prefix(&self.pack.namespace).unwrap_or(metric.family());
        let base = format!("{}Labels", camel_case(short));
        let name = if is_open { format!("{base}<'a>") } else { base.clone() };
        self.structs.push((name, vec![format!("`{}`", metric.name)], body));
        Some(format!("{base}{static_arguments}"))
    }

    /// The enum of these values, which is shared by labels with the same name and values.
    fn enumeration(&mut self, metric: &Metric, label: &str, values: &[String]) -> String {
        if let Some((name, _, _)) = self.enums.iter().find(|(_, l, v)| l == label && v == values) {
            return name.clone();
        }
        let short = camel_case(label.strip_prefix(&self.pack.namespace).unwrap_or(label));
        let is_taken = |name: &str| self.enums.iter().any(|(other, _, _)| other == name);
        let long = || {
            let family = metric.family().strip_prefix(&self.pack.namespace).unwrap_or(metric.family());
            format!("{}{short}", camel_case(family))
        };
        // The set of metrics and the instruments have names, too.
        let reserved = [
            camel_case(&self.pack.name),
            "Alias".into(),
            "Counter".into(),
            "Gauge".into(),
            "GaugeMerge".into(),
            "Histogram".into(),
            "NativeHistogram".into(),
            "ObservedCounter".into(),
            "Summary".into(),
            "Info".into(),
            "StateSet".into(),
            "Labels".into(),
            "LabelValue".into(),
            "MetricSet".into(),
        ];
        let name = if is_taken(&short) || reserved.contains(&short) { long() } else { short.clone() };
        self.enums.push((name.clone(), label.to_owned(), values.to_vec()));
        name
    }

    fn imports(&self) -> Vec<&'static str> {
        let mut imports: Vec<&str> = self.pack.metrics.iter().map(instrument).collect();
        if self.pack.metrics.iter().any(|metric| merge(metric).is_some()) {
            imports.push("GaugeMerge");
        }
        if self.pack.metrics.iter().any(|metric| !metric.aliases.is_empty()) {
            imports.push("Alias");
        }
        if !self.enums.is_empty() {
            imports.push("LabelValue");
        }
        if !self.structs.is_empty() {
            imports.push("Labels");
        }
        imports.push("MetricSet");
        imports.sort_unstable();
        imports.dedup();
        imports
    }
}

fn push_limits(out: &mut String, label: &Label) {
    let max = label.max.map(|max| format!("max = {max}"));
    let max_len = label.max_len.map(|bytes| format!("max_len = {bytes}"));
    let rule = if label.deny { Some("deny".to_owned()) } else { normalise(&label.normalise) };
    let settings: Vec<String> = max.into_iter().chain(max_len).chain(rule).collect();
    if !settings.is_empty() {
        push(out, format_args!("    #[label({})]", settings.join(", ")));
    }
}

/// The setting that takes all of this out of values; `None` if it is nothing.
fn normalise(ways: &[Normalise]) -> Option<String> {
    let ways: Vec<&str> = ways.iter().map(|way| way.as_str()).collect();
    (!ways.is_empty()).then(|| format!("normalise({})", ways.join(", ")))
}

/// An old name as an expression.
fn alias(alias: &Alias) -> String {
    let name = format!("Alias::new({:?})", alias.name.value);
    if alias.labels.is_empty() {
        return name;
    }
    let labels: Vec<String> = alias.labels.iter().map(|(new, old)| format!("({new:?}, {old:?})")).collect();
    format!("{name}.labels(&[{}])", labels.join(", "))
}

/// The name of a field.
fn identifier(name: &str) -> String {
    if KEYWORDS.contains(&name) {
        format!("r#{name}")
    } else if name.starts_with(|c: char| c.is_ascii_digit()) {
        format!("_{name}")
    } else {
        name.to_owned()
    }
}

/// The variants of an enum with their values.
fn variants(values: &[String]) -> Vec<(String, &str)> {
    let mut out: Vec<(String, &str)> = Vec::new();
    for value in values {
        let lower = value.to_ascii_lowercase();
        // `GET` is a word like any other.
        let word = if value.chars().any(|c| c.is_ascii_lowercase()) { value } else { &lower };
        let mut variant = camel_case(word);
        if !variant.starts_with(|c: char| c.is_ascii_alphabetic()) {
            variant.insert_str(0, "Value");
        }
        while out.iter().any(|(other, _)| *other == variant) || variant == "Self" {
            variant.push('_');
        }
        out.push((variant, value));
    }
    out
}

/// A number as Rust's own style writes it, with `_` between groups of three digits.
fn literal(value: f64) -> String {
    let text = format!("{value:?}");
    let Some((whole, rest)) = text.split_once('.').filter(|(whole, _)| whole.len() > 4) else {
        return text;
    };
    let mut grouped = String::new();
    for (idx, digit) in whole.chars().enumerate() {
        if idx > 0 && (whole.len() - idx).is_multiple_of(3) {
            grouped.push('_');
        }
        grouped.push(digit);
    }
    format!("{grouped}.{rest}")
}
