//! `Tls`: the certificate and the key of the server.

use std::sync::Arc;
use tokio_rustls::rustls;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What clients agree to speak.
const PROTOCOL: &[u8] = b"h2";

/// TLS 1.3 and 1.2, with a certificate and its key.
#[derive(Debug, Clone)]
pub struct Tls(pub(super) Arc<ServerConfig>);

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// No certificate, or one that cannot be read.
    #[error("it has no certificate in the form of PEM, beginning with that of the server: {0}")]
    Certificate(String),
    /// No key, or one that cannot be read.
    #[error(
        "it has no private key in the form of PEM (PKCS#8, PKCS#1 or SEC1), or an encrypted one: {0}"
    )]
    Key(String),
    /// The key is not that of the certificate, or of a kind that is not known.
    #[error("certificate and key cannot be used: {0}")]
    Pair(String),
}

impl Tls {
    /// With a certificate, those after it that lead to one that clients trust, and the private key, all in the form of
    /// PEM.
    ///
    /// # Errors
    ///
    /// [`TlsError`].
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificates).collect();
        let chain = chain.map_err(|error| TlsError::Certificate(error.to_string()))?;
        if chain.is_empty() {
            return Err(TlsError::Certificate("it has none".to_owned()));
        }
        let key =
            PrivateKeyDer::from_pem_slice(key).map_err(|error| TlsError::Key(error.to_string()))?;
        let pair = |error: rustls::Error| TlsError::Pair(error.to_string());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(pair)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(pair)?;
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        Ok(Self(Arc::new(config)))
    }
}
