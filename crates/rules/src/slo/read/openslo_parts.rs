//! The objects of OpenSLO that say what is measured, over which time, and where.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bellwether_yaml::{At, Decode, Errors, MapReader, Node, Reported, Value};
use time::{Date, Month, Time};

use super::fields::{Name, Pairs};
use super::own::rolling;
use crate::slo::events::Query;
use crate::slo::indicator::Measure;
use crate::slo::objective::{Calendar, Window};

const DAY_MS: i64 = 86_400_000;

/// What is known of every object.
pub(super) struct Metadata {
    pub(super) name: String,
    pub(super) labels: Pairs,
}

impl<'d> Decode<'d> for Metadata {
    fn type_name() -> Cow<'static, str> {
        "openslo.Metadata".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "openslo.Metadata", errors)?;
        let name: Option<Name> = map.required("name");
        // For people who read the file.
        let _: Option<String> = map.optional("displayName");
        let _: Option<Pairs> = map.optional("annotations");
        let labels = map.or_default("labels");
        map.finish()?;
        Ok(Self { name: name.map(|name| name.0).unwrap_or_default(), labels })
    }
}

/// A service; an objective only names it.
pub(super) struct Service;

impl<'d> Decode<'d> for Service {
    fn type_name() -> Cow<'static, str> {
        "openslo.ServiceSpec".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "openslo.ServiceSpec", errors)?;
        let _: Option<String> = map.optional("description");
        map.finish()?;
        Ok(Self)
    }
}

/// Where queries are asked, which is always this server.
pub(super) struct DataSource;

impl<'d> Decode<'d> for DataSource {
    fn type_name() -> Cow<'static, str> {
        "openslo.DataSourceSpec".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "openslo.DataSourceSpec", errors)?;
        let _: Option<String> = map.optional("description");
        check_type(&mut map, true);
        let _: Option<BTreeMap<String, Value>> = map.optional("connectionDetails");
        map.finish()?;
        Ok(Self)
    }
}

/// Only sources that speak PromQL can be asked here.
fn check_type(map: &mut MapReader<'_, '_>, is_required: bool) {
    let kind: Option<At<'_, String>> = if is_required { map.required("type") } else { map.optional("type") };
    if let Some(kind) = kind.filter(|kind| !kind.value.eq_ignore_ascii_case("prometheus")) {
        let why = format!(
            "sources of type {:?} are not supported; only those of type Prometheus are, and this server stands in for them",
            kind.value
        );
        map.reject(kind.node, why);
    }
}

/// An indicator.
pub(super) struct Sli<'d> {
    kind: SliKind,
    node: Node<'d>,
}

enum SliKind {
    Ratio(Measure),
    /// A level; the objective says from where on it is bad.
    Threshold(Query),
}

impl Sli<'_> {
    /// What is measured, given the comparison and the value of an objective.
    pub(super) fn measure(
        &self,
        bad_if: Option<&'static str>,
        value: Option<f64>,
    ) -> Result<Measure, String> {
        match (&self.kind, bad_if, value) {
            (SliKind::Ratio(measure), None, None) => Ok(measure.clone()),
            (SliKind::Ratio(_), ..) => {
                Err("`op` and `value` belong to a thresholdMetric, and this indicator is a ratioMetric"
                    .to_owned())
            }
            (SliKind::Threshold(query), Some(bad_if), Some(than)) => {
                Ok(Measure::Level { query: query.clone(), bad_if, than })
            }
            (SliKind::Threshold(_), ..) => Err(format!(
                "the indicator at line {} is a thresholdMetric, which needs `op` and `value` here",
                self.node.position().line
            )),
        }
    }
}

impl<'d> Decode<'d> for Sli<'d> {
    fn type_name() -> Cow<'static, str> {
        "openslo.SLISpec".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "openslo.SLISpec", errors)?;
        let _: Option<String> = map.optional("description");
        let ratio = map.optional::<RatioMetric>("ratioMetric").map(|ratio| SliKind::Ratio(ratio.0));
        let threshold =
            map.optional::<ThresholdMetric>("thresholdMetric").map(|level| SliKind::Threshold(level.0));
        if ratio.is_some() == threshold.is_some() && !map.has_failed() {
            map.reject(node, "an indicator has either `ratioMetric` or `thresholdMetric`");
        }
        map.finish()?;
        Ok(Self { kind: ratio.or(threshold).expect("BUG: `finish` reports a missing metric"), node })
    }
}

struct RatioMetric(Measure);

