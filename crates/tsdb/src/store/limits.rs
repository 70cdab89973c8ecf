//! How many series each tenant has, what more it may have, and whose samples limits refused.
//!
//! Series are counted when they come and go, by tenant and metric; a sample of a series that is there costs nothing here.

use std::time::Duration;

use bellwether_model::{Labels, Limit, OverLimit, Tenant};
use hashbrown::HashMap;
use parking_lot::Mutex;

use crate::options::SeriesLimits;

use super::tenancy::{TENANT_LABEL, tenant_of};

/// A label set has at most this many bytes whatever the limits are: it must fit into a frame of the log with room to spare.
const MAX_LABEL_SET_BYTES: usize = 1 << 20;
/// How many bytes of a name that a stranger chose a message shows, and the list of offenders keeps.
const SHOWN_BYTES: usize = 128;
/// How many offenders are remembered. The most frequent ones are among them.
const MAX_OFFENDERS: usize = 256;
const MINUTE_S: f64 = 60.0;

/// The series of all tenants.
#[derive(Debug, Default)]
pub(super) struct SeriesCounts {
    tenants: Mutex<HashMap<String, TenantSeries>>,
}

/// The series of a tenant.
#[derive(Debug, Default)]
struct TenantSeries {
    n_series: usize,
    by_metric: HashMap<String, u32>,
    /// How many new series count against the limit of a minute: those that came, less what time has allowed since.
    new: f64,
    /// Until when, on the clock that never goes back.
    counted_until: Duration,
}

impl TenantSeries {
    fn add(&mut self, metric: &str) {
        self.n_series += 1;
        *self.by_metric.entry_ref(metric).or_default() += 1;
    }

    /// Lets time pass for the limit of a minute.
    fn pass(&mut self, per_minute: usize, now: Duration) {
        let passed = now.saturating_sub(self.counted_until).as_secs_f64();
        self.counted_until = now;
        self.new = (self.new - passed * per_minute as f64 / MINUTE_S).max(0.0);
    }
}

impl SeriesCounts {
    /// Counts a series that is there already, as those are that the log brings back.
    pub(super) fn count(&self, labels: &Labels) {
        self.tenants.lock().entry_ref(tenant_of(labels)).or_default().add(labels.metric_name());
    }

    /// Counts a new series of a tenant, if its limits allow it. `labels` are those under which it is stored.
    pub(super) fn admit(
        &self,
        tenant: &Tenant,
        labels: &Labels,
        limits: &SeriesLimits,
        now: Duration,
    ) -> Result<(), Box<OverLimit>> {
        let metric = labels.metric_name();
        let mut tenants = self.tenants.lock();
        let counts = tenants.entry_ref(tenant.as_str()).or_default();
        let of_metric = counts.by_metric.get(metric).map_or(0, |n| *n as usize);
        let per_minute = limits.max_new_series_per_minute;
        let refuse = |limit: Limit, why: String| {
            Err(Box::new(over_limit(limit, tenant, labels, &format!("{why} ({})", limit.as_str()))))
        };
        if counts.n_series >= limits.max_active_series {
            let max = limits.max_active_series;
            return refuse(Limit::ActiveSeries, format!("the tenant has the {max} series allowed"));
        }
        if of_metric >= limits.max_series_per_metric {
            let max = limits.max_series_per_metric;
            return refuse(Limit::SeriesPerMetric, format!("the metric has the {max} series allowed"));
        }
        counts.pass(per_minute, now);
        if counts.new + 1.0 > per_minute as f64 {
            let why = format!("the tenant has had the {per_minute} new series per minute allowed");
            return refuse(Limit::NewSeriesPerMinute, why);
        }
        counts.new += 1.0;
        counts.add(metric);
        Ok(())
    }

    /// Forgets series that have left the head.
    pub(super) fn forget(&self, gone: &[Labels]) {
        let mut tenants = self.tenants.lock();
        for labels in gone {
            let counts = tenants.get_mut(tenant_of(labels));
            let counts = counts.expect("BUG: a series of a tenant that has none");
            counts.n_series -= 1;
            let metric = labels.metric_name();
            let of_metric =
                counts.by_metric.get_mut(metric).expect("BUG: a series of a metric that has none");
            *of_metric -= 1;
            if *of_metric == 0 {
                counts.by_metric.remove(metric);
            }
        }
    }

    /// When `n` more new series of the tenant will be allowed; at most a minute.
    pub(super) fn retry_after(&self, tenant: &Tenant, n: usize, limits: &SeriesLimits) -> Duration {
        let new = self.tenants.lock().get(tenant.as_str()).map_or(0.0, |counts| counts.new);
        let per_minute = limits.max_new_series_per_minute as f64;
        let missing = (new + n as f64 - per_minute).max(0.0);
        // 0 allowed: never, but then the limit may be another one after the longest time.
        let seconds = if per_minute > 0.0 { missing / per_minute * MINUTE_S } else { MINUTE_S };
        Duration::from_secs_f64(seconds.min(MINUTE_S))
    }
}

