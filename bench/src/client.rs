//! A small blocking HTTP client for everything that is not load: registering, logging in, single probes.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::error::{BenchError, Doing, Result};
use crate::load::{Parsed, parse};

/// A cold load of a million events may take long; nothing else comes near.
const PATIENCE: Duration = Duration::from_mins(1);

#[derive(Debug)]
pub(crate) struct Client {
    address: SocketAddr,
    stream: TcpStream,
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Result<Self> {
        let doing = format!("connecting to {address}");
        let stream = TcpStream::connect(address).doing(doing.clone())?;
        stream.set_nodelay(true).doing(doing.clone())?;
        stream.set_read_timeout(Some(PATIENCE)).doing(doing)?;
        Ok(Self { address, stream })
    }

    pub(crate) fn get(&mut self, path: &str, token: Option<&str>) -> Result<Reply> {
        let (status, body) = self.get_bytes(path, token)?;
        Ok(Reply { status, body: serde_json::from_slice(&body).unwrap_or(Value::Null) })
    }

    /// The status and the body as it came, for who measures or reads much.
    pub(crate) fn get_bytes(&mut self, path: &str, token: Option<&str>) -> Result<(u16, Vec<u8>)> {
        let request = format!("GET {path} HTTP/1.1\r\n{}\r\n", self.headers(token));
        self.exchange(path, request.as_bytes())
    }

    /// Posts `body`; `key` is the idempotency key, where the route takes one.
    pub(crate) fn post(
        &mut self,
        path: &str,
        token: Option<&str>,
        key: Option<&str>,
        body: &Value,
    ) -> Result<Reply> {
        let body = body.to_string();
        let key = key.map(|key| format!("idempotency-key: {key}\r\n")).unwrap_or_default();
        let request = format!(
            "POST {path} HTTP/1.1\r\n{}{key}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.headers(token),
            body.len(),
        );
        let (status, body) = self.exchange(path, request.as_bytes())?;
        Ok(Reply { status, body: serde_json::from_slice(&body).unwrap_or(Value::Null) })
    }

    fn headers(&self, token: Option<&str>) -> String {
        let token = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
        format!("host: {}\r\n{token}", self.address)
    }

    fn exchange(&mut self, path: &str, request: &[u8]) -> Result<(u16, Vec<u8>)> {
        self.stream.write_all(request).doing(format!("sending to {path}"))?;
        let mut received = Vec::new();
        let mut piece = [0; 16 << 10];
        loop {
            let count = self.stream.read(&mut piece).doing(format!("waiting for {path}"))?;
            if count == 0 {
                return Err(BenchError::Unusable(format!("{path}: the server closed the connection")));
            }
            received.extend_from_slice(&piece[..count]);
            match parse(&received) {
                Parsed::Incomplete => {}
                Parsed::Broken(why) => return Err(BenchError::Unusable(format!("{path}: {why}"))),
                Parsed::Complete(response) => {
                    received.drain(..response.body.start);
                    return Ok((response.status, received));
                }
            }
        }
    }
}

impl Reply {
    /// This reply, if it is a success.
    pub(crate) fn good(self, request: &str) -> Result<Self> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        let body = self.body.to_string();
        Err(BenchError::Answer { request: request.to_owned(), status: self.status, body })
    }

    /// A text of the body, found by its JSON pointer.
    pub(crate) fn text(&self, pointer: &str) -> Result<String> {
        let found = self.body.pointer(pointer).and_then(Value::as_str);
        found.map(str::to_owned).ok_or_else(|| BenchError::Unusable(format!("an answer without {pointer}")))
    }
}
