//! Logins: every plugin and path, and every way to be refused.

use std::collections::HashSet;

use rsa::Oaep;
use rsa::pkcs8::DecodePublicKey;
use rutile_server_wire::auth::RsaKey;
use rutile_server_wire::{Authenticator, Capabilities, Error};
use sha1::Sha1;

use crate::client::{
    Client, MODERN, PASSWORD, Server, error_of, native_response, response, scramble_of, sha2_response,
};

/// A key made once with `openssl genpkey`; only tests use it.
pub const TEST_KEY: &str = include_str!("testdata/test_key.pem");

fn server_with_key() -> Server {
    let mut server = Server::new();
    server.authenticator = Authenticator::with_rsa_key(RsaKey::from_pem(TEST_KEY).expect("test key")).into();
    server
}

/// Walks the full path after the server asked for it, with this password, and returns the server's verdict.
async fn full_path(client: &mut Client, scramble: &[u8], password: &[u8]) -> Vec<u8> {
    assert_eq!(client.receive().await, [1, 4]);
    client.send(&[2]).await;
    let pem = client.receive().await;
    client.send(&sealed(&pem, scramble, password)).await;
    client.receive().await
}

/// The password for the server whose packet brought this key.
pub fn sealed(pem: &[u8], scramble: &[u8], password: &[u8]) -> Vec<u8> {
    let key = rsa::RsaPublicKey::from_public_key_pem(std::str::from_utf8(&pem[1..]).expect("PEM"))
        .expect("public key");
    let mut clear = [password, &[0]].concat();
    for (slot, mask) in clear.iter_mut().zip(scramble.iter().cycle()) {
        *slot ^= mask;
    }
    key.encrypt(&mut rsa::rand_core::OsRng, Oaep::new::<Sha1>(), &clear).expect("fits the key")
}

#[tokio::test]
async fn caching_sha2_goes_the_full_path_once_and_the_fast_path_then() {
    let server = server_with_key();
    let (mut client, _served) = server.connect();
    let scramble = scramble_of(&client.receive().await);
    client
        .send(&response(MODERN, "sha", &sha2_response(PASSWORD, &scramble), "caching_sha2_password", None))
        .await;
    assert_eq!(full_path(&mut client, &scramble, PASSWORD).await[0], 0);

    let (mut client, _served) = server.connect();
    let scramble = scramble_of(&client.receive().await);
    client
        .send(&response(MODERN, "sha", &sha2_response(PASSWORD, &scramble), "caching_sha2_password", None))
        .await;
    assert_eq!(client.receive().await, [1, 3]);
    assert_eq!(client.receive().await[0], 0);
}

#[tokio::test]
async fn wrong_password_and_unknown_user_are_refused_alike() {
    let server = server_with_key();
    let mut verdicts = Vec::new();
    for user in ["sha", "nobody"] {
        let (mut client, served) = server.connect();
        let scramble = scramble_of(&client.receive().await);
        client
            .send(&response(MODERN, user, &sha2_response(b"guess", &scramble), "caching_sha2_password", None))
            .await;
        let (code, text) = error_of(&full_path(&mut client, &scramble, b"guess").await);
        verdicts.push((code, text.replace(user, "USER")));
        assert!(client.receive().await.is_empty(), "closed");
        assert!(matches!(served.await.expect("no panic"), Err(Error::Fatal(packet)) if packet.code == 1045));
    }
    let expected = (1045, "Access denied for user 'USER'@'127.0.0.1' (using password: YES)".to_owned());
    assert_eq!(verdicts, [expected.clone(), expected]);
}

/// Whether a client of `user` with this password is let in.
async fn native_login(server: &Server, user: &str, password: &[u8]) -> bool {
    let (mut client, _served) = server.connect();
    let scramble = scramble_of(&client.receive().await);
    let auth = native_response(password, &scramble);
    client.send(&response(MODERN, user, &auth, "mysql_native_password", None)).await;
    let verdict = client.receive().await;
    assert!([Some(&0), Some(&0xff)].contains(&verdict.first()), "{verdict:?}");
    verdict.first() == Some(&0)
}

