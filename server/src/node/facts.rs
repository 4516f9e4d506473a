//! What system variables say about this server.

use std::path::Path;

use rutile_kv_env::Disk;
use rutile_sql::variable::ServerFacts;

use crate::SERVER_VERSION;

/// `@@version`, `@@hostname`, `@@datadir`, `@@port`, `@@server_uuid`.
pub(crate) fn server_facts(
    disk: &dyn Disk,
    data_dir: &Path,
    port: u16,
    cluster_id: u64,
    store_id: u64,
) -> ServerFacts {
    let hostname = disk.read(Path::new("/etc/hostname")).unwrap_or_default();
    ServerFacts {
        version: SERVER_VERSION.to_owned(),
        hostname: String::from_utf8_lossy(&hostname).trim().to_owned(),
        datadir: data_dir.display().to_string(),
        port,
        socket: String::new(),
        server_uuid: uuid(cluster_id, store_id),
        configured: Vec::new(),
    }
}

/// The same at every start: made of the two ids that name this store for ever.
fn uuid(cluster_id: u64, store_id: u64) -> String {
    let text = format!("{cluster_id:016x}{store_id:016x}");
    let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    format!("{}-{}-8{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_has_the_form_of_one_and_tells_servers_apart() {
        let one = uuid(0x0123_4567_89ab_cdef, 1);
        assert_eq!(one, "01234567-89ab-8def-8000-000000000001");
        assert_ne!(one, uuid(0x0123_4567_89ab_cdef, 2));
    }
}
