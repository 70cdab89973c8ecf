//! `alerts/groups`: what is told of together.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use axum::response::Response;
use bellwether_alerts::order;
use bellwether_alerts::router::{GroupId, KnownAlert, Mutes, Router, Snapshot, muted_by};
use bellwether_model::{Fingerprint, Labels};
use serde::Serialize;

use super::alerts::{ListedAlert, ReceiverName, answer};
use super::filter::AlertFilter;
use super::refusal::Refusal;
use crate::error::ApiError;
use crate::json::LabelMap;
use crate::params::Params;
use crate::state::AppState;

#[derive(Debug, Serialize)]
struct ListedGroup {
    alerts: Vec<ListedAlert>,
    labels: LabelMap,
    receiver: ReceiverName,
}

/// A group with those of its alerts that are wanted.
struct FoundGroup {
    labels: Labels,
    receiver: String,
    muted_by: Vec<String>,
    alerts: Vec<(KnownAlert, Mutes)>,
}

/// The groups that have an alert that is wanted, by their labels and receivers.
pub(super) async fn groups(
    State(state): State<AppState>,
    params: Result<Params, ApiError>,
) -> Result<Response, Refusal> {
    let filter = AlertFilter::read(&params?)?;
    answer(state, move |state| {
        // Only copied while the router waits, looked at afterwards.
        let (snapshot, groups) =
            state.alertmanager.read(|router, now_ms| (router.snapshot(now_ms), copy_groups(router)));
        let mut found = find(&snapshot, groups, &filter);
        let receivers = receivers_of_alerts(&found);
        found.retain(|group| filter.muted || group.muted_by.is_empty());
        found.sort_by(|a, b| {
            order::label_sets(&a.labels, &b.labels).then_with(|| a.receiver.cmp(&b.receiver))
        });
        found.into_iter().map(|group| list(group, &receivers)).collect::<Vec<_>>()
    })
    .await
}

/// A group with its receiver and its alerts.
type CopiedGroup = (GroupId, String, BTreeSet<Fingerprint>);

fn copy_groups(router: &Router) -> Vec<CopiedGroup> {
    let groups = router.groups();
    groups.map(|(id, receiver, alerts)| (id.clone(), receiver.to_owned(), alerts.clone())).collect()
}

fn find(snapshot: &Snapshot, groups: Vec<CopiedGroup>, filter: &AlertFilter) -> Vec<FoundGroup> {
    let (config, now_ms) = (snapshot.config(), snapshot.at_ms());
    let routes: BTreeMap<&str, _> =
        config.route.walk().map(|route| (route.id.as_str(), &route.options)).collect();
    let mut found = Vec::new();
    for (id, receiver, alerts) in groups {
        if !filter.wants_receiver(&receiver, config) {
            continue;
        }
        let alerts = alerts.into_iter().filter_map(|id| snapshot.alert(id));
        let alerts: Vec<_> = alerts
            .map(|known| (known, snapshot.mutes(&known.alert.labels)))
            .filter(|(known, mutes)| filter.wants(known, mutes, now_ms))
            .map(|(known, mutes)| (known.clone(), mutes))
            .collect();
        if !alerts.is_empty() {
            let options = routes.get(id.route.as_str());
            let muted_by = options.map(|options| muted_by(config, options, now_ms)).unwrap_or_default();
            found.push(FoundGroup { labels: id.labels, receiver, muted_by, alerts });
        }
    }
    found
}

/// Who is told of each alert, in any of the groups.
fn receivers_of_alerts(groups: &[FoundGroup]) -> BTreeMap<Fingerprint, Vec<ReceiverName>> {
    let mut receivers: BTreeMap<Fingerprint, Vec<ReceiverName>> = BTreeMap::new();
    for group in groups {
        for (known, _) in &group.alerts {
            let name = group.receiver.clone();
            receivers.entry(known.alert.fingerprint()).or_default().push(ReceiverName { name });
        }
    }
    for names in receivers.values_mut() {
        names.sort();
    }
    receivers
}

fn list(mut group: FoundGroup, receivers: &BTreeMap<Fingerprint, Vec<ReceiverName>>) -> ListedGroup {
    group.alerts.sort_by(|(a, _), (b, _)| order::alerts(&a.alert.labels, &b.alert.labels));
    let alerts = group.alerts.iter().map(|(known, mutes)| {
        let receivers = receivers.get(&known.alert.fingerprint()).cloned().unwrap_or_default();
        ListedAlert::new(known, mutes, receivers, &group.muted_by)
    });
    ListedGroup {
        alerts: alerts.collect(),
        labels: LabelMap(group.labels),
        receiver: ReceiverName { name: group.receiver },
    }
}
