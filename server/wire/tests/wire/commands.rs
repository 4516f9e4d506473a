//! Commands after the login.

use std::sync::atomic::Ordering;

use rutile_server_wire::{Capabilities, StopReason};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::client::{MODERN, OLD_EOF, Server, error_of};

const STATUS_AUTOCOMMIT: [u8; 2] = [2, 0];

#[tokio::test]
async fn every_ok_carries_the_transaction_state() {
    let server = Server::new();
    let (mut client, _served) = server.session(MODERN).await;
    client.query("begin").await;
    assert_eq!(client.receive().await, [0, 0, 0, 3, 0, 0, 0]);
    client.command(0x0e, b"").await;
    assert_eq!(client.receive().await, [0, 0, 0, 3, 0, 0, 0], "PING");
    client.command(0x02, b"db").await;
    assert_eq!(
        client.receive().await,
        b"\0\0\0\x03\x40\0\0\0\x05\x01\x03\x02db",
        "INIT_DB with the schema tracked"
    );
    client.query("x").await;
    let packets = client.receive_many(4).await;
    assert_eq!(packets[3], [0xfe, 0, 0, 3, 0, 0, 0], "terminator of a result");
    client.query("commit").await;
    assert_eq!(client.receive().await, [0, 0, 0, 2, 0, 0, 0]);
    client.query("insert").await;
    assert_eq!(client.receive().await, b"\0\x03\x07\x02\0\x01\0\x26Records: 3  Duplicates: 1  Warnings: 0");
}

#[tokio::test]
async fn both_ways_of_ending_a_result() {
    let server = Server::new();
    let (mut client, _served) = server.session(OLD_EOF).await;
    client.query("rows 2").await;
    let packets = client.receive_many(1 + 4 + 1 + 2 + 1).await;
    assert_eq!(packets[0], [4]);
    assert_eq!(packets[5], [0xfe, 0, 0, 2, 0]);
    assert_eq!(packets[6], b"\x010\x05row 0\x010\x1a2024-02-29 23:59:58.000000");
    assert_eq!(packets[8], [0xfe, 0, 0, 2, 0]);

    let (mut client, _served) = server.session(MODERN).await;
    client.query("rows 2").await;
    let packets = client.receive_many(1 + 4 + 2 + 1).await;
    assert_eq!(packets[6], b"\x011\x05row 1\x030.5\x1a2024-02-29 23:59:58.000001");
    assert_eq!(packets[7], [0xfe, 0, 0, 2, 0, 0, 0]);
}

#[tokio::test]
async fn several_statements_several_results() {
    let server = Server::new();
    for capabilities in [MODERN, OLD_EOF] {
        let eof = usize::from(capabilities == OLD_EOF);
        let (mut client, _served) = server.session(capabilities).await;
        client.query("a;begin;b").await;
        let first = client.receive_many(4 + eof).await;
        assert_eq!(status_of(&first[3 + eof]), 0b1010, "more results");
        assert_eq!(client.receive().await[3..5], [0b1011, 0]);
        let last = client.receive_many(4 + eof).await;
        assert_eq!(status_of(&last[3 + eof]), 0b0011);

        client.query("a;fail now;b").await;
        client.receive_many(4 + eof).await;
        assert_eq!(error_of(&client.receive().await).0, 1064, "stops at the first error");
        client.command(0x0e, b"").await;
        assert_eq!(client.receive().await[0], 0, "and the connection lives");

        client.command(0x1b, &[1, 0]).await;
        assert_eq!(client.receive().await[0], 0xfe);
        client.query("a;b").await;
        let single = client.receive_many(4 + eof).await;
        assert_eq!(status_of(&single[3 + eof]), 0b0011, "multi-statements switched off");
    }
}

/// Status flags stand at the same place in an EOF packet and in an OK that stands for one.
fn status_of(end: &[u8]) -> u16 {
    assert_eq!(end[0], 0xfe);
    u16::from_le_bytes([end[3], end[4]])
}

