use std::hash::BuildHasher as _;

use bellwether_model::{Labels, SeriesRef};
use hashbrown::{DefaultHashBuilder, HashMap, HashTable};

/// A series of the target, by the labels with which it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SeriesId(u32);

/// One way in which the target writes a series: the bytes before the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FormId(u32);

/// Growth beyond twice the last good scrape that is tolerated before forms of failed scrapes are forgotten.
const SPARE_FORMS: usize = 1000;
const NO_POSITION: u32 = u32::MAX;
/// A target whose scrapes do not follow plans gets one after so many scrapes that look as if they would, at most.
const MAX_PATIENCE: u32 = 1 << 10;

/// What a target exposed in its last scrapes.
///
/// It answers three questions about each line of a scrape without reading a label: which series is this (the target writes its
/// series in a stable order, so the answer is mostly "the one behind the one before", and one comparison of bytes proves it), did this
/// scrape have it already, and, at the end, which series of the last scrape are gone.
///
/// A scrape is an iteration: [`begin`](Self::begin), one look-up per line, [`commit`](Self::commit) or [`fail`](Self::fail), and, when the
/// store has answered, [`settle`](Self::settle) or [`undo`](Self::undo).
///
/// After two scrapes with the same lines there is a *plan*: what to do with each line of the next one, in the order of memory. As long as lines follow it
/// ([`take_planned`](Self::take_planned)), nothing else is looked at or noted. A scrape that follows it to the end counts as part of the iteration before, which had the same
/// series; one that leaves it catches up on what was not noted.
#[derive(Debug, Default)]
pub(crate) struct SeriesCache {
    forms: Vec<Form>,
    /// The bytes of the forms, and of some that were forgotten.
    text: Vec<u8>,
    /// How many of the bytes are of forms that were forgotten.
    text_unused: usize,
    /// What to do with the lines of a scrape like the last ones; empty if there is no plan.
    plan: Vec<Step>,
    /// How many lines of the plan are stored.
    n_planned: usize,
    /// This scrape has followed the plan so far.
    on_plan: bool,
    /// How many scrapes in a row had the same lines as the one before and no series that began or ended.
    n_alike: u32,
    /// More of them it takes to make a plan.
    patience: u32,
    /// How many scrapes followed the plan to the end.
    n_followed: u32,
    free_forms: Vec<FormId>,
    by_bytes: HashTable<FormId>,
    /// The target chooses the bytes, so the hash is seeded.
    hasher: DefaultHashBuilder,
    series: Vec<Series>,
    free_series: Vec<SeriesId>,
    by_labels: HashMap<Labels, SeriesId>,
    /// The forms of the last good scrape in their order, and those of this scrape so far.
    order: Vec<FormId>,
    next_order: Vec<FormId>,
    /// The position in `order` of the form that is expected next.
    cursor: usize,
    /// Counts scrapes, good or bad; 0 is before the first.
    iteration: u64,
    /// How many series have `live_since`, and how many of them this scrape has tracked.
    n_live: usize,
    n_retracked: usize,
    newly_tracked: Vec<SeriesId>,
    /// The series that this scrape ended, with the iteration since which they had been live.
    ended: Vec<(SeriesId, u64)>,
    good: bool,
    /// This scrape's order differs from the last one's.
    reordered: bool,
    /// There may be series without a form.
    orphans: bool,
}

/// A line of the plan.
#[derive(Debug, Clone, Copy)]
struct Step {
    /// Where its bytes end in the text. They begin where those of the line before end.
    end: usize,
    stands_for: Planned,
}

/// What a line of the plan stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Planned {
    /// A series, with the handle that the store gave for it.
    Series(SeriesId, SeriesRef),
    /// A series that relabelling drops.
    Dropped,
}

#[derive(Debug)]
struct Form {
    /// Where its bytes are in the text.
    start: usize,
    len: usize,
    /// The series, or `None` if relabelling drops it.
    series: Option<SeriesId>,
    /// The iteration that saw it last.
    seen: u64,
    /// Where it stands in `order`.
    position: u32,
}

#[derive(Debug)]
struct Series {
    labels: Labels,
    sref: Option<SeriesRef>,
    /// The iterations that had a sample for it, and that tracked it, last.
    sampled: u64,
    tracked: u64,
    /// The iteration since which it has been tracked without a gap; 0 if it is not, and then its end needs no marker.
    live_since: u64,
    n_forms: u32,
    /// Its newest sample is a native histogram.
    is_histogram: bool,
}

