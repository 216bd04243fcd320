//! A client that writes its requests as text: what a test sends is what it says, legal or not.

use serde_json::Value;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A request in the making.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    address: SocketAddr,
    line: String,
    headers: Vec<String>,
    body: Vec<u8>,
}

#[derive(Clone, Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Ask {
    pub(crate) fn new(address: SocketAddr, method: &str, path: &str) -> Self {
        Self { address, line: format!("{method} {path} HTTP/1.1"), headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push(format!("{name}: {value}"));
        self
    }

    pub(crate) fn token(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.text(&body.to_string())
    }

    pub(crate) fn text(self, body: &str) -> Self {
        self.header("content-type", "application/json").bytes(body.as_bytes())
    }

    pub(crate) fn bytes(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        self
    }

    pub(crate) async fn send(self) -> Answered {
        Answered::parse(&self.send_for_bytes().await)
    }

    /// All that came until the server closed: for answers that may end before their head does.
    pub(crate) async fn send_for_bytes(self) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let mut request = format!("{}\r\nhost: {}\r\nconnection: close\r\n", self.line, self.address);
        let length = (!self.body.is_empty()).then(|| format!("content-length: {}", self.body.len()));
        for header in self.headers.iter().chain(&length) {
            request.push_str(header);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.write_all(&self.body).await.unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        bytes
    }
}

impl Answered {
    /// Until the server closes.
    pub(crate) async fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        Self::parse(&bytes)
    }

    fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.map(|line| line.split_once(": ").unwrap());
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect();
        let mut answered = Self { status, headers, body: bytes[end + 4..].to_vec() };
        if answered.header("transfer-encoding") == Some("chunked") {
            answered.body = whole(&answered.body);
        }
        answered
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{} is no JSON", self.text()))
    }

    /// The body, if the answer has this status.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        self.json()
    }

    /// It is what was answered first, byte for byte, and says that it is a repeat.
    #[track_caller]
    pub(crate) fn repeats(&self, first: &Self) {
        assert_eq!((self.status, self.text()), (first.status, first.text()));
        for header in ["etag", "counterfoil-position", "content-type", "location"] {
            assert_eq!(self.header(header), first.header(header), "{header}");
        }
        assert_eq!(self.header("idempotency-replayed"), Some("true"));
    }

    /// The problem, if it is this one, complete and in the right form.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        let body = self.expect(status);
        assert_eq!(body["code"], code, "{body}");
        assert_eq!(body["status"], status);
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(body["request_id"].as_str(), self.header("x-request-id"));
        assert_eq!(body["success"], false);
        assert_eq!(body["error"], body["detail"]);
        let may_come_again = body["retryable"].as_bool().unwrap();
        assert_eq!(self.header("retry-after").is_some(), may_come_again, "{body}");
        body
    }
}

/// A body that came in chunks, as far as it came.
fn whole(mut chunks: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = chunks.windows(2).position(|two| two == b"\r\n") {
        let length = usize::from_str_radix(std::str::from_utf8(&chunks[..end]).unwrap(), 16).unwrap();
        if length == 0 {
            break;
        }
        body.extend_from_slice(&chunks[end + 2..end + 2 + length]);
        chunks = &chunks[end + 4 + length..];
    }
    body
}
