//! One connection to one node. It breaks whenever the node does, and is made again for the next question.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

/// A request, as often as it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    method: Method,
    path: String,
    token: Option<String>,
    key: Option<String>,
    body: Option<Value>,
}

/// A whole answer. Whatever else comes of a request is none.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// `Counterfoil-Position`.
    pub(crate) position: Option<i64>,
    /// `Idempotency-Replayed`.
    pub(crate) replayed: bool,
    pub(crate) body: Value,
}

/// Nothing is known of the request: it may never have arrived, or been done.
#[derive(Debug)]
#[expect(dead_code, reason = "read by whoever sees it in a panic")]
pub(crate) struct Broken(pub(crate) String);

impl Ask {
    pub(crate) fn get(path: &str) -> Self {
        Self { method: Method::GET, path: path.to_owned(), token: None, key: None, body: None }
    }

    pub(crate) fn post(path: &str, body: Value) -> Self {
        Self { method: Method::POST, body: Some(body), ..Self::get(path) }
    }

    pub(crate) fn with_token(self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self }
    }

    pub(crate) fn with_key(self, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..self }
    }

    fn to_request(&self, node: SocketAddr) -> Request<Full<Bytes>> {
        let path = format!("/api/v1{}", self.path);
        let mut request = Request::builder().method(&self.method).uri(path).header(HOST, node.to_string());
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(key) = &self.key {
            request = request.header("idempotency-key", key);
        }
        let body = self.body.as_ref().map(Value::to_string).unwrap_or_default();
        request.header(CONTENT_TYPE, "application/json").body(Full::new(body.into())).unwrap()
    }
}

impl Reply {
    /// The problem's code, or nothing.
    pub(crate) fn code(&self) -> &str {
        self.text("/code")
    }

    /// A text of the body, by its JSON pointer.
    pub(crate) fn text(&self, pointer: &str) -> &str {
        self.body.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }
}

#[derive(Debug)]
pub(crate) struct Http {
    node: SocketAddr,
    sender: Option<SendRequest<Full<Bytes>>>,
}

impl Http {
    pub(crate) fn to(node: SocketAddr) -> Self {
        Self { node, sender: None }
    }

    pub(crate) async fn send(&mut self, ask: &Ask) -> Result<Reply, Broken> {
        let reply = self.exchange(ask).await;
        if reply.is_err() {
            self.sender = None;
        }
        reply
    }

    async fn exchange(&mut self, ask: &Ask) -> Result<Reply, Broken> {
        let request = ask.to_request(self.node);
        let response = self.sender().await?.send_request(request).await.map_err(broken)?;
        read(response).await
    }

    async fn sender(&mut self) -> Result<&mut SendRequest<Full<Bytes>>, Broken> {
        let is_open = match &mut self.sender {
            Some(sender) => sender.ready().await.is_ok(),
            None => false,
        };
        if !is_open {
            self.sender = None;
        }
        match &mut self.sender {
            Some(sender) => Ok(sender),
            none => Ok(none.insert(connect(self.node).await?)),
        }
    }
}

async fn connect(node: SocketAddr) -> Result<SendRequest<Full<Bytes>>, Broken> {
    let stream = TcpStream::connect(node).await.map_err(broken)?;
    stream.set_nodelay(true).map_err(broken)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(broken)?;
    // Ends with its sender, or with the node.
    tokio::spawn(connection);
    Ok(sender)
}

async fn read(response: Response<hyper::body::Incoming>) -> Result<Reply, Broken> {
    let header = |name: &str| response.headers().get(name)?.to_str().ok().map(str::to_owned);
    let position = header("counterfoil-position").and_then(|text| text.parse().ok());
    let replayed = header("idempotency-replayed").is_some_and(|text| text == "true");
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.map_err(broken)?.to_bytes();
    let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).map_err(broken)? };
    Ok(Reply { status, position, replayed, body })
}

fn broken(error: impl std::fmt::Display) -> Broken {
    Broken(error.to_string())
}
