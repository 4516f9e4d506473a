//! Sizes, timeouts, sequence ids.

use std::time::Duration;

use rutile_server_wire::{Error, ErrorPacket, refuse};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::client::{MODERN, Server, error_of};

const PART: usize = 0xff_ffff;

#[tokio::test]
async fn packets_around_the_part_size_travel_both_ways() {
    let server = Server::new();
    let (mut client, _served) = server.session(MODERN).await;
    for size in [PART - 1, PART, PART + 1, 2 * PART] {
        // The row is a length prefix and the blob.
        let prefix = if size > PART + 4 { 9 } else { 4 };
        client.query(&format!("blob {}", size - prefix)).await;
        assert_eq!(client.receive_many(2).await[0], [1]);
        assert_eq!(client.receive().await.len(), size);
        client.receive().await;

        client.query("load f").await;
        client.receive().await;
        client.send(&vec![b'z'; size]).await;
        client.send(b"").await;
        let counted = match client.receive().await[..] {
            [0, 0xfd, a, b, c, 0, 2, 0, 0, 0] => u64::from_le_bytes([a, b, c, 0, 0, 0, 0, 0]),
            [0, 0xfe, a, b, c, d, 0, 0, 0, 0, 0, 2, 0, 0, 0] => u64::from_le_bytes([a, b, c, d, 0, 0, 0, 0]),
            ref other => panic!("no OK packet: {other:?}"),
        };
        assert_eq!(counted, size as u64);
        client.transcript.clear();
    }
}

#[tokio::test]
async fn a_packet_over_the_limit_is_refused_by_its_header() {
    let server = Server::with(|config| config.allowed_packet_bytes_max = 1 << 20);
    let (mut client, served) = server.session(MODERN).await;
    client.stream.write_all(&[1, 0, 0x10, 0]).await.expect("server reads");
    assert_eq!(
        error_of(&client.receive().await),
        (1153, "Got a packet bigger than 'max_allowed_packet' bytes".to_owned())
    );
    drop(client);
    assert!(matches!(served.await.expect("no panic"), Err(Error::TooLarge { size: 0x10_0001, .. })));
}

#[tokio::test]
async fn before_the_login_the_limit_is_small() {
    let server = Server::new();
    let (mut client, served) = server.connect();
    client.receive().await;
    client.stream.write_all(&[1, 0x40, 1, 1]).await.expect("server reads");
    assert_eq!(error_of(&client.receive().await), (1043, "Bad handshake".to_owned()));
    assert!(matches!(served.await.expect("no panic"), Err(Error::Fatal(packet)) if packet.code == 1043));
}

#[tokio::test(start_paused = true)]
async fn a_packet_or_a_file_that_stops_half_way_ends_at_the_read_timeout() {
    let server = Server::new();
    for file in [false, true] {
        let (mut client, served) = server.session(MODERN).await;
        if file {
            client.query("load f").await;
            client.receive().await;
            client.send(b"some of it").await;
        } else {
            client.stream.write_all(&[200, 0, 0, 0, 3]).await.expect("server reads");
        }
        let began = tokio::time::Instant::now();
        let expected = (1159, "Got timeout reading communication packets".to_owned());
        assert_eq!(error_of(&client.receive().await), expected);
        assert_eq!(began.elapsed().as_secs(), 30, "net_read_timeout");
        assert!(matches!(served.await.expect("no panic"), Err(Error::ReadTimeout)));
    }
}

#[tokio::test]
async fn a_kill_does_not_wait_for_a_client_that_does_not_read() {
    let server = Server::new();
    let (mut client, served) = server.session(MODERN).await;
    // More than the pipe holds: with the first byte of it here, the server waits to send the rest.
    client.query("blob 3000000").await;
    client.stream.read_u8().await.expect("a byte");
    server.kill.notify_waiters();
    assert!(matches!(served.await.expect("no panic"), Err(Error::Closed)));
}

#[tokio::test]
async fn a_wrong_sequence_id_ends_the_connection() {
    let server = Server::new();
    let (mut client, served) = server.session(MODERN).await;
    client.sequence = 5;
    client.send(&[0x0e]).await;
    assert_eq!(error_of(&client.receive().await), (1156, "Got packets out of order".to_owned()));
    assert!(client.receive().await.is_empty());
    assert!(matches!(served.await.expect("no panic"), Err(Error::OutOfOrder { expected: 0, got: 5 })));
}

#[tokio::test(start_paused = true)]
async fn a_silent_or_dripping_client_is_dropped_at_the_connect_timeout() {
    let server = Server::new();
    let (mut client, served) = server.connect();
    client.receive().await;
    client.stream.write_all(&[200, 0, 0, 1]).await.expect("server reads");
    let mut sent = 0;
    while client.stream.write_all(&[0]).await.is_ok() && sent < 60 {
        sent += 1;
        tokio::time::advance(Duration::from_secs(1)).await;
        tokio::task::yield_now().await;
    }
    assert!(sent <= 12, "one byte a second does not hold the door open: {sent}");
    assert!(matches!(served.await.expect("no panic"), Err(Error::ConnectTimeout)));
}

#[tokio::test(start_paused = true)]
async fn an_idle_client_is_told_and_dropped() {
    let server = Server::new();
    let (mut client, served) = server.session(MODERN).await;
    assert_eq!(error_of(&client.receive().await).0, 4031);
    assert!(served.await.expect("no panic").is_err());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_is_dropped_at_the_write_timeout() {
    let server = Server::new();
    let (mut client, served) = server.session(MODERN).await;
    client.query("rows 100000").await;
    assert!(matches!(served.await.expect("no panic"), Err(Error::WriteTimeout)));
}

#[tokio::test]
async fn one_connection_too_many_is_told_before_the_greeting() {
    let (near, far) = tokio::io::duplex(1024);
    let (_stop, receiver) = tokio::sync::watch::channel(None);
    let config = rutile_server_wire::ConnectionConfig::new("8.0.36-test", 1, "127.0.0.1", receiver);
    refuse(Box::new(far), &ErrorPacket::too_many_connections(), &config).await.expect("client listens");
    let mut near = near;
    let mut bytes = Vec::new();
    near.read_to_end(&mut bytes).await.expect("closed after it");
    assert_eq!(bytes, b"\x17\0\0\0\xff\x10\x04Too many connections");
}
