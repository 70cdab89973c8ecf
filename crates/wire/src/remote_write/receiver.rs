//! From the body of a write request into a store.

use std::sync::{Mutex, PoisonError};

use bellwether_model::{AppendError, AppendReport, Appender, Tenant};

use super::decode::{DecodedWrite, decode_known};
use super::error::ReceiveError;
use super::known::KnownSeries;
use super::limits::WriteLimits;
use super::rejected::{WriteRefusal, describe};
use super::sources::Sources;
use crate::snappy;

/// How many sets of buffers are kept: as many requests as are usually worked on at once.
const SPARE_BUFFERS: usize = 8;
/// Buffers that have grown larger are not kept.
const SPARE_MESSAGE_BYTES: usize = 4 << 20;
const SPARE_ENTRIES: usize = 1 << 15;

/// Why nothing of a write request was stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The request cannot be read.
    #[error(transparent)]
    Receive(#[from] ReceiveError),
    /// The store took nothing.
    #[error(transparent)]
    Append(#[from] AppendError),
}

/// Takes write requests into one store.
///
/// Senders repeat the same labels with every sample. The receiver remembers by the hash of their bytes which handle the store gave for them, so that the labels of a known
/// series are neither read nor looked at. If the store has forgotten the series meanwhile, the labels are read after all; nobody notices.
#[derive(Debug)]
pub struct WriteReceiver {
    limits: WriteLimits,
    known: KnownSeries,
    spare: Mutex<Vec<Buffers>>,
}

/// What the work on a request needs; kept for the next one.
#[derive(Debug, Default)]
struct Buffers {
    message: Vec<u8>,
    decoded: DecodedWrite,
    sources: Sources,
}

impl WriteReceiver {
    /// A receiver that knows no series yet. It remembers those of the last hour or so, up to two million.
    pub fn new(limits: WriteLimits) -> Self {
        Self { limits, known: KnownSeries::default(), spare: Mutex::default() }
    }

    /// A receiver that remembers the series that it saw last: at least `max_known`, and at most twice as many.
    pub fn with_memory(limits: WriteLimits, max_known: usize) -> Self {
        Self { known: KnownSeries::with_capacity(max_known), ..Self::new(limits) }
    }

    /// What a request may bring.
    pub fn limits(&self) -> &WriteLimits {
        &self.limits
    }

    /// How many bytes the body of a write request will have when it is decompressed, before anything is done with it; 0 if it will be refused.
    pub fn decompressed_bytes(&self, body: &[u8]) -> usize {
        snappy::declared_bytes(body).filter(|bytes| *bytes <= self.limits.max_decoded_bytes).unwrap_or(0)
    }

    /// Decompresses, decodes and stores the body of a write request. Returns what to tell the sender about what was refused; `None` if all was taken.
    ///
    /// All requests must go to the same store: handles of one mean nothing to another.
    pub fn receive(
        &self,
        appender: &dyn Appender,
        tenant: &Tenant,
        body: &[u8],
    ) -> Result<Option<WriteRefusal>, WriteError> {
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut buffers = spare.unwrap_or_default();
        let outcome = self.receive_with(&mut buffers, appender, tenant, body);
        self.keep(buffers);
        outcome
    }

    fn receive_with(
        &self,
        buffers: &mut Buffers,
        appender: &dyn Appender,
        tenant: &Tenant,
        body: &[u8],
    ) -> Result<Option<WriteRefusal>, WriteError> {
        let Buffers { message, decoded, sources } = buffers;
        let limits = &self.limits;
        snappy::decompress(body, limits.max_compressed_bytes, limits.max_decoded_bytes, message)
            .map_err(ReceiveError::from)?;
        let report = loop {
            decode_known(message, limits, self.known.of_tenant(tenant), decoded, sources)?;
            match appender.append(tenant, &decoded.batch) {
                // Now they are read with their labels.
                Err(AppendError::ForgottenSeries { places }) if !places.is_empty() => {
                    let keys = places.iter().map(|place| sources.key_of(*place));
                    self.known.forget(keys);
                    decoded.clear();
                    sources.clear();
                }
                outcome => break outcome?,
            }
        };
        self.learn(decoded, sources, &report);
        let DecodedWrite { batch, rejected } = decoded;
        Ok(describe(rejected, batch, &report, |place| sources.labels_of(message, place, limits)))
    }

    /// Remembers what the store said about the series.
    fn learn(&self, decoded: &DecodedWrite, sources: &Sources, report: &AppendReport) {
        let learned = sources.learnable.iter().filter_map(|(key, entry)| {
            let entry = *entry as usize;
            let series = *report.samples.get(entry)?.as_ref().ok()?;
            (decoded.batch.samples[entry].hint != Some(series)).then_some((*key, series))
        });
        self.known.learn(sources.fading.iter().copied().chain(learned), decoded.batch.n_samples());
    }

    fn keep(&self, mut buffers: Buffers) {
        let is_small = buffers.message.capacity() <= SPARE_MESSAGE_BYTES
            && buffers.decoded.batch.known.capacity() <= SPARE_ENTRIES
            && buffers.decoded.batch.samples.capacity() <= SPARE_ENTRIES;
        if !is_small {
            return;
        }
        buffers.decoded.clear();
        buffers.sources.clear();
        let mut spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        if spare.len() < SPARE_BUFFERS {
            spare.push(buffers);
        }
    }
}
