//! Protocol state of prepared statements: parameter counts, sticky types, long data.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};

use crate::command::parameter::{self, Layout, Parameter, ParameterType};
use crate::error::{Error, ErrorPacket, Result};

#[derive(Default)]
struct Statement {
    parameter_count: usize,
    types: Vec<ParameterType>,
    /// In the order parameters were first sent; few of them, if any.
    long_data: Vec<(u16, BytesMut)>,
    long_data_failed: Option<ErrorPacket>,
    has_cursor: bool,
}

impl Statement {
    fn clear_long_data(&mut self) {
        self.long_data.clear();
        self.long_data_failed = None;
    }
}

/// Statements of one connection by id.
#[derive(Default)]
pub(crate) struct Statements {
    by_id: BTreeMap<u32, Statement>,
    /// Long data of all statements together, bounded by `max_allowed_packet`.
    long_data_bytes: usize,
}

impl Statements {
    pub(crate) fn insert(&mut self, id: u32, parameter_count: usize) {
        self.by_id.insert(id, Statement { parameter_count, ..Statement::default() });
    }

    /// Whether rows can be fetched: 1243 for an unknown statement, 1421 for one without an open cursor.
    pub(crate) fn check_cursor(&self, id: u32) -> Result<()> {
        let statement = self.by_id.get(&id).ok_or_else(|| ErrorPacket::unknown_statement(id))?;
        if statement.has_cursor {
            return Ok(());
        }
        let text = format!("The statement ({id}) has no open cursor.");
        Err(ErrorPacket::new(1421, "HY000", text).into())
    }

    /// Remembers whether a cursor is open; answers whether one was.
    pub(crate) fn set_cursor(&mut self, id: u32, open: bool) -> bool {
        self.by_id.get_mut(&id).is_some_and(|statement| std::mem::replace(&mut statement.has_cursor, open))
    }

    pub(crate) fn remove(&mut self, id: u32) -> bool {
        let Some(statement) = self.by_id.remove(&id) else {
            return false;
        };
        self.long_data_bytes -= long_data_bytes(&statement);
        true
    }

    pub(crate) fn clear(&mut self) {
        self.by_id.clear();
        self.long_data_bytes = 0;
    }

    /// COM_STMT_RESET: drops collected long data.
    pub(crate) fn reset(&mut self, id: u32) -> Result<()> {
        let statement = self.by_id.get_mut(&id).ok_or_else(|| ErrorPacket::unknown_statement(id))?;
        self.long_data_bytes -= long_data_bytes(statement);
        statement.clear_long_data();
        Ok(())
    }

    /// What all statements have collected.
    pub(crate) fn long_data_bytes(&self) -> usize {
        self.long_data_bytes
    }

    /// There is no room for the long data of a statement: its next execution says so.
    pub(crate) fn refuse_long_data(&mut self, id: u32, error: ErrorPacket) {
        if let Some(statement) = self.by_id.get_mut(&id) {
            statement.long_data_failed = Some(error);
        }
    }

    /// COM_STMT_SEND_LONG_DATA has no reply: what goes wrong is told by the next execution.
    pub(crate) fn append_long_data(&mut self, id: u32, parameter: u16, data: &[u8], bytes_max: usize) {
        let Some(statement) = self.by_id.get_mut(&id) else {
            return;
        };
        if usize::from(parameter) >= statement.parameter_count {
            statement.long_data_failed =
                Some(ErrorPacket::new(1210, "HY000", "Incorrect arguments to mysqld_stmt_send_long_data"));
            return;
        }
        if self.long_data_bytes + data.len() > bytes_max {
            let text = "Parameter of prepared statement which is set through mysql_send_long_data() is longer than 'max_allowed_packet' bytes";
            statement.long_data_failed = Some(ErrorPacket::new(1105, "HY000", text));
            return;
        }
        self.long_data_bytes += data.len();
        match statement.long_data.iter_mut().find(|(index, _)| *index == parameter) {
            Some((_, collected)) => collected.extend_from_slice(data),
            None => statement.long_data.push((parameter, BytesMut::from(data))),
        }
    }

    /// The parameters of one execution. Long data is used up by it.
    pub(crate) fn parameters(&mut self, id: u32, body: &Bytes, layout: Layout) -> Result<Vec<Parameter>> {
        let statement = self.by_id.get_mut(&id).ok_or_else(|| ErrorPacket::unknown_statement(id))?;
        self.long_data_bytes -= long_data_bytes(statement);
        let mut collected = std::mem::take(&mut statement.long_data);
        if let Some(failed) = statement.long_data_failed.take() {
            return Err(Error::Refused(failed));
        }
        let long_data = |index: usize| {
            let at = collected.iter().position(|(parameter, _)| usize::from(*parameter) == index)?;
            Some(collected.swap_remove(at).1.freeze())
        };
        parameter::decode(body, statement.parameter_count, &mut statement.types, layout, long_data)
    }
}

fn long_data_bytes(statement: &Statement) -> usize {
    statement.long_data.iter().map(|(_, data)| data.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::ParameterValue;

    #[test]
    fn long_data_is_collected_used_once_and_bounded() -> Result<()> {
        let mut statements = Statements::default();
        statements.insert(7, 2);
        statements.append_long_data(7, 1, b"ab", 10);
        statements.append_long_data(7, 1, b"cd", 10);
        let body = Bytes::from_static(&[0, 1, 1, 0, 252, 0, 9]);
        let values: Vec<_> =
            statements.parameters(7, &body, Layout::default())?.into_iter().map(|p| p.value).collect();
        assert_eq!(values, [ParameterValue::Int(9), ParameterValue::Bytes(Bytes::from_static(b"abcd"))]);
        assert!(
            statements.parameters(7, &body, Layout::default()).is_err(),
            "the long data is gone, the body has no value for it"
        );

        statements.append_long_data(7, 1, &[0; 11], 10);
        assert!(
            matches!(statements.parameters(7, &body, Layout::default()), Err(Error::Refused(packet)) if packet.code == 1105)
        );
        statements.append_long_data(7, 1, &[0; 11], 10);
        statements.reset(7)?;
        assert_eq!(statements.long_data_bytes, 0);
        Ok(())
    }

    #[test]
    fn unknown_ids_are_named() {
        let mut statements = Statements::default();
        statements.append_long_data(1, 0, b"x", 10);
        let error =
            statements.parameters(1, &Bytes::new(), Layout::default()).err().and_then(|error| error.packet());
        let expected = ErrorPacket::new(
            1243,
            "HY000",
            "Unknown prepared statement handler (1) given to mysql_stmt_precheck",
        );
        assert_eq!(error, Some(expected));
        assert!(!statements.remove(1));
    }
}
