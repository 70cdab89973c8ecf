//! Routing, inhibition, silences and what is told, against definitions that are too slow to be used.
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use bellwether_alerts::config::{Config, ConfigOptions};
use bellwether_alerts::dedup::{LogEntry, Reason, reason};
use bellwether_alerts::inhibit::{InhibitRule, Inhibitor};
use bellwether_alerts::matcher::{Matcher, all_match};
use bellwether_alerts::route::Route;
use bellwether_alerts::silence::{Mute, SilenceId, SilenceSpec, Silences};
use bellwether_model::{Alert, Fingerprint, Labels, MatchOp};
use proptest::prelude::*;

const NAMES: [&str; 3] = ["a", "b", "c"];
const VALUES: [&str; 3] = ["", "x", "y"];

fn labels() -> impl Strategy<Value = Labels> {
    proptest::collection::vec(0..3_usize, 3).prop_map(|values| {
        let pairs = NAMES.into_iter().zip(values).filter(|(_, value)| *value > 0);
        Labels::from_pairs(pairs.map(|(name, value)| (name, VALUES[value])))
    })
}

fn matcher() -> impl Strategy<Value = Matcher> {
    let ops = prop_oneof![Just(MatchOp::Eq), Just(MatchOp::Ne), Just(MatchOp::Re), Just(MatchOp::Nre)];
    (ops, 0..3_usize, prop_oneof![Just("x"), Just("y"), Just(""), Just("x|y"), Just(".*")])
        .prop_map(|(op, name, value)| Matcher::new(op, NAMES[name], value).expect("valid"))
}

