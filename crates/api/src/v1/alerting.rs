//! `rules`, `alerts` and `alertmanagers`: rules as they are now and whom they warn. The shapes are those of Prometheus; `alerts/history` is ours.

use std::collections::{BTreeMap, BTreeSet};

use axum::extract::State;
use axum::response::Response;
use bellwether_model::{Fingerprint, Labels, Matcher};
use bellwether_promql::syntax::parse_metric_selector;
use bellwether_rules::{AlertEvent, GroupView, HistoryQuery, RuleView};
use serde_json::{Value, json};

use super::notifying::with_next;
use super::rule_listing::{ActiveAlerts, ListedAlerts, ListedGroups, ListedRuleGroup};
use crate::envelope;
use crate::error::ApiError;
use crate::params::{Params, format_time_ms};
use crate::state::AppState;
use crate::work::blocking;

/// How many changes of alerts are told if nobody says how many.
const DEFAULT_EVENTS: usize = 1_000;
/// How many are told at most.
const MOST_EVENTS: usize = 10_000;

/// Which rules are wanted.
struct Wanted {
    /// Alerting or recording rules, or both.
    alerting: Option<bool>,
    rules: BTreeSet<String>,
    groups: BTreeSet<String>,
    files: BTreeSet<String>,
    selectors: Vec<Vec<Matcher>>,
    with_alerts: bool,
    with_lint: bool,
    /// So many groups at most.
    limit: usize,
    /// The group to begin with.
    token: Option<String>,
}

impl Wanted {
    fn new(state: &AppState, params: &Params) -> Result<Self, ApiError> {
        let alerting = match params.get("type").map(str::to_lowercase).as_deref() {
            None => None,
            Some("alert") => Some(true),
            Some("record") => Some(false),
            Some(other) => {
                return Err(ApiError::bad_parameter("type", format_args!("not supported value {other:?}")));
            }
        };
        let set = |name| params.all(name).map(str::to_owned).collect();
        let token = params.get("group_next_token").map(str::to_owned);
        let limit = match params.get("group_limit") {
            None if token.is_some() => {
                let why = "group_limit needs to be paired with group_next_token";
                return Err(ApiError::bad_parameter("group_next_token", why));
            }
            None => usize::MAX,
            Some(text) => group_limit(text).map_err(|why| ApiError::bad_parameter("group_limit", why))?,
        };
        Ok(Self {
            alerting,
            rules: set("rule_name[]"),
            groups: set("rule_group[]"),
            files: set("file[]"),
            selectors: selectors(state, params)?,
            with_alerts: !params.flag("exclude_alerts")?,
            with_lint: params.flag("lint")?,
            limit,
            token,
        })
    }

    fn has_group(&self, group: &GroupView) -> bool {
        (self.groups.is_empty() || self.groups.contains(&group.name))
            && (self.files.is_empty() || self.files.contains(&group.file))
    }

    fn has_rule(&self, rule: &RuleView) -> bool {
        self.alerting.is_none_or(|alerting| alerting == rule.rule.is_alerting())
            && (self.rules.is_empty() || self.rules.contains(rule.rule.name()))
            && is_selected(&rule.labels, &self.selectors)
    }
}

fn group_limit(text: &str) -> Result<usize, &'static str> {
    let limit: i32 = text.parse().map_err(|_| "group_limit needs to be a valid number")?;
    let limit = usize::try_from(limit).ok().filter(|limit| *limit > 0);
    limit.ok_or("group_limit needs to be greater than 0")
}

/// What `match[]` asks for.
pub(super) fn selectors(state: &AppState, params: &Params) -> Result<Vec<Vec<Matcher>>, ApiError> {
    let parse = |text: &str| {
        parse_metric_selector(text, &state.settings.parser).map_err(|e| ApiError::bad_parameter("match[]", e))
    };
    params.all("match[]").map(parse).collect()
}