impl<'d> Decode<'d> for RatioMetric {
    fn type_name() -> Cow<'static, str> {
        "openslo.RatioMetric".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "openslo.RatioMetric", errors)?;
        let is_counter = map.or("counter", false);
        let read = if is_counter { Query::counter } else { Query::deltas };
        let mut source = |name: &'static str| -> Option<At<'_, Text>> { map.optional(name) };
        let (good, bad, total, raw) = (source("good"), source("bad"), source("total"), source("raw"));
        let raw_type: Option<At<'_, String>> = map.optional("rawType");
        let is_good = match raw_type.as_ref().map(|kind| kind.value.as_str()) {
            Some("success") | None => true,
            Some("failure") => false,
            Some(_) => {
                let place = map.place("rawType");
                map.reject(place, "`rawType` is success or failure");
                false
            }
        };
        let mut events = |text: &At<'_, Text>, read: fn(&str) -> Result<Query, crate::slo::EventsError>| {
            read(&text.value.0).map_err(|why| map.reject(text.node, why)).ok()
        };
        let measure = match (&good, &bad, &total, &raw) {
            (Some(good), None, Some(total), None) => {
                events(good, read).zip(events(total, read)).map(|(good, total)| Measure::Good { good, total })
            }
            (None, Some(bad), Some(total), None) => {
                events(bad, read).zip(events(total, read)).map(|(bad, total)| Measure::Bad { bad, total })
            }
            (None, None, None, Some(raw)) => {
                events(raw, Query::level).map(|query| Measure::Ratio { query, is_good })
            }
            _ => {
                if !map.has_failed() {
                    map.reject(
                        node,
                        "a ratio has `good` and `total`, or `bad` and `total`, or `raw` with `rawType`",
                    );
                }
                None
            }
        };
        if raw.is_some() && raw_type.is_none() && !map.has_failed() {
            map.reject(
                node,
                "`raw` needs a `rawType`: whether the query yields the share of success or of failure",
            );
        }
        map.finish()?;
        Ok(Self(measure.expect("BUG: `finish` reports a missing measure")))
    }
}

struct ThresholdMetric(Query);

impl<'d> Decode<'d> for ThresholdMetric {
    fn type_name() -> Cow<'static, str> {
        "openslo.ThresholdMetric".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let text = Text::decode(node, errors)?;
        let query = Query::level(&text.0).map_err(|why| errors.reject(node.place("metricSource"), why))?;
        Ok(Self(query))
    }
}

/// `{metricSource: {type, metricSourceRef, spec: {query}}}`
struct Text(String);

impl<'d> Decode<'d> for Text {
    fn type_name() -> Cow<'static, str> {
        "openslo.MetricSourceHolder".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "openslo.MetricSourceHolder", errors)?;
        let source: Option<MetricSource> = map.required("metricSource");
        map.finish()?;
        Ok(Self(source.expect("BUG: `finish` reports a missing source").0))
    }
}

struct MetricSource(String);

impl<'d> Decode<'d> for MetricSource {
    fn type_name() -> Cow<'static, str> {
        "openslo.MetricSource".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "openslo.MetricSource", errors)?;
        check_type(&mut map, false);
        let _: Option<String> = map.optional("metricSourceRef");
        let spec: Option<QuerySpec> = map.required("spec");
        map.finish()?;
        Ok(Self(spec.expect("BUG: `finish` reports a missing spec").0))
    }
}

struct QuerySpec(String);

impl<'d> Decode<'d> for QuerySpec {
    fn type_name() -> Cow<'static, str> {
        "openslo.MetricSourceSpec".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "openslo.MetricSourceSpec", errors)?;
        let query: Option<String> = map.required("query");
        map.finish()?;
        Ok(Self(query.unwrap_or_default()))
    }
}

/// The window of an SLO.
pub(super) struct TimeWindow(pub(super) Window);

impl<'d> Decode<'d> for TimeWindow {
    fn type_name() -> Cow<'static, str> {
        "openslo.TimeWindow".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "openslo.TimeWindow", errors)?;
        let duration: Option<At<'_, String>> = map.required("duration");
        let is_rolling = map.or("isRolling", false);
        let start: Option<At<'_, CalendarStart>> = map.optional("calendar");
        let Some(duration) = duration.filter(|_| !map.has_failed()) else {
            return Err(map.finish().expect_err("BUG: a part that was refused is reported"));
        };
        let window = match (&start, is_rolling) {
            (None, true) => duration_ms(&duration.value).and_then(rolling),
            (Some(start), false) => calendar(&duration.value, start.value.0),
            _ => Err("a window is either rolling (`isRolling: true`) or has a `calendar` with a `startTime`"
                .to_owned()),
        };
        let window = window.map_err(|why| map.reject(node, why)).ok();
        map.finish()?;
        Ok(Self(window.expect("BUG: `finish` reports a window that was refused")))
    }
}

/// When a period of the calendar begins.
struct CalendarStart(i64);

