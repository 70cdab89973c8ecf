use bellwether_outbound::ConfigUrl;
use bellwether_yaml::Secret;

use super::super::global::check_web_url;
use super::ConfigError;
use crate::library::check_template;

/// An address that may hold a template; what it holds is a secret as a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlTemplate(Secret);

impl UrlTemplate {
    /// Reads an address. One without a template must be one of the web; a template must be one.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        if text.contains("{{") {
            check_template(text).map_err(|error| ConfigError::Template(error.to_string()))?;
        } else if text != "<secret>" {
            // That is what other tools write in its place.
            let url = ConfigUrl::parse(text).map_err(|error| ConfigError::Url(error.to_string()))?;
            check_web_url(&url)?;
        }
        Ok(Self(Secret::new(text)))
    }

    /// What was written.
    pub fn reveal(&self) -> &str {
        self.0.reveal()
    }
}
