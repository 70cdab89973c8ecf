use bellwether_model::Labels;

/// How many labels a series may have and how long they may be; zero means that there is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct LabelLimits {
    pub(crate) labels: usize,
    pub(crate) name_bytes: usize,
    pub(crate) value_bytes: usize,
}

/// Characters of a name or value that an error shows.
const SHOWN: usize = 50;

/// Why the labels of a sample exceed a limit. The sentences are those of Prometheus.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LabelLimitError {
    /// Too many labels.
    #[error("label_limit exceeded (metric: {metric}, number of labels: {count}, limit: {limit})")]
    Count {
        /// The beginning of the metric name.
        metric: String,
        /// How many labels there are.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
    /// A label name is too long.
    #[error(
        "label_name_length_limit exceeded (metric: {metric}, label name: {name}, length: {len}, limit: {limit})"
    )]
    Name {
        /// The beginning of the metric name.
        metric: String,
        /// The beginning of the label name.
        name: String,
        /// Its length in bytes.
        len: usize,
        /// How long it may be.
        limit: usize,
    },
    /// A label value is too long.
    #[error(
        "label_value_length_limit exceeded (metric: {metric}, label name: {name}, value: {value:?}, length: {len}, limit: {limit})"
    )]
    Value {
        /// The beginning of the metric name.
        metric: String,
        /// The beginning of the label name.
        name: String,
        /// The beginning of the label value.
        value: String,
        /// Its length in bytes.
        len: usize,
        /// How long it may be.
        limit: usize,
    },
}

impl LabelLimits {
    /// Whether `labels`, as they would be stored, keep the limits.
    pub(crate) fn check(&self, labels: &Labels) -> Result<(), LabelLimitError> {
        let metric = || start_of(labels.metric_name());
        let count = labels.len();
        if self.labels > 0 && count > self.labels {
            return Err(LabelLimitError::Count { metric: metric(), count, limit: self.labels });
        }
        for label in labels {
            let name = || start_of(label.name);
            let (name_len, value_len) = (label.name.len(), label.value.len());
            if self.name_bytes > 0 && name_len > self.name_bytes {
                let limit = self.name_bytes;
                return Err(LabelLimitError::Name { metric: metric(), name: name(), len: name_len, limit });
            }
            if self.value_bytes > 0 && value_len > self.value_bytes {
                let (value, limit) = (start_of(label.value), self.value_bytes);
                let (metric, name) = (metric(), name());
                return Err(LabelLimitError::Value { metric, name, value, len: value_len, limit });
            }
        }
        Ok(())
    }
}

/// The beginning of a text that a target chose, for an error.
pub(super) fn start_of(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_limit_and_offender() {
        let labels =
            Labels::from_pairs([("__name__", "up"), ("job", "a\"b"), ("instance", &*"x".repeat(60))]);
        let check = |labels_limit, name_bytes, value_bytes, want: Option<&str>| {
            let limits = LabelLimits { labels: labels_limit, name_bytes, value_bytes };
            assert_eq!(limits.check(&labels).err().map(|e| e.to_string()).as_deref(), want);
        };
        check(0, 0, 0, None);
        check(3, 8, 60, None);
        check(2, 0, 0, Some("label_limit exceeded (metric: up, number of labels: 3, limit: 2)"));
        check(
            0,
            7,
            0,
            Some("label_name_length_limit exceeded (metric: up, label name: __name__, length: 8, limit: 7)"),
        );
        let value = "x".repeat(50);
        check(
            0,
            0,
            59,
            Some(&format!(
                "label_value_length_limit exceeded (metric: up, label name: instance, value: \"{value}\", length: 60, limit: 59)"
            )),
        );
        check(
            0,
            0,
            2,
            Some(&format!(
                "label_value_length_limit exceeded (metric: up, label name: instance, value: \"{value}\", length: 60, limit: 2)"
            )),
        );
    }
}
