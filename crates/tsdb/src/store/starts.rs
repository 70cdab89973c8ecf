//! Starts that did not go well: a store whose process dies again and again soon after its start is opened more carefully. Described in
//! `docs/formats/run.md`.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bellwether_disk::{Fs, read_file, write_all_at};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::checked_lines::{checked_json, encode_line};

/// The folder of what concerns only the process that runs.
pub(super) const RUN_DIR: &str = "run";
const STARTS_FILE: &str = "starts";
/// The file has some dozen bytes for each start; a larger one is not ours.
const MAX_FILE_BYTES: u64 = 64 << 10;
/// A start that did not go well counts for this long.
const WINDOW_MS: i64 = 10 * 60 * 1000;
/// From this one of the starts that count, the store is opened carefully.
const CAREFUL_FROM: usize = 3;
/// A start went well when the process served for this long.
const HEALTHY_AFTER: Duration = Duration::from_mins(1);
/// The safe mode ends when the process served for this long.
const SAFE_UNTIL: Duration = Duration::from_mins(10);

/// How the last starts of a store went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct StartStatus {
    /// Starts within ten minutes before this one after which the process died before it had served for a minute.
    pub failed: usize,
    /// Whether the store and its server hold back because of them.
    pub is_safe_mode: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    started_ms: i64,
}

/// Counts the starts of a store, in a file of its folder.
#[derive(Debug)]
pub(super) struct Starts {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Earlier starts that count, oldest first.
    failed: Vec<i64>,
    /// This one, unless it went well.
    this: Option<i64>,
    /// When the process began to serve, on the clock that never goes back.
    ready_at: Option<Duration>,
    is_safe_mode: bool,
}

impl Starts {
    /// Notes a start at `now_ms`, on the wall clock: there is no other that two processes share. Whoever calls this holds the lock of the folder.
    ///
    /// Nothing is synced, because what dies here is the process and not the machine; and nothing about this file keeps a store from being opened.
    pub(super) fn note(fs: &dyn Fs, dir: &Path, now_ms: i64) -> Self {
        let run_dir = dir.join(RUN_DIR);
        let path = run_dir.join(STARTS_FILE);
        let mut failed = match read_file(fs, &path, MAX_FILE_BYTES) {
            Ok(bytes) => read_starts(&bytes),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "cannot tell how the last starts went");
                Vec::new()
            }
        };
        // A start in the future is one before the clock was set back.
        failed.retain(|started_ms| (0..WINDOW_MS).contains(&now_ms.saturating_sub(*started_ms)));
        let is_safe_mode = failed.len() + 1 >= CAREFUL_FROM;
        if is_safe_mode {
            tracing::warn!(
                failed_starts = failed.len(),
                "the last starts ended within a minute of serving; this one is in safe mode: one query at a time, and the log is moved into parts while it is read. \
                 It ends after ten minutes of serving"
            );
        }
        let starts = Self {
            path,
            state: Mutex::new(State { failed, this: Some(now_ms), ready_at: None, is_safe_mode }),
        };
        if let Err(error) = fs.create_dir_all(&run_dir).and_then(|()| starts.write(fs, &starts.state.lock()))
        {
            tracing::warn!(path = %starts.path.display(), %error, "this start cannot be noted");
        }
        starts
    }

    /// A store whose starts nobody counts.
    pub(super) fn uncounted(dir: &Path) -> Self {
        let state = State { failed: Vec::new(), this: None, ready_at: None, is_safe_mode: false };
        Self { path: dir.join(RUN_DIR).join(STARTS_FILE), state: Mutex::new(state) }
    }

    pub(super) fn status(&self) -> StartStatus {
        let state = self.state.lock();
        StartStatus { failed: state.failed.len(), is_safe_mode: state.is_safe_mode }
    }

    /// The process serves from `now` on, a time of the clock that never goes back.
    pub(super) fn ready(&self, now: Duration) {
        self.state.lock().ready_at.get_or_insert(now);
    }

    /// Looks whether the process has served for long enough.
    pub(super) fn check(&self, fs: &dyn Fs, now: Duration) {
        let mut state = self.state.lock();
        let Some(served) = state.ready_at.map(|ready_at| now.saturating_sub(ready_at)) else { return };
        if served >= HEALTHY_AFTER && state.this.take().is_some() {
            self.write_or_warn(fs, &state);
        }
        if served >= SAFE_UNTIL && state.is_safe_mode {
            state.is_safe_mode = false;
            state.failed.clear();
            tracing::info!("ten minutes without a crash: safe mode ends");
            self.write_or_warn(fs, &state);
        }
    }

    /// The process stops as it should: no start counts any more.
    pub(super) fn forget(&self, fs: &dyn Fs) {
        let mut state = self.state.lock();
        let is_noted = !state.failed.is_empty() || state.this.is_some();
        state.failed.clear();
        state.this = None;
        if is_noted {
            self.write_or_warn(fs, &state);
        }
    }

    fn write_or_warn(&self, fs: &dyn Fs, state: &State) {
        if let Err(error) = self.write(fs, state) {
            tracing::warn!(path = %self.path.display(), %error, "how this start went cannot be noted");
        }
    }

    fn write(&self, fs: &dyn Fs, state: &State) -> io::Result<()> {
        let started = state.failed.iter().chain(&state.this);
        let lines: Vec<u8> =
            started.flat_map(|started_ms| encode_line(&Line { started_ms: *started_ms })).collect();
        let file = match fs.open_write(&self.path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => fs.create(&self.path)?,
            opened => opened?,
        };
        write_all_at(file.as_ref(), &lines, 0)?;
        file.set_len(lines.len() as u64)
    }
}

