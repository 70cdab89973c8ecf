//! The router is killed at each point between what it keeps and what it tells: nobody misses the beginning or the end of an alert.
use std::collections::BTreeMap;

use crate::play::Play;

const CONFIG: &str = "
route: {receiver: hook, group_by: [alertname], group_wait: 0s, group_interval: 1s}
receivers: [{name: hook, webhook_configs: [{url: 'http://h/'}]}]
";

/// Something that happens from outside.
#[derive(Debug, Clone, Copy)]
enum Step {
    Fires(&'static str),
    Ends(&'static str),
}

/// One course of events with a kill before the `kill_at`th point at which something becomes durable, or known to others.
struct Course {
    play: Play,
    points: usize,
    kill_at: usize,
    /// How often it was told that an alert fires and that it is over.
    told: BTreeMap<(String, bool), usize>,
}

impl Course {
    /// Whether the program is still alive at this point.
    fn goes_on(&mut self) -> bool {
        self.points += 1;
        self.points - 1 != self.kill_at
    }

    /// A second of the program: what is due is kept, told, noted and kept. `None` if it was killed.
    fn run(&mut self) -> Option<()> {
        let now_ms = self.play.now_ms();
        let due = self.play.router.poll(now_ms);
        self.goes_on().then_some(())?;
        self.play.keep();
        for delivery in due.deliveries {
            self.goes_on().then_some(())?;
            for alert in &delivery.alerts {
                let name = alert.labels.get("alertname").expect("it has one").to_owned();
                *self.told.entry((name, alert.is_resolved(now_ms))).or_default() += 1;
            }
            self.goes_on().then_some(())?;
            self.play.router.delivered(delivery.id, None, now_ms);
            self.goes_on().then_some(())?;
            self.play.keep();
        }
        Some(())
    }

    /// Somebody says something, until it is durable: who hears no answer says it again, as servers say all alerts again and again.
    fn say(&mut self, step: Step) {
        loop {
            let at_s = self.play.at_s;
            match step {
                Step::Fires(name) => self.play.insert(at_s, name, "a", "warn", Some(100_000)),
                Step::Ends(name) => self.play.insert(at_s, name, "a", "warn", Some(0)),
            }
            if self.goes_on() {
                self.play.keep();
                return;
            }
            self.play.die(CONFIG);
        }
    }

    fn pass(&mut self) {
        self.play.at_s += 1;
        if self.run().is_none() {
            self.play.die(CONFIG);
        }
    }
}

#[test]
fn wherever_it_is_killed_nobody_misses_anything() {
    // An alert ends while it is being told, or long after; others share its time.
    let steps = [
        (0, Step::Fires("a")),
        (0, Step::Fires("b")),
        (1, Step::Ends("a")),
        (2, Step::Fires("c")),
        (5, Step::Ends("b")),
        (5, Step::Ends("c")),
    ];
    let mut kill_at = 0;
    loop {
        // `a` may end in the very moment in which the program comes back.
        let play = Play::new(CONFIG);
        let mut course = Course { play, points: 0, kill_at, told: BTreeMap::new() };
        for second in 0..20 {
            for (_, step) in steps.iter().filter(|(at_s, _)| *at_s == second) {
                course.say(*step);
            }
            course.pass();
        }
        for name in ["a", "b", "c"] {
            let times = |is_over| course.told.get(&(name.to_owned(), is_over)).copied().unwrap_or(0);
            // One that ended before it was known whether anybody had been told of it may only be told to be over.
            let all_told = times(true) > 0 && (times(false) > 0 || name == "a");
            // Nobody has to be told of one that was over before anybody could be.
            assert!(all_told || times(false) == 0, "killed at {kill_at}, {name}: {:?}", course.told);
            assert!(all_told || name != "b", "killed at {kill_at}, {name}: {:?}", course.told);
        }
        let doubled: usize = course.told.values().map(|times| times - 1).sum();
        assert!(doubled <= 1, "killed at {kill_at}: {:?}", course.told);
        if course.points <= kill_at {
            break;
        }
        kill_at += 1;
    }
    assert!(kill_at > 20, "only {kill_at} points");
}
