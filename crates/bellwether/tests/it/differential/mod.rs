//! The same questions to Debian's Prometheus and to us, over the same data: the queries of the compliance suite and many that a grammar
//! makes from a seed. A difference that [`known`] does not explain is a bug.
//!
//! `DIFFERENTIAL_SEED` and `DIFFERENTIAL_QUERIES` choose other queries and another number of them.

mod answer;
mod data;
mod grammar;
mod known;
mod peer;
pub(crate) mod random;
mod vocabulary;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, thread};

use bellwether_promql::conformance::compliance_cases;
use bellwether_promql::syntax::{AggregateOp, BinaryOp, FUNCTIONS};

use answer::{Answer, difference};
use data::{Data, END_MS, MINUTE_MS, QUERY_MS};
use grammar::{Grammar, Order, Query, Times};
use known::{EXPLAINED, Explained, LEFT_OUT, explanation};
use peer::{Client, Prometheus};

use crate::support::{Bellwether, root};

const CONNECTIONS: usize = 3;
/// More would only hide the first ones.
const SHOWN: usize = 25;

pub(crate) fn from_env(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|e| panic!("{name}={text}: {e}")))
}

/// Both servers, with the same data.
struct Pair {
    ours: Bellwether,
    theirs: Prometheus,
    data: Data,
    _dir: tempfile::TempDir,
}

impl Pair {
    fn start() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let ours = Bellwether::serve(dir.path(), &["--storage.tsdb.retention.time=100y"]);
        let theirs = Prometheus::start(dir.path());
        let data = Data::collect();
        thread::scope(|scope| {
            scope.spawn(|| peer::write(&ours.url, &data));
            scope.spawn(|| peer::write(&theirs.url, &data));
        });
        Self { ours, theirs, data, _dir: dir }
    }

    /// Asks `queries` of both servers over several connections.
    fn compare(&self, n: usize, query: impl Fn(usize) -> (Query, bool) + Sync) -> Tally {
        let (next, tally) = (AtomicUsize::new(0), Mutex::new(Tally::default()));
        thread::scope(|scope| {
            for _ in 0..CONNECTIONS {
                scope.spawn(|| {
                    let (theirs, ours) = (Client::new(&self.theirs.url), Client::new(&self.ours.url));
                    loop {
                        let idx = next.fetch_add(1, Ordering::Relaxed);
                        if idx >= n {
                            break;
                        }
                        let (query, must_fail) = query(idx);
                        let (theirs, ours) = (ask(&theirs, &query), ask(&ours, &query));
                        tally.lock().expect("no panic").add(idx, &query, must_fail, &theirs, &ours);
                    }
                });
            }
        });
        tally.into_inner().expect("no panic")
    }
}

fn ask(client: &Client, query: &Query) -> Answer {
    let seconds = |ms: i64| format!("{}.{:03}", ms / 1000, ms % 1000);
    let body = match query.times {
        Times::Instant(ms) => client.ask("query", &[("query", &query.text), ("time", &seconds(ms))]),
        Times::Range { start_ms, end_ms, step_ms } => client.ask(
            "query_range",
            &[
                ("query", &query.text),
                ("start", &seconds(start_ms)),
                ("end", &seconds(end_ms)),
                ("step", &seconds(step_ms)),
            ],
        ),
    };
    Answer::read(&body)
}

/// What came of the comparisons.
#[derive(Debug, Default)]
struct Tally {
    compared: usize,
    found_something: usize,
    failed: usize,
    /// Which row of [`EXPLAINED`] explains how many differences.
    explained: BTreeMap<usize, usize>,
    unexplained: Vec<(usize, String)>,
}

impl Tally {
    fn add(&mut self, idx: usize, query: &Query, must_fail: bool, theirs: &Answer, ours: &Answer) {
        self.compared += 1;
        self.found_something += usize::from(theirs.finds_something());
        self.failed += usize::from(matches!(theirs, Answer::Failure { .. }));
        let what = match (theirs, ours) {
            (Answer::Failure { .. }, Answer::Failure { .. }) if must_fail => None,
            _ if must_fail => Some("must fail".to_owned()),
            _ => difference(theirs, ours, query.order),
        };
        let Some(what) = what else { return };
        if let Some(row) = explanation(query, theirs, ours) {
            *self.explained.entry(row).or_default() += 1;
            return;
        }
        let text = format!("{query:?}\n  {what}\n  theirs: {}\n  ours:   {}", short(theirs), short(ours));
        self.unexplained.push((idx, text));
    }

