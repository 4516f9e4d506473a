//! Tuning: what each column family holds decides how it is kept.

use rocksdb::{
    BlockBasedIndexType, BlockBasedOptions, Cache, ColumnFamilyDescriptor, DBCompressionType, DBRecoveryMode,
    DataBlockIndexType, LogLevel, Options, SliceTransform, WriteBufferManager,
};
use rutile_kv_types::Cf;

use crate::EngineConfig;

/// A table file; small enough that dropping a range can drop whole files.
const TABLE_FILE_BYTES: u64 = 16 << 20;
/// A block; one read and one checksum per point lookup.
const BLOCK_BYTES: usize = 16 << 10;
/// Keys from one whole key to the next in a block of the write CF: a point read seeks there and decodes two on average on
/// its way, for 3 % more space before compression.
const WRITE_RESTART_INTERVAL: i32 = 4;
/// About 1 % false positives.
const BLOOM_BITS_PER_KEY: f64 = 10.0;
/// Share of a memtable that its bloom filter may take.
const MEMTABLE_BLOOM_RATIO: f64 = 0.05;
/// Written in small steps, so that a flush does not stall on one large write-back.
const BYTES_PER_SYNC: u64 = 1 << 20;
/// RocksDB's own text log: kept short.
const INFO_LOG_BYTES: usize = 8 << 20;
const INFO_LOG_FILES: usize = 4;
/// Memtables per column family before writes stop.
const MEMTABLES_MAX: i32 = 4;
/// A table file with so many deletes among so many entries in a row, or in all, is compacted: what garbage collection
/// and resolved locks leave costs scans time and the disk space.
const DELETES_WINDOW: usize = 1024;
const DELETES_IN_WINDOW: usize = 512;
const DELETES_RATIO: f64 = 0.5;
/// Lock and raft hold little.
const SMALL_WRITE_BUFFER_BYTES: usize = 8 << 20;
/// Timestamp at the end of a key of the write CF.
const TS_BYTES: usize = 8;

pub(super) fn database(config: &EngineConfig, buffers: &WriteBufferManager) -> Options {
    let mut options = Options::default();
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    options.set_paranoid_checks(true);
    options.set_wal_recovery_mode(DBRecoveryMode::PointInTime);
    options.set_max_background_jobs(i32::try_from(config.background_jobs).unwrap_or(i32::MAX));
    options.set_max_open_files(i32::try_from(config.open_files_max).unwrap_or(i32::MAX));
    options.set_max_total_wal_size(config.wal_bytes_max);
    options.set_write_buffer_manager(buffers);
    options.set_bytes_per_sync(BYTES_PER_SYNC);
    options.set_wal_bytes_per_sync(BYTES_PER_SYNC);
    options.set_log_level(LogLevel::Warn);
    options.set_max_log_file_size(INFO_LOG_BYTES);
    options.set_keep_log_file_num(INFO_LOG_FILES);
    options.set_stats_dump_period_sec(0);
    options.set_stats_persist_period_sec(0);
    options
}

pub(super) fn families(config: &EngineConfig, cache: &Cache) -> Vec<ColumnFamilyDescriptor> {
    Cf::ALL.into_iter().map(|cf| ColumnFamilyDescriptor::new(cf.name(), family(cf, config, cache))).collect()
}

fn family(cf: Cf, config: &EngineConfig, cache: &Cache) -> Options {
    let mut options = Options::default();
    options.set_level_compaction_dynamic_level_bytes(true);
    options.set_target_file_size_base(TABLE_FILE_BYTES);
    options.set_max_write_buffer_number(MEMTABLES_MAX);
    options.set_write_buffer_size(match cf {
        Cf::Default | Cf::Write => config.write_buffer_bytes,
        Cf::Lock | Cf::Raft => config.write_buffer_bytes.min(SMALL_WRITE_BUFFER_BYTES),
    });
    if cf != Cf::Raft {
        options.add_compact_on_deletion_collector_factory(DELETES_WINDOW, DELETES_IN_WINDOW, DELETES_RATIO);
    }
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_memtable_prefix_bloom_ratio(MEMTABLE_BLOOM_RATIO);
    if cf == Cf::Write {
        // Reads look for any version of one key: the filter must know keys without their timestamps.
        options.set_prefix_extractor(SliceTransform::create(
            "rutile.key_without_ts",
            key_without_ts,
            Some(has_ts),
        ));
    } else {
        options.set_memtable_whole_key_filtering(true);
    }
    options.set_block_based_table_factory(&table(cf, cache));
    options
}

fn table(cf: Cf, cache: &Cache) -> BlockBasedOptions {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(cache);
    table.set_block_size(BLOCK_BYTES);
    table.set_format_version(6);
    table.set_index_type(BlockBasedIndexType::BinarySearch);
    table.set_cache_index_and_filter_blocks(true);
    table.set_pin_l0_filter_and_index_blocks_in_cache(true);
    table.set_bloom_filter(BLOOM_BITS_PER_KEY, false);
    table.set_whole_key_filtering(cf != Cf::Write);
    if cf == Cf::Write {
        table.set_block_restart_interval(WRITE_RESTART_INTERVAL);
    } else {
        table.set_data_block_index_type(DataBlockIndexType::BinaryAndHash);
    }
    table
}

fn key_without_ts(key: &[u8]) -> &[u8] {
    key.split_last_chunk::<TS_BYTES>().map_or(key, |(key, _)| key)
}

fn has_ts(key: &[u8]) -> bool {
    key.len() >= TS_BYTES
}
