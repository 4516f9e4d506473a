//! Random and broken input: every connection ends or answers, none panics, nothing runs before the login.

use std::sync::atomic::Ordering;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::client::{MODERN, Server, response};

const ROUNDS: u64 = 400;

fn noise(random: &mut StdRng, bytes_max: usize) -> Vec<u8> {
    let length = random.random_range(0..=bytes_max);
    (0..length).map(|_| random.random()).collect()
}

async fn end(
    mut client: crate::client::Client,
    served: tokio::task::JoinHandle<rutile_server_wire::Result<()>>,
    seed: u64,
) {
    let _ = client.stream.shutdown().await;
    let mut rest = Vec::new();
    let _ = client.stream.read_to_end(&mut rest).await;
    let _ = served.await.unwrap_or_else(|panic| panic!("seed {seed}: {panic}"));
}

#[tokio::test]
async fn noise_instead_of_a_login() {
    let server = Server::new();
    for seed in 0..ROUNDS {
        let mut random = StdRng::seed_from_u64(seed);
        let (mut client, served) = server.connect();
        client.receive().await;
        let mut packet = response(MODERN, "root", b"", "caching_sha2_password", None);
        match seed % 3 {
            0 => packet = noise(&mut random, 300),
            1 => packet.truncate(random.random_range(0..packet.len())),
            _ => {
                let at = random.random_range(0..packet.len());
                packet[at] = random.random();
            }
        }
        let _ = client.stream.write_all(&[packet.len() as u8, (packet.len() >> 8) as u8, 0, 1]).await;
        let _ = client.stream.write_all(&packet).await;
        end(client, served, seed).await;
    }
}

#[tokio::test]
async fn noise_as_commands() {
    let server = Server::new();
    for seed in 0..ROUNDS {
        let mut random = StdRng::seed_from_u64(seed);
        let (mut client, served) = server.session(MODERN).await;
        client.command(0x16, b"select ?, ?, ?").await;
        client.receive_many(1 + 6).await;
        for _ in 0..8 {
            let mut packet = noise(&mut random, 60);
            let codes = [0x02, 0x04, 0x0c, 0x0e, 0x11, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1f];
            packet.insert(0, codes[random.random_range(0..codes.len())]);
            // Often the statement that exists, so that the noise reaches the parameter decoder.
            if packet[0] == 0x17 && packet.len() > 5 {
                packet[1..5].copy_from_slice(&[1, 0, 0, 0]);
                packet[5] = 0;
            }
            let header = [packet.len() as u8, 0, 0, 0];
            if client.stream.write_all(&header).await.is_err()
                || client.stream.write_all(&packet).await.is_err()
            {
                break;
            }
        }
        end(client, served, seed).await;
    }
}

/// A packet of a client that does not know a password, in whatever state the login is.
fn without_password(random: &mut StdRng) -> Vec<u8> {
    let pick = |random: &mut StdRng, of: &[&'static str]| of[random.random_range(0..of.len())];
    match random.random_range(0..8) {
        0..3 => {
            let user = pick(random, &["sha", "native", "nobody", ""]);
            let plugin =
                pick(random, &["caching_sha2_password", "mysql_native_password", "mysql_clear_password", ""]);
            let auth: Vec<u8> =
                (0..[0, 1, 20, 32][random.random_range(0..4)]).map(|_| random.random()).collect();
            response(MODERN, user, &auth, plugin, None)
        }
        3 => vec![2],
        4 => b"\x03begin".to_vec(),
        // COM_CHANGE_USER to the account without a password.
        5 => b"\x11root\0\0\0\xff\0caching_sha2_password\0".to_vec(),
        6 => Vec::new(),
        _ => noise(random, 256),
    }
}

/// CVE-2022-31011, CVE-2012-2122: no order of packets and no lucky token gets in. `RUTILE_LOGIN_ROUNDS` looks longer.
#[tokio::test]
async fn nobody_gets_in_without_a_password() {
    let rounds =
        std::env::var("RUTILE_LOGIN_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(ROUNDS);
    let server = Server::with(|config| config.failed_login_delay_max = std::time::Duration::ZERO);
    for seed in 0..rounds {
        let mut random = StdRng::seed_from_u64(seed);
        let (mut client, served) = server.connect();
        client.receive().await;
        for _ in 0..6 {
            let packet = without_password(&mut random);
            let [low, high, ..] = packet.len().to_le_bytes();
            let header = [low, high, 0, client.sequence];
            if client.stream.write_all(&[&header, packet.as_slice()].concat()).await.is_err() {
                break;
            }
            client.sequence = client.sequence.wrapping_add(1);
            let answer = client.receive().await;
            assert_ne!(answer.first(), Some(&0), "seed {seed}: an OK packet");
            if answer.is_empty() || answer.first() == Some(&0xff) {
                break;
            }
        }
        end(client, served, seed).await;
    }
}

#[tokio::test]
async fn commands_before_the_login_are_not_commands() {
    let server = Server::new();
    for code in 0..=0xff_u8 {
        let (mut client, served) = server.connect();
        client.receive().await;
        client.send(&[&[code], &b"begin"[..]].concat()).await;
        let packet = client.receive().await;
        assert_eq!(packet.first(), Some(&0xff), "{code:#x}");
        assert!(served.await.expect("no panic").is_err());
    }
}

/// What `max_connect_errors` counts: clients that never say who they are, not those whose password is wrong.
#[tokio::test(start_paused = true)]
async fn broken_off_handshakes_are_told_apart_from_refused_logins() {
    let server = Server::new();
    let failed = |server: &Server| server.handshakes_failed.swap(0, Ordering::Relaxed);
    let half = response(MODERN, "root", b"", "caching_sha2_password", None);
    let half = half.get(..20).unwrap_or_default();
    for (what, packet) in [("nothing", &b""[..]), ("noise", b"GET / HTTP/1.1"), ("half a response", half)] {
        let (mut client, served) = server.connect();
        client.receive().await;
        if !packet.is_empty() {
            client.send(packet).await;
        }
        end(client, served, 0).await;
        assert_eq!(failed(&server), 1, "{what}");
    }
    let (client, served) = server.connect();
    assert!(served.await.expect("no panic").is_err(), "silent until the connect timeout");
    drop(client);
    assert_eq!(failed(&server), 1);
    let (client, served) = server.session(MODERN).await;
    end(client, served, 0).await;
    for (user, plugin) in [("native", "mysql_native_password"), ("sha", "caching_sha2_password")] {
        let (mut client, served) = server.connect();
        client.receive().await;
        client.send(&response(MODERN, user, &[1; 20], plugin, None)).await;
        client.receive().await;
        end(client, served, 0).await;
    }
    assert_eq!(failed(&server), 0, "a login, a wrong password, and one that leaves instead of the password");
}
