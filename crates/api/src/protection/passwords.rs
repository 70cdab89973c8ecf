//! Basic authentication against bcrypt hashes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use super::ProtectionError;

/// The highest cost of a hash that is compared with. Each step doubles the work, and of 14 it is seconds of one core.
const BCRYPT_COST_MAX: u32 = 14;
/// So many comparisons wait for the one that runs.
const WAITING_MAX: usize = 64;

/// What a password is remembered as: keyed, so that neither memory nor the time of a comparison tells anything of it.
type Fingerprint = [u8; 32];

/// Names with the hashes of their passwords.
///
/// bcrypt is slow on purpose, so a password that was right once is recognised by its fingerprint. Wrong ones are not remembered. One
/// comparison runs at a time, and a bounded number waits: whoever tries passwords takes no more than one core, and nothing from those
/// whose password was right before.
pub(super) struct Passwords {
    hashes: BTreeMap<String, String>,
    key: [u8; 32],
    /// The password that was right for a name the last time.
    right: Mutex<BTreeMap<String, Fingerprint>>,
    turn: Arc<Semaphore>,
    waiting: Semaphore,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    Granted,
    Denied,
    /// Nobody knows yet, because too many others wait.
    Busy,
}

impl Passwords {
    pub(super) fn new(hashes: &BTreeMap<String, String>) -> Result<Self, ProtectionError> {
        for (name, hash) in hashes {
            let parts = hash.parse::<bcrypt::HashParts>();
            let parts =
                parts.map_err(|e| ProtectionError::Password(format!("the hash of {name:?} is none: {e}")))?;
            let cost = parts.get_cost();
            if cost > BCRYPT_COST_MAX {
                return Err(ProtectionError::Password(format!(
                    "the hash of {name:?} has the cost {cost}, and each comparison would take too long; make one \
                     with at most {BCRYPT_COST_MAX}, such as by `htpasswd -nBC 10 {name}`"
                )));
            }
        }
        let mut key = [0; 32];
        let random = rustls::crypto::ring::default_provider().secure_random;
        random
            .fill(&mut key)
            .map_err(|_| ProtectionError::Password("the system gives no random numbers".to_owned()))?;
        Ok(Self {
            hashes: hashes.clone(),
            key,
            right: Mutex::default(),
            turn: Arc::new(Semaphore::new(1)),
            waiting: Semaphore::new(WAITING_MAX),
        })
    }

    /// Checks the header `Authorization`.
    pub(super) async fn check(self: &Arc<Self>, authorization: Option<&HeaderValue>) -> Admission {
        let Some((name, password)) = authorization.and_then(credentials) else { return Admission::Denied };
        let fingerprint = self.fingerprint(&name, &password);
        if self.was_right(&name, &fingerprint) {
            return Admission::Granted;
        }
        let Ok(_place) = self.waiting.try_acquire() else { return Admission::Busy };
        let Ok(turn) = Arc::clone(&self.turn).acquire_owned().await else { return Admission::Denied };
        // Whoever had the turn before may have had the same question.
        if self.was_right(&name, &fingerprint) {
            return Admission::Granted;
        }
        let passwords = Arc::clone(self);
        let compare = move || {
            let is_right = passwords.is_right(&name, &password);
            if is_right {
                passwords.remembered().insert(name, fingerprint);
            }
            // Even if nobody waits for the answer any more, the next one begins only now.
            drop(turn);
            is_right
        };
        match tokio::task::spawn_blocking(compare).await {
            Ok(true) => Admission::Granted,
            _ => Admission::Denied,
        }
    }

    /// Compares with the hash. For a name that nobody has it takes as long, so that the time does not tell which names there are.
    fn is_right(&self, name: &str, password: &[u8]) -> bool {
        let known = self.hashes.get(name);
        let Some(hash) = known.or_else(|| self.hashes.values().next()) else { return false };
        let fits = bcrypt::verify(password, hash).unwrap_or(false);
        fits && known.is_some()
    }

