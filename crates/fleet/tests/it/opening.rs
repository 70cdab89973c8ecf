//! Who starts a fleet that opens with an incident is told of it soon, whatever the time of day.
use std::sync::Arc;
use std::time::Duration;

use bellwether_fleet::{Fleet, FleetOptions, HistoryRange, Platform};
use bellwether_model::ManualClock;
use bellwether_packs::schema::Severity;

use crate::generated::pack;
use crate::recording::Recording;
use crate::rules::{Evaluation, alerting_groups, names};
use crate::{HOUR_MS, MINUTE_MS, MORNING_MS};

/// A newcomer has a message within three minutes; half a minute of it is for groups to gather and for sending.
const FIRES_WITHIN_MS: i64 = 5 * MINUTE_MS / 2;

/// When an alert that pages fires on the platform of the opening, from the start on.
async fn first_page_ms(started_ms: i64) -> Option<i64> {
    let clock = Arc::new(ManualClock::new(started_ms));
    let past = Duration::from_mins(10);
    let options = FleetOptions { past, opening: true, ..FleetOptions::default() };
    let fleet = Fleet::start(options, clock).await.expect("a free port on loopback");
    assert_eq!(fleet.current_incidents()[0].incident.name, "trace-store-down");
    let range = HistoryRange {
        from_ms: fleet.begin_ms(),
        to_ms: started_ms + FIRES_WITHIN_MS,
        step_ms: MINUTE_MS / 4,
    };
    let history = fleet.history(range, bellwether_exposition::OutputFormat::FALLBACK);
    let recording = Recording::of(history.filter(|it| it.platform == Platform::Genesis), range);
    fleet.shutdown().await;
    let groups = alerting_groups(Platform::Genesis);
    let used = groups.iter().flat_map(|group| &group.rules).flat_map(|rule| names(&rule.expr)).collect();
    let pack = pack(Platform::Genesis);
    let pages = |name: &str| {
        pack.alerts.iter().any(|it| it.name.value == name && it.severity == Some(Severity::Critical))
    };
    let fired = Evaluation::new(groups, &recording, &used).run(started_ms - 5 * MINUTE_MS, range.to_ms);
    // What has been over before the start is of no interest.
    let fired = fired.iter().filter(|it| it.until_ms >= started_ms && pages(&it.alert));
    fired.map(|it| it.fired_ms.max(started_ms)).min()
}

#[tokio::test]
async fn somebody_is_paged_soon_at_any_time_of_day() {
    let hours = (0..24).step_by(2);
    for started_ms in hours.map(|hour| MORNING_MS + hour * HOUR_MS + hour * 7 * MINUTE_MS / 3) {
        let first_ms = first_page_ms(started_ms).await;
        assert!(
            first_ms.is_some_and(|it| it <= started_ms + FIRES_WITHIN_MS),
            "started at {started_ms}, nobody is paged: {first_ms:?}"
        );
    }
}
