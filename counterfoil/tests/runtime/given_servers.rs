//! With servers of somebody else's nothing is started, and nothing is invented.

use nix::sys::signal::Signal;
use testkit::{Nats, Postgres, eventually};

use crate::program::{Home, Serving, counterfoil, output, processes_of};

#[tokio::test]
async fn given_servers_are_used_and_none_are_started() {
    let home = Home::new("given");
    let (postgres, nats) = (Postgres::start().await, Nats::start().await);
    let keys = home.path().join("keys.json");
    let mut make_keys = counterfoil(&["keys", "new"]);
    make_keys.arg(&keys);
    assert!(output(make_keys).status.success());
    let database = postgres.database().await;
    let mut serving = Serving::spawn(&home.data_dir(), |command| {
        command
            .env("DATABASE_URL", &database)
            .env("NATS_URL", nats.url())
            .env("COUNTERFOIL_KEYS_FILE", &keys);
    });
    eventually("the program is ready", async || {
        serving.must_be_alive();
        serving.log().contains("\"event\":\"ready\"")
    })
    .await;
    assert!(!home.data_dir().exists());
    assert_eq!(processes_of(&home.data_dir()).len(), 1, "the program itself and no server");
    assert_eq!(serving.stop(Signal::SIGTERM).await.code(), Some(0));
}
