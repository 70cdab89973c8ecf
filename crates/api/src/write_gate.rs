//! How many writes are worked on at once, and how much memory their bodies may take.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long a write waits for a place before its sender is told to come back. Senders that are in step would otherwise be refused while there is little to do.
const PATIENCE: Duration = Duration::from_secs(2);

/// Lets a bounded number of writes be decoded and stored at once, and bounds what the bodies of all writes take.
#[derive(Debug)]
pub struct WriteGate {
    places: Arc<Semaphore>,
    n_places: usize,
    bytes: AtomicUsize,
    max_bytes: usize,
    refused_for_places: AtomicU64,
    refused_for_bytes: AtomicU64,
}

/// Why a write has to come again later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WriteBusy {
    /// Too many are worked on.
    #[error("{0} writes are worked on at once, the most allowed (in-flight writes)")]
    Places(usize),
    /// Those that are read or decoded hold too much.
    #[error(
        "the bodies of the writes that are read and decoded now would have more than the {0} bytes allowed (bytes in decode)"
    )]
    Bytes(usize),
}

impl WriteGate {
    /// A gate for `n_places` writes at once, whose bodies have at most `max_bytes`, as they came and decompressed together.
    pub fn new(n_places: usize, max_bytes: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(n_places)),
            n_places,
            bytes: AtomicUsize::new(0),
            max_bytes,
            refused_for_places: AtomicU64::new(0),
            refused_for_bytes: AtomicU64::new(0),
        }
    }

    /// Waits for a place for a while.
    pub(crate) async fn enter(&self) -> Result<OwnedSemaphorePermit, WriteBusy> {
        let place = tokio::time::timeout(PATIENCE, Arc::clone(&self.places).acquire_owned()).await;
        place.ok().and_then(Result::ok).ok_or_else(|| {
            self.refused_for_places.fetch_add(1, Ordering::Relaxed);
            WriteBusy::Places(self.n_places)
        })
    }

    /// What a write holds, at first nothing.
    pub(crate) fn hold(self: &Arc<Self>) -> HeldBytes {
        HeldBytes { gate: Arc::clone(self), bytes: 0 }
    }

    /// How many bytes the bodies have now.
    pub(crate) fn held_bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// How often a write was told to come again, by what there was too much of.
    pub(crate) fn refused(&self) -> [(&'static str, u64); 2] {
        let [places, bytes] =
            [&self.refused_for_places, &self.refused_for_bytes].map(|n| n.load(Ordering::Relaxed));
        [("in_flight", places), ("bytes_in_decode", bytes)]
    }
}

/// Bytes of a write's body, given back on drop.
#[derive(Debug)]
pub(crate) struct HeldBytes {
    gate: Arc<WriteGate>,
    bytes: usize,
}

impl HeldBytes {
    /// Takes more bytes, if there are so many.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), WriteBusy> {
        let WriteGate { bytes: used, max_bytes, refused_for_bytes, .. } = &*self.gate;
        let taken = used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(bytes).filter(|total| total <= max_bytes)
        });
        if taken.is_err() {
            refused_for_bytes.fetch_add(1, Ordering::Relaxed);
            return Err(WriteBusy::Bytes(*max_bytes));
        }
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for HeldBytes {
    fn drop(&mut self) {
        self.gate.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_write_waits_for_a_place_and_then_gives_up() {
        let gate = WriteGate::new(2, 100);
        let (first, second) = (gate.enter().await.expect("free"), gate.enter().await.expect("free"));
        assert_eq!(gate.enter().await.err(), Some(WriteBusy::Places(2)));
        let (third, ()) = tokio::join!(gate.enter(), async {
            tokio::time::sleep(PATIENCE / 2).await;
            drop(first);
        });
        assert!(third.is_ok(), "a place became free in time");
        drop((second, third));
        assert_eq!(gate.refused(), [("in_flight", 1), ("bytes_in_decode", 0)]);
    }

    #[test]
    fn bodies_share_what_there_is() {
        let gate = Arc::new(WriteGate::new(2, 100));
        let (mut a, mut b) = (gate.hold(), gate.hold());
        assert_eq!((a.grow(60), a.grow(10), b.grow(31)), (Ok(()), Ok(()), Err(WriteBusy::Bytes(100))));
        assert_eq!((b.grow(30), gate.held_bytes()), (Ok(()), 100), "what was refused is not held");
        assert!(b.grow(usize::MAX).is_err());
        drop(a);
        assert_eq!((b.grow(70), gate.held_bytes()), (Ok(()), 100));
        drop(b);
        assert_eq!((gate.held_bytes(), gate.refused()[1].1), (0, 2));
    }
}
