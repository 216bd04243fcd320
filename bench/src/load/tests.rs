//! The generator against small servers that answer, refuse, stall or misbehave in a known way.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};

use super::*;

#[derive(Clone, Default)]
struct Seen {
    deposits: Arc<AtomicU64>,
    /// Each answer takes this long.
    delay: Duration,
    refuse: bool,
    /// Holds that are not captured yet.
    held: Arc<Mutex<HashSet<String>>>,
}

async fn deposit(
    State(seen): State<Seen>,
    headers: HeaderMap,
    body: String,
) -> (StatusCode, HeaderMap, String) {
    assert_eq!(body, "{\"amount\":\"1.00\"}");
    assert_eq!(headers["idempotency-key"].len(), 36);
    tokio::time::sleep(seen.delay).await;
    let position = seen.deposits.fetch_add(1, Ordering::Relaxed) + 1;
    let told = HeaderMap::from_iter([("counterfoil-position".parse().unwrap(), position.into())]);
    let status = if seen.refuse { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::CREATED };
    (status, told, "{\"code\":\"as_told\"}".to_owned())
}

async fn place(State(seen): State<Seen>, Path(wallet): Path<String>) -> (StatusCode, String) {
    let number = seen.deposits.fetch_add(1, Ordering::Relaxed);
    let hold = format!("{wallet}.{number}");
    seen.held.lock().unwrap().insert(hold.clone());
    (StatusCode::CREATED, format!(r#"{{"wallet":{{"id":"w"}},"hold":{{"id":"{hold}"}}}}"#))
}

async fn capture(State(seen): State<Seen>, Path(hold): Path<String>) -> StatusCode {
    if seen.held.lock().unwrap().remove(&hold) { StatusCode::OK } else { StatusCode::NOT_FOUND }
}

/// Serves on a free port, in a thread that lives as long as the test process.
fn serve(seen: Seen) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let router = axum::Router::new()
        .route("/api/v1/wallets/{id}/deposit", post(deposit))
        .route("/api/v1/wallets/{id}", get(|| async { "{}" }))
        .route("/api/v1/wallets/{id}/holds", post(place))
        .route("/api/v1/holds/{id}/capture", post(capture))
        .with_state(seen);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, router).await.unwrap();
        });
    });
    address
}

fn plan(address: SocketAddr, connections: usize, pace: Pace, mix: Mix) -> Plan {
    let lane =
        Lane { name: "lane".into(), connections, pace, mix, first_target: 0, targets: 100, key_seed: 1 };
    Plan {
        address,
        routes: Routes::counterfoil(),
        tokens: vec!["token".into()],
        targets: (0..100).map(|n| Target::deposits(format!("w{n}"), Some(0))).collect(),
        lanes: vec![lane],
        warmup_seconds: 0.1,
        seconds: 0.4,
    }
}

fn run(plan: &Plan) -> Outcome {
    Driver::new(plan).unwrap().run(|_| ()).unwrap()
}

#[test]
fn a_closed_loop_counts_what_the_server_counted() {
    let seen = Seen::default();
    let plan = plan(serve(seen.clone()), 16, Pace::Closed, Mix::Commands);
    let outcome = run(&plan);
    let deposits = seen.deposits.load(Ordering::Relaxed);
    assert_eq!((outcome.errors, &outcome.complaints), (0, &Vec::new()));
    assert_eq!(outcome.lanes[0].commands, deposits);
    assert_eq!(outcome.position, deposits);
    let sample = outcome.sample("lane", Kind::Command).unwrap();
    assert!(sample.answered > 0 && sample.answered < deposits, "the warm-up is not counted");
    assert!(outcome.per_second(true) > 0.0 && outcome.cpu_seconds <= outcome.seconds * 1.1);
}

#[test]
fn each_write_is_read_back_by_the_same_connection() {
    let plan = plan(serve(Seen::default()), 4, Pace::Closed, Mix::ReadYourWrites);
    let outcome = run(&plan);
    let (writes, reads) = (
        outcome.sample("lane", Kind::Command).unwrap().answered,
        outcome.sample("lane", Kind::ReadYourWrite).unwrap().answered,
    );
    assert_eq!(outcome.errors, 0);
    assert!(writes.abs_diff(reads) <= 4, "{writes} writes, {reads} reads");
}

