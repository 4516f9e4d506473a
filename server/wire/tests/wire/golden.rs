//! Whole conversations byte for byte, as recorded under `testdata/`. `UPDATE_GOLDEN=1` records them again; the diff is
//! the review.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

use crate::client::{Client, MODERN, OLD_EOF, PASSWORD, Server, fixed_nonce, native_response, response};

const LINE_BYTES: usize = 16;

fn print(client: &Client) -> String {
    let mut text = String::new();
    for (direction, sequence, payload) in &client.transcript {
        for (index, line) in payload.chunks(LINE_BYTES).enumerate() {
            let lead = if index == 0 { format!("{direction} {sequence:02x}") } else { "    ".to_owned() };
            let hex: Vec<String> = line.iter().map(|byte| format!("{byte:02x}")).collect();
            let ascii: String =
                line.iter().map(|byte| if byte.is_ascii_graphic() { *byte as char } else { '.' }).collect();
            writeln!(text, "{lead}  {:<47}  {ascii}", hex.join(" ")).expect("memory");
        }
    }
    text
}

fn check(name: &str, client: &Client) {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests/wire/testdata", name].iter().collect();
    let got = print(client);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let mut file = std::fs::File::create(&path).expect("testdata is writable");
        file.write_all(got.as_bytes()).expect("testdata is writable");
    }
    let expected = std::fs::read_to_string(&path).expect("recorded transcript");
    assert_eq!(got, expected, "{name}");
}

async fn conversation(capabilities: u32) -> Client {
    let server = Server::with(|config| config.nonce = fixed_nonce);
    let (mut client, _served) = server.connect();
    client.receive().await;
    let auth = native_response(PASSWORD, b"0123456789abcdefghij");
    client.send(&response(capabilities, "native", &auth, "mysql_native_password", Some("shop"))).await;
    client.receive().await;
    let eof = usize::from(capabilities == OLD_EOF);
    client.query("rows 2;insert").await;
    client.receive_many(1 + 4 + eof + 2 + 1 + 1).await;
    client.query("fail here").await;
    client.receive().await;
    client.command(0x16, b"select ?").await;
    client.receive_many(1 + 2 + 2 * eof).await;
    client.command(0x17, &[1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 5, 0, 0, 0, 0, 0, 0, 0, 0xf4, 0x3f]).await;
    client.receive_many(1 + 1 + eof + 1 + 1).await;
    client.command(0x16, b"select").await;
    client.receive_many(1 + 4 + eof).await;
    client.command(0x17, &[2, 0, 0, 0, 0, 1, 0, 0, 0]).await;
    client.receive_many(1 + 4 + eof + 1 + 1).await;
    client.command(0x01, b"").await;
    client
}

#[tokio::test]
async fn a_modern_client() {
    check("modern.transcript", &conversation(MODERN).await);
}

#[tokio::test]
async fn a_client_with_eof_packets() {
    check("old_eof.transcript", &conversation(OLD_EOF).await);
}
