//! LOAD DATA LOCAL INFILE: the client's file into the statement's sink.

use rutile_server_wire::{Error, Reply, Result};
use rutile_sql::SqlError;
use rutile_sql::session::{LoadRequest, Outcome, Session};

/// Streams the file. The client sends all of it before it listens again, so a failed load reads the rest away first.
pub(crate) async fn load(
    session: &mut Session,
    request: LoadRequest,
    reply: &mut Reply<'_>,
) -> Result<Result<Outcome, SqlError>> {
    let LoadRequest { file_name, mut load } = request;
    let mut infile = match reply.local_infile(file_name.as_bytes()).await {
        Ok(infile) => infile,
        Err(error) => {
            session.abandon_load(*load).await;
            return Err(error);
        }
    };
    loop {
        let process = session.process().clone();
        let next = tokio::select! {
            biased;
            next = infile.next() => next,
            // What is left of the file has no place to go.
            () = process.connection_killed() => Err(Error::Closed),
        };
        let chunk = match next {
            Ok(Some(chunk)) => chunk,
            Ok(None) => return Ok(session.finish_load(*load).await),
            Err(error) => {
                session.abandon_load(*load).await;
                return Err(error);
            }
        };
        if let Err(error) = session.load_chunk(&mut load, chunk).await {
            infile.drain().await?;
            return Ok(Err(error));
        }
    }
}
