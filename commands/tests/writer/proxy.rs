//! A wire to Postgres that can be cut at the worst moment.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};

/// What `select append_batch(…)` ends with.
const APPENDED: &[u8] = b"SELECT 1\0";
/// Longer than anything but a batch.
const BATCH_BYTES: usize = 600;

const WHOLE: u8 = 0;
const LOSE_THE_ANSWER: u8 = 1;
const LOSE_THE_BATCH: u8 = 2;
const LOSE_THE_BATCH_AND_CLOSE: u8 = 3;
const CLOSED: u8 = 4;

pub struct Proxy {
    pub url: String,
    cut: Arc<AtomicU8>,
    directory: PathBuf,
}

impl Proxy {
    /// Stands before the server of this URL, on a socket of its own.
    pub fn before(url: &str) -> Self {
        let (front, behind) = url.split_once("?host=").unwrap();
        let behind = PathBuf::from(behind).join(".s.PGSQL.5432");
        let directory = std::env::temp_dir().join(format!("proxy-{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir(&directory).unwrap();
        let listener = UnixListener::bind(directory.join(".s.PGSQL.5432")).unwrap();
        let cut = Arc::new(AtomicU8::new(WHOLE));
        let url = format!("{front}?host={}", directory.display());
        tokio::spawn(accept(listener, behind, Arc::clone(&cut)));
        Self { url, cut, directory }
    }

    /// The next batch is committed, and its answer is lost.
    pub fn lose_the_next_answer(&self) {
        self.cut.store(LOSE_THE_ANSWER, Ordering::Release);
    }

    /// The next batch is lost before it arrives.
    pub fn lose_the_next_batch(&self) {
        self.cut.store(LOSE_THE_BATCH, Ordering::Release);
    }

    /// The next batch is lost before it arrives, and nobody gets through until [`Self::open`].
    pub fn lose_the_next_batch_and_close(&self) {
        self.cut.store(LOSE_THE_BATCH_AND_CLOSE, Ordering::Release);
    }

    pub fn open(&self) {
        self.cut.store(WHOLE, Ordering::Release);
    }

    pub fn is_closed(&self) -> bool {
        self.cut.load(Ordering::Acquire) == CLOSED
    }

    pub fn has_cut(&self) -> bool {
        self.cut.load(Ordering::Acquire) == WHOLE
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

async fn accept(listener: UnixListener, behind: PathBuf, cut: Arc<AtomicU8>) {
    while let Ok((client, _)) = listener.accept().await {
        let Ok(server) = UnixStream::connect(&behind).await else { continue };
        let (client_read, client_write) = client.into_split();
        let (server_read, server_write) = server.into_split();
        if cut.load(Ordering::Acquire) == CLOSED {
            continue;
        }
        let (there, back) = (Arc::clone(&cut), Arc::clone(&cut));
        tokio::spawn(async move {
            tokio::select! {
                () = pump(client_read, server_write, |data| {
                    data.len() > BATCH_BYTES
                        && (cuts(&there, LOSE_THE_BATCH, WHOLE) || cuts(&there, LOSE_THE_BATCH_AND_CLOSE, CLOSED))
                }) => {}
                () = pump(server_read, client_write, |data| {
                    data.windows(APPENDED.len()).any(|w| w == APPENDED) && cuts(&back, LOSE_THE_ANSWER, WHOLE)
                }) => {}
            }
        });
    }
}

fn cuts(cut: &AtomicU8, what: u8, then: u8) -> bool {
    cut.compare_exchange(what, then, Ordering::AcqRel, Ordering::Acquire).is_ok()
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, cuts: impl Fn(&[u8]) -> bool) {
    let mut buffer = vec![0; 256 * 1024];
    loop {
        match from.read(&mut buffer).await {
            Ok(read) if read > 0 && !cuts(&buffer[..read]) => {
                if to.write_all(&buffer[..read]).await.is_err() {
                    return;
                }
            }
            _ => return,
        }
    }
}
