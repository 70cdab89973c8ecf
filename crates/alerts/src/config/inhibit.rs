use std::collections::{BTreeMap, BTreeSet};

use bellwether_yaml::{Errors, MapReader, Node, Reported};

use super::route::{MatcherFields, read_matchers};
use super::{ConfigError, ConfigOptions};
use crate::inhibit::InhibitRule;

pub(super) fn read(
    node: Node<'_>,
    options: ConfigOptions,
    errors: &mut Errors,
) -> Result<InhibitRule, Reported> {
    let mut map = MapReader::new(node, "config.InhibitRule", errors)?;
    // A name, for people who read metrics of Alertmanager.
    let _: String = map.or_default("name");
    let sources: BTreeMap<String, Node<'_>> = map.or_default("sources");
    if !sources.is_empty() {
        map.reject(map.place("sources"), ConfigError::InhibitSide("one list of source_matchers"));
    }
    let side = |map: &mut MapReader<'_, '_>, fields| read_matchers(map, fields, options);
    let source = side(
        &mut map,
        MatcherFields { equal: "source_match", regex: "source_match_re", matchers: "source_matchers" },
    );
    let target = side(
        &mut map,
        MatcherFields { equal: "target_match", regex: "target_match_re", matchers: "target_matchers" },
    );
    let equal: Vec<String> = map.or_default("equal");
    for name in &equal {
        if !options.syntax.is_label_name(name) {
            map.reject(
                map.place("equal"),
                ConfigError::LabelName { name: name.clone(), place: "equal list" },
            );
        }
    }
    map.finish()?;
    Ok(InhibitRule { source, target, equal: equal.into_iter().collect::<BTreeSet<_>>(), is_built_in: false })
}
