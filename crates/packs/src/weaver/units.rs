//! Units in the words of packs and in those of UCUM, and what Prometheus makes of them in names.

/// Pack, UCUM.
const UNITS: [(&str, &str); 8] = [
    ("seconds", "s"),
    ("milliseconds", "ms"),
    ("bytes", "By"),
    ("ratio", "1"),
    ("celsius", "Cel"),
    ("hertz", "Hz"),
    ("volts", "V"),
    ("percent", "%"),
];

/// The UCUM code of a unit; nouns stand in braces.
pub(super) fn to_ucum(unit: &str) -> String {
    match UNITS.iter().find(|(word, _)| *word == unit) {
        Some((_, code)) => (*code).to_owned(),
        None if unit.is_empty() => "1".to_owned(),
        None => format!("{{{unit}}}"),
    }
}

/// The word for a UCUM code; what is unknown stays as it is.
pub(super) fn from_ucum(code: &str) -> String {
    match UNITS.iter().find(|(_, known)| *known == code) {
        Some((word, _)) => (*word).to_owned(),
        None => code.trim_matches(['{', '}']).to_owned(),
    }
}

/// Whether the name of a metric says the unit.
pub(super) fn is_in_names(code: &str) -> bool {
    UNITS.iter().any(|(_, known)| *known == code)
}