    /// What came of it in words, and the differences that are left.
    fn settle(mut self, what: &str) -> (String, Vec<String>) {
        let Self { compared, found_something, failed, explained, unexplained } = &mut self;
        let mut report = format!(
            "{what}: {compared} queries compared, {found_something} found something, {failed} failed"
        );
        for (row, n) in explained {
            let Explained { release, change, at_most, .. } = &EXPLAINED[*row];
            let _ = write!(report, "\n  {n} differ as explained, release {release}: {change}");
            let at_most = at_most * (*compared).max(10_000) / 10_000;
            if *n > at_most {
                unexplained
                    .push((0, format!("{n} instead of at most {at_most} differ as explained: {change}")));
            }
        }
        self.unexplained.sort();
        let left = self.unexplained.into_iter().map(|(idx, text)| format!("{what} #{idx}: {text}")).collect();
        (report, left)
    }
}

fn short(answer: &Answer) -> String {
    let text = format!("{answer:?}");
    let end = text.char_indices().nth(1500).map_or(text.len(), |(idx, _)| idx);
    text[..end].to_owned()
}

#[test]
fn answers_are_those_of_prometheus() {
    let pair = Pair::start();
    println!("{} series, {} samples", pair.data.series.len(), pair.data.samples());

    let dir = env::var("CONFORMANCE_DIR").map_or_else(|_| root().join("../shared/conformance"), Into::into);
    // A folder of the caller's own may have no such queries, and a clone elsewhere has no folder at all; the generated queries are there always.
    let cases = compliance_cases(&dir).expect("readable").unwrap_or_else(|| {
        println!("{} has no queries of the compliance suite; they are left out", dir.display());
        Vec::new()
    });
    let end_ms = END_MS - 12 * MINUTE_MS + QUERY_MS;
    let times = Times::Range { start_ms: end_ms - 10 * MINUTE_MS, end_ms, step_ms: 10_000 };
    let compliance = pair.compare(cases.len(), |idx| {
        let case = &cases[idx];
        (Query { text: case.query.clone(), times, order: Order::None }, case.should_fail)
    });
    let (report, mut unexplained) = compliance.settle("promql-compliance");
    println!("{report}");

    let seed = from_env("DIFFERENTIAL_SEED", 1);
    let n = from_env("DIFFERENTIAL_QUERIES", 20_000) as usize;
    let groups = vocabulary::groups(&pair.data);
    let generated = pair.compare(n, |idx| {
        let seed = (seed << 32) + idx as u64;
        (Grammar::new(seed, &groups).query(), false)
    });
    let (report, left) = generated.settle(&format!("generated with DIFFERENTIAL_SEED={seed}"));
    println!("{report}");
    unexplained.extend(left);
    let n = unexplained.len();
    unexplained.truncate(SHOWN);
    assert!(unexplained.is_empty(), "{n} differences:\n{}", unexplained.join("\n"));
}

#[test]
fn queries_use_the_whole_language_but_what_is_left_out() {
    let groups = vocabulary::groups(&Data::reproducible());
    let texts: Vec<String> = (0..20_000)
        .map(|seed| Grammar::new(seed, &groups).query().text)
        .map(|text| text.replace("@ start()", "").replace("@ end()", ""))
        .collect();
    let uses = |name: &str, ends: &[&str]| {
        let is_name = |rest: &str| ends.iter().any(|end| rest.starts_with(end));
        let before = |text: &str, at: usize| text[..at].chars().next_back();
        texts.iter().any(|text| {
            text.match_indices(name).any(|(at, _)| {
                !before(text, at).is_some_and(|c| c.is_alphanumeric() || c == '_')
                    && is_name(&text[at + name.len()..])
            })
        })
    };
    let left_out = |name: &str| LEFT_OUT.iter().any(|it| it.what == name);
    let functions = FUNCTIONS.iter().map(|function| function.name);
    let calls = functions.chain(AggregateOp::ALL.map(AggregateOp::as_str));
    for name in calls {
        assert_eq!(uses(name, &["(", " by ", " without "]), !left_out(name), "{name}");
    }
    for op in BinaryOp::ALL.map(BinaryOp::as_str) {
        assert_eq!(uses(op, &[" "]), !left_out(op), "{op}");
    }
    for change in LEFT_OUT {
        assert!(!change.release.is_empty() && !change.change.is_empty(), "{}", change.what);
    }
}
