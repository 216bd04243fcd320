//! A connection to NATS of the relay's own: it writes, and hears one answer at a time.
//!
//! The client library takes the headers of every message as a hash map and carries each message to its writer by itself;
//! together with making the payloads that was an eighth of the server's whole time. Here a run is one text
//! (docs/adr/0013-the-relay-writes-its-runs.md). Who the servers are, and whether one is there, is the library's to know.

use crate::nats::{ANSWER_TIMEOUT, CONNECT_TIMEOUT};
use crate::{Nats, NatsError};
use async_nats::{ServerAddr, ServerInfo};
use secrecy::ExposeSecret;
use serde_json::json;
use std::fmt::Debug;
use std::io;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// All names and addresses of a cluster together.
const OPEN_WITHIN: Duration = Duration::from_secs(10);
/// Longer lines and answers than this are not the server's.
const SAID_MAX: u64 = 256 * 1024;
/// How the server begins to say that it does not want us.
const REFUSAL: &str = "-ERR";

/// After an error or a time-out nobody knows what was written or read half-way: then it is to be dropped.
#[derive(Debug)]
pub(super) struct Wire {
    stream: BufReader<Box<dyn Stream>>,
    /// Where answers arrive.
    inbox: String,
    /// What the server takes at most in one message, headers and all.
    pub(super) max_payload: usize,
}

trait Stream: AsyncRead + AsyncWrite + Debug + Send + Sync + Unpin {}

impl<S: AsyncRead + AsyncWrite + Debug + Send + Sync + Unpin> Stream for S {}

/// What came to the inbox.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Said(Vec<u8>),
    NobodyListens,
}

/// One thing the server says.
#[derive(Debug, PartialEq, Eq)]
enum Heard {
    Ping,
    Pong,
    Message(Answer),
    /// News of the cluster, and the like.
    Aside,
}

impl Wire {
    /// Connects to the server that the client is connected to, so that both stand and fall together; to another one if it
    /// is not to be found under the addresses we know.
    pub(super) async fn open(nats: &Nats) -> Result<Self, NatsError> {
        let opened = tokio::time::timeout(OPEN_WITHIN, Self::open_any(nats)).await;
        opened.map_err(|_| NatsError::failed("no connection for the relay to be had in time"))?
    }

    async fn open_any(nats: &Nats) -> Result<Self, NatsError> {
        let pool = tokio::time::timeout(CONNECT_TIMEOUT, nats.client().server_pool()).await;
        let pool = pool.map_err(|_| NatsError::Unreachable)?.map_err(NatsError::failed)?;
        let wanted = nats.client().try_server_info().map(|info| info.server_id);
        let mut result = Err(NatsError::Unreachable);
        for wanted in [wanted.as_deref(), None] {
            for server in &pool {
                let opened = Self::open_to(nats, &server.addr, wanted).await;
                result = opened.map_err(|error| {
                    NatsError::Failed(format!("{}:{}: {error}", server.addr.host(), server.addr.port()))
                });
                if result.is_ok() {
                    return result;
                }
            }
        }
        result
    }

    async fn open_to(nats: &Nats, server: &ServerAddr, wanted: Option<&str>) -> io::Result<Self> {
        let mut result = Err(io::Error::other("nothing is known of that name"));
        for address in server.socket_addrs().await? {
            let opened = tokio::time::timeout(CONNECT_TIMEOUT, Self::open_at(nats, server, address, wanted));
            result = opened.await.unwrap_or_else(|late| Err(late.into()));
            if result.is_ok() {
                break;
            }
        }
        result
    }

    async fn open_at(
        nats: &Nats,
        server: &ServerAddr,
        address: SocketAddr,
        wanted: Option<&str>,
    ) -> io::Result<Self> {
        let tcp = TcpStream::connect(address).await?;
        tcp.set_nodelay(true)?;
        let mut stream = BufReader::new(tcp);
        let greeting = line(&mut stream).await?;
        let info = greeting.strip_prefix("INFO ").ok_or_else(|| unexpected(&greeting))?;
        let info: ServerInfo = serde_json::from_str(info)?;
        if wanted.is_some_and(|wanted| wanted != info.server_id) {
            return Err(io::Error::other("another server"));
        }
        let stream: Box<dyn Stream> = if info.tls_required || server.tls_required() {
            Box::new(encrypted(server.host(), stream.into_inner()).await?)
        } else {
            // With what it has read already: a server that is full says so right away.
            Box::new(stream)
        };
        let (inbox, max_payload) = (nats.client().new_inbox(), info.max_payload);
        let mut wire = Self { stream: BufReader::new(stream), inbox, max_payload };
        wire.introduce(nats, server.tls_required()).await?;
        Ok(wire)
    }

