use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

/// Lets so many messages at once to a service; those who wait longest come first, however often they had to give up and come back.
///
/// Without it all groups that are due at the same time would share the service, and the time of the machine, so evenly that none is through before it is due again.
#[derive(Debug)]
pub struct Gate {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    free: usize,
    came: u64,
    waiting: BTreeMap<Ticket, oneshot::Sender<()>>,
}

/// Since when somebody waits, in milliseconds since the Unix epoch; of the same time, who came first.
type Ticket = (i64, u64);

/// A place behind the gate, until it is dropped.
#[derive(Debug)]
pub struct Place {
    gate: Arc<Gate>,
    since_ms: i64,
}

/// A ticket, which is given back by who goes away without a place.
struct Waiting<'g> {
    gate: &'g Arc<Gate>,
    ticket: Ticket,
    has_place: bool,
}

impl Gate {
    /// Lets `places` through at once.
    pub fn new(places: usize) -> Self {
        Self { state: Mutex::new(State { free: places, came: 0, waiting: BTreeMap::new() }) }
    }

    /// Waits for a place. `since_ms` is since when somebody is to be told.
    pub async fn enter(self: &Arc<Self>, since_ms: i64) -> Place {
        if let Some((ticket, turn)) = self.queue(since_ms) {
            let mut waiting = Waiting { gate: self, ticket, has_place: false };
            turn.await.expect("BUG: a ticket is only taken to give a place for it");
            waiting.has_place = true;
        }
        Place { gate: Arc::clone(self), since_ms }
    }

    /// Takes a place, or else a ticket.
    fn queue(&self, since_ms: i64) -> Option<(Ticket, oneshot::Receiver<()>)> {
        let mut state = self.state.lock();
        if state.free > 0 {
            state.free -= 1;
            return None;
        }
        let (sender, turn) = oneshot::channel();
        state.came += 1;
        let ticket = (since_ms, state.came);
        state.waiting.insert(ticket, sender);
        Some((ticket, turn))
    }

    /// A place is free: it is for who has waited longest.
    fn leave(&self) {
        let mut state = self.state.lock();
        match state.waiting.pop_first() {
            // Who goes away in this moment finds the ticket gone, and leaves in turn.
            Some((_, next)) => {
                let _ = next.send(());
            }
            None => state.free += 1,
        }
    }
}

impl Place {
    /// Since when somebody is to be told who has it, in milliseconds since the Unix epoch.
    pub(super) fn since_ms(&self) -> i64 {
        self.since_ms
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let was_given_a_place = self.gate.state.lock().waiting.remove(&self.ticket).is_none();
        if was_given_a_place && !self.has_place {
            self.gate.leave();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.gate.leave();
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    /// Looks whether the turn has come.
    fn poll<F: Future>(waiting: std::pin::Pin<&mut F>) -> Poll<F::Output> {
        waiting.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn who_waits_longest_comes_first() {
        let gate = Arc::new(Gate::new(1));
        let Poll::Ready(first) = poll(pin!(gate.enter(50))) else { panic!("there is room") };
        let (mut young, mut old, mut as_old) =
            (pin!(gate.enter(60)), pin!(gate.enter(10)), pin!(gate.enter(10)));
        assert!(poll(young.as_mut()).is_pending() && poll(old.as_mut()).is_pending());
        assert!(poll(as_old.as_mut()).is_pending());
        drop(first);
        assert!(poll(young.as_mut()).is_pending() && poll(as_old.as_mut()).is_pending());
        let Poll::Ready(place) = poll(old.as_mut()) else { panic!("it is its turn") };
        drop(place);
        assert!(poll(young.as_mut()).is_pending());
        let Poll::Ready(place) = poll(as_old.as_mut()) else { panic!("it is its turn") };
        drop(place);
        assert!(poll(young.as_mut()).is_ready());
    }

    #[test]
    fn who_goes_away_holds_up_nobody() {
        let gate = Arc::new(Gate::new(1));
        let Poll::Ready(first) = poll(pin!(gate.enter(0))) else { panic!("there is room") };
        let mut last = pin!(gate.enter(3));
        {
            let (mut given, mut never) = (pin!(gate.enter(1)), pin!(gate.enter(2)));
            assert!(poll(given.as_mut()).is_pending() && poll(never.as_mut()).is_pending());
            assert!(poll(last.as_mut()).is_pending());
            // One goes away with the place that it does not know of yet, the other without.
            drop(first);
        }
        let Poll::Ready(place) = poll(last.as_mut()) else { panic!("all others are gone") };
        drop(place);
        assert_eq!(gate.state.lock().free, 1);
    }
}