/// Lets no start of the store in `dir` count any more, because its process is stopped as it should before the store is open.
pub fn forget_starts(fs: &dyn Fs, dir: &Path) -> io::Result<()> {
    match fs.remove_file(&dir.join(RUN_DIR).join(STARTS_FILE)) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// The starts in a file. What is torn or damaged does not count.
fn read_starts(bytes: &[u8]) -> Vec<i64> {
    let lines = bytes.split_inclusive(|b| *b == b'\n').filter_map(checked_json);
    lines.filter_map(|json| Some(serde_json::from_slice::<Line>(json).ok()?.started_ms)).collect()
}

#[cfg(test)]
mod tests {
    use bellwether_disk::SimFs;

    use super::*;

    const DIR: &str = "d";
    const MINUTE: i64 = 60_000;

    fn start(fs: &SimFs, now_ms: i64) -> Starts {
        Starts::note(fs, Path::new(DIR), now_ms)
    }

    fn status(failed: usize, is_safe_mode: bool) -> StartStatus {
        StartStatus { failed, is_safe_mode }
    }

    #[test]
    fn the_third_start_in_ten_minutes_is_careful() {
        let fs = SimFs::new();
        assert_eq!(start(&fs, 0).status(), status(0, false));
        assert_eq!(start(&fs, MINUTE).status(), status(1, false));
        assert_eq!(start(&fs, 2 * MINUTE).status(), status(2, true));
        // After a while the first ones do not count any more.
        assert_eq!(start(&fs, 11 * MINUTE + MINUTE / 2).status(), status(1, false));
        // Nor do those that are in the future because the clock was set back.
        assert_eq!(start(&fs, -MINUTE).status(), status(0, false));
    }

    #[test]
    fn a_minute_of_serving_is_a_good_start() {
        let fs = SimFs::new();
        for minute in 0..5 {
            let starts = start(&fs, minute * MINUTE);
            assert_eq!(starts.status(), status(0, false), "minute {minute}");
            starts.check(&fs, Duration::from_hours(1));
            starts.ready(Duration::from_secs(10));
            starts.ready(Duration::from_secs(1000));
            starts.check(&fs, Duration::from_secs(69));
            assert_eq!(start(&fs.clone(), minute * MINUTE).status().failed, 1, "not long enough yet");
            starts.check(&fs, Duration::from_secs(70));
        }
    }

    #[test]
    fn safe_mode_ends_after_ten_minutes_or_with_a_proper_stop() {
        let fs = SimFs::new();
        start(&fs, 0);
        start(&fs, 1);
        let starts = start(&fs, 2);
        starts.ready(Duration::ZERO);
        starts.check(&fs, Duration::from_secs(599));
        assert_eq!(starts.status(), status(2, true));
        assert_eq!(start(&fs, 3).status(), status(2, true), "a crash in safe mode leads to it again");
        starts.check(&fs, Duration::from_mins(10));
        assert_eq!(starts.status(), status(0, false));
        assert_eq!(start(&fs, 4).status(), status(0, false));
        start(&fs, 5);
        start(&fs, 6).forget(&fs);
        assert_eq!(start(&fs, 7).status(), status(0, false));
        start(&fs, 8);
        forget_starts(&fs, Path::new(DIR)).expect("no faults");
        forget_starts(&fs, Path::new(DIR)).expect("nothing to do");
        assert_eq!(start(&fs, 9).status(), status(0, false));
    }

    #[test]
    fn a_damaged_file_and_a_full_disk_keep_nobody_from_starting() {
        let fs = SimFs::new();
        start(&fs, 0);
        start(&fs, 1);
        let path = Path::new(DIR).join(RUN_DIR).join(STARTS_FILE);
        fs.tamper(&path, |bytes| bytes[3] ^= 1).expect("there");
        assert_eq!(start(&fs, 2).status(), status(1, false));
        fs.tamper(&path, Vec::clear).expect("there");
        fs.set_capacity(Some(0));
        assert_eq!(start(&fs, 3).status(), status(0, false));
    }
}
