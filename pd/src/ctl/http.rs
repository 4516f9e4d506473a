//! Pages over HTTP/1.1, one connection each. A member that does not lead says who does, and that one is asked.

use std::path::Path;
use std::time::Duration;

use rutile_kv_env::{BoxFuture, Env};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::tls::Tls;
use super::{Change, Pages};

const PATIENCE: Duration = Duration::from_secs(10);
/// Ways to a leader that moves meanwhile.
const REDIRECTS_MAX: usize = 4;
/// A page of every region of a large cluster; more is not read.
const PAGE_BYTES_MAX: u64 = 1 << 30;

/// PD members, asked one after another until one answers.
pub(super) struct Members {
    pub(super) env: Env,
    pub(super) addresses: Vec<String>,
    pub(super) tls: Option<Tls>,
}

impl Pages for Members {
    fn get<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Value, String>> {
        Box::pin(self.ask("GET", path, String::new()))
    }

    fn change<'a>(&'a self, change: Change<'a>) -> BoxFuture<'a, Result<Value, String>> {
        Box::pin(self.ask(change.method, change.path, change.text()))
    }

    fn read_file(&self, path: &Path) -> Result<Vec<u8>, String> {
        self.env.disk.read(path).map_err(|error| format!("{}: {error}", path.display()))
    }

    fn write_file(&self, path: &Path, content: &[u8]) -> Result<(), String> {
        self.env.disk.write_atomic(path, content).map_err(|error| format!("{}: {error}", path.display()))
    }
}

impl Members {
    async fn ask(&self, method: &str, path: &str, body: String) -> Result<Value, String> {
        let mut problem = "no address of PD is given".to_owned();
        for address in &self.addresses {
            let address = address.trim().trim_start_matches("http://").trim_start_matches("https://");
            let address = address.trim_end_matches('/');
            match self.follow(address, method, path, &body).await {
                // Another one may know the leader.
                Ok((503, body)) => problem = format!("PD at {address}: {}", body.trim()),
                Ok((200, body)) => {
                    return serde_json::from_str(&body).map_err(|error| format!("PD at {address}: {error}"));
                }
                Ok((code, body)) => {
                    // Errors are JSON strings.
                    let text = serde_json::from_str::<String>(&body).unwrap_or(body);
                    return Err(format!("[{code}] {}", text.trim()));
                }
                Err(error) => problem = format!("PD at {address}: {error}"),
            }
        }
        Err(problem)
    }

    async fn fetch(&self, address: &str, method: &str, path: &str, body: &str) -> Result<Fetched, String> {
        let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
        match &self.tls {
            None => exchange(stream, address, method, path, body).await,
            Some(tls) => exchange(tls.greet(stream, address).await?, address, method, path, body).await,
        }
    }
}

impl Members {
    async fn follow(
        &self,
        address: &str,
        method: &str,
        path: &str,
        body: &str,
    ) -> Result<(u16, String), String> {
        let mut address = address.to_owned();
        for _ in 0..REDIRECTS_MAX {
            let fetched = tokio::select! {
                biased;
                fetched = self.fetch(&address, method, path, body) => fetched?,
                () = self.env.clock.sleep(PATIENCE) => return Err("no answer in time".to_owned()),
            };
            match fetched.elsewhere {
                Some(leader) => address = leader,
                None => return Ok((fetched.code, fetched.body)),
            }
        }
        Err("every member says that another one leads".to_owned())
    }
}

/// An answer.
#[derive(Debug, PartialEq, Eq)]
struct Fetched {
    code: u16,
    body: String,
    /// Address of the member that is to be asked instead.
    elsewhere: Option<String>,
}

/// One request and its answer.
async fn exchange(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    address: &str,
    method: &str,
    path: &str,
    body: &str,
) -> Result<Fetched, String> {
    let said = |error: std::io::Error| error.to_string();
    let length = body.len();
    let request = format!(
        "{method} /pd/api/v1{path} HTTP/1.1\r\nHost: {address}\r\nAccept: application/json\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.map_err(said)?;
    let mut answer = String::new();
    let read = stream.take(PAGE_BYTES_MAX).read_to_string(&mut answer).await;
    // A server that closes without TLS's own farewell has still said everything its length promised.
    if let Err(error) = read
        && error.kind() != std::io::ErrorKind::UnexpectedEof
    {
        return Err(said(error));
    }
    take_apart(&answer)
}

/// Status and body. The pages come with their length, so the body is what follows the head.
fn take_apart(answer: &str) -> Result<Fetched, String> {
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("the answer is cut off")?;
    let code = head.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or("the answer is not HTTP")?;
    if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
        return Err("the answer comes in chunks".to_owned());
    }
    let location = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("location").then(|| value.trim())
    });
    // The page stays the same; only the member is another.
    let host = location.filter(|_| code == 307).and_then(|url| url.split_once("://")?.1.split('/').next());
    Ok(Fetched { code, body: body.to_owned(), elsewhere: host.map(str::to_owned) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_apart() {
        let answer = "HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\n\r\n\"no\"";
        let fetched = Fetched { code: 404, body: "\"no\"".to_owned(), elsewhere: None };
        assert_eq!(take_apart(answer), Ok(fetched));
        let answer =
            "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://10.0.0.2:2379/pd/api/v1/stores\r\n\r\n";
        let elsewhere = take_apart(answer).expect("an answer").elsewhere;
        assert_eq!(elsewhere.as_deref(), Some("10.0.0.2:2379"));
        for bad in [
            "",
            "HTTP/1.1 200 OK\r\n",
            "junk\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        ] {
            assert!(take_apart(bad).is_err(), "{bad:?}");
        }
    }
}