/// A series that needs a stale marker.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended<'c> {
    /// The labels under which it is stored.
    pub(crate) labels: &'c Labels,
    /// Its handle in the store.
    pub(crate) sref: Option<SeriesRef>,
    /// Whether its samples are native histograms.
    pub(crate) is_histogram: bool,
}

impl Form {
    #[inline]
    fn bytes<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        &text[self.start..][..self.len]
    }
}

impl Series {
    fn ended(&self) -> Ended<'_> {
        Ended { labels: &self.labels, sref: self.sref, is_histogram: self.is_histogram }
    }
}

/// What a line stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// A series that is stored.
    Series(SeriesId),
    /// A series that relabelling drops.
    Dropped,
}

impl SeriesCache {
    /// Starts a scrape.
    pub(crate) fn begin(&mut self) {
        self.iteration += 1;
        self.cursor = 0;
        self.next_order.clear();
        self.n_retracked = 0;
        self.newly_tracked.clear();
        self.ended.clear();
        self.reordered = false;
        // Not if one was refused.
        self.on_plan = !self.plan.is_empty() && self.good && self.n_planned == self.n_live;
        if !self.on_plan {
            self.plan.clear();
        }
    }

    /// The bytes of the series that is expected next; empty if none is.
    #[inline]
    pub(crate) fn expected(&self) -> &[u8] {
        if self.on_plan {
            let start = self.cursor.checked_sub(1).map_or(0, |before| self.plan[before].end);
            return self.plan.get(self.cursor).map_or(&[], |step| &self.text[start..step.end]);
        }
        self.order.get(self.cursor).map_or(&[], |form| self.forms[form.0 as usize].bytes(&self.text))
    }

    /// The expected series came, with nothing but a value; `None` if that was not planned.
    #[inline]
    pub(crate) fn take_planned(&mut self) -> Option<Planned> {
        let step = self.plan.get(self.cursor).filter(|_| self.on_plan)?;
        self.cursor += 1;
        Some(step.stands_for)
    }

    /// Catches up on what was not noted of the lines that followed the plan.
    #[cold]
    fn leave_plan(&mut self) {
        self.on_plan = false;
        self.be_patient();
        let n_taken = std::mem::take(&mut self.cursor);
        for (idx, step) in std::mem::take(&mut self.plan)[..n_taken].iter().enumerate() {
            self.see(self.order[idx]);
            if let Planned::Series(id, _) = step.stands_for {
                self.sample(id, false);
                self.track(id);
            }
        }
    }

    /// Waits before a plan is made again: longer if the last one was not worth its while.
    fn be_patient(&mut self) {
        let was_worthwhile = self.n_followed > self.patience;
        self.patience =
            if was_worthwhile { self.patience / 2 } else { (self.patience * 2 + 1).min(MAX_PATIENCE) };
        (self.n_alike, self.n_followed) = (0, 0);
    }

    /// Makes a plan, if all that is stored of the last scrape were new floats of series that the store gave handles for.
    fn make_plan(&mut self) {
        self.settle_text();
        let step = |id: &FormId| {
            let form = &self.forms[id.0 as usize];
            let stands_for = match form.series {
                Some(id) => {
                    let series = &self.series[id.0 as usize];
                    let handle = series.sref.filter(|_| series.live_since != 0 && !series.is_histogram)?;
                    Planned::Series(id, handle)
                }
                None => Planned::Dropped,
            };
            Some(Step { end: form.start + form.len, stands_for })
        };
        let steps: Option<Vec<Step>> = self.order.iter().map(step).collect();
        let plan = steps.unwrap_or_default();
        self.n_planned = plan.iter().filter(|step| step.stands_for != Planned::Dropped).count();
        // A series that is written twice is live but once.
        if self.n_planned == self.n_live {
            self.plan = plan;
        } else {
            self.be_patient();
        }
    }

