//! Session state that clients follow through OK packets, as the `session_track_*` variables ask for it. Connector/J decodes
//! text by what it reads there.

use rutile_server_wire::SessionChange;
use rutile_sql::session::{Session, SessionChanges};

/// What the client has not been told yet.
pub(crate) fn changes(session: &mut Session) -> Vec<SessionChange> {
    told(session.take_changes())
}

/// In MySQL's order.
fn told(changes: SessionChanges) -> Vec<SessionChange> {
    let SessionChanges { variables, schema, state } = changes;
    let variables = variables
        .into_iter()
        .map(|(name, value)| SessionChange::SystemVariable { name: name.to_owned(), value });
    let schema = schema.map(SessionChange::Schema);
    variables.chain(schema).chain(state.then_some(SessionChange::State)).collect()
}
