use std::borrow::Cow;

use bellwether_model::{ValidationScheme, format_duration_ms, parse_duration_ms};
use bellwether_outbound::HttpClientConfig;
use bellwether_relabel::{Rules, SpecList, read_specs};
use bellwether_scrape::config::{
    Discovery, ScrapeConfigError, has_static_url, read_discovery, write_discovery,
};
use bellwether_wire::config::read_sigv4;
use bellwether_yaml::{Decode, Errors, MapReader, MapValue, Node, Reported, Value};

use super::error::SectionError;

/// The `alerting` section: where alerts go.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AlertingConfig {
    /// What happens to the labels of alerts before they are sent anywhere.
    pub alert_relabel: Rules,
    /// The Alertmanagers.
    pub alertmanagers: Vec<AlertmanagerConfig>,
}

/// Alertmanagers that are found and asked in the same way.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertmanagerConfig {
    /// The scheme of the URL, `http` or `https`.
    pub scheme: String,
    /// What comes before the path of the interface.
    pub path_prefix: String,
    /// How long a request may take.
    pub timeout_ms: i64,
    /// How requests are made.
    pub http: HttpClientConfig,
    /// The section `sigv4`, if there is one, which hides its secrets.
    pub sigv4: Option<Value>,
    /// What happens to the labels of the Alertmanagers themselves.
    pub relabel: Rules,
    /// What happens to the labels of alerts before they are sent to these Alertmanagers.
    pub alert_relabel: Rules,
    /// Where Alertmanagers come from.
    pub discovery: Vec<Discovery>,
}

/// The section as the user wrote it: the scheme under which its rules are checked is not known yet.
#[derive(Debug, Default)]
pub(super) struct AlertingSpec<'d> {
    alert_relabel: SpecList<'d>,
    alertmanagers: Vec<AlertmanagerSpec<'d>>,
}

#[derive(Debug)]
struct AlertmanagerSpec<'d> {
    config: AlertmanagerConfig,
    relabel: SpecList<'d>,
    alert_relabel: SpecList<'d>,
}

impl<'d> Decode<'d> for AlertingSpec<'d> {
    fn type_name() -> Cow<'static, str> {
        "config.plain".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "config.plain", errors)?;
        let alert_relabel =
            read_specs(&mut map, "alert_relabel_configs", "empty or null alert relabeling rule");
        let alertmanagers = map.list("alertmanagers", "empty or null alertmanager config section");
        map.finish()?;
        Ok(Self { alert_relabel, alertmanagers })
    }
}

impl<'d> Decode<'d> for AlertmanagerSpec<'d> {
    fn type_name() -> Cow<'static, str> {
        "config.AlertmanagerConfig".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "config.AlertmanagerConfig", errors)?;
        let relabel =
            read_specs(&mut map, "relabel_configs", "empty or null Alertmanager target relabeling rule");
        let alert_relabel =
            read_specs(&mut map, "alert_relabel_configs", "empty or null Alertmanager alert relabeling rule");
        map.parse_or("api_version", (), |version| match version {
            "v2" => Ok(()),
            other => Err(SectionError::AlertmanagerVersion(other.to_owned())),
        });
        let config = AlertmanagerConfig {
            scheme: map.or("scheme", "http".to_owned()),
            path_prefix: map.or_default("path_prefix"),
            timeout_ms: map.parse_or("timeout", 10_000, parse_duration_ms),
            http: HttpClientConfig::read_fields(&mut map, &HttpClientConfig::default()),
            sigv4: read_sigv4(&mut map),
            relabel: Rules::default(),
            alert_relabel: Rules::default(),
            discovery: read_discovery(&mut map),
        };
        if config.http.has_credentials() && config.sigv4.is_some() {
            map.reject(map.place("sigv4"), SectionError::SeveralCredentials);
        }
        if relabel.is_empty()
            && let Some(url) = has_static_url(&config.discovery)
        {
            map.reject(map.place("static_configs"), ScrapeConfigError::NotAHost(url.to_owned()));
        }
        map.finish()?;
        Ok(Self { config, relabel, alert_relabel })
    }
}

impl AlertingSpec<'_> {
    pub(super) fn is_empty(&self) -> bool {
        self.alert_relabel.is_empty() && self.alertmanagers.is_empty()
    }

    /// Checks the rules under the scheme of the `global` section.
    pub(super) fn resolve(
        self,
        scheme: ValidationScheme,
        errors: &mut Errors,
    ) -> Result<AlertingConfig, Reported> {
        let alert_relabel = self.alert_relabel.check(scheme, errors);
        let mut alertmanagers = Vec::with_capacity(self.alertmanagers.len());
        let mut failed = None;
        for spec in self.alertmanagers {
            let relabel = spec.relabel.check(scheme, errors);
            let alert_relabel = spec.alert_relabel.check(scheme, errors);
            match (relabel, alert_relabel) {
                (Ok(relabel), Ok(alert_relabel)) => {
                    alertmanagers.push(AlertmanagerConfig { relabel, alert_relabel, ..spec.config });
                }
                (Err(reported), _) | (_, Err(reported)) => failed = Some(reported),
            }
        }
        match failed {
            Some(reported) => Err(reported),
            None => Ok(AlertingConfig { alert_relabel: alert_relabel?, alertmanagers }),
        }
    }
}

impl AlertingConfig {
    pub(super) fn to_value(&self) -> Value {
        let mut map = MapValue::new();
        map.set_if("alert_relabel_configs", self.alert_relabel.to_value());
        let alertmanagers = self.alertmanagers.iter().map(AlertmanagerConfig::to_value);
        map.set_if("alertmanagers", Value::List(alertmanagers.collect()));
        map.into()
    }
}

impl AlertmanagerConfig {
    fn to_value(&self) -> Value {
        let mut map = MapValue::new();
        self.http.write_fields(&mut map);
        if let Some(sigv4) = &self.sigv4 {
            map.set("sigv4", sigv4.clone());
        }
        map.set_if("scheme", self.scheme.as_str());
        map.set_if("path_prefix", self.path_prefix.as_str());
        map.set("timeout", format_duration_ms(self.timeout_ms));
        map.set("api_version", "v2");
        map.set_if("relabel_configs", self.relabel.to_value());
        map.set_if("alert_relabel_configs", self.alert_relabel.to_value());
        write_discovery(&self.discovery, &mut map);
        map.into()
    }
}