    async fn introduce(&mut self, nats: &Nats, tls_required: bool) -> io::Result<()> {
        let login = nats.login();
        let connect = json!({
            "name": "counterfoil relay",
            "lang": "rust",
            "version": env!("CARGO_PKG_VERSION"),
            "protocol": 1,
            "verbose": false,
            "pedantic": false,
            "headers": true,
            "no_responders": true,
            "tls_required": tls_required,
            "user": login.map(|login| &login.user),
            "pass": login.map(|login| login.password.expose_secret()),
        });
        let greeting = format!("CONNECT {connect}\r\nSUB {} 1\r\nPING\r\n", self.inbox);
        self.stream.write_all(greeting.as_bytes()).await?;
        self.until_pong().await
    }

    pub(super) fn inbox(&self) -> &str {
        &self.inbox
    }

    pub(super) async fn write(&mut self, text: &[u8]) -> Result<(), NatsError> {
        let written = tokio::time::timeout(ANSWER_TIMEOUT, async {
            self.stream.write_all(text).await?;
            self.stream.flush().await
        });
        match written.await.map_err(|_| NatsError::Unreachable)? {
            Ok(()) => Ok(()),
            Err(error) => Err(NatsError::failed(self.last_words().await.unwrap_or(error))),
        }
    }

    /// Who throws us out says why before it hangs up.
    async fn last_words(&mut self) -> Option<io::Error> {
        let said = async {
            loop {
                if let Err(error) = hear(&mut self.stream).await {
                    return error;
                }
            }
        };
        let said = tokio::time::timeout(CONNECT_TIMEOUT, said).await.ok()?;
        said.to_string().starts_with(REFUSAL).then_some(said)
    }

    /// The answer to the one message that asked for it.
    pub(super) async fn answer(&mut self) -> Result<Answer, NatsError> {
        let answer = async {
            loop {
                if let Heard::Message(answer) = self.hear().await? {
                    return Ok::<_, io::Error>(answer);
                }
            }
        };
        let answered = tokio::time::timeout(ANSWER_TIMEOUT, answer).await;
        answered.map_err(|_| NatsError::failed("no answer to what was published"))?.map_err(NatsError::failed)
    }

    /// Answers what the server asked in the meantime, and finds out whether it still listens.
    pub(super) async fn is_open(&mut self) -> bool {
        let asked = async {
            self.stream.write_all(b"PING\r\n").await?;
            self.until_pong().await
        };
        matches!(tokio::time::timeout(ANSWER_TIMEOUT, asked).await, Ok(Ok(())))
    }

    async fn until_pong(&mut self) -> io::Result<()> {
        self.stream.flush().await?;
        while self.hear().await? != Heard::Pong {}
        Ok(())
    }

    async fn hear(&mut self) -> io::Result<Heard> {
        let heard = hear(&mut self.stream).await?;
        if heard == Heard::Ping {
            self.stream.write_all(b"PONG\r\n").await?;
            self.stream.flush().await?;
        }
        Ok(heard)
    }
}

