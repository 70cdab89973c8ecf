//! The file of `--web.config.file` in force: read at the start, with each reload, and when it or a file that it names has changed.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bellwether::config::{PemSource, WebConfig, WebTls};
use bellwether_api::{ClientAuth, Protection, ProtectionInForce, ProtectionSettings, RateLimit, TlsSettings};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// How often the files are looked at: new certificates and users count without a reload, as in Prometheus.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// How the HTTP surface is protected, and where that is written.
#[derive(Debug, Default)]
pub(crate) struct Web {
    file: Option<PathBuf>,
    in_force: Arc<ProtectionInForce>,
    /// What the files were like when they were read last, whether they were right or not.
    looked_at: Mutex<u64>,
}

impl Web {
    /// Reads the file, if one is named. The error has a line per problem.
    pub(crate) fn load(file: Option<PathBuf>) -> Result<Self, String> {
        let Some(path) = &file else { return Ok(Self::default()) };
        let files = WebFiles::read(path);
        let in_force = Arc::new(ProtectionInForce::new(files.protection()?));
        Ok(Self { in_force, looked_at: Mutex::new(files.mark), file })
    }

    /// The file, for the list of flags.
    pub(crate) fn file(&self) -> String {
        self.file.as_ref().map(|file| file.display().to_string()).unwrap_or_default()
    }

    /// What new connections and requests meet.
    pub(crate) fn in_force(&self) -> &Arc<ProtectionInForce> {
        &self.in_force
    }

    /// `https` or `http`, which does not change while the server runs.
    pub(crate) fn scheme(&self) -> &'static str {
        if self.in_force.get().is_tls() { "https" } else { "http" }
    }

    /// Reads the file again for [`set`](Self::set). Nothing if there is no file.
    pub(crate) fn read(&self) -> Result<Option<WebRead>, String> {
        let Some(file) = &self.file else { return Ok(None) };
        let files = WebFiles::read(file);
        Ok(Some(WebRead { protection: self.checked(&files)?, mark: files.mark }))
    }

    /// Puts in force what [`read`](Self::read) has found.
    pub(crate) fn set(&self, read: Option<WebRead>) {
        if let Some(WebRead { protection, mark }) = read {
            *self.looked_at() = mark;
            self.in_force.set(protection);
        }
    }

    /// Takes over files that have changed, until `stop`.
    pub(crate) async fn watch(self: Arc<Self>, stop: CancellationToken) {
        if self.file.is_none() {
            return;
        }
        let mut look = interval(LOOK_INTERVAL);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = look.tick() => {}
            }
            let web = Arc::clone(&self);
            let looked = tokio::task::spawn_blocking(move || web.look()).await;
            if let Err(error) = looked {
                tracing::error!(%error, "looking at the web configuration ended by a bug; it will be tried again");
            }
        }
    }

    fn look(&self) {
        let Some(file) = &self.file else { return };
        let files = WebFiles::read(file);
        if std::mem::replace(&mut *self.looked_at(), files.mark) == files.mark {
            return;
        }
        match self.checked(&files) {
            Ok(protection) => {
                self.in_force.set(protection);
                tracing::info!(file = %file.display(), "the web configuration has changed and is in force");
            }
            Err(problems) => {
                tracing::error!(%problems, "the web configuration has changed and is wrong, the old one stays in force");
            }
        }
    }

    fn looked_at(&self) -> MutexGuard<'_, u64> {
        self.looked_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The protection that the files describe, if the server can change to it while it runs.
    fn checked(&self, files: &WebFiles) -> Result<Protection, String> {
        let protection = files.protection()?;
        if protection.is_tls() != self.in_force.get().is_tls() {
            return Err(format!(
                "{}: tls_server_config cannot come or go while the server runs; start it again",
                self.file()
            ));
        }
        Ok(protection)
    }
}

/// What a reload has found.
pub(crate) struct WebRead {
    protection: Protection,
    mark: u64,
}

/// The file and those that it names, as they are on the disk.
struct WebFiles {
    name: String,
    config: Result<WebConfig, String>,
    /// The contents of certificates and keys, or why they cannot be read.
    texts: BTreeMap<PathBuf, Result<Vec<u8>, String>>,
    /// Another one if anything has changed.
    mark: u64,
}

impl WebFiles {
    fn read(file: &Path) -> Self {
        let name = file.display().to_string();
        let bytes = std::fs::read(file).map_err(|error| format!("{name}: {error}"));
        let mut mark = DefaultHasher::new();
        bytes.hash(&mut mark);
        let config = bytes.and_then(|bytes| WebConfig::parse(&name, &bytes).map_err(|e| e.to_string()));
        let named = config.iter().flat_map(WebConfig::named_files);
        let texts: BTreeMap<PathBuf, _> = named
            .map(|(_, path)| (path.to_owned(), std::fs::read(path).map_err(|e| e.to_string())))
            .collect();
        texts.hash(&mut mark);
        Self { name, config, texts, mark: mark.finish() }
    }

    fn protection(&self) -> Result<Protection, String> {
        let config = self.config.as_ref().map_err(Clone::clone)?;
        self.protection_of(config).map_err(|problem| format!("{}: {problem}", self.name))
    }

    fn protection_of(&self, config: &WebConfig) -> Result<Protection, String> {
        let settings = ProtectionSettings {
            tls: config.tls.as_ref().map(|tls| self.tls(tls)).transpose()?,
            headers: config.headers.clone(),
            users: config.users.iter().map(|(name, hash)| (name.clone(), hash.reveal().to_owned())).collect(),
            rate_limit: config.rate_limit.filter(|limit| limit.interval_ms > 0).map(|limit| RateLimit {
                interval: Duration::from_millis(limit.interval_ms.unsigned_abs()),
                burst: limit.burst,
            }),
        };
        Protection::new(&settings).map_err(|error| error.to_string())
    }

    fn tls(&self, tls: &WebTls) -> Result<TlsSettings, String> {
        Ok(TlsSettings {
            cert: self.pem("cert_file", &tls.cert)?,
            key: self.pem("key_file", &tls.key)?,
            client_auth: match tls.client_auth_type.as_str() {
                "RequestClientCert" => ClientAuth::Request,
                "RequireAnyClientCert" => ClientAuth::RequireAny,
                "VerifyClientCertIfGiven" => ClientAuth::VerifyIfGiven,
                "RequireAndVerifyClientCert" => ClientAuth::RequireAndVerify,
                _ => ClientAuth::Nothing,
            },
            client_ca: self.pem("client_ca_file", &tls.client_ca)?,
            client_allowed_sans: tls.client_allowed_sans.clone(),
            min_version: tls.min_version.clone(),
            max_version: tls.max_version.clone(),
            cipher_suites: tls.cipher_suites.clone(),
            curve_preferences: tls.curve_preferences.clone(),
        })
    }

    fn pem(&self, field: &str, source: &PemSource) -> Result<Vec<u8>, String> {
        match self.texts.get(&source.file) {
            Some(Ok(text)) => Ok(text.clone()),
            Some(Err(error)) => Err(format!("{field} {} cannot be read: {error}", source.file.display())),
            None => Ok(source.inline.reveal().as_bytes().to_vec()),
        }
    }
}

/// Why a server would not start with a file that [`WebConfig::parse`] takes: what is wrong with its certificates, keys and hashes.
pub(crate) fn unusable(file: &Path) -> Option<String> {
    let files = WebFiles::read(file);
    files.config.as_ref().map_or(None, |config| files.protection_of(config).err())
}
