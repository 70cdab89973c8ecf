use std::ops::Range;

use bellwether_model::{Labels, SeriesRef};
use bellwether_protobuf::Fields;

use super::known::{Fingerprint, KnownOfTenant, Recognised};
use super::labels::LabelCollector;
use super::limits::WriteLimits;

/// What the series of a request are known by, and where their labels are.
#[derive(Debug, Default)]
pub(super) struct Sources {
    /// Of the known samples, in the order of the batch.
    pub(super) nameless: Vec<Source>,
    /// Series whose handles can be learned from what the store says of a sample: its place among those with labels.
    pub(super) learnable: Vec<(Fingerprint, u32)>,
    /// Known ones that would be forgotten soon.
    pub(super) fading: Vec<(Fingerprint, SeriesRef)>,
}

/// Where the labels of samples are.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// The place of the first sample among the known ones. The next ones have the same labels, up to that of the next source.
    pub(super) first_known: u32,
    /// What the series is known by.
    pub(super) key: Fingerprint,
    /// The stretch of the message with all labels of the series and nothing else.
    pub(super) labels: Range<u32>,
}

impl Sources {
    pub(super) fn clear(&mut self) {
        self.nameless.clear();
        self.learnable.clear();
        self.fading.clear();
    }

    /// The handle of a series, if it is known.
    #[inline]
    pub(super) fn find(&mut self, key: Fingerprint, known: &mut KnownOfTenant<'_>) -> Option<SeriesRef> {
        match known.find(key) {
            Recognised::Series(series) => Some(series),
            Recognised::Fading(series) => {
                self.fading.push((key, series));
                Some(series)
            }
            Recognised::Nothing => None,
        }
    }

    /// The labels of a known sample of the request `message`.
    pub(super) fn labels_of(&self, message: &[u8], place: usize, limits: &WriteLimits) -> Labels {
        let Source { labels, .. } = self.of(place);
        let stretch = labels.start as usize..labels.end as usize;
        let mut fields = Fields::nested_at(&message[stretch.clone()], stretch.start);
        let mut labels = LabelCollector::new(message);
        while let Ok(Some(field)) = fields.next_field() {
            let pushed = field.message().and_then(|label| labels.push(label, limits));
            pushed.expect("BUG: labels that were read once cannot be read again");
        }
        labels.series(limits).expect("BUG: labels that were taken once are refused")
    }

    /// What the series of a known sample is known by.
    pub(super) fn key_of(&self, place: usize) -> Fingerprint {
        self.of(place).key
    }

    fn of(&self, place: usize) -> &Source {
        let after = self.nameless.partition_point(|source| source.first_known as usize <= place);
        &self.nameless[after - 1]
    }
}
