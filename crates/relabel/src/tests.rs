use std::sync::Arc;

use bellwether_model::{AnchoredRegex, Labels, ValidationScheme};
use bellwether_yaml::{Decode, Dialect, Document, Errors, MapReader, Node, Reported};
use proptest::prelude::*;

use super::*;

/// Rules as a section of a configuration has them.
struct Section(Rules);

impl Decode<'_> for Section {
    fn type_name() -> std::borrow::Cow<'static, str> {
        "config.plain".into()
    }

    fn decode(node: Node<'_>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "config.plain", errors)?;
        let specs = read_specs(&mut map, "rules", "empty or null rule");
        map.finish()?;
        specs.check(ValidationScheme::Utf8, errors).map(Self)
    }
}

fn read(rules: &str) -> Result<Rules, String> {
    let text = format!("rules:\n{rules}");
    let document = Document::parse("f.yml", text.as_bytes(), Dialect::V2).map_err(|e| e.to_string())?;
    document.decode::<Section>().map(|section| section.0).map_err(|e| e.to_string())
}

#[test]
fn rules_are_applied() {
    let check = |rules: &str, input: &[(&str, &str)], want: Option<&[(&str, &str)]>| {
        let got = read(rules).expect(rules).relabel(&input.iter().copied().collect());
        assert_eq!(got, want.map(|pairs| pairs.iter().copied().collect::<Labels>()), "{rules}");
    };
    // The default pattern matches a label that is not there, so a fixed replacement is always written.
    check("- {target_label: a, replacement: x}", &[], Some(&[("a", "x")]));
    // A replacement that is empty removes the label.
    check("- {target_label: a, replacement: ''}", &[("a", "1"), ("b", "2")], Some(&[("b", "2")]));
    check("- {source_labels: [a], regex: x, target_label: b}", &[("a", "1")], Some(&[("a", "1")]));
    // `regex: null` is the empty pattern.
    check("- {source_labels: [a], regex: , action: keep}", &[("a", "1")], None);
    check("- {source_labels: [b], regex: , action: keep}", &[("a", "1")], Some(&[("a", "1")]));
    // Numbers are patterns, too.
    check("- {source_labels: [a], regex: 1, action: KEEP}", &[("a", "1")], Some(&[("a", "1")]));
    // A label map sees the labels as they were before the rule.
    check(
        "- {regex: 'a(.*)', replacement: 'aa$1', action: labelmap}",
        &[("a", "1"), ("aa", "2")],
        Some(&[("a", "1"), ("aa", "1"), ("aaa", "2")]),
    );
    check(
        "- {source_labels: [a, b], action: keepequal, target_label: c}",
        &[("a", "1"), ("c", "1;")],
        Some(&[("a", "1"), ("c", "1;")]),
    );
    check("- {source_labels: [a], action: dropequal, target_label: c}", &[], None);
    check("- {action: labeldrop, regex: a.*}", &[("a", "1"), ("ab", "2"), ("b", "3")], Some(&[("b", "3")]));
    check(
        "- {source_labels: [a], regex: '(.*)', target_label: '$1', replacement: x}",
        &[("b", "1")],
        Some(&[("b", "1")]),
    );
}

#[test]
fn refuses_what_makes_no_sense() {
    let check = |rules: &str, want: &str| {
        assert_eq!(read(rules).map(|_| ()), Err(format!("f.yml:2:{want}")), "{rules}");
    };
    check("-", "2: empty or null rule");
    check("- {action: null}", "4: relabel action cannot be empty");
    check("- {action: keepp}", "12: unknown relabel action \"keepp\"");
    check("- {regex: 'a(b'}", "11: error parsing regexp: missing closing ): `a(b`");
    check("- {source_labels: [a, '']}", "23: \"\" is not a valid label name");
    check(
        "- {action: hashmod, target_label: a}",
        "3: relabel configuration for hashmod requires non-zero modulus",
    );
    check("- {action: replace}", "3: relabel configuration for replace action requires 'target_label' value");
    check("- {action: labelmap, replacement: ''}", "35: \"\" is invalid 'replacement' for labelmap action");
    check(
        "- {action: keepequal, target_label: a, regex: '(.*)'}",
        "3: keepequal action requires only 'source_labels' and `target_label`, and no other fields",
    );
    check(
        "- {action: labelkeep, source_labels: []}",
        "3: labelkeep action requires only 'regex', and no other fields",
    );
    check(
        "- {action: uppercase, target_label: a, replacement: b}",
        "53: 'replacement' can not be set for uppercase action",
    );
    check(
        "- {traget_label: a}",
        "4: yaml: unmarshal errors: field traget_label not found in type relabel.plain; did you mean \"target_label\"?",
    );
}

