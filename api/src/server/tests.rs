//! The clock stands still and leaps to the next deadline whenever nothing else happens: no test waits for real.

use super::*;
use crate::input::JsonBody;
use axum::Router;
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// More than the buffers of both ends hold.
const LARGE: usize = 64 * 1024 * 1024;
/// An answer that takes its time.
const LATE: Duration = Duration::from_secs(1);
const PLACES: usize = 8;

async fn serve() -> (SocketAddr, CancellationToken) {
    let large = bytes::Bytes::from(vec![b'x'; LARGE]);
    let router = Router::new()
        .route("/large", get(|| async { large }))
        .route("/late", get(|| async { tokio::time::sleep(LATE).await }))
        .route("/body", post(|_body: JsonBody| async { "taken" }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let cancel = CancellationToken::new();
    tokio::spawn(
        Server::new(listener, Door::new(router, [], crate::settings::Edge::default(), None), PLACES)
            .run(cancel.clone()),
    );
    (address, cancel)
}

/// All that comes until the server closes.
async fn ask(address: SocketAddr, begin: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(begin.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_arrive_ends_the_connection() {
    let (address, _stop) = serve().await;
    let began = tokio::time::Instant::now();
    assert_eq!(ask(address, "GET /large HTTP/1.1\r\nhost:").await, "");
    assert_eq!(ask(address, "").await, "", "nor does a connection that says nothing stay");
    assert!(began.elapsed() >= 2 * HEADERS_WITHIN, "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_arrive_is_a_problem() {
    let (address, _stop) = serve().await;
    let head =
        "POST /body HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{";
    let answer = ask(address, head).await;
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("request_timeout"), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn who_does_not_take_their_answer_loses_their_place() {
    let (address, _stop) = serve().await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    tokio::time::sleep(TAKEN_WITHIN * 2).await;
    let mut taken = Vec::new();
    let _ = stream.read_to_end(&mut taken).await;
    assert!(taken.starts_with(b"HTTP/1.1 200 ") && taken.len() < LARGE, "{}", taken.len());
}

#[tokio::test(start_paused = true)]
async fn who_has_nothing_more_to_say_is_answered() {
    let (address, _stop) = serve().await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /late HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn who_hangs_up_gives_their_place_back() {
    let (address, _stop) = serve().await;
    for _ in 0..2 * PLACES {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /late HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    }
    let answer = ask(address, "GET /late HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_worth_waiting_for_when_asked_to_stop() {
    let (address, stop) = serve().await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = "POST /body HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n";
    stream.write_all(format!("{head}expect: 100-continue\r\n\r\n").as_bytes()).await.unwrap();
    // The server asks for the body: the request has begun.
    let mut proceed = [0; 25];
    stream.read_exact(&mut proceed).await.unwrap();
    assert!(proceed.starts_with(b"HTTP/1.1 100 "));
    stop.cancel();
    tokio::task::yield_now().await;
    stream.write_all(b"{}").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("taken"), "{answer}");
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}
