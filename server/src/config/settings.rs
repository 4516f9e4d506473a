//! All sections, and where their values come from.

use std::path::{Path, PathBuf};

use rutile_kv_env::Disk;

use super::declare::{Entry, Section, When};
use super::file;
use super::setting::Written;
use crate::connection::ConnectionSettings;
use crate::error::{Error, Result};
use crate::logging::LogSettings;
use crate::node::{GcSettings, RaftSettings, ServerSettings, TlsSettings};
use crate::status::StatusSettings;

/// The effective configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Settings {
    pub(crate) server: ServerSettings,
    pub(crate) connections: ConnectionSettings,
    pub(crate) tls: TlsSettings,
    pub(crate) status: StatusSettings,
    pub(crate) log: LogSettings,
    pub(crate) gc: GcSettings,
    pub(crate) raft: RaftSettings,
}

/// Where settings come from; kept, so that a reload reads the same places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sources {
    /// The configuration file.
    pub(crate) file: Option<PathBuf>,
    /// `section.key` and value, in the order of the command line.
    pub(crate) flags: Vec<(String, String)>,
    /// What a role has instead of the default of a setting.
    pub(crate) defaults: Vec<(&'static str, &'static str)>,
}

impl Sources {
    /// The same with another default for a setting, which file and flags go before.
    pub(crate) fn with_default(mut self, name: &'static str, value: &'static str) -> Self {
        self.defaults.push((name, value));
        self
    }
}

/// What a reload did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reloaded {
    pub(crate) applied: Vec<String>,
    /// Changed in the file, but only a restart can follow.
    pub(crate) waiting: Vec<String>,
}

impl Settings {
    /// Reads the file, then what the flags say on top of it.
    pub(crate) fn read(disk: &dyn Disk, sources: &Sources) -> Result<Self> {
        let mut settings = Self::default();
        for (name, value) in &sources.defaults {
            settings
                .take_flag(name, value)
                .map_err(|reason| Error::Setting { name: (*name).to_owned(), reason })?;
        }
        if let Some(path) = &sources.file {
            let content = disk
                .read(path)
                .map_err(|source| Error::ConfigFile { path: path.clone(), reason: source.to_string() })?;
            settings.take_file(path, &content)?;
        }
        for (name, value) in &sources.flags {
            settings
                .take_flag(name, value)
                .map_err(|reason| Error::Setting { name: name.clone(), reason })?;
        }
        if settings.tls.cert.is_some() != settings.tls.key.is_some() {
            let reason = "a certificate and its key belong together: give both or none".to_owned();
            return Err(Error::Setting { name: "tls.cert and tls.key".to_owned(), reason });
        }
        Ok(settings)
    }

    fn take_file(&mut self, path: &Path, content: &[u8]) -> Result<()> {
        self.take_text(content).map_err(|reason| Error::ConfigFile { path: path.to_owned(), reason })
    }

    /// Takes over what the content of a file says.
    pub(crate) fn take_text(&mut self, content: &[u8]) -> std::result::Result<(), String> {
        let text = std::str::from_utf8(content).map_err(|_| "not UTF-8".to_owned())?;
        file::apply(text, self).map_err(|mistake| mistake.to_string())
    }

    pub(crate) fn take_flag(&mut self, name: &str, value: &str) -> std::result::Result<(), String> {
        let (section, key) = name.split_once('.').ok_or("settings are named section.key")?;
        let known = self.section_mut(section).and_then(|found| found.set(key, Written::Flag(value)));
        known.unwrap_or_else(|| Err("no such setting".to_owned()))
    }

    /// All sections, in the order of the sample file.
    pub(crate) fn sections(&self) -> [&dyn Section; 7] {
        [&self.server, &self.connections, &self.tls, &self.status, &self.log, &self.gc, &self.raft]
    }

    pub(super) fn section_mut(&mut self, name: &str) -> Option<&mut dyn Section> {
        let sections: [&mut dyn Section; 7] = [
            &mut self.server,
            &mut self.connections,
            &mut self.tls,
            &mut self.status,
            &mut self.log,
            &mut self.gc,
            &mut self.raft,
        ];
        sections.into_iter().find(|section| section.name() == name)
    }

    /// `section.key` and the setting, of all of them.
    pub(crate) fn entries(&self) -> Vec<(String, Entry)> {
        let named = |section: &&dyn Section| {
            let name = section.name();
            section.entries().into_iter().map(move |entry| (format!("{name}.{}", entry.key), entry))
        };
        self.sections().iter().flat_map(named).collect()
    }

    /// Takes over the live settings of `newer`.
    pub(crate) fn reload(&mut self, newer: &Self) -> Reloaded {
        let mut reloaded = Reloaded::default();
        for ((name, old), (_, new)) in self.entries().into_iter().zip(newer.entries()) {
            if old.text == new.text {
                continue;
            }
            // What was read and checked once can be set.
            if new.when == When::Live && self.take_flag(&name, &new.text).is_ok() {
                reloaded.applied.push(name);
            } else {
                reloaded.waiting.push(name);
            }
        }
        reloaded
    }
}
