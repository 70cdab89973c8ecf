use bellwether_exposition::LabelBuf;
use bellwether_model::{
    Labels, LabelsBuilder, METRIC_NAME, ValidationScheme, is_valid_label_name, is_valid_metric_name,
};
use bellwether_relabel::{Rules, Scratch};

use super::label_limits::{LabelLimitError, LabelLimits, start_of};

/// Stands before the name of a label that had to make room for a label of the target.
const EXPORTED: &str = "exported_";
/// Characters of a label set that an error shows.
const SHOWN: usize = 500;

/// Makes the labels under which samples of one target are stored from those that the target exposes.
#[derive(Debug, PartialEq)]
pub(crate) struct SampleLabels {
    /// The labels that Bellwether attaches, `job` and `instance` among them.
    pub(crate) target: Labels,
    /// The labels of the target win over those of Bellwether.
    pub(crate) honor_labels: bool,
    pub(crate) relabel: Rules,
    pub(crate) limits: LabelLimits,
    pub(crate) validation: ValidationScheme,
}

/// Why the labels of a sample cannot be stored. One such sample fails the scrape.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SampleLabelsError {
    /// Relabelling removed the metric name.
    #[error("missing metric name (__name__ label)")]
    NoMetricName,
    /// A name is not allowed under the job's validation scheme. These are the labels, or their beginning if there is much of them.
    #[error("invalid metric name or label names: {0}")]
    InvalidName(String),
    /// A line has a label twice.
    #[error("label name {0:?} is not unique: invalid sample")]
    DuplicateName(String),
    /// Too many labels, or too long ones.
    #[error(transparent)]
    Limit(#[from] LabelLimitError),
}

impl SampleLabels {
    /// The labels to store for a sample that exposes `exposed`, or `None` if relabelling drops it.
    pub(crate) fn make(
        &self,
        exposed: &LabelBuf,
        scratch: &mut Scratch,
    ) -> Result<Option<Labels>, SampleLabelsError> {
        // In the order of the names the builder only appends. A target may write any number of labels, so this must not become quadratic.
        let mut sorted: Vec<(&str, &str)> = exposed.iter().collect();
        sorted.sort_unstable_by_key(|(name, _)| *name);
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(SampleLabelsError::DuplicateName(start_of(pair[0].0)));
        }
        let mut builder = LabelsBuilder::new();
        for (name, value) in sorted {
            builder.set(name, value);
        }
        self.attach(exposed, &mut builder);
        if !self.relabel.apply_with(&mut builder, scratch) || builder.is_empty() {
            return Ok(None);
        }
        let labels = builder.build();
        self.check(&labels)?;
        Ok(Some(labels))
    }

    /// The labels of a series about the scrape itself.
    pub(crate) fn report(&self, metric: &str) -> Labels {
        let mut builder = LabelsBuilder::new();
        builder.set(METRIC_NAME, metric);
        for label in &self.target {
            if label.name == METRIC_NAME {
                builder.set(&format!("{EXPORTED}{METRIC_NAME}"), metric);
            }
            builder.set(label.name, label.value);
        }
        builder.build()
    }

    fn attach(&self, exposed: &LabelBuf, builder: &mut LabelsBuilder) {
        // An exposed label with an empty value counts here: it is how a target keeps a label of Bellwether away.
        let value_of = |name: &str| exposed.iter().find(|(n, _)| *n == name).map(|(_, value)| value);
        let mut displaced = Vec::new();
        for label in &self.target {
            match value_of(label.name) {
                Some(_) if self.honor_labels => continue,
                Some(value) if !value.is_empty() => displaced.push((label.name, value)),
                _ => {}
            }
            builder.set(label.name, label.value);
        }
        // Short names first, so that which of `a` and `exported_a` gets which name does not depend on their order.
        displaced.sort_by_key(|(name, _)| name.len());
        for (name, value) in displaced {
            let mut free = format!("{EXPORTED}{name}");
            while builder.get(&free).is_some() {
                free.insert_str(0, EXPORTED);
            }
            builder.set(&free, value);
        }
    }

    fn check(&self, labels: &Labels) -> Result<(), SampleLabelsError> {
        let metric = labels.get(METRIC_NAME).ok_or(SampleLabelsError::NoMetricName)?;
        let valid = is_valid_metric_name(metric, self.validation)
            && labels.iter().all(|label| is_valid_label_name(label.name, self.validation));
        if !valid {
            return Err(SampleLabelsError::InvalidName(shown(labels)));
        }
        Ok(self.limits.check(labels)?)
    }
}

