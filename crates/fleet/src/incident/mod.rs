mod list;

use crate::platform::Platform;

const MINUTE_MS: i64 = 60 * 1000;
/// Every so often an incident begins somewhere.
const SLOT_MS: i64 = 4 * MINUTE_MS;
/// Each platform has its turn once per round of all platforms.
const TURN_MS: i64 = SLOT_MS * Platform::ALL.len() as i64;

/// Something that goes wrong by script, so that alerts have something to say.
///
/// Each platform has a fixed rotation of incidents. When they happen depends on the (simulated) time alone: every four minutes
/// the next platform has its turn, so each has one every twenty minutes.
#[derive(Debug, Clone, Copy)]
pub struct Incident {
    /// What goes wrong, for code.
    pub(crate) id: IncidentId,
    /// A short name.
    pub name: &'static str,
    /// Where it happens.
    pub platform: Platform,
    /// One sentence for people.
    pub summary: &'static str,
    /// The alerts that it trips, by the names of the platform's catalogue.
    pub alerts: &'static [&'static str],
    /// Seconds from the beginning to full height.
    pub ramp_s: i64,
    /// Seconds at full height.
    pub hold_s: i64,
    /// Seconds from there back to normal.
    pub recovery_s: i64,
    /// How many of the platform's turns it takes.
    pub turns: i64,
}

/// Names of the incidents for the platforms' code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IncidentId {
    GenesisAgentFailing,
    GenesisTraceStoreDown,
    GenesisTaskFlood,
    GenesisMetricServerSlow,
    GenesisTraceStoreHangs,
    GenesisBackendLost,
    GenesisWrongEnvironment,
    DagModelEndpointFlaky,
    DagDatabaseFailover,
    DagLockContention,
    DagModelEndpointHangs,
    DagContextLeak,
    DagEngineLost,
    DagStarterStopped,
    CausalBadDeploy,
    CausalApiLost,
    CausalGraphStoreSlow,
    CausalExplainerDown,
    CausalPoisonTasks,
    CausalBulkImport,
    CausalCacheThrashing,
    CausalWorkerLost,
    CausalExportStorageSlow,
    CugarPlannerRegression,
    CugarSlowModel,
    CugarToolFlapping,
    CugarProviderOutage,
    CugarApproversAway,
    CugarDomainBroken,
    CugarBudgetRunaway,
    CugarSchedulerStopped,
    DevskyyPaymentErrors,
    DevskyyCheckoutSlow,
    DevskyyBatchImport,
    DevskyyModelCacheBloat,
    DevskyyConnectionLeak,
    DevskyyGdprBacklog,
}

/// One happening of an incident.
#[derive(Debug, Clone, Copy)]
pub struct Occurrence {
    /// What goes wrong.
    pub incident: &'static Incident,
    /// When it begins, in simulated Unix milliseconds.
    pub start_ms: i64,
}

impl Occurrence {
    /// When it reaches its full height.
    pub fn peak_ms(&self) -> i64 {
        self.start_ms + self.incident.ramp_s * 1000
    }

    /// When it begins to get better.
    pub fn recovery_ms(&self) -> i64 {
        self.peak_ms() + self.incident.hold_s * 1000
    }

    /// When it is over.
    pub fn end_ms(&self) -> i64 {
        self.recovery_ms() + self.incident.recovery_s * 1000
    }

    /// How bad it is: 0 before and after, 1 at full height.
    pub fn level(&self, ts_ms: i64) -> f64 {
        if ts_ms < self.start_ms || ts_ms >= self.end_ms() {
            0.0
        } else if ts_ms < self.peak_ms() {
            (ts_ms - self.start_ms) as f64 / (self.incident.ramp_s * 1000) as f64
        } else if ts_ms < self.recovery_ms() {
            1.0
        } else {
            (self.end_ms() - ts_ms) as f64 / (self.incident.recovery_s * 1000) as f64
        }
    }
}

/// All incidents, in the order of their platform's rotation.
pub fn incidents() -> &'static [Incident] {
    &list::ALL
}

/// The incident whose turn it is on `platform`; it may be over already.
pub fn occurrence_at(platform: Platform, ts_ms: i64) -> Occurrence {
    let place = Platform::ALL.iter().position(|it| *it == platform).unwrap_or_default();
    let offset_ms = place as i64 * SLOT_MS;
    let turn = (ts_ms - offset_ms).div_euclid(TURN_MS);
    let rotation = || list::ALL.iter().filter(|it| it.platform == platform);
    let cycle: i64 = rotation().map(|it| it.turns).sum();
    let mut first_turn = turn - turn.rem_euclid(cycle);
    for incident in rotation() {
        if turn < first_turn + incident.turns {
            return Occurrence { incident, start_ms: first_turn * TURN_MS + offset_ms };
        }
        first_turn += incident.turns;
    }
    unreachable!("BUG: the turn lies within its cycle")
}

