//! What a user of the fleet relies on: the right metrics, believable systems, incidents that trip alerts, and endpoints that serve it.
mod alerts;
mod believable;
mod catalogue;
mod coverage;
mod endpoints;
mod generated;
mod load;
mod objectives;
mod opening;
mod queries;
mod recording;
mod rules;

/// Monday 2024-01-08, 10:00 UTC: no process is down by script.
const MORNING_MS: i64 = 1_704_708_000_000;
/// Sunday 2024-01-14, 00:10 UTC: few people, little traffic.
const NIGHT_MS: i64 = 1_705_191_000_000;
const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
