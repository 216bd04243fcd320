use super::*;
use axum::routing::{get, post};
use serde_json::Value;
use std::net::Ipv4Addr;

fn door() -> Door {
    let router = Router::new()
        .route("/", get(|| async { "page" }))
        .route("/value", get(|| async { "value" }).post(|| async { Problem::of(Code::WalletFrozen) }))
        .route("/query", get(|uri: Uri| async move { uri.to_string() }))
        .route("/panic", post(panics))
        .route("/never", get(std::future::pending::<String>))
        .route("/foreign", get(|| async { (StatusCode::BAD_REQUEST, "Rust says: expected `,`") }));
    Door::new(router, ["/value".to_owned()], Edge::default(), None)
}

async fn panics() -> &'static str {
    assert!(std::hint::black_box(false), "secret detail");
    ""
}

struct Answered {
    response: Response,
    body: Value,
    text: String,
}

async fn ask(method: Method, uri: &str) -> Answered {
    let request =
        Request::builder().method(method).uri(uri).header("x-request-id", "r-1").body(Body::empty());
    let mut response = door().handle(request.unwrap(), IpAddr::V4(Ipv4Addr::LOCALHOST)).await;
    let body = std::mem::take(response.body_mut());
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let body = serde_json::from_str(&text).unwrap_or_default();
    Answered { response, body, text }
}

#[tokio::test]
async fn routes_are_served_with_and_without_the_prefix() {
    assert_eq!(ask(Method::GET, "/value").await.text, "value");
    assert_eq!(ask(Method::GET, "/api/v1/value").await.text, "value");
    assert_eq!(ask(Method::GET, "/api/v1/query?a=b").await.text, "/query?a=b");
    assert_eq!(ask(Method::GET, "/api/v1/").await.text, "page");
    assert_eq!(ask(Method::GET, "/api/v1value").await.body["code"], "route_not_found");
    assert_eq!(ask(Method::GET, "/api/v1/api/v1/value").await.body["code"], "route_not_found");
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let answered = ask(Method::DELETE, "/value").await;
    assert_eq!(answered.response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answered.response.headers()["allow"], "GET,HEAD,POST");
    assert_eq!(answered.body["code"], "method_not_allowed");
    assert_eq!(answered.response.headers()["content-type"], "application/problem+json");
}

#[tokio::test]
async fn a_panic_is_a_problem_without_its_details() {
    let answered = ask(Method::POST, "/panic").await;
    assert_eq!(answered.response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(answered.body["code"], "internal_error");
    assert!(!answered.text.contains("secret"));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_come_is_a_problem() {
    let answered = ask(Method::GET, "/never").await;
    assert_eq!(answered.response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answered.body["code"], "timed_out");
}

#[tokio::test]
async fn an_error_of_somebody_elses_making_becomes_a_problem() {
    let answered = ask(Method::GET, "/foreign").await;
    assert_eq!(answered.body["code"], "bad_request");
    assert!(!answered.text.contains("Rust"));
}

#[tokio::test]
async fn a_problem_is_told_in_the_language_that_was_asked_for() {
    for (accepted, language) in
        [(Some("uk-UA, en;q=0.5"), "uk"), (Some("de"), "en"), (Some("*"), "en"), (None, "en")]
    {
        let mut request = Request::get("/nowhere");
        if let Some(accepted) = accepted {
            request = request.header(ACCEPT_LANGUAGE, accepted);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = door().handle(request, IpAddr::V4(Ipv4Addr::LOCALHOST)).await;
        assert_eq!(response.headers()["content-language"], language, "{accepted:?}");
        assert_eq!(response.headers()["vary"], "accept-language");
    }
    let unharmed = ask(Method::GET, "/value").await;
    assert!(!unharmed.response.headers().contains_key("content-language"));
}

#[tokio::test]
async fn a_head_request_has_headers_and_no_body() {
    let answered = ask(Method::HEAD, "/value").await;
    assert_eq!(answered.response.headers()["content-length"], "5");
    assert_eq!(answered.text, "");
    let missing = ask(Method::HEAD, "/nowhere").await;
    assert_eq!(missing.response.status(), StatusCode::NOT_FOUND);
    assert_ne!(missing.response.headers()["content-length"], "0");
    assert_eq!(missing.text, "");
}

#[tokio::test]
async fn every_answer_is_named_and_armoured() {
    for answered in [ask(Method::GET, "/value").await, ask(Method::GET, "/nowhere").await] {
        let headers = answered.response.headers();
        assert_eq!(headers["x-request-id"], "r-1");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["cache-control"], "no-store");
        assert!(headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    }
    assert_eq!(ask(Method::GET, "/nowhere").await.body["request_id"], "r-1");
}