/// The opening has been under way for so long when a fleet starts: longer than its alert waits, so that somebody is told at once.
const OPENING_AHEAD_MS: i64 = 2 * MINUTE_MS;

/// What goes wrong when on a platform: its rotation, and what the fleet opens with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Script {
    platform: Platform,
    opening: Option<Occurrence>,
}

impl Script {
    /// The rotation alone.
    pub(crate) fn of(platform: Platform) -> Self {
        Self { platform, opening: None }
    }

    /// The same for a fleet that starts at `started_ms`. On one platform something goes wrong at that time, whatever the rotation says: who starts a demo is to see
    /// an alert soon.
    pub(crate) fn opened_at(self, started_ms: i64) -> Self {
        let opening = Occurrence { incident: &list::OPENING, start_ms: started_ms - OPENING_AHEAD_MS };
        Self { opening: Some(opening).filter(|it| it.incident.platform == self.platform), ..self }
    }

    /// What goes wrong at a time; it may be over already.
    pub(crate) fn occurrence_at(self, ts_ms: i64) -> Occurrence {
        let opening = self.opening.filter(|it| (it.start_ms..it.end_ms()).contains(&ts_ms));
        opening.unwrap_or_else(|| occurrence_at(self.platform, ts_ms))
    }

    pub(crate) fn trouble_at(self, ts_ms: i64) -> Trouble {
        let occurrence = self.occurrence_at(ts_ms);
        Trouble { id: occurrence.incident.id, level: occurrence.level(ts_ms) }
    }
}

/// How bad things are on a platform: what goes wrong, and how much.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trouble {
    id: IncidentId,
    level: f64,
}

impl Trouble {
    /// All is well.
    pub(crate) const NONE: Self = Self { id: IncidentId::GenesisAgentFailing, level: 0.0 };

    /// Whether nothing goes wrong by script.
    pub(crate) fn is_over(&self) -> bool {
        self.level == 0.0
    }

    /// The level of one incident, 0 while another one or none is going on.
    pub(crate) fn level(&self, id: IncidentId) -> f64 {
        if self.id == id { self.level } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_incident_fits_its_turns() {
        for it in incidents() {
            let length_ms = (it.ramp_s + it.hold_s + it.recovery_s) * 1000;
            assert!(length_ms < it.turns * TURN_MS, "{}", it.name);
            assert!(it.ramp_s > 0 && it.recovery_s > 0 && !it.alerts.is_empty(), "{}", it.name);
        }
    }

    #[test]
    fn the_rotation_visits_all() {
        for platform in Platform::ALL {
            let own = || incidents().iter().filter(|it| it.platform == platform);
            let cycle: i64 = own().map(|it| it.turns).sum();
            let mut seen = Vec::new();
            for turn in 0..cycle {
                let ts_ms = 1_700_000_000_000 + turn * TURN_MS;
                let occurrence = occurrence_at(platform, ts_ms);
                let past_ms = ts_ms - occurrence.start_ms;
                assert!(
                    (0..occurrence.incident.turns * TURN_MS).contains(&past_ms),
                    "{occurrence:?} at {ts_ms}"
                );
                if !seen.contains(&occurrence.incident.name) {
                    seen.push(occurrence.incident.name);
                }
            }
            assert_eq!(seen.len(), own().count(), "{platform}: {seen:?}");
        }
    }

    #[test]
    fn levels_rise_hold_and_fall() {
        let occurrence = Occurrence { incident: &list::ALL[0], start_ms: 1_000_000 };
        let level = |s: i64| occurrence.level(1_000_000 + s * 1000);
        assert_eq!(
            [level(-1), level(15), level(30), level(539), level(570), level(600)],
            [0.0, 0.5, 1.0, 1.0, 0.5, 0.0]
        );
    }

    #[test]
    fn the_opening_takes_the_place_of_the_rotation_on_one_platform() {
        for started_ms in (0..24).map(|turn| 1_700_000_000_000 + turn * TURN_MS / 3) {
            let opened = |platform| Script::of(platform).opened_at(started_ms);
            let genesis = opened(Platform::Genesis);
            let level =
                |s: i64| genesis.trouble_at(started_ms + s * 1000).level(IncidentId::GenesisTraceStoreDown);
            assert_eq!([level(-119), level(0), level(238)], [1.0; 3]);
            for ts_ms in [started_ms - 121_000, started_ms + 241_000] {
                let rotation = occurrence_at(Platform::Genesis, ts_ms);
                assert_eq!(genesis.occurrence_at(ts_ms).start_ms, rotation.start_ms);
            }
            let dag = opened(Platform::Dag).occurrence_at(started_ms);
            assert_eq!(dag.start_ms, occurrence_at(Platform::Dag, started_ms).start_ms);
        }
    }
}
