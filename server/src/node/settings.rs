//! What the process as a whole is told.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::{Bytes, settings};

/// Whether regions that nobody uses fall asleep, where nobody says otherwise.
pub(crate) const HIBERNATE_REGIONS: bool = true;

settings! {
    /// The process.
    ServerSettings in "server" {
        /// Address to listen on for MySQL clients.
        host: String = "127.0.0.1".to_owned(), restart, flag "host";
        /// Port for MySQL clients; 0 takes a free one.
        port: u16 = 4000, restart, flag "port";
        /// Where data is kept; created when missing.
        data_dir: PathBuf = PathBuf::from("./rutile-data"), restart, flag "data-dir";
        /// Memory of running statements together, and what the process as a whole is to stay below.
        memory_limit: Bytes = Bytes(1 << 30), [16_777_216 to 1_125_899_906_842_624], restart, flag "memory-limit";
        /// Temporary files of all statements together, in the data directory.
        spill_limit: Bytes = Bytes(16 << 30), [1_048_576 to 1_125_899_906_842_624], restart;
        /// File whose first line becomes root's password; RUTILE_ROOT_PASSWORD does the same.
        root_password_file: Option<PathBuf> = None, restart, flag "root-password-file";
        /// How long a stop waits for running statements before it cuts them off.
        drain_timeout: Duration = Duration::from_secs(10), [0 to 3_600_000], live;
    }
}

settings! {
    /// TLS for MySQL clients. Without files a certificate is made at the first start and kept in the data directory.
    /// A reload reads the files again.
    TlsSettings in "tls" {
        /// Certificates as PEM, the server's first.
        cert: Option<PathBuf> = None, restart, flag "ssl-cert";
        /// Private key of the certificate as PEM.
        key: Option<PathBuf> = None, restart, flag "ssl-key";
    }
}

settings! {
    /// Removal of row versions that nobody can read any more.
    GcSettings in "gc" {
        /// Versions that were replaced less than this ago can still be read.
        life_time: Duration = Duration::from_secs(600), [600_000 to 31_536_000_000], restart;
        /// How often the limit moves on.
        interval: Duration = Duration::from_secs(60), [1_000 to 3_600_000], restart;
    }
}

settings! {
    /// Replication between stores.
    RaftSettings in "raft" {
        /// Regions that nobody uses fall asleep: their replicas send nothing and cost nothing.
        hibernate_regions: bool = HIBERNATE_REGIONS, restart;
    }
}
