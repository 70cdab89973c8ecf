//! `docs/lint.md` has a section for each rule, with an example that it refuses and one that it does not.

use std::path::Path;

use bellwether_alerts::config::{Config, ConfigOptions};
use bellwether_lint::{AlertmanagerFile, Options, RULES, Rule};

use crate::server::MemoryServer;
use crate::{findings, ids};

/// A section of the documentation.
struct Section {
    id: String,
    text: String,
}

impl Section {
    /// The block with this mark.
    fn block(&self, mark: &str) -> Option<&str> {
        let opening = |language: &str| self.text.split_once(&format!("```{language} {mark}\n"));
        let (_, rest) = opening("yaml").or_else(|| opening("text"))?;
        rest.split_once("```").map(|(block, _)| block)
    }

    fn options(&self) -> Options {
        let alertmanager = self.block("alertmanager").map(|text| {
            let config = Config::parse("alertmanager.yml", text.as_bytes(), ConfigOptions::default());
            AlertmanagerFile {
                name: "alertmanager.yml".to_owned(),
                config: config.unwrap_or_else(|errors| panic!("{}: {errors}", self.id)),
            }
        });
        Options {
            scrape_intervals_ms: [("api".to_owned(), 15_000), ("batch".to_owned(), 300_000)].into(),
            external_labels: [("cluster".to_owned(), "eu".to_owned())].into(),
            read_file: |path| {
                (path == Path::new("runbooks/shop.md")).then(|| "# Shop\n\n## What to do?\n".to_owned())
            },
            alertmanager,
            ..Options::default()
        }
    }
}

const DOCUMENTATION: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/lint.md");

fn text() -> String {
    std::fs::read_to_string(DOCUMENTATION).unwrap_or_else(|e| panic!("{DOCUMENTATION}: {e}"))
}

fn sections() -> Vec<Section> {
    let text = text();
    let parts = text.split("\n### ").skip(1);
    let section = |part: &str| {
        let (title, text) = part.split_once('\n').expect("a title and a text");
        Section { id: title.trim_matches('`').to_owned(), text: text.to_owned() }
    };
    parts.map(section).collect()
}

#[test]
fn every_rule_has_its_section() {
    let documented: Vec<String> = sections().into_iter().map(|section| section.id).collect();
    let rules: Vec<&str> = RULES.iter().map(|rule| rule.id).collect();
    assert_eq!(documented, rules);
}

/// How many rules there are, and a row for each.
fn table() -> String {
    let n_live = RULES.iter().filter(|rule| rule.is_live()).count();
    let counts = format!("{} rules look at files alone, and {n_live} ask a server:", RULES.len() - n_live);
    let rows = RULES.iter().map(|rule| {
        let needs = if rule.is_live() { "`--live`" } else { "" };
        let Rule { id, severity, demands, .. } = rule;
        format!("| [`{id}`](#{id}) | {} | {demands} | {needs} |\n", severity.as_str())
    });
    format!(
        "{counts}\n\n| Rule | Severity | What it demands | Needs |\n|---|---|---|---|\n{}",
        rows.collect::<String>()
    )
}

#[test]
fn the_table_has_every_rule() {
    let text = text();
    let (before, rest) = text.split_once("<!-- rules -->\n").expect("the mark of the table's begin");
    let (found, after) = rest.split_once("<!-- end of rules -->\n").expect("the mark of its end");
    if std::env::var_os("BELLWETHER_ACCEPT").is_some() {
        let made = format!("{before}<!-- rules -->\n{}<!-- end of rules -->\n{after}", table());
        std::fs::write(DOCUMENTATION, made).expect("written");
    } else {
        assert_eq!(found, table(), "BELLWETHER_ACCEPT=1 writes it anew");
    }
}

#[test]
fn no_two_rules_have_the_same_name() {
    let mut ids: Vec<&str> = RULES.iter().map(|rule| rule.id).collect();
    ids.sort_unstable();
    assert!(ids.windows(2).all(|two| two[0] != two[1]), "{ids:?}");
}

#[test]
fn examples_are_refused_and_taken_as_the_sections_say() {
    for section in sections() {
        let options = section.options();
        let server = section.block("series").map(MemoryServer::new);
        let of = |mark: &str| {
            let block = section.block(mark).unwrap_or_else(|| panic!("{} has no {mark} example", section.id));
            match &server {
                Some(server) => server.findings(block, &options),
                None => findings(block, &options),
            }
        };
        let bad = of("bad");
        assert!(
            ids(&bad).contains(&section.id.as_str()),
            "{} does not refuse its bad example: {bad:#?}",
            section.id
        );
        let good = of("good");
        assert!(
            !ids(&good).contains(&section.id.as_str()),
            "{} refuses its good example: {good:#?}",
            section.id
        );
    }
}
