//! Random texts of rules and notifications, expanded by Prometheus, `amtool` and us.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};

use super::text::{Dialect, TextGrammar};
use super::verdicts::{ours, theirs};
use super::{assert_none, seeds};
use crate::differential::random::Random;
use crate::support::{Bellwether, fetch, prometheus, require, wait_for};

/// An expression with elements that differ in labels and values.
const ELEMENTS: &str = "label_replace(label_replace(vector(3.25), 'instance', 'db.example.com:9090', '', ''), 'job', 'a<b>&c', '', '') \
     or label_replace(vector(-1234567.891), 'instance', '10.1.2.3:80', '', '') \
     or label_replace(label_replace(vector(0), 'instance', '[::1]:80', '', ''), 'path', '/x y/ü', '', '') \
     or label_replace(vector(0/0), 'job', 'nan', '', '') or label_replace(vector(1.7e12), 'job', 'large', '', '')";

fn texts(usually: u64, dialect: Dialect) -> BTreeMap<String, String> {
    seeds(usually)
        .map(|seed| (format!("t{seed}"), TextGrammar::new(&mut Random::new(seed), dialect).template()))
        .collect()
}

/// A rule file with a rule that has these annotations.
fn rule_file(annotations: &BTreeMap<String, String>) -> String {
    let rule = json!({"alert": "T", "expr": ELEMENTS, "annotations": annotations});
    json!({"groups": [{"name": "g", "rules": [rule]}]}).to_string()
}

/// The annotations of the alerts, by their labels.
fn annotations(url: &str) -> BTreeMap<String, Value> {
    wait_for("the alerts", || {
        let answer: Value =
            serde_json::from_slice(&fetch(&format!("{url}/api/v1/alerts"), "application/json").1)
                .expect("JSON");
        let alerts = answer["data"]["alerts"].as_array()?;
        let found = alerts.iter().map(|alert| (alert["labels"].to_string(), alert["annotations"].clone()));
        Some(found.collect::<BTreeMap<_, _>>()).filter(|found| found.len() == 5)
    })
}

/// Go shows where samples are in memory, and what a time consists of. Which number it makes of one that no integer can hold depends on the processor.
fn may_differ(text: &str, ours: &str, theirs: &str) -> bool {
    let rest = |text: &str| {
        text.replace("true", "").replace("false", "").replace(|c: char| c.is_ascii_hexdigit(), "")
    };
    let looks_into_samples =
        text.contains("query") && ["len", "match", "%x", "%X"].iter().any(|it| text.contains(it));
    // A part of a character stands for none in our texts, which are UTF-8 always, and is as long as the character for that.
    let cuts_characters = text.contains("slice \"ü") && text.contains("len");
    // Some texts put marks around the letters a to f.
    let [lower, of_theirs] = [ours, theirs].map(|text| text.to_lowercase().replace(['<', '>'], ""));
    of_theirs.contains("0xc0")
        || ["&{", "[&", "%26%7bmap", "template.sample", "time.time"].iter().any(|it| lower.contains(it))
        || cuts_characters
        || looks_into_samples && rest(ours) == rest(theirs)
        || text.contains("humanizeDuration") && ["1e300", "1e21"].iter().any(|it| text.contains(it))
}

#[test]
fn texts_of_rules_are_those_of_prometheus() {
    require("promtool");
    let mut texts = texts(1500, Dialect::Rules);
    let dir = tempfile::tempdir().expect("a folder");
    let peer_dir = tempfile::tempdir().expect("a folder");
    let mut differing = Vec::new();

    // First, which of them are templates at all.
    let names: Vec<String> = texts.keys().map(|name| format!("{name}.yml")).collect();
    for (name, text) in &texts {
        let file = rule_file(&BTreeMap::from([("a".to_owned(), text.clone())]));
        fs::write(dir.path().join(format!("{name}.yml")), file).expect("written");
    }
    let verdicts =
        (ours(dir.path(), "rules", &names), theirs(dir.path(), "promtool check rules --lint=none", &names));
    for name in names {
        let (ours, theirs) = (&verdicts.0[&name], &verdicts.1[&name]);
        let text = name.trim_end_matches(".yml");
        if ours.is_some() != theirs.is_some() {
            differing.push(format!("{text}: {:?}\n  ours:   {ours:?}\n  theirs: {theirs:?}", texts[text]));
        }
        if ours.is_some() || theirs.is_some() {
            texts.remove(text);
        }
    }

    let config = "global: {evaluation_interval: 1s, external_labels: {site: here}}\nrule_files: [all.yml]\nrules: {builtin_alerts: false}\n";
    for (dir, config) in [(&dir, config), (&peer_dir, config.rsplit_once("rules:").expect("ours alone").0)] {
        fs::write(dir.path().join("all.yml"), rule_file(&texts)).expect("written");
        fs::write(dir.path().join("prometheus.yml"), config).expect("written");
    }
    let external = "--web.external-url=http://bw.example/pre";
    let ours =
        Bellwether::serve(dir.path(), &["--config.file=prometheus.yml", external, "--web.route-prefix=/"]);
    let (_peer, peer) = prometheus(peer_dir.path(), &[external, "--web.route-prefix=/"]);
    let (ours, theirs) = (annotations(&ours.url), annotations(&peer));
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    let mut failed = 0;
    for (name, text) in &texts {
        let fails =
            |texts: &Value| texts[name].as_str().is_some_and(|text| text.starts_with("<error expanding"));
        let is_same = |ours: &Value, theirs: &Value| {
            let [ours_text, theirs_text] = [ours, theirs].map(|texts| texts[name].as_str().unwrap_or(""));
            // Both say why a template fails, each in its own words.
            ours_text == theirs_text
                || fails(ours) && fails(theirs)
                || may_differ(text, ours_text, theirs_text)
        };
        let different = theirs.iter().find(|(labels, texts)| !is_same(&ours[*labels], texts));
        failed += usize::from(theirs.values().any(fails));
        if let Some((labels, texts)) = different {
            differing.push(format!(
                "{name}: {text:?} of {labels}\n  ours:   {}\n  theirs: {}",
                ours[labels][name], texts[name]
            ));
        }
    }
    println!("texts of rules: {} compared, {failed} fail, {} differ", texts.len(), differing.len());
    assert!(failed * 3 < texts.len() * 2 && failed > 0, "{failed} of {} fail", texts.len());
    assert_none("texts differ", &differing);
}