#[tokio::test(start_paused = true)]
async fn guesses_wait_longer_and_longer_and_a_login_forgets_them() {
    let server = server_with_key();
    let began = tokio::time::Instant::now();
    let mut waited = Vec::new();
    for _ in 0..7 {
        assert!(!native_login(&server, "native", b"guess").await);
        waited.push(began.elapsed().as_secs());
    }
    assert_eq!(waited, [0, 0, 0, 1, 3, 7, 15]);
    // The next turn is later than a login may take: also the right password is not looked at.
    assert!(!native_login(&server, "native", PASSWORD).await);
    assert_eq!(began.elapsed().as_secs(), 15);
    tokio::time::advance(std::time::Duration::from_secs(16)).await;
    assert!(native_login(&server, "native", PASSWORD).await);
    assert!(!native_login(&server, "native", b"guess").await);
    assert_eq!(began.elapsed().as_secs(), 31, "the first failure again");
}

#[tokio::test]
async fn a_recorded_login_does_not_replay() {
    let server = server_with_key();
    let (mut client, _served) = server.connect();
    let scramble = scramble_of(&client.receive().await);
    let recorded =
        response(MODERN, "sha", &sha2_response(PASSWORD, &scramble), "caching_sha2_password", None);
    client.send(&recorded).await;
    assert_eq!(full_path(&mut client, &scramble, PASSWORD).await[0], 0);

    let (mut client, _served) = server.connect();
    client.receive().await;
    client.send(&recorded).await;
    assert_eq!(client.receive().await, [1, 4], "the fast path must not take an old response");
}

#[tokio::test]
async fn a_clear_password_on_a_plain_socket_is_refused() {
    let server = server_with_key();
    let (mut client, _served) = server.connect();
    let scramble = scramble_of(&client.receive().await);
    client
        .send(&response(MODERN, "sha", &sha2_response(PASSWORD, &scramble), "caching_sha2_password", None))
        .await;
    assert_eq!(client.receive().await, [1, 4]);
    client.send(&[PASSWORD, &[0]].concat()).await;
    assert_eq!(error_of(&client.receive().await).0, 1045);
}

#[tokio::test]
async fn no_password_is_not_the_empty_one() {
    let server = Server::new();
    for (user, auth) in [("sha", &b""[..]), ("sha", b"\0"), ("native", b""), ("nobody", b"")] {
        let (mut client, _served) = server.connect();
        client.receive().await;
        let plugin = if user == "native" { "mysql_native_password" } else { "caching_sha2_password" };
        client.send(&response(MODERN, user, auth, plugin, None)).await;
        let (code, text) = error_of(&client.receive().await);
        assert_eq!((code, text.ends_with("(using password: NO)")), (1045, true), "{user}: {text}");
    }
    let (mut client, _served) = server.connect();
    let scramble = scramble_of(&client.receive().await);
    client
        .send(&response(MODERN, "root", &sha2_response(b"any", &scramble), "caching_sha2_password", None))
        .await;
    assert_eq!(error_of(&client.receive().await).0, 1045, "a password for an account that has none");
}

#[tokio::test]
async fn a_client_of_another_plugin_is_switched_with_a_new_scramble() {
    let server = Server::new();
    let (mut client, _served) = server.connect();
    let first = scramble_of(&client.receive().await);
    client
        .send(&response(MODERN, "native", &sha2_response(PASSWORD, &first), "caching_sha2_password", None))
        .await;
    let switch = client.receive().await;
    let rest = switch.strip_prefix(b"\xfemysql_native_password\0").expect("auth switch");
    let (scramble, end) = rest.split_at(20);
    assert_eq!(end, [0]);
    assert_ne!(scramble, first);
    client.send(&native_response(PASSWORD, scramble)).await;
    assert_eq!(client.receive().await[0], 0);
}

