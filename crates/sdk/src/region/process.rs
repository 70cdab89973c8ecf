//! Who a process is: a number alone says little, because it is given to others later.

use std::fs;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::time::{ClockId, clock_gettime};

/// Which start of the machine this is. Zeros where the system does not tell.
pub(crate) fn boot() -> [u64; 2] {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    let half = |range| digits.get(range).and_then(|half| u64::from_str_radix(half, 16).ok()).unwrap_or(0);
    [half(0..16), half(16..32)]
}

/// When this process began, in ticks since the start of the machine. 0 where the system does not tell. Allocates nothing, so that a child of a fork may ask.
pub(crate) fn own_start() -> u64 {
    let mut buffer = [0; 1024];
    let mut read = || {
        let file = openat(CWD, c"/proc/self/stat", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        rustix::io::read(&file, &mut buffer[..])
    };
    let n = read().unwrap_or(0);
    start(&buffer[..n]).unwrap_or(0)
}

/// Whether the process that began then is still there.
pub(crate) fn lives(pid: u32, began: u64) -> bool {
    start_of(pid) == Some(began)
}

/// When a process began that is still there.
pub(crate) fn start_of(pid: u32) -> Option<u64> {
    start(&fs::read(format!("/proc/{pid}/stat")).ok()?)
}

/// When a process began, out of its `/proc/PID/stat`. `None` if it ended and only waits for its parent to notice.
fn start(stat: &[u8]) -> Option<u64> {
    // The name of the program, in parentheses, may be anything.
    let behind_name = stat.iter().rposition(|byte| *byte == b')')?;
    let mut fields = stat.get(behind_name + 2..)?.split(|byte| *byte == b' ');
    let state = fields.next()?;
    let start = std::str::from_utf8(fields.nth(18)?).ok()?.parse().ok()?;
    (!matches!(state, b"Z" | b"X")).then_some(start)
}

/// Nanoseconds since the machine started, the same for all processes.
pub(crate) fn uptime_ns() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);

    (time.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_its_start() {
        let began = own_start();
        assert!(began > 0);
        assert!(lives(std::process::id(), began) && !lives(std::process::id(), began + 1));
        assert_ne!(boot(), [0, 0]);
        assert!(uptime_ns() > 0);
    }

    #[test]
    fn names_and_states_of_processes_are_anything() {
        let stat = b"7 (a) Z 1 (b) S 1 7 7 0 -1 4194304 111 0 0 0 0 0 0 0 20 0 1 0 31337 2 3";
        assert_eq!(start(stat), Some(31_337));
        let zombie = b"7 (b) Z 1 7 7 0 -1 4194304 111 0 0 0 0 0 0 0 20 0 1 0 31337 2 3";
        assert_eq!(start(zombie), None, "it counts nothing any more");
        assert_eq!(start(b"7 (b"), None);
        assert_eq!(start(b""), None);
    }
}