    fn was_right(&self, name: &str, fingerprint: &Fingerprint) -> bool {
        self.remembered().get(name) == Some(fingerprint)
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Fingerprint>> {
        self.right.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fingerprint(&self, name: &str, password: &[u8]) -> Fingerprint {
        let digest = Sha256::new().chain_update(self.key).chain_update(name.len().to_le_bytes());
        digest.chain_update(name).chain_update(password).finalize().into()
    }
}

/// Name and password of `Basic bmFtZTpwYXNzd29yZA==`.
fn credentials(authorization: &HeaderValue) -> Option<(String, Vec<u8>)> {
    let text = authorization.to_str().ok()?;
    let (scheme, encoded) = text.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = STANDARD.decode(encoded.trim()).ok()?;
    let colon = decoded.iter().position(|b| *b == b':')?;
    Some((String::from_utf8(decoded[..colon].to_vec()).ok()?, decoded[colon + 1..].to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passwords() -> Arc<Passwords> {
        let hash = bcrypt::hash("secret", 4).expect("a hash");
        Arc::new(Passwords::new(&BTreeMap::from([("ann".to_owned(), hash)])).expect("valid"))
    }

    fn basic(text: &str) -> HeaderValue {
        HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(text))).expect("ASCII")
    }

    #[tokio::test]
    async fn the_right_password_of_the_right_name_is_needed() {
        let passwords = passwords();
        for (said, want) in [
            ("ann:secret", Admission::Granted),
            ("ann:Secret", Admission::Denied),
            ("ann:", Admission::Denied),
            ("ann:secret:", Admission::Denied),
            // The hash that it is compared with all the same is Ann's.
            ("bob:secret", Admission::Denied),
            (":secret", Admission::Denied),
            ("secret", Admission::Denied),
            ("ann:secret", Admission::Granted),
        ] {
            assert_eq!(passwords.check(Some(&basic(said))).await, want, "{said}");
        }
        assert_eq!(passwords.check(None).await, Admission::Denied);
        for odd in ["Bearer YW5uOnNlY3JldA==", "Basic", "Basic ?", "basic YW5uOnNlY3JldB=="] {
            let odd = HeaderValue::from_static(odd);
            assert_eq!(passwords.check(Some(&odd)).await, Admission::Denied, "{odd:?}");
        }
        assert_eq!(
            passwords.check(Some(&HeaderValue::from_static("bAsIc YW5uOnNlY3JldA=="))).await,
            Admission::Granted
        );
    }

    #[tokio::test]
    async fn those_who_were_right_before_do_not_wait_for_those_who_guess() {
        let passwords = passwords();
        assert_eq!(passwords.check(Some(&basic("ann:secret"))).await, Admission::Granted);
        // Somebody has the turn and never ends.
        let turn = Arc::clone(&passwords.turn).acquire_owned().await.expect("open");
        let guesses = (0..WAITING_MAX).map(|n| {
            let (passwords, guess) = (Arc::clone(&passwords), basic(&format!("ann:{n}")));
            tokio::spawn(async move { passwords.check(Some(&guess)).await })
        });
        let guesses: Vec<_> = guesses.collect();
        while passwords.waiting.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(passwords.check(Some(&basic("ann:secret"))).await, Admission::Granted);
        assert_eq!(passwords.check(Some(&basic("ann:guess"))).await, Admission::Busy);
        drop(turn);
        for guess in guesses {
            assert_eq!(guess.await.expect("no panic"), Admission::Denied);
        }
    }

    #[test]
    fn hashes_that_take_too_long_are_refused() {
        let hash = bcrypt::hash("x", 4).expect("a hash");
        let costly = hash.replacen("$04$", "$15$", 1);
        let refused = |hash: String| {
            let error = Passwords::new(&BTreeMap::from([("ann".to_owned(), hash)])).err().expect("refused");
            error.to_string()
        };
        assert!(refused(costly).starts_with("basic_auth_users: the hash of \"ann\" has the cost 15"));
        assert!(refused("secret".to_owned()).starts_with("basic_auth_users: the hash of \"ann\" is none"));
    }
}
