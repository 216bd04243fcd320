//! Ports for the servers, on loopback.

use std::net::{Ipv4Addr, TcpListener};

use super::error::RuntimeError;

/// Below what systems hand out to outgoing connections (from 32768 on Linux, from 49152 elsewhere). There a client that
/// tries again and again to reach a server that is down can be given the server's own port, is then connected to
/// itself, and the server finds its port taken when it comes back. No standard port of ours is in it.
const FIRST: u16 = 20_000;
const COUNT: u16 = 10_000;
/// Each try fails only if somebody else listens just there.
const TRIES: u16 = 100;

/// `wanted` if nobody listens there, else another one that is free now.
pub(super) fn free(wanted: Option<u16>) -> Result<u16, RuntimeError> {
    let mut random = [0; 2];
    getrandom::fill(&mut random).map_err(RuntimeError::Randomness)?;
    let begin = u16::from_ne_bytes(random);
    let others = (0..TRIES).map(|step| FIRST + begin.wrapping_add(step) % COUNT);
    let mut tried = wanted.into_iter().chain(others).filter(|port| is_free(*port));
    tried.next().ok_or(RuntimeError::NoPort)
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wanted_port_is_kept_while_it_is_free() {
        let first = free(None).unwrap();
        assert!((FIRST..FIRST + COUNT).contains(&first));
        assert_eq!(free(Some(first)).unwrap(), first);
        let _taken = TcpListener::bind((Ipv4Addr::LOCALHOST, first)).unwrap();
        assert_ne!(free(Some(first)).unwrap(), first);
    }
}
