//! LOAD DATA LOCAL INFILE: the client's file into the statement's sink.

use bytes::Bytes;
use rutile_server_wire::{Error, Infile, Reply, Result};
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
        let chunk = match next(session, &mut infile).await {
            Ok(Some(chunk)) => chunk,
            Ok(None) => return Ok(session.finish_load(*load).await),
            Err(error) => {
                session.abandon_load(*load).await;
                return Err(error);
            }
        };
        if let Err(error) = session.load_chunk(&mut load, chunk).await {
            while next(session, &mut infile).await?.is_some() {}
            return Ok(Err(error));
        }
    }
}

/// The next piece of the file. When the connection is killed, what is left of it has no place to go.
async fn next(session: &Session, infile: &mut Infile<'_>) -> Result<Option<Bytes>> {
    let process = session.process().clone();
    tokio::select! {
        biased;
        () = process.connection_killed() => Err(Error::Closed),
        next = infile.next() => next,
    }
}