#[test]
fn rules_are_shown_as_prometheus_shows_them() {
    let rules = read(
        "- {source_labels: [a, b.c], target_label: d}\n\
         - {action: drop, regex: }\n\
         - {action: hashmod, modulus: 8, target_label: t, separator: ''}\n",
    );
    assert_eq!(
        rules.expect("valid").to_value().to_yaml(),
        "- source_labels: [a, b.c]\n  separator: ;\n  target_label: d\n  replacement: $1\n  action: replace\n\
         - separator: ;\n  regex: null\n  replacement: $1\n  action: drop\n\
         - modulus: 8\n  target_label: t\n  replacement: $1\n  action: hashmod\n"
    );
}

#[test]
fn a_trace_tells_what_each_rule_did() {
    let rules = read(
        "- {source_labels: [a], target_label: b}\n\
         - {action: labeldrop, regex: a}\n\
         - {source_labels: [b], regex: '1', action: drop}\n\
         - {target_label: c, replacement: x}\n",
    );
    let mut labels = Labels::from_pairs([("a", "1"), ("b", "0")]).to_builder();
    let trace = rules.expect("valid").apply_traced(&mut labels);
    assert!(!trace.kept);
    let change = |name: &str, before: Option<&str>, after: Option<&str>| Change {
        name: name.to_owned(),
        before: before.map(str::to_owned),
        after: after.map(str::to_owned),
    };
    let changes: Vec<_> = trace.steps.iter().map(|step| step.changes.clone()).collect();
    assert_eq!(
        changes,
        [vec![change("b", Some("0"), Some("1"))], vec![change("a", Some("1"), None)], Vec::new()]
    );
    assert_eq!(trace.steps.iter().map(|step| step.dropped).collect::<Vec<_>>(), [false, false, true]);
    assert_eq!(trace.steps[2].labels, Labels::from_pairs([("b", "1")]));
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let name = || prop::sample::select(vec!["a", "b", "ab", "c.d"]);
    let template = prop::sample::select(vec!["$1", "x", "a", "${1}b", "$2$1", ""]);
    let pattern = prop::sample::select(vec!["(.*)", "a", "(a)(b)?", "[ab]+", "", "(.+)1"]);
    let parts = (
        prop::sample::select(Action::ALL.to_vec()),
        prop::collection::vec(name(), 0..3),
        prop::option::of(pattern),
        prop_oneof![name(), template.clone()],
        template,
        0_u64..5,
        any::<bool>(),
    );
    parts.prop_filter_map(
        "a rule that is accepted",
        |(action, sources, regex, target, replacement, modulus, bare)| {
            let mut spec = RuleSpec { action: Some(action), ..RuleSpec::default() };
            if !bare {
                spec.source_labels = Some(sources.into_iter().map(str::to_owned).collect());
                spec.target_label = target.to_owned();
                spec.replacement = replacement.to_owned();
                spec.modulus = modulus;
            }
            spec.regex = regex.map(|pattern| Arc::new(AnchoredRegex::new(pattern).expect("compiles")));
            Rule::new(spec, ValidationScheme::Utf8).ok()
        },
    )
}

proptest! {
    #[test]
    fn tracing_changes_nothing(
        rules in prop::collection::vec(any_rule(), 0..6),
        pairs in prop::collection::btree_map("[abc]{1,2}", "[ab1]{1,3}", 0..5),
    ) {
        let rules = Rules::new(rules);
        let input: Labels = pairs.iter().collect();
        let (mut plain, mut traced) = (input.to_builder(), input.to_builder());
        let kept = rules.apply(&mut plain);
        let trace = rules.apply_traced(&mut traced);
        prop_assert_eq!(kept, trace.kept);
        prop_assert_eq!(plain.build(), traced.build());
        let last = trace.steps.last().map_or(&input, |step| &step.labels);
        prop_assert_eq!(last, &traced.build());
        prop_assert_eq!(rules.relabel(&input), kept.then(|| plain.build()));
    }
}