    /// Puts the bytes of the forms into the order in which they are written, if they are not, and those of none away.
    fn settle_text(&mut self) {
        let mut end = 0;
        let is_settled = self.order.iter().all(|id| {
            let form = &self.forms[id.0 as usize];
            let follows = form.start == end;
            end = form.start + form.len;
            follows
        });
        if is_settled && self.text_unused == 0 {
            return;
        }
        let mut is_ordered = vec![false; self.forms.len()];
        self.order.iter().for_each(|id| is_ordered[id.0 as usize] = true);
        let others = self.by_bytes.iter().filter(|id| !is_ordered[id.0 as usize]);
        let ids: Vec<FormId> = self.order.iter().chain(others).copied().collect();
        let mut text = Vec::with_capacity(self.text.len() - self.text_unused);
        for id in ids {
            let form = &mut self.forms[id.0 as usize];
            let start = text.len();
            text.extend_from_slice(form.bytes(&self.text));
            form.start = start;
        }
        (self.text, self.text_unused) = (text, 0);
    }

    /// The expected series came.
    #[inline]
    pub(crate) fn take_expected(&mut self) -> Known {
        if self.on_plan {
            self.leave_plan();
        }
        let form = self.order[self.cursor];
        self.see(form)
    }

    /// Another series came; `None` if it is not known.
    pub(crate) fn find(&mut self, bytes: &[u8]) -> Option<Known> {
        if self.on_plan {
            self.leave_plan();
        }
        let hash = self.hasher.hash_one(bytes);
        let form =
            *self.by_bytes.find(hash, |form| self.forms[form.0 as usize].bytes(&self.text) == bytes)?;
        Some(self.see(form))
    }

    fn see(&mut self, id: FormId) -> Known {
        let form = &mut self.forms[id.0 as usize];
        if form.seen != self.iteration {
            form.seen = self.iteration;
            if form.position != NO_POSITION {
                self.cursor = form.position as usize + 1;
            }
            self.reordered |= form.position as usize != self.next_order.len();
            self.next_order.push(id);
        }
        form.series.map_or(Known::Dropped, Known::Series)
    }

    /// Remembers a series that is written as `bytes` and stored under `labels`, or dropped if there are none.
    pub(crate) fn insert(&mut self, bytes: &[u8], labels: Option<&Labels>) -> Known {
        if self.on_plan {
            self.leave_plan();
        }
        let series = labels.map(|labels| self.series_of(labels));
        let (start, len) = (self.text.len(), bytes.len());
        self.text.extend_from_slice(bytes);
        let form = Form { start, len, series, seen: self.iteration, position: NO_POSITION };
        let id = if let Some(id) = self.free_forms.pop() {
            self.forms[id.0 as usize] = form;
            id
        } else {
            self.forms.push(form);
            FormId((self.forms.len() - 1) as u32)
        };
        let hash = self.hasher.hash_one(bytes);
        let Self { by_bytes, forms, text, hasher, .. } = self;
        by_bytes.insert_unique(hash, id, |form| hasher.hash_one(forms[form.0 as usize].bytes(text)));
        self.reordered = true;
        self.next_order.push(id);
        series.map_or(Known::Dropped, Known::Series)
    }

    fn series_of(&mut self, labels: &Labels) -> SeriesId {
        if let Some(id) = self.by_labels.get(labels) {
            self.series[id.0 as usize].n_forms += 1;
            return *id;
        }
        let labels = labels.clone();
        let new = Series {
            labels: labels.clone(),
            sref: None,
            sampled: 0,
            tracked: 0,
            live_since: 0,
            n_forms: 1,
            is_histogram: false,
        };
        let id = if let Some(id) = self.free_series.pop() {
            self.series[id.0 as usize] = new;
            id
        } else {
            self.series.push(new);
            SeriesId((self.series.len() - 1) as u32)
        };
        self.by_labels.insert(labels, id);
        id
    }

    /// Notes that this scrape has a sample for the series, a native histogram or not. Returns false if it had one before.
    #[inline]
    pub(crate) fn sample(&mut self, id: SeriesId, is_histogram: bool) -> bool {
        let series = &mut self.series[id.0 as usize];
        let first = series.sampled != self.iteration;
        series.sampled = self.iteration;
        series.is_histogram = is_histogram;
        first
    }

    /// The series is to get a stale marker when it is gone.
    #[inline]
    pub(crate) fn track(&mut self, id: SeriesId) {
        let series = &mut self.series[id.0 as usize];
        if series.tracked == self.iteration {
            return;
        }
        series.tracked = self.iteration;
        if series.live_since == 0 {
            self.newly_tracked.push(id);
        } else {
            self.n_retracked += 1;
        }
    }

