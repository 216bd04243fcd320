//! One keep-alive connection with at most one request under way.
//!
//! The usual way costs two system calls a request: one write, one read. A request that does not fit the
//! socket's buffer and a response that comes in pieces are finished on later events.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use super::hold::HoldId;
use super::lane::{Asked, Memory};
use super::plan::Kind;
use super::response::{Parsed, Response, parse};

#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    /// Place of its lane in the plan.
    pub(crate) lane: usize,
    pub(crate) memory: Memory,
    /// The request being sent; filled by the lane, sent by `send`.
    pub(crate) out: Vec<u8>,
    sent: usize,
    /// The beginning of a response that came in pieces.
    partial: Vec<u8>,
    pub(crate) pending: Option<Pending>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Pending {
    pub(crate) asked: Asked,
    /// When it was sent, or should have been.
    pub(crate) since: u64,
}

#[derive(Debug)]
pub(crate) enum Progress {
    Waiting,
    /// A response and, if it was of no use, what it said.
    Answered(Response, Option<String>),
    Lost(String),
}

impl Connection {
    pub(crate) fn open(address: SocketAddr, lane: usize) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            lane,
            memory: Memory::default(),
            out: Vec::with_capacity(1_024),
            sent: 0,
            partial: Vec::new(),
            pending: None,
        })
    }

    /// Sends what `out` holds from its beginning. `Ok(false)`: the rest has to wait for room.
    pub(crate) fn send(&mut self) -> io::Result<bool> {
        self.sent = 0;
        self.flush()
    }

    pub(crate) fn flush(&mut self) -> io::Result<bool> {
        while self.sent < self.out.len() {
            match self.stream.write(&self.out[self.sent..]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Reads once into `scratch`, which all connections share, and tells how far the response has come.
    pub(crate) fn receive(&mut self, scratch: &mut [u8]) -> Progress {
        let count = match self.stream.read(scratch) {
            Ok(0) => return Progress::Lost("the server closed the connection".to_owned()),
            Ok(count) => count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                return Progress::Waiting;
            }
            Err(error) => return Progress::Lost(error.to_string()),
        };
        if self.partial.is_empty() {
            let progress = judge(&scratch[..count], self.pending, &mut self.memory);
            if matches!(progress, Progress::Waiting) {
                self.partial.extend_from_slice(&scratch[..count]);
            }
            return progress;
        }
        self.partial.extend_from_slice(&scratch[..count]);
        let progress = judge(&self.partial, self.pending, &mut self.memory);
        if !matches!(progress, Progress::Waiting) {
            self.partial.clear();
        }
        progress
    }
}

fn judge(bytes: &[u8], pending: Option<Pending>, memory: &mut Memory) -> Progress {
    match parse(bytes) {
        Parsed::Incomplete => Progress::Waiting,
        Parsed::Broken(why) => Progress::Lost(why.to_owned()),
        Parsed::Complete(response) if response.body.end < bytes.len() => {
            Progress::Lost("more bytes than one response".to_owned())
        }
        Parsed::Complete(response) => {
            let body = &bytes[response.body.clone()];
            let is_good = (200..300).contains(&response.status);
            let mut said = (!is_good).then(|| complaint(response.status, body));
            if let Some(Pending { asked: Asked { kind: Kind::Hold, target }, .. }) = pending
                && is_good
            {
                memory.hold = HoldId::find(body).map(|hold| (hold, target));
                said = memory.hold.is_none().then(|| "a hold without an id".to_owned());
            }
            Progress::Answered(response, said)
        }
    }
}

/// Enough of a problem document to know it by.
fn complaint(status: u16, body: &[u8]) -> String {
    const SHOWN: usize = 300;
    format!("{status}: {}", String::from_utf8_lossy(&body[..body.len().min(SHOWN)]))
}
