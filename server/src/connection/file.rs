//! LOAD DATA LOCAL INFILE: the client's file into the statement's sink.

use rutile_server_wire::{Reply, Result};
use rutile_sql::SqlError;
use rutile_sql::session::{LoadRequest, Outcome};

/// Streams the file. The client sends all of it before it listens again, so a failed load reads the rest away first.
pub(crate) async fn load(request: LoadRequest, reply: &mut Reply<'_>) -> Result<Result<Outcome, SqlError>> {
    let LoadRequest { file_name, mut sink } = request;
    let mut infile = reply.local_infile(file_name.as_bytes()).await?;
    while let Some(chunk) = infile.next().await? {
        if let Err(error) = sink.chunk(chunk).await {
            infile.drain().await?;
            return Ok(Err(error));
        }
    }
    Ok(sink.finish().await)
}
