//! Checks that the system allows this process as many connections as the settings ask for.

use std::fs;

use crate::connections::WAITING;
use crate::http::Limits;

/// Open files besides connections: the store's, deliveries in progress, the log.
const BESIDE: usize = 128;

/// The limits, reduced to what the system's limit of open files allows, with a warning.
///
/// `others` are connections that the process itself opens.
pub(super) fn fitting(limits: Limits, others: usize) -> Limits {
    let Some(files) = soft_limit(&fs::read_to_string("/proc/self/limits").unwrap_or_default()) else {
        return limits;
    };
    let connections = room(files, others);
    if limits.connections <= connections {
        return limits;
    }
    tracing::warn!(
        files,
        connections,
        "the limit of open files is too low for limits.connections; fewer connections are served: raise the limit \
         (ulimit -n, LimitNOFILE), or lower the setting"
    );
    Limits { connections, ..limits }
}

/// How many connections fit into this many open files: at least a quarter of them.
fn room(files: usize, others: usize) -> usize {
    files.saturating_sub(WAITING + BESIDE + others).max(files / 4).max(1)
}

/// The number in the system's table of limits; `None` without a table or a limit.
fn soft_limit(table: &str) -> Option<usize> {
    let line = table.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_read_from_the_system_s_table() {
        let table = "Limit                     Soft Limit           Hard Limit           Units     \n\
                     Max open files            1024                 524288               files     \n";
        assert_eq!(soft_limit(table), Some(1024));
        assert_eq!(
            soft_limit("Max open files            unlimited            unlimited            files\n"),
            None
        );
        assert_eq!(soft_limit(""), None);
    }

    #[test]
    fn connections_leave_room_for_other_files() {
        assert_eq!(room(65_536, 16), 65_328);
        assert_eq!(room(1024, 16), 816);
        assert_eq!((room(100, 16), room(2, 0)), (25, 1));
    }
}
