//! The edge: everything that is refused there is a problem, everything that leaves is armoured, and nobody asks too often.

use crate::client::{Answered, Ask};
use crate::house::{Choices, House, new_key};
use api::{Edge, RateLimit};
use serde_json::json;

const PAGE: &str = "https://app.example.com";

async fn house_with(edge: Edge) -> House {
    House::open_with(Choices { edge, ..Choices::default() }).await
}

fn limited(a_second: u32) -> Edge {
    Edge { rate_limit: RateLimit::Everybody { a_second }, ..Edge::default() }
}

fn wrong_login(house: &House) -> Ask {
    let nobody = format!("nobody{}", &new_key()[..8]);
    house.post("/auth/login").json(&json!({ "username": nobody, "password": "wrong" }))
}

fn answer_of(answered: &Answered) -> (u16, Option<&str>) {
    (answered.status, answered.header("ratelimit"))
}

#[tokio::test]
async fn c40_whatever_is_refused_is_a_problem() {
    let house = House::open().await;
    let ada = house.person().await;
    let deposit =
        || house.post(&format!("/wallets/{}/deposit", ada.wallet)).token(&ada.token).key(&new_key());
    deposit().text("{\"amount\": ").send().await.problem(400, "malformed_json");
    deposit()
        .header("content-type", "text/plain")
        .bytes(b"1")
        .send()
        .await
        .problem(415, "unsupported_media_type");
    let large = format!("{{\"reference\":\"{}\"}}", "x".repeat(65 * 1024));
    deposit().text(&large).send().await.problem(413, "body_too_large");
    house.get("/nowhere").send().await.problem(404, "route_not_found");
    for method in ["TRACE", "CONNECT", "OPTIONS", "PROPFIND"] {
        let wrong = house.ask(method, "/auth/login").send().await;
        wrong.problem(405, "method_not_allowed");
        assert_eq!(wrong.header("allow"), Some("POST"), "{method}");
    }
}

#[tokio::test]
async fn c40_depth_is_bounded_like_length() {
    let house = House::open().await;
    let ada = house.person().await;
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let value = format!("{}1{}", open.repeat(9_000), close.repeat(9_000));
        for name in ["amount", "reference", "unknown"] {
            let body = format!("{{\"{name}\":{value}}}");
            let deposit = house.post(&format!("/wallets/{}/deposit", ada.wallet));
            let answered = deposit.token(&ada.token).key(&new_key()).text(&body).send().await;
            answered.problem(400, "malformed_json");
        }
    }
}

#[tokio::test]
async fn c41_only_pages_that_were_named_may_call() {
    let edge = Edge { cors_origins: vec![PAGE.to_owned()], ..Edge::default() };
    let house = house_with(edge).await;
    let ask = |origin: &str| house.get("/health/live").header("origin", origin);
    let named = ask(PAGE).send().await;
    assert_eq!(named.header("access-control-allow-origin"), Some(PAGE));
    assert_eq!(named.header("access-control-allow-credentials"), None);
    let exposed = named.header("access-control-expose-headers").unwrap().to_ascii_lowercase();
    for name in [
        "etag",
        "location",
        "retry-after",
        "x-request-id",
        "counterfoil-position",
        "idempotency-replayed",
        "ratelimit",
        "ratelimit-policy",
    ] {
        assert!(exposed.split(", ").any(|header| header == name), "{name}");
    }
    for other in
        ["https://evil.example.com", "http://app.example.com", "https://app.example.com.evil.com", "null"]
    {
        let answered = ask(other).send().await;
        assert_eq!(answered.header("access-control-allow-origin"), None, "{other}");
        assert_eq!(answered.header("vary"), Some("Origin"));
    }
    let preflight = |origin: &str| {
        let ask = house.ask("OPTIONS", "/api/v1/auth/login").header("origin", origin);
        ask.header("access-control-request-method", "POST").send()
    };
    let allowed = preflight(PAGE).await;
    assert_eq!((allowed.status, allowed.header("access-control-allow-origin")), (204, Some(PAGE)));
    let headers = allowed.header("access-control-allow-headers").unwrap();
    assert!(headers.contains("Authorization") && headers.contains("Idempotency-Key"));
    assert!(allowed.header("access-control-allow-methods").unwrap().contains("PATCH"));
    let refused = preflight("https://evil.example.com").await;
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (405, None));
    // A browser shows a page nothing of a problem unless that may be read too.
    let problem = house.get("/auth/me").header("origin", PAGE).send().await;
    assert_eq!((problem.status, problem.header("access-control-allow-origin")), (401, Some(PAGE)));
}

#[tokio::test]
async fn c41_without_a_word_no_page_may_call() {
    let house = House::open().await;
    let answered = house.get("/health/live").header("origin", PAGE).send().await;
    assert!(answered.headers().all(|(name, _)| !name.starts_with("access-control") && name != "vary"));
}

#[tokio::test]
async fn c41_the_eleventh_login_within_a_minute_is_one_too_many() {
    let house = house_with(limited(1_000)).await;
    for left in (0..10).rev() {
        let answered = wrong_login(&house).send().await;
        answered.problem(401, "invalid_credentials");
        assert_eq!(answered.header("ratelimit-policy"), Some("\"login\";q=10;w=60"));
        assert!(answered.header("ratelimit").unwrap().starts_with(&format!("\"login\";r={left};t=")));
    }
    // Whatever it says about where it comes from.
    for spoofed in ["203.0.113.1", "203.0.113.2, 198.51.100.7", "::1"] {
        let refused = wrong_login(&house).header("x-forwarded-for", spoofed).send().await;
        refused.problem(429, "too_many_requests");
        let t = refused.header("ratelimit").unwrap().strip_prefix("\"login\";r=0;t=").unwrap();
        let retry_after: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!(retry_after >= t.parse().unwrap() && retry_after <= 60);
    }
    // Each limit is its own.
    house
        .post("/auth/refresh")
        .json(&json!({ "refresh_token": "x" }))
        .send()
        .await
        .problem(401, "invalid_refresh_token");
}