/// The labels for an error. The target chooses how many there are, and the error is shown and logged.
fn shown(labels: &Labels) -> String {
    let text = labels.to_string();
    let mut chars = text.chars();
    let start: String = chars.by_ref().take(SHOWN).collect();
    if chars.next().is_none() { start } else { format!("{start}... ({} labels)", labels.len()) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bellwether_model::AnchoredRegex;
    use bellwether_relabel::{Action, Rule, RuleSpec};

    use super::*;

    fn maker(target: &[(&str, &str)], honor_labels: bool, relabel: Rules) -> SampleLabels {
        SampleLabels {
            target: Labels::from_pairs(target.iter().copied()),
            honor_labels,
            relabel,
            limits: LabelLimits::default(),
            validation: ValidationScheme::Legacy,
        }
    }

    fn make(maker: &SampleLabels, exposed: &[(&str, &str)]) -> Result<Option<String>, String> {
        let mut buf = LabelBuf::new();
        for (name, value) in exposed {
            buf.push(name, value);
        }
        let made = maker.make(&buf, &mut Scratch::default());
        made.map(|labels| labels.map(|l| l.to_string())).map_err(|e| e.to_string())
    }

    #[test]
    fn attaches_the_labels_of_the_target() {
        let check = |target: &[(&str, &str)], honor, exposed: &[(&str, &str)], want: &str| {
            let got = make(&maker(target, honor, Rules::default()), exposed);
            assert_eq!(got, Ok(Some(want.to_owned())), "{exposed:?}");
        };
        let target = [("instance", "a:1"), ("job", "j")];
        check(&target, false, &[("__name__", "up")], r#"up{instance="a:1", job="j"}"#);
        let conflict = [("__name__", "up"), ("job", "own")];
        check(&target, false, &conflict, r#"up{exported_job="own", instance="a:1", job="j"}"#);
        check(&target, true, &conflict, r#"up{instance="a:1", job="own"}"#);
        // An empty label is none, but with honor_labels it keeps the target's away.
        let empty = [("__name__", "up"), ("job", "")];
        check(&target, false, &empty, r#"up{instance="a:1", job="j"}"#);
        check(&target, true, &empty, r#"up{instance="a:1"}"#);
    }

    #[test]
    fn displaced_labels_find_a_free_name() {
        let check = |target: &[(&str, &str)], exposed: &[(&str, &str)], want: &str| {
            let got = make(&maker(target, false, Rules::default()), exposed);
            assert_eq!(got, Ok(Some(want.to_owned())), "{exposed:?}");
        };
        check(
            &[("foo", "2")],
            &[("__name__", "m"), ("exported_foo", "3"), ("foo", "1")],
            r#"m{exported_exported_foo="1", exported_foo="3", foo="2"}"#,
        );
        check(
            &[("exported_foo", "2"), ("foo", "3")],
            &[("__name__", "m"), ("foo", "1")],
            r#"m{exported_exported_foo="1", exported_foo="2", foo="3"}"#,
        );
        check(
            &[("exported_foo", "2"), ("foo", "3")],
            &[("__name__", "m"), ("exported_foo", "0"), ("foo", "1")],
            r#"m{exported_exported_exported_foo="0", exported_exported_foo="1", exported_foo="2", foo="3"}"#,
        );
    }

    #[test]
    fn relabelling_drops_changes_and_breaks() {
        let rules = |specs: Vec<RuleSpec>| {
            let rules = specs.into_iter().map(|s| Rule::new(s, ValidationScheme::Utf8).expect("valid"));
            Rules::new(rules.collect())
        };
        let pattern = |text: &str| Arc::new(AnchoredRegex::new(text).expect("valid"));
        let name_rule = |action, regex: &str| RuleSpec {
            source_labels: Some(vec!["__name__".into()]),
            regex: Some(pattern(regex)),
            action: Some(action),
            ..RuleSpec::default()
        };
        let drop = maker(&[], false, rules(vec![name_rule(Action::Drop, "go_.*")]));
        assert_eq!(make(&drop, &[("__name__", "go_x")]), Ok(None));
        assert_eq!(make(&drop, &[("__name__", "up")]), Ok(Some("up".to_owned())));

        let unnamed = RuleSpec {
            regex: Some(pattern("__name__")),
            action: Some(Action::LabelDrop),
            ..RuleSpec::default()
        };
        let unnamed = maker(&[("job", "j")], false, rules(vec![unnamed]));
        assert_eq!(
            make(&unnamed, &[("__name__", "up")]),
            Err("missing metric name (__name__ label)".to_owned())
        );
    }

    #[test]
    fn refuses_what_cannot_be_stored() {
        let plain = maker(&[], false, Rules::default());
        assert_eq!(
            make(&plain, &[("__name__", "up"), ("a", "1"), ("a", "2")]),
            Err("label name \"a\" is not unique: invalid sample".to_owned())
        );
        assert_eq!(
            make(&plain, &[("__name__", "a.b")]),
            Err("invalid metric name or label names: {\"a.b\"}".to_owned())
        );
        assert_eq!(
            make(&plain, &[("__name__", "a"), ("b:c", "1")]),
            Err("invalid metric name or label names: a{\"b:c\"=\"1\"}".to_owned())
        );
        let long = "x".repeat(1_000_000);
        let error = make(&plain, &[("__name__", "a"), ("b:c", &long)]).expect_err("refused");
        assert!(error.ends_with("xxx... (2 labels)") && error.len() < 1_000, "{} bytes", error.len());
    }

    /// Comparing each with each would take hours here.
    #[test]
    fn a_line_may_have_very_many_labels() {
        let names: Vec<String> = (0..300_000_u64).map(|n| format!("l{}", n * 7_919 % 300_000)).collect();
        let mut exposed: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "v")).collect();
        exposed.push(("__name__", "a"));
        let mut limited = maker(&[("job", "j")], false, Rules::default());
        limited.limits.labels = 100;
        assert_eq!(
            make(&limited, &exposed),
            Err("label_limit exceeded (metric: a, number of labels: 300002, limit: 100)".to_owned())
        );
        exposed.push(("l7", "v"));
        assert_eq!(
            make(&limited, &exposed),
            Err("label name \"l7\" is not unique: invalid sample".to_owned())
        );
    }

    #[test]
    fn report_series_are_named_and_labelled() {
        let labels = maker(&[("instance", "a:1"), ("job", "j")], false, Rules::default()).report("up");
        assert_eq!(labels.to_string(), r#"up{instance="a:1", job="j"}"#);
    }
}