fn matchers(n: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Matcher>> {
    proptest::collection::vec(matcher(), n)
}

/// A node of a routing tree.
#[derive(Debug, Clone)]
struct Node {
    matchers: Vec<Matcher>,
    continues: bool,
    children: Vec<Node>,
}

fn node() -> impl Strategy<Value = Node> {
    let leaf = (matchers(0..3), any::<bool>()).prop_map(|(matchers, continues)| Node {
        matchers,
        continues,
        children: Vec::new(),
    });
    leaf.prop_recursive(4, 24, 4, |inner| {
        (matchers(0..3), any::<bool>(), proptest::collection::vec(inner, 0..4))
            .prop_map(|(matchers, continues, children)| Node { matchers, continues, children })
    })
}

impl Node {
    fn write(&self, yaml: &mut String, depth: usize) {
        let indent = "  ".repeat(depth);
        writeln!(yaml, "{indent}- continue: {}", self.continues).expect("a string");
        writeln!(yaml, "{indent}  matchers:{}", if self.matchers.is_empty() { " []" } else { "" })
            .expect("a string");
        for matcher in &self.matchers {
            writeln!(yaml, "{indent}  - '{matcher}'").expect("a string");
        }
        if !self.children.is_empty() {
            writeln!(yaml, "{indent}  routes:").expect("a string");
            for child in &self.children {
                child.write(yaml, depth + 1);
            }
        }
    }
}

/// The tree as users write it, and as it is read.
fn tree(children: &[Node]) -> Route {
    let mut yaml = "receivers: [{name: r}]\nroute:\n  receiver: r\n".to_owned();
    if !children.is_empty() {
        yaml.push_str("  routes:\n");
    }
    for child in children {
        child.write(&mut yaml, 1);
    }
    let config = Config::parse("alertmanager.yml", yaml.as_bytes(), ConfigOptions::default());
    config.unwrap_or_else(|errors| panic!("{errors}\n{yaml}")).route
}

/// The definition: a node is reached if its parent is, its matchers match, and no reached sibling before it ends the search. An alert is for the nodes that are reached
/// and have no child that is.
fn reached<'n>(siblings: &'n [Node], path: &str, labels: &Labels, found: &mut Vec<String>) -> bool {
    let mut any = false;
    for (idx, node) in siblings.iter().enumerate() {
        let stopped = siblings[..idx]
            .iter()
            .any(|before: &'n Node| !before.continues && all_match(&before.matchers, labels));
        if stopped || !all_match(&node.matchers, labels) {
            continue;
        }
        any = true;
        let path = format!("{path}/{idx}");
        if !reached(&node.children, &path, labels, found) {
            found.push(path);
        }
    }
    any
}

/// Where each route stands in the tree, by its id.
fn paths(route: &Route, path: &str, by_id: &mut BTreeMap<String, String>) {
    by_id.insert(route.id.clone(), path.to_owned());
    for (idx, child) in route.routes.iter().enumerate() {
        paths(child, &format!("{path}/{idx}"), by_id);
    }
}

fn alert(labels: &Labels, side: usize, ends_at_ms: Option<i64>) -> Alert {
    let mut builder = labels.to_builder();
    builder.set("side", ["", "source", "target", "both"][side]);
    Alert {
        labels: builder.build(),
        annotations: Labels::empty(),
        starts_at_ms: 0,
        ends_at_ms,
        generator_url: String::new(),
    }
}

fn spec(matchers: Vec<Matcher>, starts_at_ms: i64, length_ms: i64) -> SilenceSpec {
    let (created_by, comment) = ("ann".to_owned(), "upgrade".to_owned());
    let ends_at_ms = starts_at_ms + length_ms;
    SilenceSpec {
        matchers,
        starts_at_ms,
        ends_at_ms,
        created_by,
        comment,
        annotations: BTreeMap::new(),
        mute: Mute::All,
        recurs: None,
    }
}

/// Silences are changed so often that some of the beginnings are in the same second.
const STEP_MS: i64 = 400;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn an_alert_goes_where_the_definition_says(
        children in proptest::collection::vec(node(), 0..4), labels in labels(),
    ) {
        let root = tree(&children);
        let mut by_id = BTreeMap::new();
        paths(&root, "", &mut by_id);
        let got: Vec<&str> = root.matching(&labels).into_iter().map(|route| by_id[&route.id].as_str()).collect();
        let mut want = Vec::new();
        if !reached(&children, "", &labels, &mut want) {
            want.push(String::new());
        }
        prop_assert_eq!(got, want);
    }

    #[test]
    fn an_alert_is_inhibited_if_the_definition_says_so(
        alerts in proptest::collection::vec((labels(), 0..4_usize, proptest::option::of(0..20_i64)), 0..12),
        equal in proptest::collection::btree_set(0..3_usize, 0..3),
        target in (labels(), 0..4_usize), now_ms in 0..20_i64,
    ) {
        let side = |value: &str| vec![Matcher::new(MatchOp::Re, "side", format!("{value}|both")).expect("valid")];
        let equal: BTreeSet<String> = equal.into_iter().map(|idx| NAMES[idx].to_owned()).collect();
        let rule =
            InhibitRule { source: side("source"), target: side("target"), equal, is_built_in: false };
        let mut inhibitor = Inhibitor::new(vec![rule.clone()]);
        let mut newest = BTreeMap::new();
        for (labels, side, end) in alerts {
            let alert = alert(&labels, side, end);
            inhibitor.see(&alert);
            newest.insert(alert.fingerprint(), alert);
        }
        let target = alert(&target.0, target.1, None);
        let is = |alert: &Alert, matchers: &[Matcher]| all_match(matchers, &alert.labels);
        let want: BTreeSet<Fingerprint> = newest
            .values()
            .filter(|source| {
                let agree = rule.equal.iter().all(|name| {
                    source.labels.get(name).unwrap_or("") == target.labels.get(name).unwrap_or("")
                });
                let both = |alert: &Alert| is(alert, &rule.source) && is(alert, &rule.target);
                is(source, &rule.source) && is(&target, &rule.target) && agree
                    && !source.is_resolved(now_ms) && !(both(source) && both(&target))
            })
            .map(Alert::fingerprint)
            .collect();
        prop_assert_eq!(inhibitor.is_inhibited(&target.labels, now_ms), !want.is_empty());
        prop_assert_eq!(inhibitor.inhibiting(&target.labels, now_ms), want.clone());
        inhibitor.forget_resolved(now_ms);
        prop_assert_eq!(inhibitor.inhibiting(&target.labels, now_ms), want);
    }

    /// Each silence is what was asked for last, cut to the time since it was asked for; nothing else is silenced, ever.
    #[test]
    fn silences_say_what_was_asked_for(
        steps in proptest::collection::vec((matchers(1..3), -5..15_i64, 1..15_i64, proptest::option::of(0..6_usize), any::<bool>()), 1..12),
        labels in labels(),
    ) {
        let mut silences = Silences::default();
        // Ids in the order in which they were made, and what was silenced at each time, asked at that time.
        let mut ids: Vec<SilenceId> = Vec::new();
        let mut asked: BTreeMap<SilenceId, SilenceSpec> = BTreeMap::new();
        for (step, (matchers, offset, length, of, expire)) in (0_i64..).zip(steps) {
            let now_ms = step * STEP_MS;
            let of = of.and_then(|idx| ids.get(idx).copied());
            if expire {
                if let Some(id) = of && silences.expire(id, now_ms).is_ok() {
                    let spec = asked.get_mut(&id).expect("asked for");
                    spec.ends_at_ms = now_ms;
                    spec.starts_at_ms = spec.starts_at_ms.min(now_ms);
                }
            } else {
                let new_id = SilenceId::from_random(ids.len() as u128);
                let wanted = spec(matchers, now_ms + offset * STEP_MS, length * STEP_MS);
                if let Ok(changed) = silences.set(of, wanted.clone(), new_id, now_ms) {
                    let id = changed[0].id;
                    if id == new_id {
                        ids.push(id);
                        if let Some(old) = of.and_then(|id| asked.get_mut(&id)) && old.ends_at_ms > now_ms {
                            old.ends_at_ms = now_ms;
                            old.starts_at_ms = old.starts_at_ms.min(now_ms);
                        }
                    }
                    asked.insert(id, SilenceSpec { starts_at_ms: wanted.starts_at_ms.max(now_ms).min(wanted.ends_at_ms), ..wanted.clone() });
                    if id != new_id {
                        // It is the one that there was, which may have begun before.
                        let kept = silences.get(id).expect("there").spec.starts_at_ms;
                        prop_assert_eq!(kept.div_euclid(1000), wanted.starts_at_ms.div_euclid(1000));
                        asked.get_mut(&id).expect("asked for").starts_at_ms = kept;
                    }
                }
            }
            let want: BTreeSet<SilenceId> = asked
                .iter()
                .filter(|(_, it)| (it.starts_at_ms..it.ends_at_ms).contains(&now_ms) && all_match(&it.matchers, &labels))
                .map(|(id, _)| *id)
                .collect();
            prop_assert_eq!(silences.silencing(&labels, now_ms).collect::<BTreeSet<_>>(), want);
        }
    }

    /// Played over time: whoever takes all that they are told knows of every alert that fires, is told of every end if they want to be, and is never told the same again
    /// before the repeat interval is over.
    #[test]
    fn what_is_told_is_what_is_new(
        steps in proptest::collection::vec((proptest::collection::btree_set(0..4_u64, 0..4), proptest::collection::btree_set(0..4_u64, 0..4)), 1..30),
        send_resolved in any::<bool>(),
    ) {
        const REPEAT_MS: i64 = 5;
        let ids = |set: &BTreeSet<u64>| set.iter().map(|id| Fingerprint(*id)).collect::<BTreeSet<_>>();
        let mut entry: Option<LogEntry> = None;
        for (now_ms, (firing, over)) in (0_i64..).zip(steps) {
            let firing = ids(&firing);
            let resolved: BTreeSet<Fingerprint> = ids(&over).difference(&firing).copied().collect();
            let known = entry.clone().unwrap_or_default();
            let why = reason(entry.as_ref(), &firing, &resolved, send_resolved, REPEAT_MS, now_ms);
            let unknown = firing.difference(&known.firing).count() > 0;
            prop_assert!(!unknown || matches!(why, Some(Reason::FirstNotification | Reason::NewAlerts)));
            if firing.is_empty() && known.firing.is_empty() {
                prop_assert_eq!(why, None, "nobody knows of anything");
            }
            if send_resolved && !firing.is_empty() && resolved.difference(&known.resolved).count() > 0 && entry.is_some() {
                prop_assert!(why.is_some(), "an end of which nobody was told");
            }
            let same = entry.is_some() && firing.is_subset(&known.firing) && (!send_resolved || resolved.is_subset(&known.resolved));
            if same && !firing.is_empty() && known.notified_at_ms >= now_ms - REPEAT_MS {
                prop_assert_eq!(why, None, "that was told");
            }
            if same && !firing.is_empty() && known.notified_at_ms < now_ms - REPEAT_MS {
                prop_assert_eq!(why, Some(Reason::Repeat));
            }
            if why.is_some() {
                entry = Some(LogEntry { firing, resolved, notified_at_ms: now_ms, ..LogEntry::default() });
            }
        }
    }
}
