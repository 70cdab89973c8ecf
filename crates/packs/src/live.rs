//! The check of what is scraped anyway.
//!
//! Whoever scrapes offers each body with [`LiveCheck::offer`]; now and then one of a target is copied and compared on a thread of its own with the packs that are about the target.
//! Bodies that come while the thread is busy are left for the next scrape, so that scraping never waits and memory stays bounded.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use bellwether_exposition::BodyFormat;

use crate::catalogue::Catalogue;
use crate::check::{Exposed, Finding, FindingKind, Severity, applies, check, check_job, exposed_metrics};
use crate::lint::{self, lint};
use crate::meaning::Meanings;
use crate::schema::{Metric, Pack};

/// How often a target is checked, at most.
const INTERVAL: Duration = Duration::from_mins(5);
/// A larger body is not copied.
const MAX_BODY_BYTES: usize = 8 << 20;
/// So many bodies wait while one is compared.
const QUEUE: usize = 2;
/// A target that offers nothing for so long is forgotten.
const FORGET_AFTER: Duration = Duration::from_hours(1);
/// So many targets are remembered; further ones are not checked.
const MAX_TARGETS: usize = 20_000;
/// So many findings of a target are kept, the worst first.
const MAX_FINDINGS_OF_TARGET: usize = 50;
/// So many findings are kept of all targets together; those of further targets are only counted.
const MAX_FINDINGS: usize = 20_000;

/// Compares what targets expose with packs, in the background.
#[derive(Debug)]
pub struct LiveCheck {
    shared: Arc<Mutex<Shared>>,
    queue: SyncSender<Body>,
}

/// A catalogue with what is known about its packs.
#[derive(Debug, Default)]
pub struct Judged {
    catalogue: Catalogue,
    judgements: OnceLock<Vec<Judgement>>,
}

/// What is known about a pack.
#[derive(Debug)]
pub struct Judgement {
    /// What lint says.
    pub lint: Vec<lint::Finding>,
    /// What its expressions mean.
    pub meanings: Meanings,
}

/// What came of the last check of a target.
#[derive(Debug, Clone)]
pub struct TargetVerdict {
    /// When the body was scraped, in milliseconds since the Unix epoch.
    pub checked_ms: i64,
    /// Why nothing could be compared, if so.
    pub problem: Option<String>,
    /// The packs that are about the target.
    pub packs: Vec<PackVerdict>,
}

/// What came of comparing a target with one pack.
#[derive(Debug, Clone)]
pub struct PackVerdict {
    /// The pack.
    pub pack: Arc<Pack>,
    /// How many findings of each severity there are.
    pub errors: usize,
    /// Likewise.
    pub warnings: usize,
    /// Likewise.
    pub infos: usize,
    /// The findings, the worst first; not all if there are very many.
    pub findings: Vec<Finding>,
    /// Which metrics of the pack the target exposes, under whatever name, by their places in the pack.
    pub exposed: Vec<usize>,
}

impl PackVerdict {
    /// The worst finding; `None` without any that is worse than good to know.
    pub fn worst(&self) -> Option<Severity> {
        match (self.errors, self.warnings) {
            (0, 0) => None,
            (0, _) => Some(Severity::Warning),
            _ => Some(Severity::Error),
        }
    }
}

impl Judged {
    fn new(catalogue: Catalogue) -> Self {
        Self { catalogue, judgements: OnceLock::new() }
    }

    /// The packs, each with what is known about it, in the order of their names. The first call takes some milliseconds.
    pub fn packs(&self) -> impl Iterator<Item = (&Arc<Pack>, &Judgement)> {
        let packs = self.catalogue.packs();
        let judge = |pack: &Arc<Pack>| Judgement { lint: lint(pack), meanings: Meanings::of(pack) };
        packs.iter().zip(self.judgements.get_or_init(|| packs.iter().map(judge).collect()))
    }
}

#[derive(Debug, Default)]
struct Shared {
    judged: Arc<Judged>,
    /// Counts catalogues. What was compared with an older one is compared again.
    generation: u64,
    /// By job, then by URL.
    targets: BTreeMap<String, BTreeMap<String, Target>>,
    n_targets: usize,
    n_findings: usize,
    /// Bodies that were copied and not taken yet.
    n_waiting: usize,
}

