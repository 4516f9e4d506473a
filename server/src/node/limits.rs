//! What the operating system allows this process.

use std::path::Path;

use rutile_kv_env::Disk;

/// Handles that are no client sockets: table files, logs, listeners.
const FILES_RESERVED: u64 = 1_024;

/// `max_connections`, lowered to what the limit of open files allows.
pub(crate) fn connections_max(wanted: u64, open_files: Option<u64>) -> u64 {
    let Some(open_files) = open_files else {
        return wanted;
    };
    let possible = open_files.saturating_sub(FILES_RESERVED).max(open_files / 4).max(1);
    possible.min(wanted)
}

/// The soft limit of open files, where Linux tells it.
pub(crate) fn open_files(disk: &dyn Disk) -> Option<u64> {
    let content = disk.read(Path::new("/proc/self/limits")).ok()?;
    parse(std::str::from_utf8(&content).ok()?)
}

fn parse(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_get_what_files_leave() {
        let text =
            "Limit   Soft Limit  Hard Limit  Units\nMax open files            20000   524288    files\n";
        assert_eq!(parse(text), Some(20_000));
        assert_eq!(parse("Max open files  unlimited unlimited files"), None);
        assert_eq!(connections_max(10_000, Some(20_000)), 10_000);
        assert_eq!(connections_max(10_000, Some(4_096)), 3_072);
        assert_eq!(connections_max(10_000, Some(1_024)), 256);
        assert_eq!(connections_max(10_000, None), 10_000);
    }
}
