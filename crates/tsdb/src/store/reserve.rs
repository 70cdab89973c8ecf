//! Room on the disk that is taken only to be given up: with it parts and checkpoints can be written on a full disk, which is what frees room again.

use std::path::{Path, PathBuf};

use bellwether_disk::Fs;
use parking_lot::Mutex;

pub(super) const FILE_NAME: &str = "reserve";
/// The reserve is made when less is free than so many times what it and its surroundings need,
const SCARCE: u64 = 4;
/// and removed when there is more than so many times as much: a disk that is nearly empty needs none.
const PLENTY: u64 = 8;

/// The file that takes the room.
#[derive(Debug)]
pub(super) struct Reserve {
    path: PathBuf,
    bytes: u64,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// There is none, because there is no need of it or no room for it.
    Missing,
    Held,
    GivenUp,
}

impl Reserve {
    /// The reserve of the store in `dir`, as it is. `bytes`: how large it should be, 0 for none.
    pub(super) fn find(fs: &dyn Fs, dir: &Path, bytes: u64) -> Self {
        let path = dir.join(FILE_NAME);
        let state = match fs.metadata(&path) {
            Ok(file) if bytes > 0 && file.len == bytes => State::Held,
            Ok(_) => {
                // Another size was chosen, or the process died while it made the file.
                if let Err(error) = fs.remove_file(&path) {
                    tracing::warn!(path = %path.display(), %error, "the reserve cannot be removed");
                }
                State::Missing
            }
            Err(_) => State::Missing,
        };
        Self { path, bytes, state: Mutex::new(state) }
    }

    /// How many bytes it takes now.
    pub(super) fn held_bytes(&self) -> u64 {
        if *self.state.lock() == State::Held { self.bytes } else { 0 }
    }

    /// How many bytes must be free before samples may take any, so that the reserve can be made again.
    pub(super) fn owed_bytes(&self) -> u64 {
        if *self.state.lock() == State::GivenUp { self.bytes } else { 0 }
    }

    /// Frees the room for a task that has none, as `why` says. Returns false if there is nothing to give up.
    pub(super) fn give_up(&self, fs: &dyn Fs, why: &str) -> bool {
        let mut state = self.state.lock();
        if *state != State::Held {
            return false;
        }
        match fs.remove_file(&self.path) {
            Ok(()) => {
                tracing::warn!(bytes = self.bytes, why, "the disk is full: using the reserve");
                *state = State::GivenUp;
                true
            }
            Err(error) => {
                tracing::warn!(path = %self.path.display(), %error, "the reserve cannot be given up");
                false
            }
        }
    }

    /// Makes the reserve when free space becomes scarce and so many bytes stay free beside it, and takes it away when there is plenty.
    pub(super) fn keep(&self, fs: &dyn Fs, min_free_bytes: u64) {
        if self.bytes == 0 {
            return;
        }
        let mut state = self.state.lock();
        let dir = self.path.parent().unwrap_or(Path::new(""));
        let available = fs.space(dir).map_or(0, |space| space.available);
        let needed = min_free_bytes.saturating_add(self.bytes);
        match *state {
            State::Held if available / PLENTY >= needed => match fs.remove_file(&self.path) {
                Ok(()) => *state = State::Missing,
                Err(error) => {
                    tracing::warn!(path = %self.path.display(), %error, "the reserve cannot be removed");
                }
            },
            State::Missing | State::GivenUp if available / PLENTY >= needed => *state = State::Missing,
            State::Missing | State::GivenUp if available >= needed && available / SCARCE < needed => {
                let made = fs.create(&self.path).and_then(|file| file.allocate(self.bytes));
                if let Err(error) = made {
                    // There will be another try. What is there takes little room.
                    tracing::warn!(path = %self.path.display(), %error, "the reserve cannot be made");
                    let _ = fs.remove_file(&self.path);
                    return;
                }
                tracing::info!(bytes = self.bytes, available, "free space is scarce: keeping a reserve");
                *state = State::Held;
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use bellwether_disk::SimFs;

    use super::*;

    fn file_len(fs: &SimFs) -> Option<u64> {
        fs.metadata(Path::new("d/reserve")).ok().map(|m| m.len)
    }

    #[test]
    fn is_made_only_of_room_that_nobody_needs() {
        let fs = SimFs::new();
        let dir = Path::new("d");
        fs.create_dir_all(dir).expect("no faults");
        fs.set_capacity(Some(150));
        let reserve = Reserve::find(&fs, dir, 100);
        reserve.keep(&fs, 51);
        assert_eq!((file_len(&fs), reserve.held_bytes(), reserve.owed_bytes()), (None, 0, 0));
        assert!(!reserve.give_up(&fs, "x"), "there is none");
        reserve.keep(&fs, 50);
        assert_eq!((file_len(&fs), reserve.held_bytes(), reserve.owed_bytes()), (Some(100), 100, 0));
        assert!(reserve.give_up(&fs, "x") && !reserve.give_up(&fs, "x"));
        assert_eq!((file_len(&fs), reserve.held_bytes(), reserve.owed_bytes()), (None, 0, 100));
        reserve.keep(&fs, 50);
        assert_eq!((file_len(&fs), reserve.owed_bytes()), (Some(100), 0));
    }

    #[test]
    fn one_of_another_size_goes() {
        let fs = SimFs::new();
        let dir = Path::new("d");
        fs.create_dir_all(dir).expect("no faults");
        fs.set_capacity(Some(300));
        Reserve::find(&fs, dir, 100).keep(&fs, 0);
        assert_eq!(Reserve::find(&fs, dir, 100).held_bytes(), 100, "found again");
        let smaller = Reserve::find(&fs, dir, 10);
        assert_eq!(file_len(&fs), None);
        fs.set_capacity(Some(30));
        smaller.keep(&fs, 0);
        assert_eq!(file_len(&fs), Some(10));
        Reserve::find(&fs, dir, 0).keep(&fs, 0);
        assert_eq!(file_len(&fs), None, "switched off");
    }

    #[test]
    fn is_there_only_while_room_is_scarce() {
        let fs = SimFs::new();
        let dir = Path::new("d");
        fs.create_dir_all(dir).expect("no faults");
        let reserve = Reserve::find(&fs, dir, 100);
        let is_held_with = |capacity| {
            fs.set_capacity(Some(capacity));
            reserve.keep(&fs, 50);
            reserve.held_bytes() > 0
        };
        assert!(!is_held_with(10_000) && !is_held_with(600) && is_held_with(599));
        assert!(is_held_with(1_299), "it does not come and go");
        assert!(!is_held_with(1_300));
        assert!(is_held_with(200) && reserve.give_up(&fs, "x"));
        assert!(!is_held_with(10_000) && reserve.owed_bytes() == 0, "there is room enough without");
    }
}