#[derive(Debug)]
struct Target {
    generation: u64,
    /// When it may be checked again and when it was offered last, by the monotonic clock.
    next: Duration,
    seen: Duration,
    verdict: Option<Arc<TargetVerdict>>,
}

/// A body to compare.
struct Body {
    job: String,
    url: String,
    format: BodyFormat,
    bytes: Vec<u8>,
    scraped_ms: i64,
}

/// A body that was scraped and read without an error.
#[derive(Debug, Clone, Copy)]
pub struct Scraped<'a> {
    /// The job of the target.
    pub job: &'a str,
    /// The URL, without secrets.
    pub url: &'a str,
    /// The format of the body.
    pub format: BodyFormat,
    /// The body.
    pub body: &'a [u8],
    /// The present time by the monotonic clock.
    pub now: Duration,
    /// The same in milliseconds since the Unix epoch.
    pub now_ms: i64,
}

impl LiveCheck {
    /// Begins, with these packs. The thread ends when the value is dropped.
    pub fn start(catalogue: Catalogue) -> std::io::Result<Self> {
        let shared = Shared { judged: Arc::new(Judged::new(catalogue)), ..Shared::default() };
        let shared = Arc::new(Mutex::new(shared));
        let (queue, bodies) = sync_channel(QUEUE);
        let own = Arc::clone(&shared);
        thread::Builder::new().name("bellwether-packs".to_owned()).spawn(move || run(&own, &bodies))?;
        Ok(Self { shared, queue })
    }

    /// Goes on with other packs. The verdicts stay until the next scrape of each target.
    pub fn set_catalogue(&self, catalogue: Catalogue) {
        let mut shared = lock(&self.shared);
        shared.judged = Arc::new(Judged::new(catalogue));
        shared.generation += 1;
    }

    /// The packs in use.
    pub fn catalogue(&self) -> Arc<Judged> {
        Arc::clone(&lock(&self.shared).judged)
    }

    /// What came of the last check of a target; `None` if there was none yet.
    pub fn verdict(&self, job: &str, url: &str) -> Option<Arc<TargetVerdict>> {
        lock(&self.shared).targets.get(job)?.get(url)?.verdict.clone()
    }

    /// Takes a copy of the body if it is time to check the target and nothing else has to wait for it.
    pub fn offer(&self, scraped: &Scraped<'_>) {
        let mut shared = lock(&self.shared);
        let generation = shared.generation;
        if let Some(target) = shared.targets.get_mut(scraped.job).and_then(|job| job.get_mut(scraped.url)) {
            target.seen = scraped.now;
            if target.generation == generation && scraped.now < target.next {
                return;
            }
        } else if !shared.make_room(scraped.now) {
            return;
        }
        if scraped.body.len() > MAX_BODY_BYTES {
            shared.note_offer(scraped);
            let problem =
                format!("the body has more than {} MiB, which is not compared", MAX_BODY_BYTES >> 20);
            let verdict =
                TargetVerdict { checked_ms: scraped.now_ms, problem: Some(problem), packs: Vec::new() };
            shared.set(scraped.job, scraped.url, verdict);
            return;
        }
        // The next scrape of the target is as good as this one.
        if shared.n_waiting >= QUEUE {
            return;
        }
        shared.n_waiting += 1;
        shared.note_offer(scraped);
        // Copying takes a while, and other targets are scraped meanwhile.
        drop(shared);
        let body = Body {
            job: scraped.job.to_owned(),
            url: scraped.url.to_owned(),
            format: scraped.format,
            bytes: scraped.body.to_vec(),
            scraped_ms: scraped.now_ms,
        };
        // There is room, since what waits is counted, and the thread lives as long as this does.
        let _ = self.queue.try_send(body);
    }
}

impl Shared {
    /// Whether one more target can be remembered, after those that are gone were forgotten if need be.
    fn make_room(&mut self, now: Duration) -> bool {
        if self.n_targets < MAX_TARGETS {
            return true;
        }
        self.forget(now);
        self.n_targets < MAX_TARGETS
    }

