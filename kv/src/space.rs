//! Space on the disk: when it runs out, user writes are refused before the engines meet the end of it.
//!
//! Reads, deletes, the end of transactions under way, garbage collection and raft itself go on, so that there is a way
//! back; once there is space again, writes are taken again. The reserve is for them: a delete also needs space before
//! compaction gives any back.
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rutile_kv_env::Env;

use crate::config::Config;
use crate::error::{RegionError, Result};

/// How often the disk is looked at. Written in this time: at most what is in flight, and the reserve holds that.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// What is known about the disk.
#[derive(Debug)]
pub struct Space {
    /// Bytes that may still be written when that is too few; `u64::MAX` as long as there are enough.
    left_bytes: AtomicU64,
}

impl Space {
    /// A disk that is never full.
    pub fn unlimited() -> Arc<Self> {
        Arc::new(Space { left_bytes: AtomicU64::new(u64::MAX) })
    }

    /// Whether data may be added.
    pub fn check(&self) -> Result<()> {
        match self.left_bytes.load(Ordering::Relaxed) {
            u64::MAX => Ok(()),
            available_bytes => Err(RegionError::DiskFull { available_bytes }.into()),
        }
    }
}

/// Looks at the disk from time to time.
pub struct SpaceMonitor {
    env: Env,
    data_dir: PathBuf,
    reserve_bytes: u64,
    used_percent_max: u64,
    space: Arc<Space>,
}

impl SpaceMonitor {
    /// Looks for the first time. `None` when the configuration names no directory to look at.
    pub fn start(env: &Env, config: &Config, space: Arc<Space>) -> Option<Self> {
        let monitor = SpaceMonitor {
            env: env.clone(),
            data_dir: config.data_dir.clone()?,
            reserve_bytes: config.disk_reserve_bytes,
            used_percent_max: config.disk_used_percent_max,
            space,
        };
        monitor.look();
        Some(monitor)
    }

    /// The loop of the task; ends by being aborted.
    pub async fn run(self) {
        loop {
            self.env.clock.sleep(CHECK_INTERVAL).await;
            self.look();
        }
    }

    fn look(&self) {
        let disk = &self.env.disk;
        let measured = disk
            .available_space(&self.data_dir)
            .and_then(|available_bytes| Ok((available_bytes, disk.total_space(&self.data_dir)?)));
        let (available_bytes, total_bytes) = match measured {
            Ok(measured) => measured,
            // Nothing is known, so nothing changes: writes meet the disk itself.
            Err(error) => return tracing::warn!(%error, "space on the disk is not known"),
        };
        let used_bytes = u128::from(total_bytes.saturating_sub(available_bytes));
        let is_full = available_bytes < self.reserve_bytes
            || used_bytes * 100 >= u128::from(total_bytes) * u128::from(self.used_percent_max);
        let left_bytes = if is_full { available_bytes } else { u64::MAX };
        let before = self.space.left_bytes.swap(left_bytes, Ordering::Relaxed);
        if is_full && before == u64::MAX {
            tracing::error!(available_bytes, total_bytes, "disk is almost full: user writes are refused");
        } else if !is_full && before != u64::MAX {
            tracing::info!(available_bytes, total_bytes, "there is space again: user writes are taken");
        }
    }
}
