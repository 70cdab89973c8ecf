use bellwether_model::{Labels, LabelsBuilder};
use bellwether_outbound::{Destination, UrlText};
use bellwether_relabel::Rules;
use url::Url;

const ADDRESS: &str = "__address__";
const SCHEME: &str = "__scheme__";
const PATH: &str = "__alerts_path__";
/// Where alerts are posted.
const API: &str = "api/v2/alerts";

/// Where an Alertmanager takes alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The whole address.
    pub url: Url,
    /// Who chose it.
    pub destination: Destination,
}

impl Target {
    /// The address as it may be shown.
    pub(super) fn shown(&self) -> String {
        UrlText::new(&self.url).to_string()
    }
}

/// What was found for a section.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The Alertmanagers.
    pub targets: Vec<Target>,
    /// The addresses of those that relabelling leaves out.
    pub dropped: Vec<String>,
}

/// How the targets of a section become addresses.
#[derive(Debug, Clone)]
pub struct TargetRules {
    /// The scheme where no label says another.
    pub scheme: String,
    /// What comes before the path of the interface.
    pub path_prefix: String,
    /// What happens to the labels.
    pub relabel: Rules,
}

impl TargetRules {
    /// Adds an Alertmanager that was found at `address` with these labels. The error names what is not an address.
    pub fn add(
        &self,
        found: &mut Found,
        address: &str,
        labels: impl IntoIterator<Item = (String, String)>,
        destination: Destination,
    ) -> Result<(), String> {
        let mut builder = LabelsBuilder::new();
        builder.set(SCHEME, &self.scheme).set(PATH, &self.path());
        for (name, value) in labels {
            builder.set(&name, &value);
        }
        builder.set(ADDRESS, address);
        let discovered = builder.build();
        if self.relabel.apply(&mut builder) {
            let target = Target { url: url(&builder.build())?, destination };
            // Two sources may find the same one.
            if !found.targets.iter().any(|known| known.url == target.url) {
                found.targets.push(target);
            }
        } else {
            found.dropped.push(UrlText::new(&url(&discovered)?).to_string());
        }
        Ok(())
    }

    fn path(&self) -> String {
        let prefix = self.path_prefix.trim_matches('/');
        if prefix.is_empty() { format!("/{API}") } else { format!("/{prefix}/{API}") }
    }
}

fn url(labels: &Labels) -> Result<Url, String> {
    let part = |name| labels.get(name).unwrap_or_default();
    let text = format!("{}://{}{}", part(SCHEME), part(ADDRESS), part(PATH));
    if part(ADDRESS).is_empty() {
        return Err("an Alertmanager without address".to_owned());
    }
    Url::parse(&text).map_err(|e| format!("{text:?} is not the address of an Alertmanager: {e}"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bellwether_model::{AnchoredRegex, ValidationScheme};
    use bellwether_relabel::{Action, Rule, RuleSpec};

    use super::*;

    fn found(rules: &TargetRules, address: &str, labels: &[(&str, &str)]) -> Found {
        let mut found = Found::default();
        let labels = labels.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        rules.add(&mut found, address, labels, Destination::Configured).expect("an address");
        found
    }

    #[test]
    fn addresses_are_made_of_labels() {
        let rules = |prefix: &str| TargetRules {
            scheme: "http".to_owned(),
            path_prefix: prefix.to_owned(),
            relabel: Rules::default(),
        };
        let url = |found: Found| found.targets[0].url.to_string();
        assert_eq!(url(found(&rules(""), "a:9093", &[])), "http://a:9093/api/v2/alerts");
        assert_eq!(url(found(&rules("/x/"), "a:9093", &[])), "http://a:9093/x/api/v2/alerts");
        let labels = [("__scheme__", "https"), ("__alerts_path__", "/y")];
        assert_eq!(url(found(&rules("x"), "a:9093", &labels)), "https://a:9093/y");
        let mut twice = found(&rules(""), "a:9093", &[]);
        rules("").add(&mut twice, "a:9093", [], Destination::Configured).expect("an address");
        assert_eq!(twice.targets.len(), 1);
        for address in ["", "a b"] {
            assert!(rules("").add(&mut twice, address, [], Destination::Configured).is_err(), "{address:?}");
        }
    }

    #[test]
    fn relabelling_leaves_some_out() {
        let only_a = RuleSpec {
            source_labels: Some(vec![ADDRESS.to_owned()]),
            regex: Some(Arc::new(AnchoredRegex::new("a:.*").expect("a pattern"))),
            action: Some(Action::Keep),
            ..RuleSpec::empty()
        };
        let only_a = Rule::new(only_a, ValidationScheme::Utf8).expect("a rule");
        let rules = TargetRules {
            scheme: "http".to_owned(),
            path_prefix: String::new(),
            relabel: Rules::new(vec![only_a]),
        };
        assert_eq!(found(&rules, "a:1", &[]).targets.len(), 1);
        let left_out = found(&rules, "b:1", &[]);
        assert_eq!(
            (left_out.targets, left_out.dropped),
            (Vec::new(), vec!["http://b:1/api/v2/alerts".to_owned()])
        );
    }
}