    fn forget(&mut self, now: Duration) {
        let mut findings = 0;
        for job in self.targets.values_mut() {
            job.retain(|_, target| {
                let stays = now.saturating_sub(target.seen) < FORGET_AFTER;
                findings += if stays { n_findings(target) } else { 0 };
                stays
            });
        }
        self.targets.retain(|_, job| !job.is_empty());
        self.n_targets = self.targets.values().map(BTreeMap::len).sum();
        self.n_findings = findings;
    }

    /// The target has been offered and will be checked.
    fn note_offer(&mut self, scraped: &Scraped<'_>) {
        let (generation, seen, next) = (self.generation, scraped.now, scraped.now + INTERVAL);
        let job = self.targets.entry(scraped.job.to_owned()).or_default();
        if let Some(target) = job.get_mut(scraped.url) {
            (target.generation, target.next) = (generation, next);
            return;
        }
        job.insert(scraped.url.to_owned(), Target { generation, next, seen, verdict: None });
        self.n_targets += 1;
        // Now and then, so that targets that come and go do not pile up.
        if self.n_targets.is_power_of_two() {
            self.forget(scraped.now);
        }
    }

    /// Keeps a verdict, within the bounds for all of them.
    fn set(&mut self, job: &str, url: &str, mut verdict: TargetVerdict) {
        let Some(target) = self.targets.get_mut(job).and_then(|job| job.get_mut(url)) else { return };
        self.n_findings -= n_findings(target);
        let room = MAX_FINDINGS.saturating_sub(self.n_findings).min(MAX_FINDINGS_OF_TARGET);
        let mut left = room;
        for pack in &mut verdict.packs {
            pack.findings.truncate(left);
            pack.findings.shrink_to_fit();
            left -= pack.findings.len();
        }
        self.n_findings += room - left;
        target.verdict = Some(Arc::new(verdict));
    }
}

