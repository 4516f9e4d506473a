//! What a client can learn of an account without its password: nothing, not even that it exists.

use std::sync::Arc;
use std::time::Duration;

use rutile_server_wire::auth::RsaKey;
use rutile_server_wire::{Authenticator, Capabilities, Metrics};

use crate::client::{
    Client, MODERN, PASSWORD, Server, fixed_nonce, native_response, response, sha2_response,
};
use crate::login::{TEST_KEY, sealed};

/// `sha` exists, `who` does not.
const USERS: [&str; 2] = ["sha", "who"];
const SCRAMBLE: &[u8; 20] = b"0123456789abcdefghij";

/// How a client that does not know the password goes about it.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// As its driver does.
    Guess,
    /// With a plugin that the account does not have.
    OtherPlugin(&'static str),
    NoPlugins,
    NoPassword,
    /// Instead of asking for the key.
    ClearPassword,
    /// What the server asked for is not what it gets.
    Noise,
    ChangeUser,
}

const WAYS: [Way; 8] = [
    Way::Guess,
    Way::OtherPlugin("mysql_native_password"),
    Way::OtherPlugin("dummy_fallback_auth"),
    Way::NoPlugins,
    Way::NoPassword,
    Way::ClearPassword,
    Way::Noise,
    Way::ChangeUser,
];

async fn first_words(client: &mut Client, user: &str, way: Way) {
    let guess = sha2_response(b"guess", SCRAMBLE);
    let plugin = "caching_sha2_password";
    client.receive().await;
    match way {
        Way::Guess | Way::ClearPassword => client.send(&response(MODERN, user, &guess, plugin, None)).await,
        Way::OtherPlugin(plugin) => {
            client.send(&response(MODERN, user, &native_response(b"guess", SCRAMBLE), plugin, None)).await;
        }
        Way::NoPlugins => {
            let old = MODERN & !Capabilities::PLUGIN_AUTH.0;
            client.send(&response(old, user, &native_response(b"guess", SCRAMBLE), plugin, None)).await;
        }
        Way::NoPassword => client.send(&response(MODERN, user, b"", plugin, None)).await,
        Way::Noise => client.send(&response(MODERN, user, &[7; 32], plugin, None)).await,
        Way::ChangeUser => {
            client.send(&response(MODERN, "root", b"", plugin, None)).await;
            assert_eq!(client.receive().await.first(), Some(&0), "root has no password");
            let body = [user.as_bytes(), b"\0\x20", &guess, b"\0\x2d\0", plugin.as_bytes(), b"\0\0"].concat();
            client.command(0x11, &body).await;
        }
    }
}

/// The whole conversation; answers what the server said, without the name.
async fn conversation(server: &Server, user: &str, way: Way) -> Vec<Vec<u8>> {
    let (mut client, served) = server.connect();
    first_words(&mut client, user, way).await;
    loop {
        let said = client.receive().await;
        match said.first() {
            // To another plugin: the scramble is behind its name.
            Some(0xfe) => client.send(&sha2_response(b"guess", SCRAMBLE)).await,
            Some(1) if said == [1, 4] => match way {
                Way::ClearPassword => client.send(b"guess\0").await,
                Way::Noise => client.send(&[1, 2, 3]).await,
                _ => client.send(&[2]).await,
            },
            Some(1) => client.send(&sealed(&said, SCRAMBLE, b"guess")).await,
            Some(0xff) | None => break,
            _ => panic!("{way:?}: {said:02x?}"),
        }
    }
    assert!(client.receive().await.is_empty(), "closed");
    assert!(served.await.expect("no panic").is_err());
    let (name, hidden) = (user.as_bytes(), b"___");
    let said = client.transcript.iter().filter(|(direction, ..)| *direction == '<');
    said.map(|(_, sequence, packet)| {
        let mut packet = packet.clone();
        let is_error = packet.first() == Some(&0xff);
        let at = packet.windows(name.len()).position(|part| is_error && part == name);
        at.and_then(|at| packet.get_mut(at..at + hidden.len()))
            .into_iter()
            .for_each(|part| part.copy_from_slice(hidden));
        packet.insert(0, *sequence);
        packet
    })
    .collect()
}

#[tokio::test]
async fn an_account_that_exists_and_one_that_does_not_have_the_same_conversation() {
    let metrics = Arc::new(Metrics::default());
    let counted = metrics.clone();
    let mut server = Server::with(|config| {
        config.nonce = fixed_nonce;
        config.metrics = counted;
        config.failed_login_delay_max = Duration::ZERO;
    });
    server.authenticator = Authenticator::with_rsa_key(RsaKey::from_pem(TEST_KEY).expect("test key")).into();
    for known_before in [false, true] {
        if known_before {
            // From now on the server could tell a wrong password of this account by the short way.
            let (mut client, _served) = server.connect();
            client.receive().await;
            let right = sha2_response(PASSWORD, SCRAMBLE);
            client.send(&response(MODERN, "sha", &right, "caching_sha2_password", None)).await;
            assert_eq!(client.receive().await, [1, 4]);
            client.send(&[2]).await;
            let pem = client.receive().await;
            client.send(&sealed(&pem, SCRAMBLE, PASSWORD)).await;
            assert_eq!(client.receive().await.first(), Some(&0));
        }
        for way in WAYS {
            let mut seen = Vec::new();
            for user in USERS {
                let before = Metrics::read(&metrics.full_password_checks);
                let said = conversation(&server, user, way).await;
                seen.push((said, Metrics::read(&metrics.full_password_checks) - before));
            }
            assert_eq!(seen.first(), seen.last(), "{way:?}, known before: {known_before}");
            let full = matches!(way, Way::Guess | Way::OtherPlugin(_) | Way::ChangeUser);
            assert_eq!(seen.first().map(|(_, checks)| *checks), Some(u64::from(full)), "{way:?}");
        }
    }
}
