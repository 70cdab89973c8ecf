use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bellwether_alerts::config as alerts;
use bellwether_alerts::inhibit::InhibitRule;
use bellwether_alerts::library::functions;
use bellwether_alerts::message::{Templates, unmakable};
use bellwether_alerts::way_out::unusable;
use bellwether_model::{Clock, SystemClock};
use bellwether_outbound::ClientOptions;
use bellwether_scrape::config::matching_files;
use bellwether_template::ParseError;
use bellwether_yaml::{
    Decode, Dialect, Document, Error, Errors, Kind, MapValue, Node, Position, Reported, Value,
};

use super::error::{ConfigErrors, SectionError};
use super::warning::Warning;

/// What the router runs on if nobody has said anything: all alerts are kept and shown, and nobody is told.
const NOBODY_IS_TOLD: &str = "route:\n  receiver: nobody\nreceivers:\n- name: nobody\n";

/// The configuration of the Alertmanager in this program, with the templates that it names.
#[derive(Debug, Clone)]
pub struct AlertmanagerSetup {
    /// What is written in its file, or below the key `alertmanager`.
    pub config: Arc<alerts::Config>,
    /// The file; `None` if the content stands below the key, or came with the program.
    pub file: Option<PathBuf>,
    /// The files with templates: name and text.
    templates: Vec<(String, String)>,
}

/// What reading finds beside a configuration.
pub(super) struct Findings<'l> {
    pub(super) errors: &'l mut Errors,
    pub(super) warnings: &'l mut Vec<Warning>,
    /// The texts of the files, for showing the lines of errors.
    pub(super) texts: &'l mut BTreeMap<String, Arc<str>>,
}

impl AlertmanagerSetup {
    /// Reads an `alertmanager.yml` and the templates that it names.
    pub fn load(path: &Path) -> Result<(Self, Vec<Warning>), ConfigErrors> {
        let (mut errors, mut warnings, mut texts) = (Errors::new(), Vec::new(), BTreeMap::new());
        let mut findings = Findings { errors: &mut errors, warnings: &mut warnings, texts: &mut texts };
        match read_file(path, &mut findings) {
            Ok(setup) if errors.is_empty() => Ok((setup, warnings)),
            _ => Err(ConfigErrors { errors, texts }),
        }
    }

    /// One that came with the program, and whose text is therefore right. It names no templates.
    pub fn built_in(text: &str) -> Result<Self, Errors> {
        let config = alerts::Config::parse(
            "built-in alertmanager configuration",
            text.as_bytes(),
            alerts::ConfigOptions::default(),
        )?;
        Ok(Self { config: Arc::new(config), file: None, templates: Vec::new() })
    }

    /// The same with the `inhibit_rules` of this document, marked as built in; those that it has already are not doubled.
    #[must_use]
    pub fn with_built_in_inhibition(mut self, document: MapValue) -> Self {
        let yaml = format!("{NOBODY_IS_TOLD}{}", Value::from(document).to_yaml());
        let built_in =
            Self::built_in(&yaml).expect("BUG: rules of inhibition that come with the program are valid");
        let config = Arc::make_mut(&mut self.config);
        for rule in &built_in.config.inhibit_rules {
            if !config.inhibit_rules.contains(rule) {
                config.inhibit_rules.push(InhibitRule { is_built_in: true, ..rule.clone() });
            }
        }
        self
    }

    /// The templates, with the functions that notifications of this server may call. They have been checked when they were read.
    pub fn templates(&self, clock: Arc<dyn Clock>, external_url: &str) -> Result<Templates, ParseError> {
        let files = self.templates.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        Templates::new(functions(clock, external_url), files)
    }

    /// The key as the configuration page shows it: the file, or the content without its secrets.
    pub(super) fn to_value(&self) -> Value {
        self.file.as_deref().map_or_else(|| self.config.original().clone(), Value::from)
    }
}

impl Default for AlertmanagerSetup {
    fn default() -> Self {
        Self::built_in(NOBODY_IS_TOLD).expect("BUG: the configuration that tells nobody is valid")
    }
}

/// Reads the key `alertmanager`: the name of a file, or what would stand in it.
pub(super) fn read(node: Node<'_>, findings: &mut Findings<'_>) -> Result<AlertmanagerSetup, Reported> {
    match node.kind() {
        Kind::Mapping => read_content(node, None, findings),
        Kind::Scalar(scalar) if !scalar.text.is_empty() && !node.is_null() => {
            let path = PathBuf::decode(node, findings.errors)?;
            if !path.is_file() {
                let refusal = SectionError::NoAlertmanagerFile { path: path.display().to_string() };
                return Err(findings.errors.reject(node, refusal));
            }
            read_file(&path, findings)
        }
        _ => Err(findings.errors.reject(node, SectionError::AlertmanagerKind)),
    }
}

fn read_file(path: &Path, findings: &mut Findings<'_>) -> Result<AlertmanagerSetup, Reported> {
    let name = path.display().to_string();
    let bytes =
        std::fs::read(path).map_err(|error| findings.errors.push(Error::in_file(name.as_str(), error)))?;
    findings.texts.insert(name.clone(), String::from_utf8_lossy(&bytes).into());
    let document = Document::parse(name, &bytes, Dialect::V2).map_err(|error| findings.errors.push(error))?;
    read_content(document.root(), Some(path.to_owned()), findings)
}

