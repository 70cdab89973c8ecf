use std::fmt;

use tokio::task::spawn_blocking;

use crate::config::TlsConfig;
use crate::connect::{Stream, handshake};
use crate::dial::dial;
use crate::error::{ConnectError, TlsConfigError};
use crate::tls::TlsSettings;

/// Opens connections to servers of the configuration that do not speak HTTP, such as mail servers, with the TLS settings of a section.
#[derive(Clone)]
pub struct Dialer {
    tls: TlsSettings,
}

/// Shows nothing of the settings, which hold secrets.
impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialer").finish_non_exhaustive()
    }
}

impl Dialer {
    /// A dialer for this section of a configuration. Certificates and keys are read now, which blocks, and again for each connection.
    pub fn new(config: &TlsConfig) -> Result<Self, TlsConfigError> {
        let tls = TlsSettings::from_config(config);
        tls.build_for(&[])?;
        Ok(Self { tls })
    }

    /// Connects to `host`, a name or an address without brackets.
    pub async fn connect(&self, host: &str, port: u16) -> Result<Stream, ConnectError> {
        Ok(Stream::plain(dial(host, port, None).await?))
    }

    /// Goes on over TLS on a connection to `host`, whose name the certificate has to have unless the settings say otherwise.
    pub async fn secure(&self, stream: Stream, host: &str) -> Result<Stream, ConnectError> {
        let tls = self.tls.clone();
        // Files may lie on a network that hangs.
        let client = spawn_blocking(move || tls.build_for(&[])).await;
        let client = client.expect("BUG: reading certificates does not panic")?;
        handshake(&client, host, stream).await
    }
}
