//! Where the problems of rule files are told.

use bellwether_rules::{RuleFile, RuleFileOptions};

#[test]
fn a_template_that_cannot_be_read_is_told_where_it_stands() {
    let text = "groups:
- name: g
  rules:
  - alert: A
    expr: up == 0
    labels:
      severity: page
      team: '{{ $labels.team'
    annotations:
      summary: fine
      description: >-
        The value is
        {{ nothing }}.
";
    let errors = RuleFile::parse("r.yml", text.as_bytes(), &RuleFileOptions::default()).expect_err("two");
    let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
    let [label, annotation] = &told[..] else { panic!("{told:?}") };
    assert!(
        label.starts_with("r.yml:8:13: group \"g\", rule 1, \"A\": label \"team\": template: "),
        "{label}"
    );
    assert!(annotation.starts_with("r.yml:12:9: ") && annotation.contains("\"nothing\""), "{annotation}");
}
