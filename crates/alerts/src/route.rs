//! The routing tree: which receivers an alert is for, in which group, and how often.

use std::collections::BTreeSet;
use std::fmt;

use bellwether_model::Labels;

use crate::matcher::{Matcher, all_match};

/// What a route does with the alerts that are for it. Everything that was not written is inherited.
#[derive(Debug, Clone, PartialEq)]
pub struct RouteOptions {
    /// Who is told.
    pub receiver: String,
    /// Which alerts are told of together.
    pub group_by: GroupBy,
    /// How long the first notification of a new group waits for more alerts, in milliseconds.
    pub group_wait_ms: i64,
    /// How long after a notification the next one is about what has changed, in milliseconds.
    pub group_interval_ms: i64,
    /// How long after a notification it is repeated although nothing has changed, in milliseconds.
    pub repeat_interval_ms: i64,
    /// Names of the times at which nobody is told; not inherited.
    pub mute_time_intervals: Vec<String>,
    /// Names of the times at which alone somebody is told; not inherited.
    pub active_time_intervals: Vec<String>,
    /// Texts that notifications of the route carry, by name; the values are templates.
    pub labels: Vec<(String, String)>,
}

/// Which alerts are one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupBy {
    /// Those that agree on these labels.
    Labels(BTreeSet<String>),
    /// Those that agree on all labels, so each is a group of its own (`...`).
    All,
}

impl GroupBy {
    /// The labels that all alerts of the group of this one share and that make it.
    pub fn key(&self, labels: &Labels) -> Labels {
        match self {
            Self::All => labels.clone(),
            Self::Labels(names) => Labels::from_pairs(
                labels
                    .iter()
                    .filter(|label| names.contains(label.name))
                    .map(|label| (label.name, label.value)),
            ),
        }
    }
}

/// A node of the tree.
#[derive(Debug, Clone)]
pub struct Route {
    /// What it does.
    pub options: RouteOptions,
    /// What labels must satisfy to get here, sorted. The root has none.
    pub matchers: Vec<Matcher>,
    /// Whether an alert that was for this route is offered to its later siblings too.
    pub continues: bool,
    /// The matchers of all levels down to here: `{}/{severity="page"}`.
    pub key: String,
    /// The same with the number of the child at each level, which is unique.
    pub id: String,
    /// More special routes, in the order in which they are asked.
    pub routes: Vec<Route>,
}

impl Route {
    /// A node below `parent`, as its child number `idx`. The children of the node are added later.
    pub fn new(
        parent: Option<(&Route, usize)>,
        options: RouteOptions,
        mut matchers: Vec<Matcher>,
        continues: bool,
    ) -> Self {
        matchers.sort_by(|a, b| (a.name(), a.value(), a.op()).cmp(&(b.name(), b.value(), b.op())));
        let level = MatcherSet(&matchers).to_string();
        let (key, id) = match parent {
            None => (level.clone(), level),
            Some((parent, idx)) => {
                (format!("{}/{level}", parent.key), format!("{}/{level}/{idx}", parent.id))
            }
        };
        Self { options, matchers, continues, key, id, routes: Vec::new() }
    }

    /// The routes that an alert with these labels is for, in the order in which they are found: the deepest ones, and of siblings the first
    /// unless it continues. At the root it is at least one.
    pub fn matching(&self, labels: &Labels) -> Vec<&Route> {
        let mut found = Vec::new();
        self.collect(labels, &mut found);
        found
    }

    /// Whether a route was found.
    fn collect<'r>(&'r self, labels: &Labels, found: &mut Vec<&'r Route>) -> bool {
        if !all_match(&self.matchers, labels) {
            return false;
        }
        let before = found.len();
        for route in &self.routes {
            if route.collect(labels, found) && !route.continues {
                break;
            }
        }
        if found.len() == before {
            found.push(self);
        }
        true
    }

    /// This route and all below it, parents before their children.
    pub fn walk(&self) -> impl Iterator<Item = &Route> {
        let mut open = vec![self];
        std::iter::from_fn(move || {
            let next = open.pop()?;
            open.extend(next.routes.iter().rev());
            Some(next)
        })
    }
}

/// Matchers in braces.
struct MatcherSet<'m>(&'m [Matcher]);

impl fmt::Display for MatcherSet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (idx, matcher) in self.0.iter().enumerate() {
            let comma = if idx > 0 { "," } else { "" };
            write!(f, "{comma}{matcher}")?;
        }
        f.write_str("}")
    }
}
