use std::borrow::Cow;

use bellwether_model::ValidationScheme;
use bellwether_yaml::{Decode, Errors, MapReader, MapValue, Node, Reported, Value};

use super::error::WireConfigError;

/// How metrics that arrive by OTLP become series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtlpConfig {
    /// Whether all resource attributes but the ignored ones become labels.
    pub promote_all_resource_attributes: bool,
    /// The resource attributes that become labels; none twice, none empty.
    pub promote_resource_attributes: Vec<String>,
    /// The resource attributes that do not, if all others do; none twice, none empty.
    pub ignore_resource_attributes: Vec<String>,
    /// How names are made legal.
    pub translation_strategy: TranslationStrategy,
    /// Whether the attributes that identify the resource stay on `target_info`.
    pub keep_identifying_resource_attributes: bool,
    /// Whether classic histograms become native ones with custom buckets.
    pub convert_histograms_to_nhcb: bool,
    /// Whether the instrumentation scope becomes labels.
    pub promote_scope_metadata: bool,
    /// Whether label names that start with an underscore are prefixed with `key_`.
    pub label_name_underscore_sanitization: bool,
    /// Whether several underscores in a row stay.
    pub label_name_preserve_multiple_underscores: bool,
}

impl Default for OtlpConfig {
    fn default() -> Self {
        Self {
            promote_all_resource_attributes: false,
            promote_resource_attributes: Vec::new(),
            ignore_resource_attributes: Vec::new(),
            translation_strategy: TranslationStrategy::default(),
            keep_identifying_resource_attributes: false,
            convert_histograms_to_nhcb: false,
            promote_scope_metadata: false,
            label_name_underscore_sanitization: true,
            label_name_preserve_multiple_underscores: true,
        }
    }
}

/// How names are made legal, and whether units and `_total` are added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TranslationStrategy {
    /// Illegal characters become underscores, suffixes are added.
    #[default]
    UnderscoreEscapingWithSuffixes,
    /// Illegal characters become underscores.
    UnderscoreEscapingWithoutSuffixes,
    /// Suffixes are added.
    NoUtf8EscapingWithSuffixes,
    /// Names stay as they are.
    NoTranslation,
}

impl TranslationStrategy {
    /// The name used in configuration files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnderscoreEscapingWithSuffixes => "UnderscoreEscapingWithSuffixes",
            Self::UnderscoreEscapingWithoutSuffixes => "UnderscoreEscapingWithoutSuffixes",
            Self::NoUtf8EscapingWithSuffixes => "NoUTF8EscapingWithSuffixes",
            Self::NoTranslation => "NoTranslation",
        }
    }

    fn parse(name: &str) -> Result<Self, WireConfigError> {
        if name.is_empty() {
            return Ok(Self::default());
        }
        [
            Self::UnderscoreEscapingWithSuffixes,
            Self::UnderscoreEscapingWithoutSuffixes,
            Self::NoUtf8EscapingWithSuffixes,
            Self::NoTranslation,
        ]
        .into_iter()
        .find(|strategy| strategy.as_str() == name)
        .ok_or_else(|| WireConfigError::UnknownStrategy(name.to_owned()))
    }

    /// Fails if the strategy leaves names that `scheme` refuses.
    pub fn check(self, scheme: ValidationScheme) -> Result<(), WireConfigError> {
        let keeps_utf8 = matches!(self, Self::NoUtf8EscapingWithSuffixes | Self::NoTranslation);
        if keeps_utf8 && scheme == ValidationScheme::Legacy {
            return Err(WireConfigError::StrategyNeedsUtf8(self.as_str()));
        }
        Ok(())
    }
}

impl<'d> Decode<'d> for OtlpConfig {
    fn type_name() -> Cow<'static, str> {
        "config.plain".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let defaults = Self::default();
        let mut map = MapReader::new(node, "config.plain", errors)?;
        let mut otlp = Self {
            promote_all_resource_attributes: map.or_default("promote_all_resource_attributes"),
            promote_resource_attributes: map.or_default("promote_resource_attributes"),
            ignore_resource_attributes: map.or_default("ignore_resource_attributes"),
            translation_strategy: map.parse_or(
                "translation_strategy",
                defaults.translation_strategy,
                TranslationStrategy::parse,
            ),
            keep_identifying_resource_attributes: map.or_default("keep_identifying_resource_attributes"),
            convert_histograms_to_nhcb: map.or_default("convert_histograms_to_nhcb"),
            promote_scope_metadata: map.or_default("promote_scope_metadata"),
            label_name_underscore_sanitization: map
                .or("label_name_underscore_sanitization", defaults.label_name_underscore_sanitization),
            label_name_preserve_multiple_underscores: map.or(
                "label_name_preserve_multiple_underscores",
                defaults.label_name_preserve_multiple_underscores,
            ),
        };
        if let Err((field, error)) = otlp.tidy_attributes() {
            map.reject(map.place(field), error);
        }
        map.finish()?;
        Ok(otlp)
    }
}

impl OtlpConfig {
    /// Cuts the space around attributes, and checks that they do not contradict each other.
    fn tidy_attributes(&mut self) -> Result<(), (&'static str, WireConfigError)> {
        let (promote, ignore) = ("promote_resource_attributes", "ignore_resource_attributes");
        if self.promote_all_resource_attributes {
            if !self.promote_resource_attributes.is_empty() {
                return Err((promote, WireConfigError::PromoteAllAndSome));
            }
            tidy(&mut self.ignore_resource_attributes, ignore, "ignored").map_err(|e| (ignore, e))
        } else {
            if !self.ignore_resource_attributes.is_empty() {
                return Err((ignore, WireConfigError::IgnoreWithoutPromoteAll));
            }
            tidy(&mut self.promote_resource_attributes, promote, "promoted").map_err(|e| (promote, e))
        }
    }

    /// The section for people to read, in the order and with the omissions of Prometheus.
    pub fn to_value(&self) -> Value {
        let mut map = MapValue::new();
        map.set_if("promote_all_resource_attributes", self.promote_all_resource_attributes);
        map.set_if("promote_resource_attributes", Value::strings(&self.promote_resource_attributes));
        map.set_if("ignore_resource_attributes", Value::strings(&self.ignore_resource_attributes));
        map.set("translation_strategy", self.translation_strategy.as_str());
        map.set_if("keep_identifying_resource_attributes", self.keep_identifying_resource_attributes);
        map.set_if("convert_histograms_to_nhcb", self.convert_histograms_to_nhcb);
        map.set_if("promote_scope_metadata", self.promote_scope_metadata);
        // Shown even if false: Prometheus leaves it out then, and would read its own output as true.
        map.set("label_name_underscore_sanitization", self.label_name_underscore_sanitization);
        map.set("label_name_preserve_multiple_underscores", self.label_name_preserve_multiple_underscores);
        map.into()
    }
}

fn tidy(attributes: &mut [String], field: &'static str, adjective: &str) -> Result<(), WireConfigError> {
    let mut problems = Vec::new();
    for idx in 0..attributes.len() {
        let attribute = attributes[idx].trim().to_owned();
        if attribute.is_empty() {
            problems.push(format!("empty {adjective} OTel resource attribute"));
        } else if attributes[..idx].contains(&attribute) {
            problems.push(format!("duplicated {adjective} OTel resource attribute {attribute:?}"));
        }
        attributes[idx] = attribute;
    }
    if problems.is_empty() { Ok(()) } else { Err(WireConfigError::Attributes { field, problems }) }
}
