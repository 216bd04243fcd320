//! A process that does only a part of it all.

use testkit::eventually;

use crate::program::{Home, Serving};

#[tokio::test]
async fn whatever_its_roles_it_tells_how_it_is() {
    let home = Home::new("roles");
    let worker = Serving::start_with(&home.data_dir(), |command| {
        command.args(["--roles", "relay,projector"]);
    })
    .await;
    eventually("it is ready", async || worker.get("/health/ready").await.starts_with("HTTP/1.1 200 ")).await;
    let detailed = worker.get("/health/detailed").await;
    for name in ["relay", "projection_wallets", "start"] {
        assert!(detailed.contains(&format!("\"{name}\":")), "{name} in {detailed}");
    }
    assert!(worker.get("/metrics").await.contains("process_open_fds"));
    assert!(worker.get("/auth/me").await.starts_with("HTTP/1.1 404 "));
    assert!(!worker.log().contains("/docs"), "nothing is promised that is not there: {}", worker.log());
}

#[tokio::test]
async fn what_is_stored_and_what_runs_of_a_projection_is_told_together() {
    let home = Home::new("whole");
    let whole = Serving::start(&home.data_dir()).await;
    eventually("all of it shows", async || {
        let detailed = whole.get("/health/detailed").await;
        let body = detailed.split_once("\r\n\r\n").unwrap().1;
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        let wallets = &body["components"]["projection_wallets"];
        ["generation", "version", "position", "lag"].iter().all(|fact| wallets[fact].is_number())
    })
    .await;
}