impl<'d> Decode<'d> for CalendarStart {
    fn type_name() -> Cow<'static, str> {
        "openslo.Calendar".into()
    }

    fn decode(node: Node<'d>, errors: &mut Errors) -> Result<Self, Reported> {
        let mut map = MapReader::new(node, "openslo.Calendar", errors)?;
        let start: Option<At<'_, String>> = map.required("startTime");
        let zone: Option<At<'_, String>> = map.optional("timeZone");
        if let Some(zone) =
            zone.filter(|zone| !matches!(zone.value.as_str(), "" | "UTC" | "Etc/UTC" | "GMT" | "Z"))
        {
            let why = format!(
                "periods of the calendar begin in UTC, the only time zone that PromQL knows, not in {}; write UTC, or leave `timeZone` out",
                zone.value
            );
            map.reject(zone.node, why);
        }
        let start_ms = start.and_then(|start| {
            let parsed = start_ms(&start.value);
            if parsed.is_none() {
                map.reject(start.node, "a start is written as 2026-01-01 00:00:00");
            }
            parsed
        });
        map.finish()?;
        Ok(Self(start_ms.unwrap_or_default()))
    }
}

/// `2026-01-01 00:00:00`, also with a `T` and without the time.
fn start_ms(text: &str) -> Option<i64> {
    let text = text.trim().trim_end_matches('Z');
    let (day, clock) = text.split_once([' ', 'T']).unwrap_or((text, "00:00:00"));
    let mut numbers = day.splitn(3, '-').map(str::parse::<u16>);
    let (year, month, day) = (numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?);
    let mut numbers = clock.splitn(3, ':').map(str::parse::<u8>);
    let (hour, minute, second) = (numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?);
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date = Date::from_calendar_date(i32::from(year), month, u8::try_from(day).ok()?).ok()?;
    let moment = date.with_time(Time::from_hms(hour, minute, second).ok()?).assume_utc();
    Some(moment.unix_timestamp() * 1000)
}

/// A window of the calendar of this length, of which one begins at `start_ms`.
fn calendar(duration: &str, start_ms: i64) -> Result<Window, String> {
    let named = match duration {
        "1M" => Calendar::Month,
        "1Q" | "3M" => Calendar::Quarter,
        "1Y" => Calendar::Year,
        _ => {
            let length_ms = duration_ms(duration)?;
            // Checks the length.
            rolling(length_ms)?;
            return Ok(Window::Calendar(Calendar::Every { length_ms, start_ms }));
        }
    };
    let window = Window::Calendar(named);
    if window.around(start_ms).0 != start_ms {
        return Err(format!(
            "{} begins on its first day at midnight UTC; write such a `startTime`",
            window.phrase()
        ));
    }
    Ok(window)
}

/// A length in the shorthand of OpenSLO: a number and one of `m`, `h`, `d`, `w`, `M`, `Q`, `Y`; months have 30 days, quarters 90, years 365.
pub(super) fn duration_ms(text: &str) -> Result<i64, String> {
    let refused =
        || format!("{text:?} is no length; write a number with m, h, d, w, M, Q or Y behind it, such as 30d");
    let unit = text.chars().next_back().ok_or_else(refused)?;
    let number: i64 = text[..text.len() - unit.len_utf8()].parse().map_err(|_| refused())?;
    let unit_ms = match unit {
        's' => 1000,
        'm' => 60_000,
        'h' => 3_600_000,
        'd' => DAY_MS,
        'w' => 7 * DAY_MS,
        'M' => 30 * DAY_MS,
        'Q' => 90 * DAY_MS,
        'Y' => 365 * DAY_MS,
        _ => return Err(refused()),
    };
    number.checked_mul(unit_ms).filter(|ms| *ms > 0).ok_or_else(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_one_unit() {
        assert_eq!(duration_ms("28d"), Ok(28 * DAY_MS));
        assert_eq!(duration_ms("1w"), Ok(7 * DAY_MS));
        assert_eq!(duration_ms("5m"), Ok(300_000));
        for wrong in ["", "d", "1h30m", "-1d", "0d", "5x", "9223372036854775807d"] {
            assert!(duration_ms(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn periods_begin_where_they_say() {
        let start = start_ms("2026-04-01 00:00:00").expect("a time");
        assert_eq!(start, 1_775_001_600_000);
        assert_eq!(start_ms("2026-04-01"), Some(start));
        assert_eq!(start_ms("2026-04-01T00:00:00Z"), Some(start));
        assert_eq!(calendar("1Q", start), Ok(Window::Calendar(Calendar::Quarter)));
        assert_eq!(calendar("1M", start), Ok(Window::Calendar(Calendar::Month)));
        assert!(calendar("1Y", start).is_err());
        assert_eq!(start_ms("2026-02-30 00:00:00"), None);
    }
}
