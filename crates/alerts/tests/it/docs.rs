//! The examples of the users' page are right.
use std::sync::Arc;

use bellwether_alerts::config::{Config, ConfigOptions};
use bellwether_alerts::dedup::Reason;
use bellwether_alerts::library::functions;
use bellwether_alerts::message::{MessageError, Notification, Templates, messages};
use bellwether_alerts::notification::{Data, Kv};
use bellwether_model::{Alert, Labels, ManualClock};

#[test]
fn the_examples_of_the_page_about_receivers_load_and_make_messages() {
    let functions = functions(Arc::new(ManualClock::new(0)), "http://bw");
    let templates = Templates::new(functions, []).expect("they are right");
    let alert = Alert {
        labels: Labels::from_pairs([("alertname", "Slow"), ("team", "core"), ("severity", "warning")]),
        annotations: Labels::from_pairs([("summary", "it is \"slow\"")]),
        starts_at_ms: 0,
        ends_at_ms: None,
        generator_url: String::new(),
    };
    let notification = Notification {
        data: Arc::new(Data::new("team", Kv::default(), &[alert], "http://bw", 0)),
        group_key: "{}:{}",
        idempotency_key: "news",
        reason: Reason::FirstNotification,
        templates: &templates,
        posted: None,
    };
    let page = include_str!("../../../../docs/receivers.md");
    let examples: Vec<&str> =
        page.split("```yaml\n").skip(1).map(|rest| rest.split_once("```").expect("it ends").0).collect();
    let mut kinds = Vec::new();
    for example in &examples {
        let name = example.lines().find_map(|line| line.strip_prefix("- name: ")).expect("a name");
        let yaml = format!("route: {{receiver: {name}}}\n{example}");
        let config = Config::parse("alertmanager.yml", yaml.as_bytes(), ConfigOptions::default());
        let config = config.unwrap_or_else(|errors| panic!("{errors}\n{yaml}"));
        assert!(config.warnings.is_empty(), "{:?}", config.warnings);
        for integration in &config.receivers[0].integrations {
            match messages(integration, &notification) {
                // The files with secrets are those of the reader.
                Ok(_) | Err(MessageError::Secret(_)) => {}
                Err(error) => panic!("{error}\n{yaml}"),
            }
        }
        kinds.extend(config.receivers[0].integrations.iter().map(|it| it.kind.name()));
    }
    kinds.sort_unstable();
    kinds.dedup();
    let supported = [
        "discord",
        "email",
        "http",
        "msteams",
        "msteamsv2",
        "opsgenie",
        "pagerduty",
        "slack",
        "telegram",
        "webhook",
    ];
    assert_eq!(kinds, supported, "there is an example of each");
}
