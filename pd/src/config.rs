//! Settings of the placement driver.

use std::path::PathBuf;
use std::time::Duration;

use crate::member::Founding;

#[derive(Clone, Debug)]
pub struct PdConfig {
    /// Directory of the durable state; created when absent.
    pub data_dir: PathBuf,
    /// Name of this member.
    pub name: String,
    /// Addresses that clients can dial; empty when only this process uses PD.
    pub client_urls: Vec<String>,
    /// How far ahead of now the end of the timestamp window is saved. After a crash timestamps go on at that end, so
    /// that lock lifetimes may stretch by as much.
    pub tso_window: Duration,
    /// What to do where there is no data yet.
    pub founding: Founding,
}

impl PdConfig {
    pub fn new(data_dir: impl Into<PathBuf>) -> PdConfig {
        PdConfig {
            data_dir: data_dir.into(),
            name: "pd".to_owned(),
            client_urls: Vec::new(),
            tso_window: Duration::from_secs(3),
            founding: Founding::Alone,
        }
    }
}
