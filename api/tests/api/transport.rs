//! The protocol itself: methods, heads, sizes, connections.

use crate::client::Answered;
use crate::house::{Choices, House, new_key};
use testkit::eventually;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test]
async fn a_body_of_two_megabytes_is_answered_and_not_cut_off() {
    let house = House::open().await;
    let ada = house.person().await;
    let head = house.head().await;
    let big = format!("{{\"amount\":\"1\",\"reference\":\"{}\"}}", "x".repeat(2_000_000));
    let deposit = house.post(&format!("/wallets/{}/deposit", ada.wallet)).token(&ada.token).key(&new_key());
    deposit.text(&big).send().await.problem(413, "body_too_large");
    house.post("/auth/login").text(&big).send().await.problem(413, "body_too_large");
    assert_eq!(house.head().await, head);
}

#[tokio::test]
async fn a_body_without_a_length_is_bounded_too() {
    let house = House::open().await;
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    let head = "POST /auth/login HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n\
                transfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..80 {
        stream.write_all(format!("400\r\n{}\r\n", " ".repeat(1024)).as_bytes()).await.unwrap();
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    Answered::read(&mut stream).await.problem(413, "body_too_large");
}

#[tokio::test]
async fn whoever_asks_before_sending_is_spared_the_sending() {
    let house = House::open().await;
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    let head = "POST /auth/login HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n\
                content-length: 2000000\r\nexpect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    Answered::read(&mut stream).await.problem(413, "body_too_large");
}

#[tokio::test]
async fn an_unknown_route_and_a_wrong_method_are_problems() {
    let house = House::open().await;
    for path in ["/nowhere", "/api/v1/nowhere", "/auth/test", "/api/v2/auth/me", "/docs/nowhere.js"] {
        house.get(path).send().await.problem(404, "route_not_found");
    }
    let wrong = house.ask("DELETE", "/api/v1/auth/login").send().await;
    wrong.problem(405, "method_not_allowed");
    assert_eq!(wrong.header("allow"), Some("POST"));
    for method in ["TRACE", "PUT", "BREW"] {
        house.ask(method, "/wallets/x").send().await.problem(405, "method_not_allowed");
    }
}

#[tokio::test]
async fn the_prefix_alone_leads_to_the_page() {
    let house = House::open().await;
    let answered = house.get("/api/v1").send().await;
    assert_eq!((answered.status, answered.header("location")), (307, Some("v1/")));
    assert!(house.get("/api/v1/").send().await.text().contains("<title>Counterfoil</title>"));
}

#[tokio::test]
async fn a_head_request_is_a_get_without_its_body() {
    let house = House::open().await;
    let ada = house.person().await;
    let path = format!("/wallets/{}", ada.wallet);
    let full = house.get(&path).token(&ada.token).send().await;
    let head = house.ask("HEAD", &path).token(&ada.token).send().await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    for header in ["content-length", "etag", "content-type"] {
        assert_eq!(head.header(header), full.header(header), "{header}");
    }
    let refused = house.ask("HEAD", &path).send().await;
    assert_eq!((refused.status, refused.body.len()), (401, 0));
}

#[tokio::test]
async fn every_answer_is_armoured_and_says_nothing_about_what_made_it() {
    let house = House::open().await;
    let ada = house.person().await;
    for answered in [
        house.get("/auth/me").token(&ada.token).send().await,
        house.get("/auth/me").send().await,
        house.get("/nowhere").send().await,
        house.get("/health/live").send().await,
    ] {
        assert_eq!(answered.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answered.header("x-frame-options"), Some("DENY"));
        assert_eq!(answered.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answered.header("cache-control"), Some("no-store"));
        assert!(answered.header("content-security-policy").unwrap().starts_with("default-src 'none'"));
        assert!(answered.header("x-request-id").is_some());
        assert_eq!(answered.header("server"), None);
    }
    let injected = house.get("/health/live").header("x-request-id", "a b<c>").send().await;
    assert_ne!(injected.header("x-request-id"), Some("a b<c>"));
}

#[tokio::test]
async fn a_connection_serves_one_request_after_the_other() {
    let house = House::open().await;
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    let request = b"GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n";
    for _ in 0..3 {
        stream.write_all(request).await.unwrap();
        let mut seen = Vec::new();
        while !seen.ends_with(b"{\"status\":\"ok\"}") {
            let mut piece = [0; 1024];
            let read = stream.read(&mut piece).await.unwrap();
            assert!(read > 0, "the server closed");
            seen.extend_from_slice(&piece[..read]);
        }
    }
}

#[tokio::test]
async fn a_head_that_never_ends_is_refused() {
    let house = House::open().await;
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    let line = format!("x-long: {}\r\n", "y".repeat(1_000));
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n").await.unwrap();
    for _ in 0..40 {
        // It may be refused before all is written.
        if stream.write_all(line.as_bytes()).await.is_err() {
            break;
        }
    }
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 431"), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test]
async fn one_connection_too_many_waits_for_a_place() {
    let house = House::open_with(Choices { connections_max: 2, ..Choices::default() }).await;
    let first = TcpStream::connect(house.address).await.unwrap();
    let second = TcpStream::connect(house.address).await.unwrap();
    let mut third = TcpStream::connect(house.address).await.unwrap();
    third.write_all(b"GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut byte = [0; 1];
    let early = tokio::time::timeout(std::time::Duration::from_millis(200), third.peek(&mut byte)).await;
    assert!(early.is_err(), "the third was served");
    drop((first, second));
    Answered::read(&mut third).await.expect(200);
}

#[tokio::test]
async fn asked_to_stop_it_answers_what_has_begun_and_nothing_new() {
    let house = House::open().await;
    let body = house.registration().to_string();
    let mut stream = TcpStream::connect(house.address).await.unwrap();
    let head = "POST /auth/register HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nexpect: 100-continue\r\n";
    stream.write_all(format!("{head}content-length: {}\r\n\r\n", body.len()).as_bytes()).await.unwrap();
    // It asks for the body: the request has begun.
    let mut proceed = [0; 25];
    stream.read_exact(&mut proceed).await.unwrap();
    let (first, second) = body.as_bytes().split_at(body.len() / 2);
    stream.write_all(first).await.unwrap();
    house.close_door.cancel();
    eventually("nobody listens any more", async || TcpStream::connect(house.address).await.is_err()).await;
    stream.write_all(second).await.unwrap();
    Answered::read(&mut stream).await.expect(201);
}