#[test]
fn each_hold_is_captured_by_the_connection_that_placed_it() {
    let seen = Seen::default();
    let mut plan = plan(serve(seen.clone()), 8, Pace::Closed, Mix::HoldsAndCaptures);
    plan.routes.command = "/api/v1/wallets/{id}/holds".into();
    let outcome = run(&plan);
    let answered = |kind| outcome.sample("lane", kind).unwrap().answered;
    assert_eq!((outcome.errors, &outcome.complaints), (0, &Vec::new()));
    assert!(answered(Kind::Hold).abs_diff(answered(Kind::Capture)) <= 8);
    assert!(seen.held.lock().unwrap().len() <= 8, "but for those under way at the end");
    assert!(outcome.per_second(true) > outcome.lane_per_second("lane", Kind::Hold), "both are commands");
}

#[test]
fn a_hold_that_cannot_be_captured_is_an_error() {
    let mut plan = plan(serve(Seen::default()), 1, Pace::Closed, Mix::HoldsAndCaptures);
    plan.routes.command = "/api/v1/wallets/{id}/deposit".into();
    let outcome = run(&plan);
    assert!(outcome.errors > 0);
    assert_eq!(outcome.complaints[0], "a hold without an id");
}

#[test]
fn an_open_loop_keeps_its_rate_while_the_server_can() {
    let plan = plan(serve(Seen::default()), 16, Pace::Open { rate: 500.0 }, Mix::Commands);
    let outcome = run(&plan);
    let per_second = outcome.per_second(true);
    assert_eq!(outcome.errors, 0);
    assert!((300.0..700.0).contains(&per_second), "{per_second}");
}

#[test]
fn an_open_loop_does_not_hide_the_wait_for_a_slow_server() {
    let slow = Seen { delay: Duration::from_millis(20), ..Seen::default() };
    // One connection manages 50 a second; 200 arrive. The last ones have waited for most of the run.
    let plan = plan(serve(slow), 1, Pace::Open { rate: 200.0 }, Mix::Commands);
    let outcome = run(&plan);
    assert_eq!(outcome.errors, 0);
    let latency = outcome.latency(true);
    assert!(latency.percentile(0.9) > 500_000, "p90 is {} µs", latency.percentile(0.9));
}

#[test]
fn a_refusal_is_an_error_and_is_shown() {
    let plan = plan(serve(Seen { refuse: true, ..Seen::default() }), 2, Pace::Closed, Mix::Commands);
    let outcome = run(&plan);
    assert!(outcome.errors > 0);
    assert!(outcome.complaints[0].starts_with("422: {\"code\":\"as_told\"}"));
    assert!(outcome.per_second(true) < f64::EPSILON, "an error is no throughput");
}

/// A server for one connection at a time that answers a byte at a time and hangs up after some requests.
fn raw_server(answer: &'static str, requests: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            stream.set_nodelay(true).unwrap();
            let mut request = [0; 4_096];
            for _ in 0..requests {
                if stream.read(&mut request).is_ok_and(|count| count > 0) {
                    answer.bytes().for_each(|byte| drop(stream.write_all(&[byte])));
                }
            }
        }
    });
    address
}

#[test]
fn an_answer_in_pieces_is_put_together() {
    let address = raw_server("HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n{}", usize::MAX);
    let outcome = run(&plan(address, 1, Pace::Closed, Mix::Commands));
    assert_eq!((outcome.errors, outcome.complaints.as_slice()), (0, &[][..]));
    assert!(outcome.per_second(true) > 0.0);
}

#[test]
fn a_lost_connection_is_an_error_and_is_opened_again() {
    let address = raw_server("HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n{}", 3);
    let outcome = run(&plan(address, 1, Pace::Closed, Mix::Commands));
    assert!(outcome.errors > 1, "every fourth request finds the connection closed");
    assert!(outcome.complaints[0].contains("closed"), "{:?}", outcome.complaints);
    assert!(outcome.per_second(true) > 0.0);
}

#[test]
fn what_is_not_http_ends_the_run_early() {
    let address = raw_server("SSH-2.0-nonsense\r\n\r\n", 1);
    let outcome = run(&plan(address, 1, Pace::Closed, Mix::Commands));
    assert!(outcome.errors > 0 && outcome.per_second(true) < f64::EPSILON);
}