/// Whether a new series may have these labels, which are those under which it is stored.
pub(super) fn check_labels(
    tenant: &Tenant,
    labels: &Labels,
    limits: &SeriesLimits,
) -> Result<(), Box<OverLimit>> {
    let refuse = |limit, why: &str| Err(Box::new(over_limit(limit, tenant, labels, why)));
    let user = labels.iter().filter(|l| l.name != TENANT_LABEL);
    let n = user.clone().count();
    if n > limits.max_labels_per_series {
        let max = limits.max_labels_per_series;
        let why = format!("{n} labels, more than the {max} allowed (max_labels_per_series)");
        return refuse(Limit::LabelsPerSeries, &why);
    }
    for label in user {
        let (name_len, value_len) = (label.name.len(), label.value.len());
        let name = shortened(label.name);
        if name_len > limits.max_label_name_bytes {
            let max = limits.max_label_name_bytes;
            let why = format!(
                "the label name {name:?} has {name_len} bytes, more than the {max} allowed (max_label_name_bytes)"
            );
            return refuse(Limit::LabelNameBytes, &why);
        }
        if value_len > limits.max_label_value_bytes {
            let max = limits.max_label_value_bytes;
            let why = format!(
                "the value of the label {name:?} has {value_len} bytes, more than the {max} allowed (max_label_value_bytes)"
            );
            return refuse(Limit::LabelValueBytes, &why);
        }
    }
    let len = labels.as_bytes().len();
    if len > MAX_LABEL_SET_BYTES {
        let why = format!("labels of {len} bytes, more than the {MAX_LABEL_SET_BYTES} that can be stored");
        return refuse(Limit::LabelSetBytes, &why);
    }
    Ok(())
}

/// The refusal of a sample. Short, whatever the series is called: there may be one for each sample of a batch.
fn over_limit(limit: Limit, tenant: &Tenant, labels: &Labels, why: &str) -> OverLimit {
    let metric = shortened(labels.metric_name());
    let whose = match tenant.as_str() {
        "" => "the default tenant".to_owned(),
        name => format!("tenant {:?}", shortened(name)),
    };
    OverLimit { limit, what: format!("metric {metric:?} of {whose}: {why}") }
}

fn shortened(text: &str) -> &str {
    &text[..text.floor_char_boundary(SHOWN_BYTES)]
}

/// How many samples of a metric a limit refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offender {
    /// The limit.
    pub limit: Limit,
    /// The name of the tenant; empty for the default one.
    pub tenant: String,
    /// The name of the metric, cut if it is very long; empty if the series has none or was given by its handle.
    pub metric: String,
    /// Samples, or exemplars if the limit is about those. May be somewhat too large for one of many rare offenders, which share places.
    pub samples: u64,
}

/// What limits refused since the store was opened: in total, and by whom. The memory that takes is bounded.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    counts: Mutex<RefusalCounts>,
}

#[derive(Debug, Default)]
struct RefusalCounts {
    by_limit: HashMap<Limit, u64>,
    by_offender: HashMap<OffenderKey, u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct OffenderKey {
    limit: Limit,
    tenant: Tenant,
    metric: Box<str>,
}

impl Refusals {
    /// Counts samples of a tenant, each with the limit that refused it and the name of its metric.
    pub(super) fn note<'m>(&self, tenant: &Tenant, refused: impl Iterator<Item = (Limit, &'m str)>) {
        let mut refused = refused.peekable();
        if refused.peek().is_none() {
            return;
        }
        let mut counts = self.counts.lock();
        for (limit, metric) in refused {
            *counts.by_limit.entry(limit).or_default() += 1;
            let key = OffenderKey { limit, tenant: tenant.clone(), metric: shortened(metric).into() };
            counts.offend(key);
        }
    }

    /// How many samples each limit refused.
    pub(super) fn by_limit(&self) -> Vec<(Limit, u64)> {
        let counts = self.counts.lock();
        Limit::ALL
            .into_iter()
            .map(|limit| (limit, counts.by_limit.get(&limit).copied().unwrap_or(0)))
            .collect()
    }

    /// Whose samples were refused most often, at most `n` of them.
    pub(super) fn top(&self, n: usize) -> Vec<Offender> {
        let counts = self.counts.lock();
        let mut offenders: Vec<Offender> = counts
            .by_offender
            .iter()
            .map(|(key, samples)| Offender {
                limit: key.limit,
                tenant: key.tenant.as_str().to_owned(),
                metric: key.metric.to_string(),
                samples: *samples,
            })
            .collect();
        drop(counts);
        offenders.sort_by(|a, b| {
            b.samples.cmp(&a.samples).then_with(|| (a.limit, &a.metric).cmp(&(b.limit, &b.metric)))
        });
        offenders.truncate(n);
        offenders
    }
}

