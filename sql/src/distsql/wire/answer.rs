//! What a store answers: a head as JSON, then the rows as an Arrow stream.
//!
//! ```text
//! length of the head (4 bytes, little endian) | head | Arrow stream, unless the head is an error
//! ```

use std::io::Cursor;

use arrow::array::RecordBatch;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use bytes::Bytes;
use rutile_sql_types::{Level, MySqlError, Warning};
use serde::{Deserialize, Serialize};

use crate::distsql::WorkDone;

/// One page.
#[derive(Debug)]
pub(crate) struct Answer {
    pub batch: RecordBatch,
    pub warnings: Vec<Warning>,
    pub work: WorkDone,
}

#[derive(Serialize, Deserialize)]
enum Head {
    Rows { warnings: Vec<WireWarning>, pages: u64, scanned: u64, kept: u64, sent: u64, nanos: u64 },
    Failed { code: u16, sqlstate: String, message: String },
}

#[derive(Serialize, Deserialize)]
struct WireWarning {
    level: u8,
    code: u16,
    message: String,
}

const LEVELS: [Level; 3] = [Level::Note, Level::Warning, Level::Error];

fn malformed(what: impl std::fmt::Display) -> MySqlError {
    MySqlError::internal(format!("malformed answer of a store: {what}"))
}

/// The bytes of an answer, or of the error that the statement ends with.
pub(crate) fn encode_answer(result: &Result<Answer, MySqlError>) -> Result<Bytes, MySqlError> {
    let head = match result {
        Ok(Answer { warnings, work, .. }) => Head::Rows {
            warnings: warnings.iter().map(wire_warning).collect(),
            pages: work.pages,
            scanned: work.scanned,
            kept: work.kept,
            sent: work.sent,
            nanos: work.nanos,
        },
        Err(error) => Head::Failed {
            code: error.code,
            sqlstate: error.sqlstate.to_owned(),
            message: error.message.clone(),
        },
    };
    let head = serde_json::to_vec(&head).map_err(malformed)?;
    let length = u32::try_from(head.len()).map_err(malformed)?;
    let mut bytes = Vec::with_capacity(head.len() + 4);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&head);
    if let Ok(Answer { batch, .. }) = result {
        let mut writer = StreamWriter::try_new(&mut bytes, &batch.schema()).map_err(malformed)?;
        writer.write(batch).and_then(|()| writer.finish()).map_err(malformed)?;
    }
    Ok(Bytes::from(bytes))
}

fn wire_warning(warning: &Warning) -> WireWarning {
    let level = LEVELS.iter().position(|level| *level == warning.level).unwrap_or(0);
    WireWarning {
        level: u8::try_from(level).unwrap_or(0),
        code: warning.code,
        message: warning.message.clone(),
    }
}

/// What these bytes say; an error is the statement's, as it was raised at the store.
pub(crate) fn decode_answer(bytes: &[u8]) -> Result<Answer, MySqlError> {
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(|| malformed("no head"))?;
    let length = usize::try_from(u32::from_le_bytes(*length)).map_err(malformed)?;
    let (head, rows) = rest.split_at_checked(length).ok_or_else(|| malformed("half a head"))?;
    match serde_json::from_slice(head).map_err(malformed)? {
        Head::Failed { code, sqlstate, message } => Err(MySqlError::of_parts(code, &sqlstate, message)),
        Head::Rows { warnings, pages, scanned, kept, sent, nanos } => {
            let mut reader = StreamReader::try_new(Cursor::new(rows), None).map_err(malformed)?;
            let batch = reader.next().ok_or_else(|| malformed("no rows"))?.map_err(malformed)?;
            let warnings = warnings.into_iter().map(|warning| Warning {
                level: LEVELS.get(usize::from(warning.level)).copied().unwrap_or(Level::Warning),
                code: warning.code,
                message: warning.message,
            });
            let work = WorkDone { pages, scanned, kept, sent, nanos };
            Ok(Answer { batch, warnings: warnings.collect(), work })
        }
    }
}
