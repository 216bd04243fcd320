use crate::client::Ask;
use crate::house::{Choices, House};
use serde_json::json;
use testkit::eventually;

#[tokio::test]
async fn health_tells_each_what_they_need() {
    let house = House::open().await;
    assert_eq!(house.get("/health/live").send().await.expect(200)["status"], "ok");
    house.get("/health/ready").send().await.expect(200);
    let health = house.get("/health").send().await.expect(200);
    assert_eq!(health["status"], "ok");
    assert!(health.get("components").is_none());
    let detailed = house.get("/health/detailed").send().await.expect(200);
    let components = detailed["components"].as_object().unwrap();
    for name in
        ["postgres", "sequencer", "projection_wallets", "projection_profiles", "projection_transactions"]
    {
        assert_eq!(components[name]["status"], "ok", "{name}");
    }
    assert!(components["projection_wallets"]["lag"].is_number());
    assert!(components["sequencer"]["queue"].is_number());
}

#[tokio::test]
async fn without_its_database_a_node_is_alive_and_not_ready() {
    let mut house = House::open().await;
    let ada = house.person().await;
    house.postgres.kill();
    eventually("readiness turns red", async || house.get("/health/ready").send().await.status == 503).await;
    let refused = house.get("/health/ready").send().await.problem(503, "unavailable");
    assert_eq!(refused["obstacles"], serde_json::json!(["postgres"]));
    house.get("/health/live").send().await.expect(200);
    let read = house.get(&format!("/wallets/{}", ada.wallet)).token(&ada.token).send().await;
    let problem = read.problem(503, "unavailable");
    assert!(!problem.to_string().contains("sqlx"), "{problem}");
    house.postgres.restart().await;
    eventually("readiness turns green", async || house.get("/health/ready").send().await.status == 200).await;
    house.get(&format!("/wallets/{}", ada.wallet)).token(&ada.token).send().await.expect(200);
}

#[tokio::test]
async fn requests_logins_and_refusals_are_counted() {
    let house = House::open().await;
    let ada = house.person().await;
    house.get("/auth/me").token("x").send().await.problem(401, "invalid_token");
    house.get("/api/v1/users/me").token(&ada.token).send().await.expect(200);
    house.get("/somewhere/else").send().await;
    house.post("/auth/logout").token(&ada.token).send().await.expect(200);
    let metrics = house.get("/metrics").send().await;
    for line in [
        r#"counterfoil_http_requests_total{route="/users/{id}",method="GET",status="200"} "#,
        r#"counterfoil_http_requests_total{route="other",method="GET",status="404"} "#,
        r#"counterfoil_logins_total{outcome="accepted"} "#,
        r#"counterfoil_tokens_refused_total{reason="malformed"} "#,
        r#"counterfoil_http_duration_seconds_count{route="/auth/login"} "#,
        r#"counterfoil_login_session_seconds_bucket{le="60"} "#,
        "counterfoil_hash_wait_seconds_count ",
        "counterfoil_hash_in_flight ",
        "counterfoil_hash_queue ",
    ] {
        assert!(metrics.text().lines().any(|found| found.starts_with(line)), "{line} in\n{}", metrics.text());
    }
    for name in [
        "process_resident_memory_bytes",
        "process_cpu_seconds_total",
        "process_open_fds",
        "counterfoil_db_pool_connections",
        "counterfoil_db_pool_connections_idle",
        "counterfoil_db_pool_connections_in_use",
        "counterfoil_db_pool_connections_max",
    ] {
        let is_it = |line: &str| line.split(' ').next() == Some(name);
        assert!(metrics.text().lines().any(is_it), "{name}");
    }
    assert!(!metrics.text().contains(&ada.id));
}

#[tokio::test]
async fn the_operations_port_serves_operations_only() {
    let house = House::open().await;
    let ops = |path: &str| Ask::new(house.ops_address, "GET", path);
    ops("/health/detailed").send().await.expect(200);
    assert_eq!(ops("/metrics").send().await.status, 200);
    ops("/health/ready").send().await.expect(200);
    ops("/auth/me").send().await.problem(404, "route_not_found");
}