/// Whether the labels fit one of the selectors. What a label will be that is a template is not known, so it counts as missing.
fn is_selected(labels: &BTreeMap<String, String>, selectors: &[Vec<Matcher>]) -> bool {
    let value =
        |name: &str| labels.get(name).map_or("", |value| if value.contains("{{") { "" } else { value });
    selectors.is_empty() || selectors.iter().any(|all| all.iter().all(|m| m.matches(value(m.name()))))
}

pub(crate) async fn rules(State(state): State<AppState>, params: Params) -> Result<Response, ApiError> {
    let wanted = Wanted::new(&state, &params)?;
    blocking("listing the rules", move || list(&state, &wanted)).await?
}

fn list(state: &AppState, wanted: &Wanted) -> Result<Response, ApiError> {
    let mut found = Vec::new();
    let mut next = None;
    let mut groups = state.rules.groups(wanted.with_alerts).into_iter().peekable();
    if let Some(token) = &wanted.token {
        while groups.next_if(|group| token_of(group) != *token).is_some() {}
        if groups.peek().is_none() {
            let why = format!("invalid group_next_token '{token}'. were rule groups changed?");
            return Err(ApiError::bad_parameter("group_next_token", why));
        }
    }
    for mut group in groups.filter(|group| wanted.has_group(group)) {
        group.rules.retain(|rule| wanted.has_rule(rule));
        if group.rules.is_empty() {
            continue;
        }
        if found.len() == wanted.limit {
            next = Some(token_of(&group));
            break;
        }
        found.push(group);
    }
    let lint = |group: &GroupView, rule: &RuleView| {
        wanted.with_lint.then(|| state.lint.about(&group.file, rule.rule.position))
    };
    let groups = found.iter().map(|group| ListedRuleGroup::new(group, wanted.with_alerts, lint));
    Ok(envelope::success(&ListedGroups { groups: groups.collect(), group_next_token: next }))
}

/// What stands for a group where a listing is continued.
fn token_of(group: &GroupView) -> String {
    Fingerprint::of(&Labels::from_pairs([("file", &group.file), ("name", &group.name)])).to_string()
}

/// All alerts that are pending or firing.
pub(crate) async fn alerts(State(state): State<AppState>) -> Result<Response, ApiError> {
    blocking("listing the alerts", move || {
        let alerts = state.rules.active_alerts();
        envelope::success(&ListedAlerts { alerts: ActiveAlerts(Some(&alerts)) })
    })
    .await
}

/// What has become of alerts.
pub(crate) async fn history(State(state): State<AppState>, params: Params) -> Result<Response, ApiError> {
    let limit = match params.limit("limit")? {
        0 => DEFAULT_EVENTS,
        limit => limit.min(MOST_EVENTS),
    };
    let range = params.range_or_all()?;
    let query = HistoryQuery {
        selectors: selectors(&state, &params)?,
        start_ms: range.mint,
        end_ms: range.maxt,
        from: params.next_token()?,
        limit,
    };
    let found = blocking("reading the history", move || state.rules.history(&query)).await?;
    let found = found.map_err(ApiError::internal)?;
    let events: Vec<Value> = found.events.iter().map(|(at_ms, event)| event_json(*at_ms, event)).collect();
    Ok(envelope::success(&with_next(json!({ "events": events }), found.next)))
}

fn event_json(at_ms: i64, event: &AlertEvent) -> Value {
    let AlertEvent { labels, from, to, value, annotations, rule } = event;
    json!({
        "time": format_time_ms(at_ms),
        "labels": labels,
        "from": from,
        "to": to,
        "value": value,
        "annotations": annotations,
        "rule": {"file": rule.file, "group": rule.group, "name": rule.name},
    })
}

/// The other Alertmanagers that are told about alerts.
pub(crate) async fn alertmanagers(State(state): State<AppState>) -> Response {
    let list = |urls: Vec<String>| urls.iter().map(|url| json!({"url": url})).collect::<Vec<_>>();
    let active = state.external.status().into_iter().map(|sender| sender.url).collect();
    envelope::success(&json!({
        "activeAlertmanagers": list(active),
        "droppedAlertmanagers": list(state.external.dropped()),
    }))
}
