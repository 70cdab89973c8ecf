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

/// What a target exposed in its last scrapes.
///
/// It answers three questions about each line of a scrape without reading a label: which series is this (the target writes its
/// series in a stable order, so the answer is mostly "the one behind the one before", and one comparison of bytes proves it), did this
/// scrape have it already, and, at the end, which series of the last scrape are gone.
///
/// A scrape is an iteration: [`begin`](Self::begin), one look-up per line, [`commit`](Self::commit) or [`fail`](Self::fail), and, when the
/// store has answered, [`settle`](Self::settle) or [`undo`](Self::undo).
#[derive(Debug, Default)]
pub(crate) struct SeriesCache {
    forms: Vec<Form>,
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

#[derive(Debug)]
struct Form {
    bytes: Box<[u8]>,
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
    }

    /// The bytes of the series that is expected next; empty if none is.
    #[inline]
    pub(crate) fn expected(&self) -> &[u8] {
        match self.order.get(self.cursor) {
            Some(form) => &self.forms[form.0 as usize].bytes,
            None => &[],
        }
    }

    /// The expected series came.
    #[inline]
    pub(crate) fn take_expected(&mut self) -> Known {
        let form = self.order[self.cursor];
        self.see(form)
    }

    /// Another series came; `None` if it is not known.
    pub(crate) fn find(&mut self, bytes: &[u8]) -> Option<Known> {
        let hash = self.hasher.hash_one(bytes);
        let form = *self.by_bytes.find(hash, |form| &*self.forms[form.0 as usize].bytes == bytes)?;
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
        let series = labels.map(|labels| self.series_of(labels));
        let form = Form { bytes: bytes.into(), series, seen: self.iteration, position: NO_POSITION };
        let id = if let Some(id) = self.free_forms.pop() {
            self.forms[id.0 as usize] = form;
            id
        } else {
            self.forms.push(form);
            FormId((self.forms.len() - 1) as u32)
        };
        let hash = self.hasher.hash_one(bytes);
        let Self { by_bytes, forms, hasher, .. } = self;
        by_bytes.insert_unique(hash, id, |form| hasher.hash_one(&*forms[form.0 as usize].bytes));
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
        self.series[id.0 as usize].sref = Some(sref);
    }

    /// Ends a good scrape. `gone` is called for each series that needs a stale marker.
    pub(crate) fn commit(&mut self, gone: impl FnMut(Ended<'_>)) {
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
        self.order.clear();
        self.forget_forms(|_, _| true);
        self.orphans = true;
    }

    #[cold]
    fn forget_forms(&mut self, forgotten: impl Fn(&Form, u64) -> bool) {
        let Self { forms, free_forms, by_bytes, series, free_series, by_labels, iteration, orphans, .. } =
            self;
        by_bytes.retain(|id| {
            let form = &mut forms[id.0 as usize];
            if !forgotten(form, *iteration) {
                return true;
            }
            form.bytes = Box::default();
            form.position = NO_POSITION;
            free_forms.push(*id);
            if let Some(series_id) = form.series.take() {
                series[series_id.0 as usize].n_forms -= 1;
            }
            false
        });
        *orphans = false;
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
    use super::*;

    /// A cache and the last scrape's stale markers.
    #[derive(Default)]
    struct Scrapes {
        cache: SeriesCache,
        /// Lines that were predicted.
        predicted: usize,
    }

    impl Scrapes {
        /// Feeds the lines as the reader does and returns the names of the series that ended.
        fn scrape(&mut self, lines: &[&str]) -> Vec<String> {
            self.read(lines);
            let mut gone = Vec::new();
            self.cache.commit(|ended| gone.push(ended.labels.metric_name().to_owned()));
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
            self.predicted = 0;
            for line in lines {
                let known = if self.cache.expected() == line.as_bytes() {
                    self.predicted += 1;
                    self.cache.take_expected()
                } else {
                    self.cache.find(line.as_bytes()).unwrap_or_else(|| {
                        // `a~1` and `a~2` are two ways of writing `a`; `-` stands for a dropped series.
                        let name = line.split('~').next().expect("a name");
                        let labels = (*line != "-").then(|| Labels::from_pairs([("__name__", name)]));
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