fn read_content(
    node: Node<'_>,
    file: Option<PathBuf>,
    findings: &mut Findings<'_>,
) -> Result<AlertmanagerSetup, Reported> {
    let config = alerts::Config::read(node, alerts::ConfigOptions::default(), findings.errors)?;
    findings.warnings.extend(config.warnings.iter().map(|message| Warning::at(node, message)));
    let mut templates = Vec::new();
    for path in config.templates.iter().flat_map(|pattern| matching_files(pattern)) {
        let name = path.display().to_string();
        match std::fs::read_to_string(&path) {
            Ok(text) => templates.push((name, text)),
            Err(error) => {
                findings.errors.push(Error::in_file(name, error));
            }
        }
    }
    let setup = AlertmanagerSetup { config: Arc::new(config), file, templates };
    match setup.templates(Arc::new(SystemClock::new()), "") {
        Ok(templates) => {
            for found in unmakable(&setup.config, &templates) {
                let receiver = node.place("receivers").items().nth(found.receiver_index).unwrap_or(node);
                let place = receiver.place(&format!("{}_configs", found.kind));
                findings.warnings.push(Warning::at(place, found.to_string()));
            }
            for found in unusable(&setup.config, &ClientOptions::default()) {
                let index = setup.config.receivers.iter().position(|it| it.name == found.receiver);
                let receiver = node.place("receivers").items().nth(index.unwrap_or(0)).unwrap_or(node);
                let section = receiver.place(&format!("{}_configs", found.integration.kind));
                let place = section.items().nth(found.integration.nth).unwrap_or(section);
                findings.warnings.push(Warning::at(place, found.to_string()));
            }
            Ok(setup)
        }
        Err(error) => {
            let position = Position { line: u32::try_from(error.line).unwrap_or(1), column: 1 };
            Err(findings.errors.push(Error::in_place(error.name, position, error.message)))
        }
    }
}

/// The key in a configuration that is shown.
pub(super) fn write(setup: Option<&AlertmanagerSetup>, map: &mut MapValue) {
    if let Some(setup) = setup {
        map.set("alertmanager", setup.to_value());
    }
}

