use std::fmt::Write as _;
use std::time::Duration;

use bellwether_model::{AppendBatch, AppendReport, Labels, Rejection};

/// How many refusals an answer explains; a request can bring a hundred thousand.
const MAX_EXPLAINED: usize = 50;
/// How many bytes of an offender's labels an answer shows; those of a series that is refused for its length may have a million.
const MAX_SHOWN_BYTES: usize = 1 << 10;

/// What a decoder left out of a write request, and why. The rest of the request is taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rejected {
    /// Why, in the words of Prometheus where it has the case; only the first ones are kept.
    pub reasons: Vec<String>,
    /// How many series or samples were refused, with or without a reason that is kept.
    pub refusals: usize,
    /// How many samples are missing because of that.
    pub samples: usize,
    /// How many exemplars were dropped. That is no reason to complain to the sender, because exemplars are best effort.
    pub exemplars: usize,
}

impl Rejected {
    /// Whether every sample was taken.
    pub fn is_empty(&self) -> bool {
        self.refusals == 0
    }

    pub(super) fn refuse(&mut self, n_samples: usize, reason: impl FnOnce() -> String) {
        if self.reasons.len() < MAX_EXPLAINED {
            self.reasons.push(reason());
        }
        self.refusals += 1;
        self.samples += n_samples;
    }
}

/// What to tell the sender of a request of which only a part was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteRefusal {
    /// What was refused and why, one refusal to a line.
    pub message: String,
    /// When to send the request again, if some of what was refused will be taken then. The part that was taken now is no news then, and changes nothing.
    pub retry_after: Option<Duration>,
}

/// The answer to a request of which only a part was taken; `None` if all of it was taken.
///
/// `rejected` is what decoding left out, `report` what the store said to `batch`.
pub fn describe_rejections(
    rejected: &Rejected,
    batch: &AppendBatch,
    report: &AppendReport,
) -> Option<WriteRefusal> {
    describe(rejected, batch, report, |_| Labels::empty())
}

/// As [`describe_rejections`]; `labels_of` returns the labels of a known sample by its place among them.
pub(super) fn describe(
    rejected: &Rejected,
    batch: &AppendBatch,
    report: &AppendReport,
    labels_of: impl Fn(usize) -> Labels,
) -> Option<WriteRefusal> {
    let explain =
        |rejection: &Rejection, labels: &Labels| format!("{rejection} for series {}", shown(labels));
    let mut refused_known = report
        .rejected_known
        .iter()
        .map(|(place, why)| (*place, explain(why, &labels_of(*place))))
        .peekable();
    let mut others = batch
        .samples
        .iter()
        .zip(&report.samples)
        .enumerate()
        .filter_map(|(place, (entry, result))| {
            Some((batch.known_before(place), explain(result.as_ref().err()?, &entry.labels)))
        })
        .peekable();
    // In the order in which they came.
    let refused_samples = std::iter::from_fn(|| match (refused_known.peek(), others.peek()) {
        (Some((place, _)), Some((known_before, _))) if place >= known_before => others.next(),
        (Some(_), _) => refused_known.next(),
        (None, _) => others.next(),
    });
    let refused_samples = refused_samples.map(|(_, explained)| explained);
    let n_refusals = rejected.refusals + batch.n_samples() - report.stored();
    let explained = rejected.reasons.iter().cloned().chain(refused_samples);
    let mut body = explained.take(MAX_EXPLAINED).collect::<Vec<_>>().join("\n");
    if n_refusals == 0 {
        return None;
    }
    if n_refusals > MAX_EXPLAINED {
        write!(body, "\n... and {} more", n_refusals - MAX_EXPLAINED)
            .expect("BUG: writing to a string cannot fail");
    }
    Some(WriteRefusal { message: body, retry_after: report.retry_after })
}

fn shown(labels: &Labels) -> String {
    let mut text = labels.to_string();
    if text.len() > MAX_SHOWN_BYTES {
        text.truncate(text.floor_char_boundary(MAX_SHOWN_BYTES));
        text.push_str("...");
    }
    text
}

#[cfg(test)]
mod tests {
    use bellwether_model::{AppendEntry, SeriesRef};

    use super::*;

    fn batch(n: usize) -> AppendBatch {
        let sample = AppendEntry {
            hint: None,
            labels: Labels::from_pairs([("__name__", "up")]),
            ts_ms: 1,
            start_ts_ms: 0,
            value: 1.0.into(),
        };
        AppendBatch { samples: vec![sample; n], ..AppendBatch::default() }
    }

    #[test]
    fn explains_what_was_refused() {
        let mut rejected = Rejected::default();
        let mut report =
            AppendReport { samples: vec![Ok(SeriesRef(1)), Ok(SeriesRef(1))], ..AppendReport::default() };
        assert_eq!(describe_rejections(&rejected, &batch(2), &report), None);
        report.samples[1] = Err(Rejection::OutOfOrder);
        rejected.refuse(3, || "bad labels".to_owned());
        report.retry_after = Some(Duration::from_secs(7));
        assert_eq!(
            describe_rejections(&rejected, &batch(2), &report),
            Some(WriteRefusal {
                message: "bad labels\nout of order sample for series up".to_owned(),
                retry_after: Some(Duration::from_secs(7)),
            })
        );
        assert_eq!(rejected.samples, 3);
    }

    #[test]
    fn an_answer_is_short_however_long_the_labels() {
        let mut batch = batch(1);
        batch.samples[0].labels = Labels::from_pairs([("__name__", "ä".repeat(1 << 20))]);
        let report = AppendReport { samples: vec![Err(Rejection::OutOfBounds)], ..AppendReport::default() };
        let refusal = describe_rejections(&Rejected::default(), &batch, &report).expect("a refusal");
        assert!(
            refusal.message.len() < 1100 && refusal.message.ends_with("..."),
            "{}",
            refusal.message.len()
        );
    }

    #[test]
    fn explains_no_more_than_a_few() {
        let mut rejected = Rejected::default();
        for _ in 0..1000 {
            rejected.refuse(1, || "bad".to_owned());
        }
        let report =
            AppendReport { samples: vec![Err(Rejection::OutOfBounds); 7], ..AppendReport::default() };
        let body = describe_rejections(&rejected, &batch(7), &report).expect("refusals").message;
        assert_eq!(body.lines().count(), MAX_EXPLAINED + 1);
        assert!(body.ends_with("\n... and 957 more"), "{body}");
    }
}
