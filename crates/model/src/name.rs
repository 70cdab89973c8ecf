/// Which metric and label names are legal, as the configuration field `metric_name_validation_scheme` chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ValidationScheme {
    /// Any non-empty UTF-8 string (the default since Prometheus 3.0).
    #[default]
    Utf8,
    /// `[a-zA-Z_:][a-zA-Z0-9_:]*` for metrics, the same without colons for labels.
    Legacy,
}

impl ValidationScheme {
    /// The name used in configuration files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Utf8 => "utf8",
            Self::Legacy => "legacy",
        }
    }
}

/// How a target is asked to write names that are not legal under the legacy scheme (the `escaping` parameter of
/// the `Accept` header).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EscapingScheme {
    /// Names come as they are.
    #[default]
    AllowUtf8,
    /// Illegal characters become underscores.
    Underscores,
    /// Dots become `_dot_`, underscores are doubled, other illegal characters become underscores.
    Dots,
    /// Illegal characters become `_HEX_` and the name starts with `U__`.
    Values,
}

impl EscapingScheme {
    /// The name used in configuration files and in the `Accept` header.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AllowUtf8 => "allow-utf-8",
            Self::Underscores => "underscores",
            Self::Dots => "dots",
            Self::Values => "values",
        }
    }

    /// Reads the name used in configuration files and headers.
    pub fn parse(s: &str) -> Option<Self> {
        [Self::AllowUtf8, Self::Underscores, Self::Dots, Self::Values].into_iter().find(|e| e.as_str() == s)
    }
}

/// Whether `name` is a metric name under `scheme`.
pub fn is_valid_metric_name(name: &str, scheme: ValidationScheme) -> bool {
    match scheme {
        ValidationScheme::Utf8 => !name.is_empty(),
        ValidationScheme::Legacy => is_legacy_metric_name(name),
    }
}

/// Whether `name` is a label name under `scheme`.
pub fn is_valid_label_name(name: &str, scheme: ValidationScheme) -> bool {
    match scheme {
        ValidationScheme::Utf8 => !name.is_empty(),
        ValidationScheme::Legacy => is_legacy_label_name(name),
    }
}

/// Whether `name` matches `[a-zA-Z_:][a-zA-Z0-9_:]*`.
pub fn is_legacy_metric_name(name: &str) -> bool {
    starts_and_continues(name, |b| b == b':')
}

/// Whether `name` matches `[a-zA-Z_][a-zA-Z0-9_]*`.
pub fn is_legacy_label_name(name: &str) -> bool {
    starts_and_continues(name, |_| false)
}

fn starts_and_continues(name: &str, extra: impl Fn(u8) -> bool) -> bool {
    let mut bytes = name.bytes();
    let Some(first) = bytes.next() else { return false };
    (first.is_ascii_alphabetic() || first == b'_' || extra(first))
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_' || extra(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legacy_names() {
        assert!(is_legacy_metric_name("job:up:rate5m"));
        assert!(!is_legacy_label_name("job:up"));
        assert!(!is_legacy_metric_name("5xx"));
        assert!(!is_legacy_label_name(""));
        assert!(is_legacy_label_name("_9"));
        assert!(is_valid_label_name("a.b", ValidationScheme::Utf8));
        assert!(!is_valid_label_name("a.b", ValidationScheme::Legacy));
    }
}