#[tokio::test]
async fn a_process_without_the_interface_tells_how_it_is_and_nothing_else() {
    let house = House::open().await;
    let choices = Choices { serves_interface: false, ..Choices::default() };
    let worker = house.door_elsewhere(choices).await;
    let ask = |path: &str| Ask::new(worker, "GET", path);
    for path in ["/health", "/health/live", "/health/ready", "/api/v1/health/detailed"] {
        ask(path).send().await.expect(200);
    }
    assert!(ask("/metrics").send().await.text().contains("process_open_fds"));
    for path in ["/", "/docs/", "/auth/me", "/events", "/.well-known/jwks.json"] {
        ask(path).send().await.problem(404, "route_not_found");
    }
}

#[tokio::test]
async fn a_process_that_does_not_lead_answers_commands_as_the_leader_would() {
    let house = House::open().await;
    let ada = house.person().await;
    let there = house.door_elsewhere(Choices::default()).await;
    let ask = |path: String| Ask::new(there, "POST", &path).token(&ada.token);
    let amount = json!({ "amount": "12.34" });
    let deposit = || ask(format!("/wallets/{}/deposit", ada.wallet)).key("once").json(&amount);
    let body = deposit().send().await.expect(201);
    assert_eq!(
        (&body["wallet"]["available"], &body["transaction"]["amount"]),
        (&json!("12.34"), &json!("12.34"))
    );
    assert_eq!(deposit().send().await.expect(201), body, "a repeat");
    // And the leader answers the same.
    let here = house.post(&format!("/wallets/{}/deposit", ada.wallet)).token(&ada.token).key("once");
    assert_eq!(here.json(&amount).send().await.expect(201), body);
    let withdraw = ask(format!("/wallets/{}/withdraw", ada.wallet)).key("too-much");
    let refused = withdraw.json(&json!({ "amount": "13" })).send().await.problem(422, "insufficient_funds");
    assert!(refused["detail"].as_str().unwrap().contains("12.34"), "{refused}");
    let patch = Ask::new(there, "PATCH", "/users/me/preferences").token(&ada.token);
    let changed = patch.json(&json!({ "theme": "dark" })).send().await.expect(200);
    assert_eq!((&changed["theme"], &changed["position"]), (&json!("dark"), &json!(house.head().await)));
}

#[tokio::test]
async fn the_pages_come_out_of_the_binary_alone() {
    let house = House::open().await;
    let page = house.get("/").send().await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("Everything is well"));
    let redirect = house.get("/api/v1/docs").send().await;
    assert_eq!((redirect.status, redirect.header("location")), (307, Some("docs/")));
    let docs = house.get("/docs/").send().await;
    assert!(docs.header("content-security-policy").unwrap().contains("script-src 'self'"));
    assert!(docs.text().contains("swagger-ui-bundle.js"));
    for page in [&page, &docs] {
        assert!(!page.text().contains("//cdn") && !page.text().contains("https://"), "{}", page.text());
    }
    let bundle = house.get("/docs/swagger-ui-bundle.js").send().await;
    assert_eq!(bundle.status, 200);
    let initializer = house.get("/docs/swagger-initializer.js").send().await;
    assert!(initializer.text().contains("../openapi.json"));
    let document = house.get("/openapi.json").send().await.expect(200);
    assert!(document["openapi"].as_str().unwrap().starts_with("3."));
}

#[tokio::test]
async fn others_can_verify_our_tokens_by_the_published_key() {
    let house = House::open().await;
    let ada = house.person().await;
    let answered = house.get("/.well-known/jwks.json").send().await;
    let keys = answered.expect(200);
    assert_eq!(answered.header("cache-control"), Some("public, max-age=300"));
    let header = jsonwebtoken::decode_header(&ada.token).unwrap();
    let key =
        keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == header.kid.as_deref().unwrap());
    let key = key.unwrap();
    assert!(key.get("d").is_none());
    let key = jsonwebtoken::DecodingKey::from_ed_components(key["x"].as_str().unwrap()).unwrap();
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::EdDSA);
    validation.set_audience(&["counterfoil"]);
    let claims = jsonwebtoken::decode::<serde_json::Value>(&ada.token, &key, &validation).unwrap().claims;
    assert_eq!(claims["sub"], serde_json::json!(ada.id));
    assert!(!claims.to_string().contains("example.com"));
}