    /// The labels under which the series is stored, and its handle in the store.
    #[inline]
    pub(crate) fn get(&self, id: SeriesId) -> (&Labels, Option<SeriesRef>) {
        let series = &self.series[id.0 as usize];
        (&series.labels, series.sref)
    }

    /// The store gave the series a handle.
    #[inline]
    pub(crate) fn set_ref(&mut self, id: SeriesId, sref: SeriesRef) {
        if self.series[id.0 as usize].sref.replace(sref).is_some_and(|before| before != sref) {
            self.plan.clear();
        }
    }

    /// Ends a good scrape. `gone` is called for each series that needs a stale marker.
    pub(crate) fn commit(&mut self, gone: impl FnMut(Ended<'_>)) {
        if self.on_plan && self.cursor == self.plan.len() {
            self.iteration -= 1;
            self.n_followed = self.n_followed.saturating_add(1);
            return;
        }
        if self.on_plan {
            self.leave_plan();
        }
        let is_like_the_last = self.good
            && !self.reordered
            && self.next_order.len() == self.order.len()
            && self.newly_tracked.is_empty()
            && self.n_retracked == self.n_live;
        self.n_alike = if is_like_the_last { self.n_alike.saturating_add(1) } else { 0 };
        if self.n_retracked < self.n_live {
            let iteration = self.iteration;
            self.end_series(|series| series.tracked != iteration, gone);
        }
        self.n_live = self.n_retracked + self.newly_tracked.len();
        for id in &self.newly_tracked {
            self.series[id.0 as usize].live_since = self.iteration;
        }
        std::mem::swap(&mut self.order, &mut self.next_order);
        if self.reordered {
            for (position, form) in self.order.iter().enumerate() {
                self.forms[form.0 as usize].position = position as u32;
            }
        }
        self.good = true;
    }

    /// Ends a bad scrape, of which nothing is stored. `gone` is called for each series that needs a stale marker.
    ///
    /// What is known about the target stays: the next scrape will probably look like the last good one.
    pub(crate) fn fail(&mut self, gone: impl FnMut(Ended<'_>)) {
        self.on_plan = false;
        if self.n_live > 0 {
            self.end_series(|_| true, gone);
        }
        self.n_live = 0;
        self.newly_tracked.clear();
        self.good = false;
    }

    #[cold]
    fn end_series(&mut self, is_gone: impl Fn(&Series) -> bool, mut gone: impl FnMut(Ended<'_>)) {
        for (idx, series) in self.series.iter_mut().enumerate() {
            if series.live_since != 0 && is_gone(series) {
                gone(series.ended());
                self.ended.push((SeriesId(idx as u32), series.live_since));
                series.live_since = 0;
            }
        }
    }

    /// The store has the scrape: what the target no longer writes is forgotten.
    pub(crate) fn settle(&mut self) {
        if self.good {
            if self.orphans || self.order.len() < self.by_bytes.len() {
                self.forget_forms(|form, iteration| form.seen != iteration);
            }
            if self.plan.is_empty() && self.n_alike > self.patience {
                self.make_plan();
            }
        } else if self.orphans || self.by_bytes.len() > self.order.len() * 2 + SPARE_FORMS {
            self.forget_forms(|form, _| form.position == NO_POSITION);
        }
    }

    /// The store took nothing of the scrape, markers included: they are still owed, and what the scrape began does not exist.
    pub(crate) fn undo(&mut self) {
        for (id, live_since) in self.ended.drain(..) {
            self.series[id.0 as usize].live_since = live_since;
            self.n_live += 1;
        }
        for id in self.newly_tracked.drain(..) {
            self.series[id.0 as usize].live_since = 0;
            self.n_live -= 1;
        }
    }

    /// The store refused the sample of this scrape, which was a good one. Returns the series if an earlier sample is stored that now
    /// needs a stale marker.
    pub(crate) fn refuse(&mut self, id: SeriesId) -> Option<Ended<'_>> {
        let series = &mut self.series[id.0 as usize];
        if series.tracked != self.iteration || series.live_since == 0 {
            return None;
        }
        let was_live = series.live_since != self.iteration;
        series.live_since = 0;
        self.n_live -= 1;
        was_live.then(|| series.ended())
    }

    /// The way from bytes to labels changed: forgets it, but not which series are live.
    pub(crate) fn forget_all_forms(&mut self) {
        self.plan.clear();
        (self.n_alike, self.n_followed, self.patience) = (0, 0, 0);
        self.order.clear();
        self.forget_forms(|_, _| true);
        self.orphans = true;
    }

    #[cold]
    fn forget_forms(&mut self, forgotten: impl Fn(&Form, u64) -> bool) {
        let Self { forms, free_forms, by_bytes, text_unused, series, free_series, by_labels, .. } = self;
        let iteration = self.iteration;
        by_bytes.retain(|id| {
            let form = &mut forms[id.0 as usize];
            if !forgotten(form, iteration) {
                return true;
            }
            *text_unused += form.len;
            form.len = 0;
            form.position = NO_POSITION;
            free_forms.push(*id);
            if let Some(series_id) = form.series.take() {
                series[series_id.0 as usize].n_forms -= 1;
            }
            false
        });
        self.orphans = false;
        // A series that is live without a form waits for the next scrape, which either writes it in another way or ends it.
        by_labels.retain(|_, id| {
            let entry = &mut series[id.0 as usize];
            let kept = entry.n_forms > 0 || entry.live_since != 0;
            if !kept {
                entry.labels = Labels::empty();
                free_series.push(*id);
            }
            kept
        });
        if self.text_unused > self.text.len() / 2 {
            self.settle_text();
        }
    }

    /// How many ways of writing a series are known.
    #[cfg(test)]
    pub(crate) fn n_forms(&self) -> usize {
        self.by_bytes.len()
    }

    /// How many series are known.
    #[cfg(test)]
    pub(crate) fn n_series(&self) -> usize {
        self.by_labels.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A cache and how it dealt with the last scrape.
    #[derive(Default)]
    struct Scrapes {
        cache: SeriesCache,
        /// Lines that were predicted.
        predicted: usize,
        /// Lines that followed a plan.
        planned: usize,
        /// Whether the store gives handles, without which there are no plans.
        gives_handles: bool,
    }

    /// `a~1` and `a~2` are two ways of writing `a`; `-` and what begins with it stand for dropped series.
    fn name_of(line: &str) -> Option<&str> {
        line.split('~').next().filter(|_| !line.starts_with('-'))
    }

    impl Scrapes {
        /// Feeds the lines as the reader does and returns the names of the series that ended.
        fn scrape(&mut self, lines: &[&str]) -> Vec<String> {
            self.read(lines);
            let mut gone = Vec::new();
            self.cache.commit(|ended| gone.push(ended.labels.metric_name().to_owned()));
            if self.gives_handles {
                for idx in 0..self.cache.series.len() as u32 {
                    self.cache.set_ref(SeriesId(idx), SeriesRef(u64::from(idx)));
                }
            }
            self.cache.settle();
            gone.sort();
            gone
        }

        fn fail(&mut self, lines: &[&str]) -> Vec<String> {
            self.read(lines);
            let mut gone = Vec::new();
            self.cache.fail(|ended| gone.push(ended.labels.metric_name().to_owned()));
            self.cache.settle();
            gone.sort();
            gone
        }

        fn read(&mut self, lines: &[&str]) {
            self.cache.begin();
            (self.predicted, self.planned) = (0, 0);
            for line in lines {
                if self.cache.expected() == line.as_bytes()
                    && let Some(planned) = self.cache.take_planned()
                {
                    let name = match planned {
                        Planned::Series(id, _) => Some(self.cache.get(id).0.metric_name()),
                        Planned::Dropped => None,
                    };
                    assert_eq!(name, name_of(line));
                    self.planned += 1;
                    self.predicted += 1;
                    continue;
                }
                let known = if self.cache.expected() == line.as_bytes() {
                    self.predicted += 1;
                    self.cache.take_expected()
                } else {
                    self.cache.find(line.as_bytes()).unwrap_or_else(|| {
                        let labels = name_of(line).map(|name| Labels::from_pairs([("__name__", name)]));
                        self.cache.insert(line.as_bytes(), labels.as_ref())
                    })
                };
                if let Known::Series(id) = known
                    && self.cache.sample(id, false)
                {
                    self.cache.track(id);
                }
            }
        }
    }

    #[test]
    fn predicts_the_order_and_follows_it_when_it_changes() {
        let mut scrapes = Scrapes::default();
        let check = |scrapes: &mut Scrapes, lines: &[&str], predicted| {
            scrapes.scrape(lines);
            assert_eq!(scrapes.predicted, predicted, "{lines:?}");
        };
        check(&mut scrapes, &["a", "b", "c", "d"], 0);
        check(&mut scrapes, &["a", "b", "c", "d"], 4);
        check(&mut scrapes, &["a", "new", "b", "c", "d"], 4);
        check(&mut scrapes, &["a", "new", "b", "c", "d"], 5);
        check(&mut scrapes, &["a", "c", "d"], 2);
        check(&mut scrapes, &["c", "d", "a"], 1);
        check(&mut scrapes, &["c", "d", "a"], 3);
        check(&mut scrapes, &["c", "c", "d", "a"], 3);
    }

    #[test]
    fn like_scrapes_are_planned() {
        let mut scrapes = Scrapes { gives_handles: true, ..Scrapes::default() };
        let lines = ["a", "b~1", "-", "c"];
        let planned = |scrapes: &mut Scrapes, lines: &[&str]| {
            let gone = scrapes.scrape(lines);
            (scrapes.planned, gone.join(" "))
        };
        let none = String::new;
        for n in [0, 0, 4, 4, 4] {
            assert_eq!(planned(&mut scrapes, &lines), (n, none()));
        }
        assert_eq!(planned(&mut scrapes, &["a", "b~1", "-", "new", "c"]), (3, none()), "up to what is new");
        assert_eq!(planned(&mut scrapes, &["a", "b~1", "-", "new", "c"]), (0, none()));
        assert_eq!(
            planned(&mut scrapes, &["a", "b~1", "-", "new", "c"]),
            (5, none()),
            "it was worth its while"
        );
        assert_eq!(planned(&mut scrapes, &["a", "b~1"]), (2, "c new".to_owned()), "the end is missed");
        assert_eq!(scrapes.fail(&["a"]), ["a", "b"], "a bad one ends all");
        for n in [0, 0, 4] {
            assert_eq!(planned(&mut scrapes, &lines), (n, none()), "all series begin, and go on, as planned");
        }
        // What the store refuses is not planned, and ends.
        let Planned::Series(id, _) = scrapes.cache.plan[3].stands_for else { panic!("it is stored") };
        assert!(scrapes.cache.refuse(id).is_some_and(|ended| ended.labels.metric_name() == "c"));
        assert_eq!(planned(&mut scrapes, &lines), (0, none()));
        assert_eq!(planned(&mut scrapes, &["a~2", "a~1"]), (0, "b c".to_owned()));
        for _ in 0..9 {
            assert_eq!(planned(&mut scrapes, &["a~2", "a~1"]), (0, none()), "a series that comes twice");
        }
        assert!(scrapes.cache.patience > 1, "and is not tried each time");
    }

    proptest! {
        #[test]
        fn plans_change_nothing(
            steps in prop::collection::vec(
                (prop::collection::vec(prop::sample::select(vec!["a", "b", "c", "d~1", "d~2", "-", "-2"]), 0..6), 1..6_u8, 0..10_u8),
                1..12,
            ),
        ) {
            let mut with = Scrapes { gives_handles: true, ..Scrapes::default() };
            let mut without = Scrapes::default();
            for (lines, times, luck) in &steps {
                for time in 0..*times {
                    if *luck == 0 && time == 1 {
                        prop_assert_eq!(with.fail(lines), without.fail(lines));
                    } else if *luck == 1 && time == 2 {
                        // The store takes nothing.
                        for scrapes in [&mut with, &mut without] {
                            scrapes.read(lines);
                            scrapes.cache.commit(|_| {});
                            scrapes.cache.undo();
                        }
                    } else {
                        prop_assert_eq!(with.scrape(lines), without.scrape(lines));
                    }
                    if *luck == 2 && time == 3 {
                        // The store refuses a sample.
                        let refused = lines.iter().any(|line| name_of(line) == Some("b"));
                        let refuse = |cache: &mut SeriesCache| {
                            let id = *cache.by_labels.get(&Labels::from_pairs([("__name__", "b")]))?;
                            cache.refuse(id).map(|ended| ended.labels.clone())
                        };
                        if refused {
                            prop_assert_eq!(refuse(&mut with.cache), refuse(&mut without.cache));
                        }
                    }
                    prop_assert_eq!(with.predicted, without.predicted);
                    prop_assert_eq!(
                        (with.cache.n_forms(), with.cache.n_series(), with.cache.n_live),
                        (without.cache.n_forms(), without.cache.n_series(), without.cache.n_live)
                    );
                }
            }
        }
    }

    #[test]
    fn ends_what_is_gone() {
        let mut scrapes = Scrapes::default();
        assert!(scrapes.scrape(&["a", "b", "-"]).is_empty());
        assert_eq!(scrapes.scrape(&["b", "-"]), ["a"]);
        assert!(scrapes.scrape(&["b"]).is_empty());
        assert_eq!(scrapes.scrape(&["c"]), ["b"]);
        assert_eq!(scrapes.scrape(&[]), ["c"]);
        assert!(scrapes.scrape(&[]).is_empty());
        assert_eq!((scrapes.cache.n_forms(), scrapes.cache.n_series()), (0, 0));
    }

    #[test]
    fn a_bad_scrape_ends_everything_and_forgets_nothing() {
        let mut scrapes = Scrapes::default();
        scrapes.scrape(&["a", "b", "c"]);
        assert_eq!(scrapes.fail(&["a", "x"]), ["a", "b", "c"]);
        assert!(scrapes.fail(&["a"]).is_empty());
        assert!(scrapes.scrape(&["a", "b", "c"]).is_empty());
        assert_eq!(scrapes.predicted, 3);
        assert_eq!(scrapes.scrape(&["a"]), ["b", "c"]);
    }

    #[test]
    fn bad_scrapes_do_not_fill_the_memory() {
        let mut scrapes = Scrapes::default();
        scrapes.scrape(&["a"]);
        for n in 0..10 {
            let lines: Vec<String> = (0..500).map(|i| format!("m{n}_{i}")).collect();
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            scrapes.fail(&lines);
            assert!(scrapes.cache.n_forms() <= 1002, "{}", scrapes.cache.n_forms());
        }
        scrapes.scrape(&["a"]);
        assert_eq!((scrapes.predicted, scrapes.cache.n_forms(), scrapes.cache.n_series()), (1, 1, 1));
    }

    #[test]
    fn the_labels_are_the_series_and_not_the_bytes() {
        let mut scrapes = Scrapes::default();
        scrapes.scrape(&["a~1"]);
        assert!(scrapes.scrape(&["a~2"]).is_empty());
        assert!(scrapes.scrape(&["a~1", "a~2"]).is_empty());
        assert_eq!(scrapes.scrape(&[]), ["a"]);
    }

    #[test]
    fn what_is_live_survives_new_rules() {
        let mut scrapes = Scrapes::default();
        scrapes.scrape(&["a", "b"]);
        scrapes.cache.forget_all_forms();
        assert_eq!(scrapes.scrape(&["a"]), ["b"]);
        assert_eq!((scrapes.cache.n_forms(), scrapes.cache.n_series()), (1, 1));
        scrapes.cache.forget_all_forms();
        assert_eq!(scrapes.fail(&[]), ["a"]);
        assert_eq!((scrapes.cache.n_forms(), scrapes.cache.n_series()), (0, 0));
    }

    #[test]
    fn what_was_not_stored_is_still_owed() {
        let mut scrapes = Scrapes::default();
        scrapes.scrape(&["a", "b"]);
        scrapes.read(&["b", "c"]);
        scrapes.cache.commit(|_| {});
        scrapes.cache.undo();
        assert_eq!(scrapes.scrape(&["b"]), ["a"]);
        // The same for a scrape that failed by itself.
        scrapes.read(&[]);
        scrapes.cache.fail(|_| {});
        scrapes.cache.undo();
        assert_eq!(scrapes.scrape(&["d"]), ["b"]);
        assert_eq!(scrapes.scrape(&[]), ["d"]);
    }

    #[test]
    fn a_refused_sample_ends_its_series_once() {
        let mut scrapes = Scrapes::default();
        let id = |scrapes: &mut Scrapes| match scrapes.cache.find(b"a") {
            Some(Known::Series(id)) => id,
            other => panic!("{other:?}"),
        };
        scrapes.scrape(&["a"]);
        let a = id(&mut scrapes);
        assert!(scrapes.cache.refuse(a).is_none(), "nothing of it was ever stored");
        scrapes.scrape(&["a"]);
        assert!(scrapes.cache.refuse(a).is_none());
        scrapes.scrape(&["a"]);
        scrapes.scrape(&["a"]);
        assert!(scrapes.cache.refuse(a).is_some(), "it was live before");
        assert!(scrapes.cache.refuse(a).is_none());
        assert!(scrapes.scrape(&[]).is_empty());
    }
}
