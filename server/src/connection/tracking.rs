//! Session state that clients follow through OK packets: the schema, and the variables that MySQL's default of
//! `session_track_system_variables` names. Connector/J decodes text by what it reads there.

use rutile_server_wire::SessionChange;
use rutile_sql::session::Session;
use rutile_sql_types::{Charset, TimeZone, Value};

/// What the client was last told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tracked {
    database: Option<String>,
    autocommit: bool,
    client: Charset,
    connection: Charset,
    /// `None`: results are sent as stored; clients see an empty text.
    results: Option<Charset>,
    time_zone: TimeZone,
}

impl Tracked {
    pub(crate) fn of(session: &Session) -> Self {
        let settings = session.state().settings();
        Self {
            database: session.database().map(str::to_owned),
            autocommit: settings.autocommit,
            client: settings.charset_client,
            connection: settings.collation_connection.charset(),
            results: settings.charset_results,
            time_zone: settings.time_zone,
        }
    }

    /// What is different now; remembered as told.
    pub(crate) fn changes(&mut self, session: &Session) -> Vec<SessionChange> {
        let settings = session.state().settings();
        let unchanged = self.database.as_deref() == session.database()
            && self.autocommit == settings.autocommit
            && self.client == settings.charset_client
            && self.connection == settings.collation_connection.charset()
            && self.results == settings.charset_results
            && self.time_zone == settings.time_zone;
        if unchanged {
            return Vec::new();
        }
        let now = Self::of(session);
        let zone_text = || match rutile_sql::variable::find("time_zone")
            .map(|zone| session.state().variables.get(zone))
        {
            Some(Value::Bytes(text)) => String::from_utf8_lossy(&text).into_owned(),
            _ => String::new(),
        };
        let changes = self.difference(&now, zone_text);
        *self = now;
        changes
    }

    fn difference(&self, now: &Self, zone_text: impl FnOnce() -> String) -> Vec<SessionChange> {
        let mut changes = Vec::new();
        let mut variable = |changed: bool, name: &str, value: &str| {
            if changed {
                changes
                    .push(SessionChange::SystemVariable { name: name.to_owned(), value: value.to_owned() });
            }
        };
        variable(self.autocommit != now.autocommit, "autocommit", if now.autocommit { "ON" } else { "OFF" });
        variable(self.client != now.client, "character_set_client", now.client.name());
        variable(self.connection != now.connection, "character_set_connection", now.connection.name());
        let results = now.results.map_or("", Charset::name);
        variable(self.results != now.results, "character_set_results", results);
        if self.time_zone != now.time_zone {
            variable(true, "time_zone", &zone_text());
        }
        if self.database != now.database {
            changes.push(SessionChange::Schema(now.database.clone().unwrap_or_default()));
        }
        changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changed_is_told() {
        let before = Tracked {
            database: None,
            autocommit: true,
            client: Charset::Utf8mb4,
            connection: Charset::Utf8mb4,
            results: Some(Charset::Utf8mb4),
            time_zone: TimeZone::UTC,
        };
        assert_eq!(before.difference(&before, String::new), []);
        let now =
            Tracked { database: Some("d".to_owned()), autocommit: false, results: None, ..before.clone() };
        let variable = |name: &str, value: &str| SessionChange::SystemVariable {
            name: name.into(),
            value: value.into(),
        };
        assert_eq!(
            before.difference(&now, String::new),
            [
                variable("autocommit", "OFF"),
                variable("character_set_results", ""),
                SessionChange::Schema("d".into())
            ]
        );
    }
}