fn n_findings(target: &Target) -> usize {
    target.verdict.iter().flat_map(|verdict| &verdict.packs).map(|pack| pack.findings.len()).sum()
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Compares one body after the other until nobody can offer more.
fn run(shared: &Mutex<Shared>, bodies: &Receiver<Body>) {
    for body in bodies {
        let judged = {
            let mut shared = lock(shared);
            shared.n_waiting -= 1;
            Arc::clone(&shared.judged)
        };
        // One broken body must not end the checks of all targets.
        let verdict = catch_unwind(AssertUnwindSafe(|| compare(&body, &judged.catalogue)));
        let verdict = verdict.unwrap_or_else(|_| TargetVerdict {
            checked_ms: body.scraped_ms,
            problem: Some("comparing it with the packs ended by a bug".to_owned()),
            packs: Vec::new(),
        });
        lock(shared).set(&body.job, &body.url, verdict);
    }
}

fn compare(body: &Body, catalogue: &Catalogue) -> TargetVerdict {
    let checked_ms = body.scraped_ms;
    let exposed = match Exposed::read(&body.bytes, body.format) {
        Ok(exposed) => exposed,
        Err(error) => {
            return TargetVerdict { checked_ms, problem: Some(error.to_string()), packs: Vec::new() };
        }
    };
    let packs = judge(catalogue, &body.job, &exposed);
    TargetVerdict { checked_ms, problem: None, packs }
}

/// Compares what a target of the job `job` exposes with the packs that are about it.
///
/// A pack that scrapes the job demands what it says that the job exposes. One that does not, and has only names in common with the target, demands nothing and is not asked about
/// metrics that the other ones have: what they say of those is meant for this target.
pub fn judge(catalogue: &Catalogue, job: &str, exposed: &Exposed) -> Vec<PackVerdict> {
    let scrapes = |pack: &Pack| pack.scrape.iter().any(|scrape| scrape.job.value == job);
    let (own, others): (Vec<_>, Vec<_>) = catalogue.packs().iter().partition(|pack| scrapes(pack));
    let claimed: BTreeSet<&str> =
        own.iter().flat_map(|pack| pack.metrics.iter()).flat_map(Metric::names).collect();
    let of_own = own.into_iter().map(|pack| verdict(pack, check_job(pack, job, exposed), exposed));
    let rest =
        if claimed.is_empty() { Cow::Borrowed(exposed) } else { Cow::Owned(exposed.without(&claimed)) };
    let of_others = others.into_iter().filter(|pack| applies(pack, job, &rest)).map(|pack| {
        let mut findings = check(pack, &rest);
        findings.retain(|finding| !claimed.contains(finding.metric.as_str()));
        for finding in findings.iter_mut().filter(|finding| finding.kind == FindingKind::Missing) {
            finding.severity = finding.severity.min(Severity::Warning);
        }
        verdict(pack, findings, &rest)
    });
    let mut verdicts: Vec<PackVerdict> = of_own.chain(of_others).collect();
    verdicts.sort_by(|a, b| a.pack.name.value.cmp(&b.pack.name.value));
    verdicts
}

fn verdict(pack: &Arc<Pack>, mut findings: Vec<Finding>, exposed: &Exposed) -> PackVerdict {
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    PackVerdict {
        pack: Arc::clone(pack),
        errors: count(Severity::Error),
        warnings: count(Severity::Warning),
        infos: count(Severity::Info),
        exposed: exposed_metrics(pack, exposed),
        findings,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "# TYPE shop_a gauge\nshop_a 1\n";

    fn catalogue(name: &str, metric: &str) -> Catalogue {
        let text = format!(
            "pack: {name}\nversion: 1.0.0\nnamespace: shop_\nmetrics:\n- {{name: shop_{metric}, type: gauge, help: x}}\n\
             scrape: [{{job: j, targets: [localhost], port: 1}}]\n"
        );
        let mut catalogue = Catalogue::default();
        catalogue.insert(Arc::new(Pack::parse("shop.yaml", text.as_bytes()).expect("a pack")));
        catalogue
    }

    fn scraped<'a>(url: &'a str, body: &'a str, minutes: u64) -> Scraped<'a> {
        let now = Duration::from_mins(minutes);
        Scraped {
            job: "j",
            url,
            format: BodyFormat::Text,
            body: body.as_bytes(),
            now,
            now_ms: minutes as i64,
        }
    }

    /// Offers until the thread has compared this body.
    fn checked(live: &LiveCheck, scraped: &Scraped<'_>) -> Arc<TargetVerdict> {
        loop {
            live.offer(scraped);
            match live.verdict(scraped.job, scraped.url) {
                Some(verdict) if verdict.checked_ms == scraped.now_ms => return verdict,
                _ => thread::yield_now(),
            }
        }
    }

    #[test]
    fn a_target_is_checked_again_after_some_minutes_or_with_other_packs() {
        let live = LiveCheck::start(catalogue("shop", "b")).expect("a thread");
        assert!(live.verdict("j", "u").is_none());
        let verdict = checked(&live, &scraped("u", BODY, 1));
        let [pack] = verdict.packs.as_slice() else { panic!("{verdict:?}") };
        assert_eq!((pack.errors, pack.warnings, pack.infos), (1, 1, 0));
        assert_eq!(pack.worst(), Some(Severity::Error));
        assert_eq!(pack.findings[0].message, "shop_b is not exposed", "the worst comes first");
        let other = checked(&live, &Scraped { job: "other", ..scraped("u", BODY, 1) });
        assert_eq!(
            (other.packs[0].errors, other.packs[0].warnings),
            (0, 2),
            "the pack does not scrape this job"
        );

        live.offer(&scraped("u", "", 2));
        checked(&live, &scraped("other", BODY, 3));
        assert_eq!(live.verdict("j", "u").expect("there").checked_ms, 1, "it is not due");
        let verdict = checked(&live, &scraped("u", "", 7));
        assert!(verdict.packs[0].exposed.is_empty(), "the target has lost its metric");
        let other = checked(&live, &Scraped { job: "other", ..scraped("u", "", 7) });
        assert!(other.packs.is_empty(), "nothing of the namespace is exposed");

        live.set_catalogue(catalogue("shop", "a"));
        let verdict = checked(&live, &scraped("u", BODY, 8));
        assert_eq!((verdict.packs[0].worst(), verdict.packs[0].exposed.as_slice()), (None, &[0][..]));
    }

    #[test]
    fn a_target_is_held_to_what_its_job_promises_by_the_pack_that_scrapes_it() {
        let mut catalogue = Catalogue::default();
        for text in [
            "pack: bakery\nversion: 1.0.0\nmetrics:\n- {name: http_loaves, type: gauge, help: x, group: oven}\n\
             - {name: http_ovens, type: gauge, help: x}\n- {name: http_tills, type: gauge, help: x}\n\
             scrape:\n- {job: oven, targets: [a], port: 1, exposes: [oven, http_ovens]}\n- {job: till, targets: [b], port: 1}\n",
            "pack: http\nversion: 1.0.0\nnamespace: http_\nmetrics:\n\
             - {name: http_loaves, type: gauge, help: x, labels: {route: [a]}}\n- {name: http_ovens, type: counter, help: x}\n",
        ] {
            catalogue.insert(Arc::new(Pack::parse("p.yaml", text.as_bytes()).expect("a pack")));
        }
        let found = |job: &str, body: &str| -> Vec<(String, usize, usize, Vec<String>)> {
            let exposed = Exposed::read(body.as_bytes(), BodyFormat::Text).expect("an exposition");
            let verdicts = judge(&catalogue, job, &exposed).into_iter();
            let messages = |it: &PackVerdict| it.findings.iter().map(|it| it.message.clone()).collect();
            verdicts.map(|it| (it.pack.name.value.clone(), it.errors, it.warnings, messages(&it))).collect()
        };
        let both = "# TYPE http_loaves gauge\nhttp_loaves 1\n# TYPE http_ovens gauge\nhttp_ovens 1\n";
        assert_eq!(
            found("oven", both),
            [("bakery".to_owned(), 0, 0, vec![])],
            "http has nothing left to say"
        );
        let missing = "http_tills is not exposed".to_owned();
        assert_eq!(found("till", both), [("bakery".to_owned(), 1, 0, vec![missing])], "a till promises all");
        let more = format!("{both}# TYPE http_more gauge\nhttp_more 1\n");
        let undeclared = vec!["http_more is exposed, and the pack does not have it".to_owned()];
        assert_eq!(
            found("oven", &more),
            [("bakery".to_owned(), 0, 0, vec![]), ("http".to_owned(), 0, 1, undeclared)],
            "what the target's own pack has is not looked at, nor missed"
        );
        let other = found("other", both);
        let [(bakery, 0, 1, _), (http, 2, 0, _)] = other.as_slice() else { panic!("{other:?}") };
        assert_eq!((bakery.as_str(), http.as_str()), ("bakery", "http"), "neither pack scrapes this job");
    }

    #[test]
    fn what_cannot_be_compared_says_why() {
        let live = LiveCheck::start(catalogue("shop", "a")).expect("a thread");
        let verdict = checked(&live, &scraped("broken", "shop_a one\n", 1));
        assert!(verdict.problem.is_some());
        let large = "#\n".repeat(MAX_BODY_BYTES / 2 + 1);
        live.offer(&scraped("large", &large, 1));
        let verdict = live.verdict("j", "large").expect("at once");
        assert_eq!(verdict.problem.as_deref(), Some("the body has more than 8 MiB, which is not compared"));
    }

    #[test]
    fn memory_is_bounded() {
        let mut shared = Shared::default();
        let findings = check(&catalogue("shop", "b").packs()[0], &Exposed::default());
        let finding = findings.first().expect("it is missing");
        let verdict = || TargetVerdict {
            checked_ms: 0,
            problem: None,
            packs: vec![PackVerdict {
                pack: Arc::clone(&catalogue("shop", "b").packs()[0]),
                errors: 100,
                warnings: 0,
                infos: 0,
                findings: vec![finding.clone(); 100],
                exposed: Vec::new(),
            }],
        };
        for n in 0..450 {
            let url = n.to_string();
            shared.note_offer(&scraped(&url, "", 1));
            shared.set("j", &url, verdict());
            shared.set("j", &url, verdict());
        }
        assert_eq!(shared.n_findings, MAX_FINDINGS);
        let kept =
            |url: &str| shared.targets["j"][url].verdict.as_ref().expect("there").packs[0].findings.len();
        assert_eq!((kept("0"), kept("449")), (MAX_FINDINGS_OF_TARGET, 0));
        for n in 0..64 {
            let url = format!("later {n}");
            shared.note_offer(&scraped(&url, "", 100));
        }
        shared.forget(Duration::from_mins(100));
        assert_eq!(
            (shared.n_targets, shared.n_findings),
            (64, 0),
            "what offers nothing for an hour is forgotten"
        );
    }
}
