//! What the kernel tells about the process, the machine and the control group.

use std::io;

use bellwether_exposition::OutputFormat;
use bellwether_sdk::host::{Cgroup, Machine, Process};
use bellwether_sdk::{ExpositionHook, RegisterError, Registry};

/// The metrics of the process, the machine and the control group, read anew for each exposition.
#[derive(Debug)]
pub struct Host {
    registry: Registry,
    _hooks: Vec<ExpositionHook>,
}

impl Host {
    /// Looks what the kernel tells. A set that cannot be read is left out, so that nothing is said to be 0 that is not.
    pub fn new() -> Self {
        let registry = Registry::new();
        let hooks = [
            read_each_time(&registry, Process::register, Process::refresh),
            read_each_time(&registry, Machine::register, Machine::refresh),
            // Fails in the root group, which is no container.
            read_each_time(&registry, Cgroup::register, Cgroup::refresh),
        ];
        Self { _hooks: hooks.into_iter().flatten().collect(), registry }
    }

    /// Appends the families and ends the exposition.
    pub(crate) fn finish(&self, out: &mut String, format: OutputFormat) {
        self.registry.encode(out, format);
    }
}

impl Default for Host {
    fn default() -> Self {
        Self::new()
    }
}

fn read_each_time<S: Send + Sync + 'static>(
    registry: &Registry,
    register: fn(&Registry) -> Result<S, RegisterError>,
    refresh: fn(&S) -> io::Result<()>,
) -> Option<ExpositionHook> {
    // What is registered is exposed, so whether it can be read has to be known before.
    refresh(&register(&Registry::new()).ok()?).ok()?;
    let set = register(registry).ok()?;
    Some(registry.before_exposition(move || {
        // What has become unreadable stays as it was.
        let _ = refresh(&set);
    }))
}