/// libmariadb offers `dummy_fallback_auth` while another of its threads loads the plugin of the greeting; whatever
/// the password, it sends one more packet than a client that took part.
#[tokio::test]
async fn a_client_of_an_unknown_plugin_is_switched_though_the_password_is_empty() {
    let server = Server::new();
    let (mut client, _served) = server.connect();
    client.receive().await;
    client.send(&response(MODERN, "root", b"", "dummy_fallback_auth", None)).await;
    let switch = client.receive().await;
    assert!(switch.starts_with(b"\xfecaching_sha2_password\0"), "{switch:02x?}");
    client.send(b"").await;
    assert_eq!(client.receive().await[0], 0, "logged in");
}

#[tokio::test]
async fn a_client_that_cannot_switch_is_told() {
    let server = Server::new();
    let legacy = MODERN
        & !Capabilities::PLUGIN_AUTH.0
        & !Capabilities::PLUGIN_AUTH_LENENC_DATA.0
        & !Capabilities::CONNECT_ATTRS.0;
    let (mut client, _served) = server.connect();
    let scramble = scramble_of(&client.receive().await);
    client.send(&response(legacy, "sha", &native_response(PASSWORD, &scramble), "", None)).await;
    assert_eq!(error_of(&client.receive().await).0, 1251);

    let (mut client, _served) = server.connect();
    let scramble = scramble_of(&client.receive().await);
    client.send(&response(legacy, "native", &native_response(PASSWORD, &scramble), "", None)).await;
    assert_eq!(client.receive().await[0], 0);

    let (mut client, _served) = server.connect();
    client.receive().await;
    client.send(&response(legacy, "root", b"", "", None)).await;
    assert_eq!(client.receive().await[0], 0, "an empty password needs no plugin");

    let (mut client, _served) = server.connect();
    client.receive().await;
    client.send(b"\x05\x00\x00\x00\x01root\0").await;
    assert_eq!(error_of(&client.receive().await).0, 1251, "protocol before 4.1");
}

#[tokio::test]
async fn change_user_authenticates_in_full() {
    let server = Server::new();
    let (mut client, _served) = server.session(MODERN).await;
    client.query("begin").await;
    client.receive().await;
    let body = |user: &str| [user.as_bytes(), b"\0\x00db\0\x2d\x00mysql_native_password\0"].concat();
    client.command(0x11, &body("native")).await;
    let switch = client.receive().await;
    let scramble = switch.strip_prefix(b"\xfemysql_native_password\0").expect("auth switch")[..20].to_vec();
    client.send(&native_response(PASSWORD, &scramble)).await;
    assert_eq!(client.receive().await, [0, 0, 0, 2, 0, 0, 0], "OK, and the transaction is gone");

    client.command(0x11, &body("native")).await;
    client.receive().await;
    client.send(&[7; 20]).await;
    assert_eq!(error_of(&client.receive().await).0, 1045);
    assert!(client.receive().await.is_empty(), "a session that is nobody's is closed");
}

#[tokio::test]
async fn an_unknown_database_ends_the_login() {
    let server = Server::new();
    let (mut client, _served) = server.connect();
    client.receive().await;
    client.send(&response(MODERN, "root", b"", "caching_sha2_password", Some("missing"))).await;
    assert_eq!(error_of(&client.receive().await), (1049, "Unknown database 'missing'".to_owned()));
    assert!(client.receive().await.is_empty());
}

#[tokio::test]
async fn scrambles_are_distinct_and_printable() {
    let server = Server::new();
    let mut seen = HashSet::new();
    for _ in 0..2_000 {
        let (mut client, _served) = server.connect();
        let scramble = scramble_of(&client.receive().await);
        assert!(scramble.iter().all(|byte| *byte != 0 && *byte != b'$' && *byte < 128));
        assert!(seen.insert(scramble));
    }
}