async fn hear(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Heard> {
    let line = line(stream).await?;
    let mut words = line.split_ascii_whitespace();
    Ok(match words.next().unwrap_or_default() {
        "PING" => Heard::Ping,
        "PONG" => Heard::Pong,
        REFUSAL => return Err(io::Error::other(line)),
        // MSG <subject> <sid> <size>
        "MSG" => Heard::Message(Answer::Said(body(stream, size(&line, words.next_back())?).await?)),
        // HMSG <subject> <sid> <size of the headers> <size of all>
        "HMSG" => {
            let total = size(&line, words.next_back())?;
            let headers = size(&line, words.next_back())?;
            let mut message = body(stream, total).await?;
            let text = message.split_off(headers.min(message.len()));
            let nobody_listens = message.starts_with(b"NATS/1.0 503");
            Heard::Message(if nobody_listens { Answer::NobodyListens } else { Answer::Said(text) })
        }
        "INFO" | "+OK" => Heard::Aside,
        _ => return Err(unexpected(&line)),
    })
}

async fn line(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<String> {
    let mut line = String::new();
    stream.take(SAID_MAX).read_line(&mut line).await?;
    if !line.ends_with('\n') {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server hung up"));
    }
    line.truncate(line.trim_end().len());
    Ok(line)
}

async fn body(stream: &mut (impl AsyncBufRead + Unpin), size: usize) -> io::Result<Vec<u8>> {
    const END: usize = "\r\n".len();
    let mut body = vec![0; size + END];
    stream.read_exact(&mut body).await?;
    body.truncate(size);
    Ok(body)
}

fn size(line: &str, word: Option<&str>) -> io::Result<usize> {
    let size = word.and_then(|word| u32::from_str(word).ok()).filter(|size| u64::from(*size) <= SAID_MAX);
    size.and_then(|size| usize::try_from(size).ok()).ok_or_else(|| unexpected(line))
}

fn unexpected(line: &str) -> io::Error {
    // No more than the verb: the rest may be anything, our own words sent back included.
    let verb: String = line.chars().take_while(|c| !c.is_whitespace()).take(20).collect();
    io::Error::new(io::ErrorKind::InvalidData, format!("the server says {verb:?}, which is not NATS"))
}

/// As the client library does it: with the certificates this machine trusts.
async fn encrypted(host: &str, tcp: TcpStream) -> io::Result<TlsStream<TcpStream>> {
    let found = rustls_native_certs::load_native_certs();
    if let Some(error) = found.errors.into_iter().next() {
        return Err(io::Error::other(error));
    }
    let mut trusted = RootCertStore::empty();
    trusted.add_parsable_certificates(found.certs);
    let config = ClientConfig::builder().with_root_certificates(trusted).with_no_client_auth();
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    TlsConnector::from(Arc::new(config)).connect(name, tcp).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::DuplexStream;

    async fn all_of(mut text: &[u8]) -> Vec<Heard> {
        let mut heard = Vec::new();
        while !text.is_empty() {
            heard.push(hear(&mut text).await.unwrap());
        }
        heard
    }

    async fn refused(mut text: &[u8]) -> String {
        hear(&mut text).await.unwrap_err().to_string()
    }

    #[tokio::test]
    async fn what_the_server_says_is_understood() {
        let text = b"PING\r\nINFO {\"ldm\":true}\r\nMSG _INBOX.a 1 5\r\na\r\nb \r\nPONG\r\n\
            HMSG _INBOX.a 1 16 16\r\nNATS/1.0 503\r\n\r\n\r\nHMSG _INBOX.a 1 12 14\r\nNATS/1.0\r\n\r\n{}\r\n";
        let message = |text: &[u8]| Heard::Message(Answer::Said(text.to_vec()));
        let nobody = Heard::Message(Answer::NobodyListens);
        let expected = [Heard::Ping, Heard::Aside, message(b"a\r\nb "), Heard::Pong, nobody, message(b"{}")];
        assert_eq!(all_of(text).await, expected);
    }

    #[tokio::test]
    async fn what_is_not_to_be_understood_is_an_error() {
        assert_eq!(refused(b"-ERR 'Authorization Violation'\r\n").await, "-ERR 'Authorization Violation'");
        assert_eq!(refused(b"").await, "the server hung up");
        assert_eq!(refused(b"MSG _INBOX.a 1").await, "the server hung up");
        for text in [
            "HTTP/1.1 400\r\n",
            "MSG a 1 -1\r\n",
            "MSG a 1 99999999999\r\n",
            "MSG a 1 999999\r\n",
            "HMSG 1\r\n",
        ] {
            assert!(refused(text.as_bytes()).await.ends_with("which is not NATS"), "{text}");
        }
        assert!(refused(b"MSG a 1 5\r\nabc").await.contains("eof"));
        let endless = [vec![b'x'; 300_000], b"\r\n".to_vec()].concat();
        assert!(refused(&endless).await.contains("hung up"));
    }

    fn wire(ours: DuplexStream) -> Wire {
        let stream: BufReader<Box<dyn Stream>> = BufReader::new(Box::new(ours));
        Wire { stream, inbox: "_INBOX.a".to_owned(), max_payload: 1_024 }
    }

    #[tokio::test]
    async fn who_is_thrown_out_is_told_why() {
        let (ours, mut servers) = tokio::io::duplex(1_024);
        servers.write_all(b"PING\r\n-ERR 'User Authentication Revoked'\r\n").await.unwrap();
        drop(servers);
        let refused = wire(ours).write(b"HPUB").await.unwrap_err().to_string();
        assert!(refused.contains("User Authentication Revoked"), "{refused}");
        let (ours, servers) = tokio::io::duplex(1_024);
        drop(servers);
        let refused = wire(ours).write(b"HPUB").await.unwrap_err().to_string();
        assert!(refused.contains("broken pipe"), "{refused}");
    }

    #[tokio::test]
    async fn a_server_that_asks_whether_we_are_there_is_told_so() {
        let (ours, mut servers) = tokio::io::duplex(1_024);
        let mut wire = wire(ours);
        servers.write_all(b"PING\r\nMSG _INBOX.a 1 2\r\n{}\r\n").await.unwrap();
        assert_eq!(wire.answer().await.unwrap(), Answer::Said(b"{}".to_vec()));
        let mut told = [0; 6];
        servers.read_exact(&mut told).await.unwrap();
        assert_eq!(&told, b"PONG\r\n");
        servers.write_all(b"PONG\r\n").await.unwrap();
        assert!(wire.is_open().await);
        drop(servers);
        assert!(!wire.is_open().await);
    }
}
