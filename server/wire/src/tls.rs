//! TLS: the server's certificate, and the handshake that turns a plain stream into an encrypted one.
//!
//! rustls with TLS 1.2 and 1.3. The client asks with an SSLRequest before it says who it is, so that name and
//! password travel encrypted. Deliberately missing: client certificates (REQUIRE X509) and session tickets
//! across restarts.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{CipherSuite, ProtocolVersion, ServerConfig, ServerConnection};

use crate::error::{Error, Result};
use crate::transport::Transport;

/// What was agreed with one client, in the names `SHOW STATUS LIKE 'Ssl%'` uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsSession {
    /// `TLSv1.3`
    pub version: String,
    /// OpenSSL's name of the cipher suite.
    pub cipher: String,
}

/// A certificate and its key as PEM text.
#[derive(Clone)]
pub struct Identity {
    /// The server's certificate first, then those that lead to its authority.
    pub certificates: String,
    pub key: String,
}

impl Identity {
    /// A certificate that vouches for itself: it keeps listeners out, but does not tell a client who it talks to.
    ///
    /// It never ends, because nobody can renew what nobody issued.
    pub fn self_signed(names: Vec<String>) -> Result<Self> {
        let failed = |_| Error::Internal("the certificate could not be made");
        let key = KeyPair::generate().map_err(failed)?;
        let mut parameters = CertificateParams::new(names).map_err(failed)?;
        parameters.distinguished_name = DistinguishedName::new();
        parameters.distinguished_name.push(DnType::CommonName, "Rutile self-signed certificate");
        let certificate = parameters.self_signed(&key).map_err(failed)?;
        Ok(Self { certificates: certificate.pem(), key: key.serialize_pem() })
    }
}

/// What the server needs for any number of handshakes. Cheap to clone.
#[derive(Clone)]
pub struct ServerTls {
    acceptor: TlsAcceptor,
}

impl ServerTls {
    /// An error says what is wrong with the texts, without showing the key.
    pub fn new(identity: &Identity) -> Result<Self> {
        let chain = CertificateDer::pem_slice_iter(identity.certificates.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| Error::Certificate("the certificate is not PEM".to_owned()))?;
        if chain.is_empty() {
            return Err(Error::Certificate("there is no certificate in it".to_owned()));
        }
        let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes())
            .map_err(|_| Error::Certificate("the key is not PEM".to_owned()))?;
        let refused = |error: tokio_rustls::rustls::Error| Error::Certificate(error.to_string());
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(refused)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(refused)?;
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)) })
    }

    /// The handshake; `received` is what was read from `plain` already.
    pub(crate) async fn accept(
        &self,
        plain: Box<dyn Transport>,
        received: Bytes,
    ) -> io::Result<(Box<dyn Transport>, TlsSession)> {
        let stream = self.acceptor.accept(Resumed { received, plain }).await?;
        let session = agreed(stream.get_ref().1);
        Ok((Box::new(stream), session))
    }
}

/// A stream of which the first bytes have been read.
struct Resumed {
    received: Bytes,
    plain: Box<dyn Transport>,
}

impl AsyncRead for Resumed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.received.is_empty() {
            return Pin::new(&mut self.plain).poll_read(context, buffer);
        }
        let count = self.received.len().min(buffer.remaining());
        buffer.put_slice(&self.received.split_to(count));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Resumed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.plain).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.plain).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.plain).poll_shutdown(context)
    }
}

fn agreed(connection: &ServerConnection) -> TlsSession {
    let version = match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
        _ => "TLSv1.3",
    };
    let suite = connection.negotiated_cipher_suite().map(|suite| suite.suite());
    TlsSession { version: version.to_owned(), cipher: suite.map_or_else(String::new, cipher_name) }
}

/// `TLS13_AES_256_GCM_SHA384` is `TLS_AES_256_GCM_SHA384` to OpenSSL, and
/// `TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384` is `ECDHE-RSA-AES256-GCM-SHA384`.
fn cipher_name(suite: CipherSuite) -> String {
    let name = format!("{suite:?}");
    match name.strip_prefix("TLS13_") {
        Some(rest) => format!("TLS_{rest}"),
        None => {
            let name = name.trim_start_matches("TLS_").replace("_WITH_", "_").replace("AES_", "AES");
            name.trim_end_matches("_POLY1305_SHA256").replace('_', "-")
                + if name.ends_with("_POLY1305_SHA256") { "-POLY1305" } else { "" }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_have_the_names_of_openssl() {
        let cases = [
            (CipherSuite::TLS13_AES_256_GCM_SHA384, "TLS_AES_256_GCM_SHA384"),
            (CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, "ECDHE-RSA-AES256-GCM-SHA384"),
            (CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, "ECDHE-ECDSA-AES128-GCM-SHA256"),
            (CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, "ECDHE-RSA-CHACHA20-POLY1305"),
        ];
        for (suite, name) in cases {
            assert_eq!(cipher_name(suite), name);
        }
    }

    #[test]
    fn a_certificate_without_its_key_is_refused() {
        let one = Identity::self_signed(vec!["localhost".to_owned()]).expect("made");
        let other = Identity::self_signed(vec!["localhost".to_owned()]).expect("made");
        ServerTls::new(&one).expect("they belong together");
        let mixed = Identity { key: other.key, ..one.clone() };
        assert!(ServerTls::new(&mixed).is_err(), "the key is another's");
        let empty = Identity { certificates: String::new(), ..one };
        assert!(ServerTls::new(&empty).is_err(), "nothing to show");
    }
}