#[tokio::test]
async fn prepared_statements_live_and_die() {
    let server = Server::new();
    let (mut client, _served) = server.session(MODERN).await;
    client.command(0x16, b"select ?, ?").await;
    let packets = client.receive_many(1 + 2 + 2).await;
    assert_eq!(packets[0], [0, 1, 0, 0, 0, 2, 0, 2, 0, 0, 0, 0]);

    let execute = |rest: &[u8]| [&[1, 0, 0, 0, 0, 1, 0, 0, 0], rest].concat();
    client.command(0x17, &execute(&[0, 1, 3, 0, 253, 0, 5, 0, 0, 0, 2, b'h', b'i'])).await;
    let packets = client.receive_many(1 + 2 + 1 + 1).await;
    assert_eq!(packets[3], b"\0\0\x015\x02hi");
    client.command(0x17, &execute(&[2, 0, 6, 0, 0, 0])).await;
    assert_eq!(client.receive_many(5).await[3], b"\0\x08\x016", "types stay, the second is NULL");

    client.command(0x18, b"\x01\0\0\0\x01\0long ").await;
    client.command(0x18, b"\x01\0\0\0\x01\0data").await;
    client.command(0x17, &execute(&[0, 0, 7, 0, 0, 0])).await;
    assert_eq!(
        client.receive_many(5).await[3],
        b"\0\0\x017\x09long data",
        "no reply to long data, one to the execution"
    );

    client.command(0x1a, &[1, 0, 0, 0]).await;
    assert_eq!(client.receive().await[0], 0);
    client.command(0x1c, &[1, 0, 0, 0, 10, 0, 0, 0]).await;
    assert_eq!(error_of(&client.receive().await).0, 1421);
    client.command(0x17, &[&[1, 0, 0, 0, 4, 1, 0, 0, 0][..], &[0, 0, 7, 0, 0, 0]].concat()).await;
    assert_eq!(error_of(&client.receive().await).0, 1235);

    client.command(0x19, &[1, 0, 0, 0]).await;
    client.command(0x17, &execute(&[0, 0, 7, 0, 0, 0])).await;
    let (code, text) = error_of(&client.receive().await);
    assert_eq!(
        (code, text.as_str()),
        (1243, "Unknown prepared statement handler (1) given to mysql_stmt_precheck")
    );
}

#[tokio::test]
async fn a_reset_connection_forgets() {
    let server = Server::new();
    let (mut client, _served) = server.session(MODERN).await;
    client.query("begin").await;
    client.receive().await;
    client.command(0x16, b"select 1").await;
    client.receive_many(1 + 4).await;
    client.command(0x1f, b"").await;
    assert_eq!(client.receive().await[3..5], STATUS_AUTOCOMMIT);
    client.command(0x17, &[1, 0, 0, 0, 0, 1, 0, 0, 0]).await;
    assert_eq!(error_of(&client.receive().await).0, 1243);
}

#[tokio::test]
async fn small_commands() {
    let server = Server::new();
    let (mut client, served) = server.session(MODERN).await;
    client.command(0x09, b"").await;
    assert_eq!(client.receive().await, b"Uptime: 1  Threads: 1  Questions: 1");
    client.command(0x04, b"t\0%").await;
    assert!(client.receive().await.ends_with(b"\x04none"));
    assert_eq!(client.receive().await[0], 0xfe);
    client.command(0x0c, &[9, 0, 0, 0]).await;
    assert_eq!(error_of(&client.receive().await), (1094, "Unknown thread id: 9".to_owned()));
    client.command(0x02, b"missing").await;
    assert_eq!(error_of(&client.receive().await).0, 1049);
    for code in [
        0x00, 0x05, 0x06, 0x07, 0x08, 0x0a, 0x0b, 0x0d, 0x0f, 0x10, 0x12, 0x13, 0x14, 0x15, 0x1d, 0x1e, 0x20,
        0x77, 0xff,
    ] {
        client.command(code, b"").await;
        assert_eq!(error_of(&client.receive().await), (1047, "Unknown command".to_owned()), "{code:#x}");
    }
    client.command(0x01, b"").await;
    assert!(client.receive().await.is_empty());
    assert!(served.await.expect("no panic").is_ok());
}

