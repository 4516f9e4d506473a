//! What the operating system says of this process.

use std::path::Path;

use rutile_kv_env::Disk;

use crate::metrics::Reading;

/// Linux counts processor time in this unit (USER_HZ), whatever the kernel's own is.
const TICKS_PER_SECOND: u64 = 100;

/// Adds memory, processor time, threads and open files, where `/proc` tells them.
pub(super) fn read(disk: &dyn Disk, reading: &mut Reading) {
    let text = |name: &str| {
        let content = disk.read(&Path::new("/proc/self").join(name)).ok()?;
        String::from_utf8(content).ok()
    };
    if let Some(status) = text("status") {
        for (field, name, help) in [
            ("VmRSS:", "process_resident_memory_bytes", "Memory that the process has in use"),
            ("VmHWM:", "process_resident_memory_peak_bytes", "The most it had in use"),
        ] {
            if let Some(kib) = field_of(&status, field) {
                reading.gauge(name, help, kib << 10);
            }
        }
        if let Some(threads) = field_of(&status, "Threads:") {
            reading.gauge("process_threads", "Threads of the process", threads);
        }
    }
    if let Some(ticks) = text("stat").as_deref().and_then(cpu_ticks) {
        let millis = ticks * 1_000 / TICKS_PER_SECOND;
        reading.counter("process_cpu_milliseconds", "Processor time of the process", millis);
    }
    if let Ok(files) = disk.read_dir(Path::new("/proc/self/fd")) {
        reading.gauge("process_open_files", "Open files and sockets", files.len() as u64);
    }
}

/// Memory that the process has in use.
pub(crate) fn resident_bytes(disk: &dyn Disk) -> Option<usize> {
    let status = disk.read(Path::new("/proc/self/status")).ok()?;
    let kib = field_of(std::str::from_utf8(&status).ok()?, "VmRSS:")?;
    usize::try_from(kib).ok()?.checked_mul(1 << 10)
}

fn field_of(status: &str, field: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse().ok()
}

/// User and system time; the command in parentheses before them may hold anything.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_is_understood() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 5 0 100 1000 20";
        assert_eq!(cpu_ticks(stat), Some(300));
        assert_eq!(cpu_ticks("7 (a"), None);
        assert_eq!(field_of("Name:\trutile\nVmRSS:\t  1234 kB\n", "VmRSS:"), Some(1234));
    }
}
