//! The settings of the private PostgreSQL, written anew at every start. Safe first (fsync, synchronous commit and full
//! pages stay on), then sized for a machine it shares with us, then for what we write: tables that
//! only grow, few large transactions, no replicas.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// How clients come in.
pub(super) enum Door {
    Socket { directory: PathBuf, number: u16 },
    Loopback { port: u16 },
}

const MB: u64 = 1024 * 1024;
/// If the system does not say.
const ASSUMED_MEMORY: u64 = 2048 * MB;

/// Beside the cluster; relative paths are relative to it.
const LOG_DIRECTORY: &str = "../log";

pub(super) fn settings(door: &Door) -> String {
    let memory = memory_bytes();
    let (listen, sockets, port) = match door {
        Door::Socket { directory, number } => (String::new(), quoted(directory), *number),
        Door::Loopback { port } => ("127.0.0.1".to_owned(), String::new(), *port),
    };
    let mut text = String::from("# Written by counterfoil at every start; changes here are lost.\n");
    let mut set = |name: &str, value: &dyn std::fmt::Display| {
        // Writing to a String cannot fail.
        let _infallible = writeln!(text, "{name} = '{value}'");
    };
    set("cluster_name", &"counterfoil");
    set("listen_addresses", &listen);
    set("unix_socket_directories", &sockets);
    set("unix_socket_permissions", &"0700");
    set("port", &port);
    set("password_encryption", &"scram-sha-256");
    // A node at full load, three processes beside it that trade, and whoever looks in.
    set("max_connections", &200);
    // A client that stopped in the middle of a transaction must not hold its locks for ever.
    set("idle_in_transaction_session_timeout", &"60s");

    set("fsync", &"on");
    set("synchronous_commit", &"on");
    set("full_page_writes", &"on");
    // No replica is ever attached: WAL need not describe what a bulk load writes and syncs itself.
    set("wal_level", &"minimal");
    set("max_wal_senders", &0);
    set("wal_compression", &"off");
    set("wal_buffers", &"16MB");
    set("max_wal_size", &"4GB");
    set("checkpoint_timeout", &"15min");
    set("checkpoint_completion_target", &"0.9");

    set("shared_buffers", &megabytes(memory / 8, 128, 1024));
    set("effective_cache_size", &megabytes(memory / 2, 256, 64 * 1024));
    set("work_mem", &"16MB");
    set("maintenance_work_mem", &megabytes(memory / 32, 64, 512));
    set("random_page_cost", &"1.1");
    // Our statements are short and prepared: compiling them costs more than running them.
    set("jit", &"off");

    // Tables that only grow need a vacuum just to freeze and to mark pages all-visible; small read-model rows that
    // change all the time need it often.
    set("autovacuum_max_workers", &2);
    set("autovacuum_naptime", &"15s");
    set("autovacuum_vacuum_scale_factor", &"0.1");
    set("autovacuum_vacuum_insert_scale_factor", &"0.5");
    set("autovacuum_vacuum_insert_threshold", &100_000);
    // Everything is found by index, however it is spread: a sample of the journal for every tenth it grows by is waste.
    set("autovacuum_analyze_scale_factor", &"0.5");

    set("timezone", &"UTC");
    set("log_timezone", &"UTC");
    set("lc_messages", &"C");
    // A week of logs that overwrite themselves; they tell what went wrong, never with which values.
    set("logging_collector", &"on");
    set("log_directory", &LOG_DIRECTORY);
    set("log_filename", &"postgres-%a.log");
    set("log_truncate_on_rotation", &"on");
    set("log_rotation_age", &"1d");
    set("log_rotation_size", &0);
    set("log_file_mode", &"0600");
    set("log_min_messages", &"warning");
    set("log_checkpoints", &"off");
    set("log_min_error_statement", &"panic");
    set("log_error_verbosity", &"terse");
    text
}

/// Who may come in: whoever can enter the socket's directory, or who knows the password.
pub(super) fn access(door: &Door, user: &str) -> String {
    match door {
        Door::Socket { .. } => format!("local all {user} trust\n"),
        Door::Loopback { .. } => format!("host all {user} 127.0.0.1/32 scram-sha-256\n"),
    }
}

/// One entry of a list (in double quotes) that is a value (in single ones).
fn quoted(path: &Path) -> String {
    let entry = path.to_string_lossy().replace('"', "\"\"");
    format!("\"{}\"", entry.replace('\\', "\\\\").replace('\'', "''"))
}

fn megabytes(bytes: u64, least: u64, most: u64) -> String {
    format!("{}MB", (bytes / MB).clamp(least, most))
}

/// What this machine, or the container around us, has.
fn memory_bytes() -> u64 {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| mem_total(&text));
    let container =
        fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    [machine, container].into_iter().flatten().min().unwrap_or(ASSUMED_MEMORY)
}

fn mem_total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_safety_settings_are_on_and_no_port_is_opened_beside_a_socket() {
        let door = Door::Socket { directory: "/data/it's/run".into(), number: 15432 };
        let text = settings(&door);
        for line in [
            "fsync = 'on'",
            "synchronous_commit = 'on'",
            "full_page_writes = 'on'",
            "listen_addresses = ''",
            r#"unix_socket_directories = '"/data/it''s/run"'"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is missing in\n{text}");
        }
        assert_eq!(access(&door, "counterfoil"), "local all counterfoil trust\n");
    }

    #[test]
    fn a_loopback_port_asks_for_the_password() {
        let door = Door::Loopback { port: 40000 };
        let text = settings(&door);
        assert!(text.contains("listen_addresses = '127.0.0.1'\nunix_socket_directories = ''"));
        assert!(access(&door, "counterfoil").contains("scram-sha-256"));
        assert!(!access(&door, "counterfoil").contains("trust"));
    }

    #[test]
    fn memory_is_read_and_shared_within_bounds() {
        assert_eq!(mem_total("MemTotal:       24682000 kB\nMemFree: 1 kB"), Some(24_682_000 * 1024));
        assert_eq!(megabytes(24 * 1024 * MB / 8, 128, 1024), "1024MB");
        assert_eq!(megabytes(512 * MB / 8, 128, 1024), "128MB");
    }
}