#[tokio::test]
async fn pipelined_commands_are_answered_in_order() {
    let server = Server::new();
    let (mut client, _served) = server.session(MODERN).await;
    client.query("begin").await;
    client.command(0x19, &[1, 0, 0, 0]).await;
    client.command(0x0e, b"").await;
    client.query("commit").await;
    let packets = client.receive_many(3).await;
    assert_eq!(packets.iter().map(|packet| packet[3]).collect::<Vec<_>>(), [3, 3, 2]);
}

#[tokio::test]
async fn a_file_travels_from_the_client() {
    let server = Server::new();
    let (mut client, _served) = server.session(MODERN).await;
    client.query("load /tmp/x.csv").await;
    assert_eq!(client.receive().await, b"\xfb/tmp/x.csv");
    client.send(&[b'x'; 200]).await;
    client.send(&[b'y'; 50]).await;
    client.send(b"").await;
    assert_eq!(client.receive().await, [0, 250, 0, 2, 0, 0, 0]);

    let (mut client, _served) = server.session(MODERN & !128).await;
    client.query("load /tmp/x.csv").await;
    assert_eq!(error_of(&client.receive().await).0, 3948, "a client without LOCAL FILES is not asked");
}

#[tokio::test]
async fn a_client_that_leaves_cancels_its_statement() {
    let server = Server::new();
    let (mut client, served) = server.session(MODERN).await;
    client.query("wait").await;
    drop(client);
    assert!(served.await.expect("no panic").is_err(), "the reply had nowhere to go");
    assert!(server.cancelled.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_server_going_down_tells_idle_clients() {
    let server = Server::new();
    let (mut client, served) = server.session(MODERN).await;
    server.stop.send_replace(Some(StopReason::Shutdown));
    assert_eq!(error_of(&client.receive().await), (1053, "Server shutdown in progress".to_owned()));
    assert!(served.await.expect("no panic").is_ok());
}

#[tokio::test]
async fn a_killed_idle_connection_ends() {
    let server = Server::new();
    let (mut client, served) = server.session(MODERN).await;
    server.kill.notify_one();
    assert!(client.receive().await.is_empty());
    assert!(served.await.expect("no panic").is_err());
}

fn statement(code: u8, id: u8, rest: &[u8]) -> Vec<u8> {
    [&[code, id, 0, 0, 0], rest].concat()
}

/// Execution with CURSOR_TYPE_READ_ONLY.
const WITH_CURSOR: [u8; 5] = [1, 1, 0, 0, 0];
const AT_ONCE: [u8; 5] = [0, 1, 0, 0, 0];

fn fetch(id: u8, rows: u8) -> Vec<u8> {
    statement(0x1c, id, &[rows, 0, 0, 0])
}

#[tokio::test]
async fn a_cursor_is_fetched_in_pieces() {
    let server = Server::new();
    for capabilities in [MODERN, OLD_EOF] {
        let eof = usize::from(capabilities == OLD_EOF);
        let (mut client, _served) = server.session(capabilities).await;
        client.command(0x16, b"rows 3").await;
        client.receive_many(1 + 4 + eof).await;
        client.sequence = 0;
        client.send(&statement(0x17, 1, &WITH_CURSOR)).await;
        let opened = client.receive_many(1 + 4 + 1).await;
        assert_eq!(status_of(&opened[5]), 0x42, "autocommit and a cursor, no rows");
        for (asked, rows, status) in [(2, 2, 0x42), (1, 1, 0x42), (1, 0, 0x82)] {
            client.sequence = 0;
            client.send(&fetch(1, asked)).await;
            let packets = client.receive_many(rows + 1).await;
            assert!(packets[..rows].iter().all(|row| row[0] == 0), "binary rows: {packets:?}");
            assert_eq!(status_of(&packets[rows]), status, "asked for {asked}");
        }
        client.sequence = 0;
        client.send(&fetch(1, 1)).await;
        assert_eq!(
            error_of(&client.receive().await),
            (1421, "The statement (1) has no open cursor.".to_owned()),
            "the last row closed it"
        );
    }
}

#[tokio::test]
async fn a_cursor_ends_with_reset_close_and_another_execution() {
    let server = Server::new();
    let (mut client, _served) = server.session(MODERN).await;
    client.command(0x16, b"rows 3").await;
    client.receive_many(1 + 4).await;
    for end in [statement(0x1a, 1, &[]), statement(0x17, 1, &AT_ONCE)] {
        client.sequence = 0;
        client.send(&statement(0x17, 1, &WITH_CURSOR)).await;
        client.receive_many(1 + 4 + 1).await;
        client.sequence = 0;
        client.send(&end).await;
        client.receive_many(if end[0] == 0x1a { 1 } else { 1 + 4 + 1 + 1 }).await;
        client.sequence = 0;
        client.send(&fetch(1, 1)).await;
        assert_eq!(error_of(&client.receive().await).0, 1421, "{end:?}");
    }
    client.sequence = 0;
    client.send(&statement(0x17, 1, &WITH_CURSOR)).await;
    client.receive_many(1 + 4 + 1).await;
    client.sequence = 0;
    client.send(&statement(0x19, 1, &[])).await;
    client.sequence = 0;
    client.send(&fetch(1, 1)).await;
    assert_eq!(error_of(&client.receive().await).0, 1243, "closed with its statement");
}

#[tokio::test]
async fn query_attributes_are_in_front_of_the_statement() {
    let server = Server::new();
    let (mut client, _served) = server.session(MODERN | Capabilities::QUERY_ATTRIBUTES.0).await;
    client.command(3, b"\x01\x01\0\x01\xfd\0\x05trace\x02idhello").await;
    assert_eq!(client.receive_many(4).await[2], b"\x05hello");
    client.command(0x16, b"select ?").await;
    client.receive_many(1 + 1 + 1).await;
    let body = b"\x02\0\x01\xfd\0\0\xfd\0\x05trace\x02hi\x02id";
    client.sequence = 0;
    client.send(&statement(0x17, 1, &[&[8, 1, 0, 0, 0][..], body].concat())).await;
    assert_eq!(client.receive_many(1 + 1 + 1 + 1).await[2], b"\0\0\x02hi");
    client.command(3, b"\0\x02select").await;
    assert_eq!(error_of(&client.receive().await).0, 1835);
}

/// Frames around packets, as a client that asked for zlib sends them, uncompressed: that is allowed.
#[tokio::test]
async fn a_compressed_connection_has_frames_around_its_packets() {
    let server = Server::new();
    let (mut client, _served) = server.session(MODERN | Capabilities::COMPRESS.0).await;
    let frame = |sequence: u8, content: &[u8]| {
        [&(content.len() as u32).to_le_bytes()[..3], &[sequence, 0, 0, 0], content].concat()
    };
    // A packet cut in two frames, and the next command sent before its answer.
    let first = [frame(0, b"\x06\0\0\0\x03be"), frame(1, b"gin")].concat();
    let second = frame(0, b"\x01\0\0\0\x0e");
    client.stream.write_all(&[first, second].concat()).await.expect("server reads");
    let mut answers = [0; 2 * (7 + 11)];
    client.stream.read_exact(&mut answers).await.expect("two answers");
    assert_eq!(answers[..7], [11, 0, 0, 2, 0, 0, 0], "too short to be compressed");
    assert_eq!(answers[7..18], [7, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0]);
    assert_eq!(answers[18..25], [11, 0, 0, 1, 0, 0, 0]);

    client.stream.write_all(&frame(0, b"\x09\0\0\0\x03blob 999")).await.expect("server reads");
    let mut header = [0; 7];
    client.stream.read_exact(&mut header).await.expect("an answer");
    assert!(
        header[0] < 150 && header[3] == 1 && u16::from_le_bytes([header[4], header[5]]) > 999,
        "{header:?}"
    );
    let mut content = vec![0; usize::from(header[0])];
    client.stream.read_exact(&mut content).await.expect("its content");
    client.stream.write_all(&frame(7, b"\x01\0\0\0\x0e")).await.expect("server reads");
    client.stream.read_exact(&mut header).await.expect("a last answer");
    let mut content = vec![0; usize::from(header[0])];
    client.stream.read_exact(&mut content).await.expect("its content");
    assert_eq!(error_of(&content[4..]).0, 1156);
}
