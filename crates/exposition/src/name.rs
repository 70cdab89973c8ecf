use std::fmt::Write as _;

/// How names that are not legal under the old rules (`[a-zA-Z_:][a-zA-Z0-9_:]*`) are written: the `escaping` parameter of `Accept` and
/// `Content-Type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum EscapingScheme {
    /// As they are, in quotes.
    AllowUtf8,
    /// Characters that are not legal become underscores.
    #[default]
    Underscores,
    /// Dots become `_dot_`, underscores and characters that are not legal become `__`.
    Dots,
    /// Characters that are not legal become `_HEX_`, and the name starts with `U__`.
    Values,
}

impl EscapingScheme {
    /// The word used in headers and configuration files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AllowUtf8 => "allow-utf-8",
            Self::Underscores => "underscores",
            Self::Dots => "dots",
            Self::Values => "values",
        }
    }

    /// Reads the word used in headers and configuration files.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::AllowUtf8, Self::Underscores, Self::Dots, Self::Values]
            .into_iter()
            .find(|s| s.as_str() == word)
    }

    /// Appends `name`, a metric or label name, as this scheme writes it.
    pub fn write_name(self, out: &mut String, name: &str) {
        match self {
            Self::AllowUtf8 => out.push_str(name),
            Self::Underscores | Self::Values if is_legacy_name(name) => out.push_str(name),
            Self::Underscores => {
                out.extend(name.char_indices().map(|(idx, c)| if is_legal(idx, c) { c } else { '_' }));
            }
            // Dots escapes legal names too: their underscores would be ambiguous.
            Self::Dots => {
                for (idx, c) in name.char_indices() {
                    match c {
                        '.' => out.push_str("_dot_"),
                        c if c != '_' && is_legal(idx, c) => out.push(c),
                        _ => out.push_str("__"),
                    }
                }
            }
            Self::Values if name.is_empty() => {}
            Self::Values => {
                out.push_str("U__");
                for (idx, c) in name.char_indices() {
                    match c {
                        '_' => out.push_str("__"),
                        c if is_legal(idx, c) => out.push(c),
                        c => push_code(out, c),
                    }
                }
            }
        }
    }
}

/// `[a-zA-Z_:]`
pub(crate) fn starts_metric_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'_' | b':')
}

/// `[a-zA-Z0-9_:]`
pub(crate) fn continues_metric_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':')
}

/// `[a-zA-Z_]`
pub(crate) fn starts_label_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

/// `[a-zA-Z0-9_]`
pub(crate) fn continues_label_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether `name` needs no quotes as a metric name.
pub(crate) fn is_legacy_name(name: &str) -> bool {
    !name.is_empty() && name.char_indices().all(|(idx, c)| is_legal(idx, c))
}

/// Whether `name` needs no quotes as a label name.
pub(crate) fn is_legacy_label_name(name: &str) -> bool {
    is_legacy_name(name) && !name.contains(':')
}

fn push_code(out: &mut String, c: char) {
    write!(out, "_{:x}_", u32::from(c)).expect("BUG: writing to a string cannot fail");
}

fn is_legal(idx: usize, c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, '_' | ':') || (c.is_ascii_digit() && idx > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_names() {
        let check = |name: &str, underscores: &str, dots: &str, values: &str| {
            let escaped = |scheme: EscapingScheme| {
                let mut out = String::new();
                scheme.write_name(&mut out, name);
                out
            };
            assert_eq!(escaped(EscapingScheme::AllowUtf8), name);
            assert_eq!(escaped(EscapingScheme::Underscores), underscores);
            assert_eq!(escaped(EscapingScheme::Dots), dots);
            assert_eq!(escaped(EscapingScheme::Values), values);
        };
        check("", "", "", "");
        check(
            "no:escaping_required",
            "no:escaping_required",
            "no:escaping__required",
            "no:escaping_required",
        );
        check(
            "mysystem.prod.west.cpu.load",
            "mysystem_prod_west_cpu_load",
            "mysystem_dot_prod_dot_west_dot_cpu_dot_load",
            "U__mysystem_2e_prod_2e_west_2e_cpu_2e_load",
        );
        check(
            "http_status:sum \u{17c}",
            "http_status:sum__",
            "http__status:sum____",
            "U__http__status:sum_20__17c_",
        );
        check("5xx", "_xx", "__xx", "U___35_xx");
        check("\u{1f600}", "_", "__", "U___1f600_");
    }

    #[test]
    fn words() {
        for scheme in [
            EscapingScheme::AllowUtf8,
            EscapingScheme::Underscores,
            EscapingScheme::Dots,
            EscapingScheme::Values,
        ] {
            assert_eq!(EscapingScheme::parse(scheme.as_str()), Some(scheme));
        }
        assert_eq!(EscapingScheme::parse("none"), None);
        assert!(is_legacy_label_name("a_1"));
        assert!(!is_legacy_label_name("a:1"));
    }
}