impl RefusalCounts {
    /// If there is no place left, the offender takes over that of the rarest one with its count, as in the algorithm "space saving" (Metwally, Agrawal and
    /// El Abbadi, 2005): whoever has more than its share of all refusals is in the list for sure.
    fn offend(&mut self, key: OffenderKey) {
        if let Some(samples) = self.by_offender.get_mut(&key) {
            *samples += 1;
            return;
        }
        let mut samples = 1;
        if self.by_offender.len() >= MAX_OFFENDERS {
            let rarest = self.by_offender.iter().min_by_key(|(_, samples)| **samples);
            if let Some((rarest, before)) = rarest.map(|(key, samples)| (key.clone(), *samples)) {
                self.by_offender.remove(&rarest);
                samples += before;
            }
        }
        self.by_offender.insert(key, samples);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(metric: &str, i: usize) -> Labels {
        Labels::from_pairs([("__name__", metric.to_owned()), ("i", i.to_string())])
    }

    fn limits(active: usize, per_metric: usize, per_minute: usize) -> SeriesLimits {
        SeriesLimits {
            max_active_series: active,
            max_series_per_metric: per_metric,
            max_new_series_per_minute: per_minute,
            ..SeriesLimits::default()
        }
    }

    #[test]
    fn series_that_leave_make_room() {
        let (counts, tenant) = (SeriesCounts::default(), Tenant::default());
        let limits = limits(3, 2, 1000);
        let admit = |metric, i| {
            let admitted = counts.admit(&tenant, &series(metric, i), &limits, Duration::ZERO);
            admitted.map_err(|over| over.limit)
        };
        assert_eq!((admit("a", 0), admit("a", 1), admit("b", 0)), (Ok(()), Ok(()), Ok(())));
        assert_eq!(admit("b", 1), Err(Limit::ActiveSeries));
        counts.forget(&[series("b", 0)]);
        assert_eq!(admit("a", 2), Err(Limit::SeriesPerMetric));
        counts.forget(&[series("a", 0)]);
        assert_eq!((admit("a", 2), admit("c", 0), admit("c", 1)), (Ok(()), Ok(()), Err(Limit::ActiveSeries)));
        assert_eq!(counts.tenants.lock()[""].by_metric.len(), 2, "a metric without series is forgotten");
    }

    #[test]
    fn new_series_are_allowed_as_time_passes() {
        let (counts, tenant, other) = (SeriesCounts::default(), Tenant::default(), Tenant::new("b"));
        let limits = limits(1000, 1000, 60);
        let admitted = |tenant: &Tenant, from: usize, at_s: u64| {
            let is_new = |i: &usize| {
                counts.admit(tenant, &series("m", *i), &limits, Duration::from_secs(at_s)).is_ok()
            };
            (from..from + 100).filter(is_new).count()
        };
        assert_eq!(admitted(&tenant, 0, 1000), 60);
        assert_eq!(counts.retry_after(&tenant, 5, &limits), Duration::from_secs(5));
        assert_eq!(counts.retry_after(&tenant, 500, &limits), Duration::from_mins(1));
        assert_eq!(admitted(&other, 0, 1000), 60, "tenants have limits of their own");
        assert_eq!(admitted(&tenant, 100, 1010), 10);
        assert_eq!(admitted(&tenant, 200, 5000), 60, "what was not used is not saved up");
    }

    #[test]
    fn the_worst_offenders_are_remembered_among_many() {
        let (refusals, tenant) = (Refusals::default(), Tenant::default());
        for i in 0..20_000 {
            let rare = format!("rare_{i}");
            let noted = [(Limit::SeriesPerMetric, &*rare), (Limit::ActiveSeries, "worst")];
            refusals.note(&tenant, noted.into_iter().take(1 + usize::from(i % 10 == 0)));
        }
        assert!(refusals.counts.lock().by_offender.len() <= MAX_OFFENDERS);
        let top = refusals.top(3);
        assert_eq!((top.len(), top[0].metric.as_str(), top[0].limit), (3, "worst", Limit::ActiveSeries));
        assert_eq!(top[0].samples, 2000);
        let by_limit: HashMap<_, _> = refusals.by_limit().into_iter().collect();
        assert_eq!((by_limit[&Limit::SeriesPerMetric], by_limit[&Limit::Future]), (20_000, 0));
        refusals.note(&tenant, [(Limit::ActiveSeries, "é".repeat(1000).as_str())].into_iter());
        assert!(refusals.top(1000).iter().all(|offender| offender.metric.len() <= SHOWN_BYTES));
    }
}
