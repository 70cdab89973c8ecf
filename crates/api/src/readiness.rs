use std::sync::{Mutex, PoisonError};

/// Where the server is in its life, as `/-/ready` tells load balancers and people.
#[derive(Debug)]
pub struct Readiness {
    phase: Mutex<Phase>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    Starting(String),
    Ready,
    Stopping,
}

impl Readiness {
    /// Not ready yet; `why` is shown.
    pub fn starting(why: impl Into<String>) -> Self {
        Self { phase: Mutex::new(Phase::Starting(why.into())) }
    }

    /// Not ready yet, for another reason than before.
    pub fn set_starting(&self, why: impl Into<String>) {
        self.set(Phase::Starting(why.into()));
    }

    /// Everything runs.
    pub fn set_ready(&self) {
        self.set(Phase::Ready);
    }

    /// The server finishes what it has begun and takes nothing new.
    pub fn set_stopping(&self) {
        self.set(Phase::Stopping);
    }

    /// Why the server is not ready, or `Ok` if it is.
    pub fn check(&self) -> Result<(), String> {
        match &*self.phase.lock().unwrap_or_else(PoisonError::into_inner) {
            Phase::Ready => Ok(()),
            Phase::Starting(why) => Err(format!("starting: {why}")),
            Phase::Stopping => Err("stopping".to_owned()),
        }
    }

    fn set(&self, phase: Phase) {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner) = phase;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_why() {
        let readiness = Readiness::starting("replaying the log");
        assert_eq!(readiness.check(), Err("starting: replaying the log".to_owned()));
        readiness.set_ready();
        assert_eq!(readiness.check(), Ok(()));
        readiness.set_stopping();
        assert!(readiness.check().is_err());
    }
}
