//! TLS: a login in the clear password form, and what must not slip in before the handshake.

use std::sync::Arc;

use rutile_server_wire::{Capabilities, Error, Identity, ServerTls};
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::client::{Client, MODERN, PASSWORD, Server, response, scramble_of, sha2_response};

const SECURE: u32 = MODERN | Capabilities::SSL.0;

/// A server that offers TLS, and clients that trust its certificate.
fn server() -> (Server, TlsConnector) {
    let identity = Identity::self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let tls = ServerTls::new(&identity).expect("usable");
    let server = Server::with(|config| config.tls = Some(tls));
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_slice(identity.certificates.as_bytes()).expect("PEM");
    roots.add(certificate).expect("a trust anchor");
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    (server, TlsConnector::from(Arc::new(config)))
}

fn ssl_request() -> Vec<u8> {
    let mut out = SECURE.to_le_bytes().to_vec();
    out.extend_from_slice(&(1u32 << 24).to_le_bytes());
    out.push(45);
    out.resize(32, 0);
    out
}

async fn encrypted(mut client: Client, connector: &TlsConnector) -> Client {
    client.send(&ssl_request()).await;
    let name = ServerName::try_from("localhost").expect("a name");
    let stream = connector.connect(name, client.stream).await.expect("handshake");
    Client { stream: Box::new(stream), ..client }
}

#[tokio::test]
async fn the_full_path_takes_the_password_as_it_is() {
    let (server, connector) = server();
    for (password, verdict) in [(PASSWORD, 0), (b"guess", 0xff)] {
        let (mut client, _served) = server.connect();
        let scramble = scramble_of(&client.receive().await);
        let mut client = encrypted(client, &connector).await;
        let auth = sha2_response(password, &scramble);
        client.send(&response(SECURE, "sha", &auth, "caching_sha2_password", None)).await;
        assert_eq!(client.receive().await, [1, 4], "no key is asked for");
        client.send(&[password, &[0]].concat()).await;
        assert_eq!(client.receive().await.first(), Some(&verdict));
    }
}

#[tokio::test]
async fn the_login_tells_what_protects_it() {
    let (server, connector) = server();
    let (mut client, _served) = server.connect();
    client.receive().await;
    let mut client = encrypted(client, &connector).await;
    client.send(&response(SECURE, "root", b"", "caching_sha2_password", None)).await;
    assert_eq!(client.receive().await.first(), Some(&0), "login");
    client.query("tls").await;
    let row = client.receive_many(3).await.pop().expect("count, column, row");
    assert_eq!(row.get(1..), Some(&b"TLSv1.3 TLS_AES_256_GCM_SHA384"[..]));
}

#[tokio::test]
async fn a_client_that_does_not_ask_stays_in_the_clear() {
    let (server, _connector) = server();
    let (mut client, _served) = server.session(SECURE & !Capabilities::SSL.0).await;
    client.query("tls").await;
    let row = client.receive_many(3).await.pop().expect("count, column, row");
    assert_eq!(row, [0], "no session to tell of");
}

#[tokio::test]
async fn bytes_behind_the_request_never_become_commands() {
    let (server, _connector) = server();
    let (mut client, served) = server.connect();
    client.receive().await;
    let smuggled = response(SECURE, "root", b"", "caching_sha2_password", None);
    let request = ssl_request();
    let mut both = vec![request.len() as u8, 0, 0, 1];
    both.extend_from_slice(&request);
    both.extend_from_slice(&[smuggled.len() as u8, 0, 0, 2]);
    both.extend_from_slice(&smuggled);
    client.stream.write_all(&both).await.expect("server reads");
    let ended = served.await.expect("no panic").expect_err("no handshake");
    assert!(matches!(ended, Error::Io(_)), "{ended}");
}

#[tokio::test]
async fn an_aborted_handshake_ends_its_connection_only() {
    let (server, connector) = server();
    let (mut client, served) = server.connect();
    client.receive().await;
    client.send(&ssl_request()).await;
    client.stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.expect("server reads");
    assert!(served.await.expect("no panic").is_err());
    let (mut client, _served) = server.connect();
    client.receive().await;
    let mut client = encrypted(client, &connector).await;
    client.send(&response(SECURE, "root", b"", "caching_sha2_password", None)).await;
    assert_eq!(client.receive().await.first(), Some(&0), "login");
}
