use std::sync::{Arc, OnceLock};

use rustls::RootCertStore;

/// The certificate authorities of the operating system, loaded when they are needed for the first time.
pub(crate) fn system_roots() -> Arc<RootCertStore> {
    static ROOTS: OnceLock<Arc<RootCertStore>> = OnceLock::new();
    Arc::clone(ROOTS.get_or_init(|| Arc::new(load())))
}

fn load() -> RootCertStore {
    let loaded = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (added, ignored) = roots.add_parsable_certificates(loaded.certs);
    tracing::debug!(added, ignored, errors = loaded.errors.len(), "system certificate authorities loaded");
    if roots.is_empty() {
        let reasons: Vec<String> = loaded.errors.iter().map(ToString::to_string).collect();
        tracing::warn!(
            reasons = reasons.join("; "),
            "no system certificate authorities found; https needs tls_config.ca_file"
        );
    }
    roots
}
