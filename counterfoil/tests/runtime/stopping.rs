//! Being asked to stop.

use nix::sys::signal::Signal;
use tokio::net::TcpListener;

use crate::program::{Home, Serving, counterfoil, nothing_is_left_of, output};

#[tokio::test]
async fn sigterm_and_ctrl_c_end_it_cleanly() {
    let home = Home::new("stop");
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        let serving = Serving::start(&home.data_dir()).await;
        assert_eq!(serving.stop(signal).await.code(), Some(0), "{signal}");
        nothing_is_left_of(&home.data_dir()).await;
        assert!(!home.data_dir().join("runtime.json").exists());
        let pid_file = home.data_dir().join("servers/postgres/data/postmaster.pid");
        assert!(!pid_file.exists(), "PostgreSQL was shut down properly after {signal}");
    }
}

#[tokio::test]
async fn being_asked_during_the_start_ends_it_too() {
    let home = Home::new("early");
    let serving = Serving::spawn(&home.data_dir(), |_command| {});
    testkit::eventually("the start is under way", async || home.data_dir().join("servers").exists()).await;
    assert_eq!(serving.stop(Signal::SIGTERM).await.code(), Some(0));
    nothing_is_left_of(&home.data_dir()).await;
    Serving::start(&home.data_dir()).await;
}

#[tokio::test]
async fn a_database_that_does_not_answer_does_not_keep_it_from_stopping() {
    let home = Home::new("mute");
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = mute.local_addr().unwrap();
    let keys = home.path().join("keys.json");
    assert!(output(counterfoil(&["keys", "new", keys.to_str().unwrap()])).status.success());
    let serving = Serving::spawn(&home.data_dir(), |command| {
        command.env("DATABASE_URL", format!("postgres://counterfoil:x@{address}/counterfoil"));
        command.env("NATS_URL", "nats://127.0.0.1:1");
        command.env("COUNTERFOIL_KEYS_FILE", &keys);
    });
    // It has asked, and waits.
    let _asking = mute.accept().await.unwrap();
    assert_eq!(serving.stop(Signal::SIGTERM).await.code(), Some(0));
}
