//! How many files and connections this process may have open. A fresh shell allows about a thousand, which a busy
//! door alone would use up; then even the database could not be reached any more.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Kept back from clients: connections to the database and to NATS, the operations port, logs, files being read.
const RESERVE: u64 = 256;
/// Fewer clients than this is no service; whoever allows fewer files than that is told.
const CLIENTS_MIN: u64 = 64;

/// As many as the system lets us have. A process may raise its own limit that far.
pub fn allow_all() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(_, hard)| setrlimit(Resource::RLIMIT_NOFILE, hard, hard));
    if let Err(error) = raised {
        tracing::warn!(event = "open_files_not_raised", error_message = %error);
    }
}

/// How many clients may be connected at once: what is wished for, or what fits.
pub fn room_for(wished: u64) -> usize {
    let (allowed, _) = getrlimit(Resource::RLIMIT_NOFILE).unwrap_or((u64::MAX, u64::MAX));
    let room = room_in(allowed, wished);
    if room < wished {
        tracing::warn!(event = "connections_limited", room, wished, open_files = allowed);
    }
    usize::try_from(room).unwrap_or(usize::MAX)
}

fn room_in(allowed: u64, wished: u64) -> u64 {
    allowed.saturating_sub(RESERVE).max(CLIENTS_MIN).min(wished)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_never_take_the_files_that_the_rest_needs() {
        assert_eq!(room_in(1_048_576, 8_192), 8_192);
        assert_eq!(room_in(1_024, 8_192), 768);
        assert_eq!(room_in(100, 8_192), CLIENTS_MIN);
    }

    #[test]
    fn the_limit_is_raised_as_far_as_it_goes() {
        allow_all();
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        assert_eq!(soft, hard);
    }
}
