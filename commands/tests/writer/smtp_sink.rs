//! A mail server of three screws: takes what it is told to take, and keeps it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

#[derive(Clone, Debug)]
pub struct Delivered {
    pub to: String,
    pub text: String,
}

#[derive(Clone)]
pub struct SmtpSink {
    address: SocketAddr,
    /// Receivers still to be refused.
    refusals: Arc<AtomicUsize>,
    delivered: Arc<Mutex<Vec<Delivered>>>,
}

impl SmtpSink {
    pub async fn open(refusals: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sink = Self {
            address: listener.local_addr().unwrap(),
            refusals: Arc::new(AtomicUsize::new(refusals)),
            delivered: Arc::default(),
        };
        let serving = sink.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let conversation = serving.clone();
                tokio::spawn(async move { conversation.talk(stream).await });
            }
        });
        sink
    }

    pub fn url(&self) -> String {
        format!("smtp://{}", self.address)
    }

    pub fn delivered(&self) -> Vec<Delivered> {
        self.delivered.lock().unwrap().clone()
    }

    async fn talk(&self, stream: TcpStream) -> Option<()> {
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 sink\r\n").await.ok()?;
        let mut to = String::new();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            let answer = match line.split([' ', ':', '\r']).next().unwrap_or_default() {
                "EHLO" => "250 sink\r\n",
                "RCPT" => {
                    line.trim_end().trim_start_matches("RCPT TO:").clone_into(&mut to);
                    let refuse = |left: usize| left.checked_sub(1);
                    match self.refusals.fetch_update(Ordering::AcqRel, Ordering::Acquire, refuse) {
                        Ok(_) => "451 not now, <somebody@example.com>\r\n",
                        Err(_) => "250 ok\r\n",
                    }
                }
                "DATA" => {
                    stream.write_all(b"354 go on\r\n").await.ok()?;
                    let text = Self::read_text(&mut stream).await?;
                    self.delivered.lock().unwrap().push(Delivered { to: to.clone(), text });
                    "250 ok\r\n"
                }
                "QUIT" => {
                    stream.write_all(b"221 bye\r\n").await.ok()?;
                    return Some(());
                }
                _ => "250 ok\r\n",
            };
            stream.write_all(answer.as_bytes()).await.ok()?;
        }
    }

    async fn read_text(stream: &mut BufReader<TcpStream>) -> Option<String> {
        let mut text = String::new();
        while !text.ends_with("\r\n.\r\n") {
            if stream.read_line(&mut text).await.ok()? == 0 {
                return None;
            }
        }
        Some(text)
    }
}