/// Two are equal if they are shown alike.
impl PartialEq for AlertmanagerSetup {
    fn eq(&self, other: &Self) -> bool {
        self.to_value() == other.to_value() && self.templates == other.templates
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::config::{Config, ConfigErrors, LoadOptions, Loaded};

    use super::*;

    const ROUTE: &str = "route: {receiver: team}\nreceivers:\n- name: team\n";

    fn load(folder: &Path, text: &str) -> Result<Loaded, ConfigErrors> {
        let path = folder.join("bellwether.yml");
        fs::write(&path, text).expect("written");
        Config::load(&path, LoadOptions::from_process())
    }

    /// What is wrong, without the folder in front of the names of files.
    fn refusal(folder: &Path, text: &str) -> String {
        let errors = load(folder, text).expect_err("refused").to_string();
        errors.replace(&format!("{}/", folder.display()), "")
    }

    #[test]
    fn the_key_names_a_file_or_holds_what_would_stand_in_it() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join("am.yml"), ROUTE).expect("written");
        let of = |text: &str| load(dir.path(), text).expect("valid").config.alertmanager.expect("there");
        let named = of("alertmanager: am.yml\n");
        assert_eq!(named.file, Some(dir.path().join("am.yml")));
        let inline = of(&format!("alertmanager:\n  {}", ROUTE.trim_end().replace('\n', "\n  ")));
        assert_eq!(inline.file, None);
        for setup in [named, inline] {
            assert_eq!(setup.config.route.options.receiver, "team");
        }
        assert_eq!(load(dir.path(), "{}").expect("valid").config.alertmanager, None);
    }

    #[test]
    fn what_is_shown_has_no_secrets() {
        let dir = tempfile::tempdir().expect("a folder");
        let text = "alertmanager:\n  route: {receiver: team}\n  receivers:\n  - name: team\n    slack_configs:\n    \
                    - {channel: '#ops', api_url: 'https://hooks.example/hunter2'}\n";
        let config = load(dir.path(), text).expect("valid").config;
        let shown = config.to_yaml();
        assert!(shown.contains("channel: '#ops'") && shown.contains("<secret>"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn mistakes_are_named_with_their_place_in_either_file() {
        let dir = tempfile::tempdir().expect("a folder");
        let at = |text: &str| refusal(dir.path(), text);
        assert_eq!(
            at("alertmanager: no.yml\n"),
            "bellwether.yml:1:15: alertmanager configuration no.yml does not exist"
        );
        let kind = "bellwether.yml:1:15: alertmanager must be the name of an alertmanager.yml, or what would stand in it";
        assert_eq!(at("alertmanager: [a]\n"), kind);
        fs::write(dir.path().join("am.yml"), "route: {receiver: tem}\nreceivers: [{name: team}]\n")
            .expect("written");
        assert_eq!(at("alertmanager: am.yml\n"), "am.yml:1:19: undefined receiver \"tem\" used in route");
        let inline = "alertmanager:\n  route: {receiver: team}\n  receivers: [{nam: team}]\n";
        assert!(
            at(inline).contains("bellwether.yml:3:16: yaml: unmarshal errors: field nam not"),
            "{}",
            at(inline)
        );
    }

    #[test]
    fn templates_are_checked_and_used() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join("am.yml"), format!("templates: ['*.tmpl']\n{ROUTE}")).expect("written");
        fs::write(dir.path().join("a.tmpl"), "{{ define \"a\" }}\n{{ nofunction }}{{ end }}")
            .expect("written");
        let refused = refusal(dir.path(), "alertmanager: am.yml\n");
        assert_eq!(refused, "a.tmpl:2:1: function \"nofunction\" not defined");
        fs::write(dir.path().join("a.tmpl"), "{{ define \"a\" }}{{ toUpper \"x\" }}{{ end }}")
            .expect("written");
        let loaded = load(dir.path(), "alertmanager: am.yml\n").expect("valid");
        let setup = loaded.config.alertmanager.expect("there");
        let templates = setup.templates(Arc::new(SystemClock::new()), "").expect("valid");
        let made = templates.text("{{ template \"a\" }}", &Arc::default(), false).expect("made");
        assert_eq!(made, "X");
    }

    #[test]
    fn receivers_that_are_told_of_nothing_are_warned_about_by_name() {
        let dir = tempfile::tempdir().expect("a folder");
        let text = "alertmanager:\n  route: {receiver: a}\n  receivers:\n  - name: a\n    webex_configs:\n    \
                    - {room_id: x, http_config: {authorization: {credentials: y}}}\n";
        let warnings = load(dir.path(), text).expect("valid").warnings;
        let [warning] = warnings.as_slice() else { panic!("one warning: {warnings:?}") };
        assert!(warning.message.contains("receiver \"a\" has a webex integration"), "{warning}");
    }

    #[test]
    fn a_mistake_in_a_receiver_does_not_make_it_undefined() {
        let dir = tempfile::tempdir().expect("a folder");
        let text = "alertmanager:\n  route: {receiver: a}\n  receivers:\n  - name: a\n    slack_config: []\n";
        let refused = refusal(dir.path(), text);
        assert!(refused.contains("field slack_config not found"), "{refused}");
        assert!(!refused.contains("undefined"), "{refused}");
    }

    #[test]
    fn texts_that_are_no_templates_and_secrets_that_are_not_there_are_warned_about_with_their_places() {
        let dir = tempfile::tempdir().expect("a folder");
        let text = "route: {receiver: a}
receivers:
- name: a
  slack_configs:
  - api_url: http://127.0.0.1:1
    text: '{{ range .Alerts }}{{ .Labels.instance }}'
  - api_url: http://127.0.0.1:1
    text: '{{ (index .Alerts 7).Labels.instance }}'
- name: b
  pagerduty_configs:
  - routing_key_file: gone
  - routing_key_file: empty
";
        fs::write(dir.path().join("am.yml"), text).expect("written");
        fs::write(dir.path().join("empty"), "\n").expect("written");
        let warnings = load(dir.path(), "alertmanager: am.yml\n").expect("valid").warnings;
        let found: Vec<String> =
            warnings.iter().map(|it| format!("{}: {}", it.position, it.message)).collect();
        let [text, gone, empty] = found.as_slice() else { panic!("{found:?}") };
        assert!(text.starts_with("5:5: receiver \"a\" cannot be told by slack: text: "), "{text}");
        assert!(text.ends_with("unexpected EOF"), "{text}");
        assert!(
            gone.starts_with("11:5: receiver \"b\" cannot be told by pagerduty: reading the secret"),
            "{gone}"
        );
        assert!(gone.contains("/gone: No such file"), "{gone}");
        assert!(empty.ends_with("/empty: it is empty"), "{empty}");
    }

    #[test]
    fn requests_that_cannot_be_made_are_warned_about_with_the_receiver() {
        let dir = tempfile::tempdir().expect("a folder");
        let text = "route: {receiver: a}
receivers:
- name: a
- name: b
  webhook_configs:
  - url: http://127.0.0.1:1
  - url: http://127.0.0.1:1
    http_config: {proxy_url: 'socks5://proxy.test:1080'}
";
        fs::write(dir.path().join("am.yml"), text).expect("written");
        let warnings = load(dir.path(), "alertmanager: am.yml\n").expect("valid").warnings;
        let found: Vec<String> =
            warnings.iter().map(|it| format!("{}: {}", it.position, it.message)).collect();
        let want = "7:5: receiver \"b\" cannot be told by webhook[1]: proxy_url: proxies of scheme \"socks5\" are not supported, use http or https";
        assert_eq!(found, [want]);
    }

    #[test]
    fn without_the_key_nobody_is_told() {
        assert!(AlertmanagerSetup::default().config.receivers.iter().all(|it| it.integrations.is_empty()));
    }
}