#[tokio::test]
async fn c41_every_limit_is_what_it_says() {
    let house = house_with(limited(1_000)).await;
    for (path, policy, count) in [
        ("/auth/register", "\"register\";q=5;w=60", 5),
        ("/auth/refresh", "\"refresh\";q=30;w=60", 30),
        ("/auth/password/forgot", "\"mail\";q=5;w=60", 5),
    ] {
        for n in 0..=count {
            let answered = house.post(path).text("{}").send().await;
            assert_eq!(answered.header("ratelimit-policy"), Some(policy));
            assert_eq!(answered.status == 429, n == count, "{path}, {n}");
        }
    }
    // Both kinds of mail count together.
    house.post("/auth/email/resend").text("{}").send().await.problem(429, "too_many_requests");
}

#[tokio::test]
async fn c41_the_rest_has_a_limit_too_and_probes_have_none() {
    let house = house_with(limited(3)).await;
    let mut refused = 0;
    for _ in 0..20 {
        let answered = house.get("/openapi.json").send().await;
        assert_eq!(answered.header("ratelimit-policy"), Some("\"general\";q=3;w=1"));
        if answered.status == 429 {
            answered.problem(429, "too_many_requests");
            refused += 1;
        }
        house.get("/health/live").send().await.expect(200);
    }
    assert!(refused > 0);
}

#[tokio::test]
async fn c41_who_asks_from_this_machine_has_everything_left() {
    let house = House::open().await;
    for _ in 0..15 {
        let answered = wrong_login(&house).send().await;
        assert_eq!(answer_of(&answered), (401, Some("\"login\";r=10")));
    }
    // But not on behalf of others.
    let forwarded = || wrong_login(&house).header("x-forwarded-for", "203.0.113.1").send();
    for _ in 0..10 {
        forwarded().await.problem(401, "invalid_credentials");
    }
    forwarded().await.problem(429, "too_many_requests");
}

#[tokio::test]
async fn c41_behind_a_trusted_proxy_each_client_is_its_own() {
    let trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    let house = house_with(Edge { trusted_proxies, ..Edge::default() }).await;
    let from = |hops: &str| wrong_login(&house).header("x-forwarded-for", hops).send();
    for n in 0..10 {
        // What stands in front of the last hop anybody can write.
        from(&format!("198.51.100.{n}, 203.0.113.1")).await.problem(401, "invalid_credentials");
    }
    from("198.51.100.99, 203.0.113.1").await.problem(429, "too_many_requests");
    from("203.0.113.2").await.problem(401, "invalid_credentials");
}

#[tokio::test]
async fn c41_only_a_trusted_proxy_can_say_that_it_is_tls() {
    let says_https = |house: &House| house.get("/health/live").header("x-forwarded-proto", "https").send();
    let house = House::open().await;
    assert_eq!(says_https(&house).await.header("strict-transport-security"), None);
    let trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    let house = house_with(Edge { trusted_proxies, ..Edge::default() }).await;
    let answered = says_https(&house).await;
    assert_eq!(answered.header("strict-transport-security"), Some("max-age=31536000; includeSubDomains"));
    assert_eq!(house.get("/health/live").send().await.header("strict-transport-security"), None);
}

#[tokio::test]
async fn c41_the_documentation_is_in_the_binary_and_asks_nobody_else() {
    let house = House::open().await;
    let swagger = house.get("/docs/swagger-initializer.js").send().await;
    assert!(swagger.text().contains("\"validatorUrl\": \"none\""), "{}", swagger.text());
    for prefix in ["", "/api/v1"] {
        let page = house.get(&format!("{prefix}/redoc")).send().await;
        assert_eq!(page.status, 200);
        assert!(page.header("content-security-policy").unwrap().contains("worker-src blob:"));
        assert!(
            page.text().contains("spec-url=\"openapi.json\"") && !page.text().contains("//"),
            "{}",
            page.text()
        );
        let script = house.get(&format!("{prefix}/redoc/redoc.standalone.js")).send().await;
        assert_eq!((script.status, script.header("content-encoding")), (200, Some("gzip")));
        assert_eq!(script.header("content-type"), Some("text/javascript; charset=utf-8"));
        assert!(script.body.starts_with(&[0x1f, 0x8b]));
    }
}

#[tokio::test]
async fn c41_a_name_for_a_request_comes_back_if_it_is_harmless() {
    let house = House::open().await;
    let answered = house.get("/health/live").header("x-request-id", "order-7").send().await;
    assert_eq!(answered.header("x-request-id"), Some("order-7"));
    for harmful in ["a\tset-cookie: b", "a%0d%0ab", "<script>", &"x".repeat(65)] {
        let answered = house.get("/health/live").header("x-request-id", harmful).send().await;
        assert_ne!(answered.header("x-request-id"), Some(harmful));
        assert_eq!(answered.header("set-cookie"), None);
    }
}
