//! With servers of somebody else's nothing is started, and nothing is invented.

use async_nats::ConnectOptions;
use nix::sys::signal::Signal;
use serde_json::json;
use std::fs;
use std::path::Path;
use testkit::{Nats, Postgres, eventually};

use crate::program::{Home, Serving, counterfoil, output, processes_of};

/// The program with servers of its own choosing, ready; `also` goes into its environment.
async fn serve(home: &Home, database: &str, nats: &str, also: &[(&str, &Path)]) -> Serving {
    let keys = home.path().join("keys.json");
    let mut make_keys = counterfoil(&["keys", "new"]);
    make_keys.arg(&keys);
    assert!(output(make_keys).status.success());
    let mut serving = Serving::spawn(&home.data_dir(), |command| {
        command
            .env("DATABASE_URL", database)
            .env("NATS_URL", nats)
            .env("COUNTERFOIL_KEYS_FILE", &keys)
            .envs(also.iter().copied());
    });
    eventually("the program is ready", async || {
        serving.must_be_alive();
        serving.log().contains("\"event\":\"ready\"")
    })
    .await;
    serving
}

#[tokio::test]
async fn given_servers_are_used_and_none_are_started() {
    let home = Home::new("given");
    let (postgres, nats) = (Postgres::start().await, Nats::start().await);
    let serving = serve(&home, &postgres.database().await, &nats.url(), &[]).await;
    assert!(!home.data_dir().exists());
    assert_eq!(processes_of(&home.data_dir()).len(), 1, "the program itself and no server");
    assert_eq!(serving.stop(Signal::SIGTERM).await.code(), Some(0));
}

#[tokio::test]
async fn a_nats_that_wants_encryption_and_a_password_gets_both() {
    let home = Home::new("encrypted");
    let ours = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let (certificate, key) = (home.path().join("certificate.pem"), home.path().join("key.pem"));
    fs::write(&certificate, ours.cert.pem()).unwrap();
    fs::write(&key, ours.signing_key.serialize_pem()).unwrap();
    let (cert, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
    let wanting = ["--tls", "--tlscert", cert, "--tlskey", key, "--user", "books", "--pass", "grey/heron"];
    let (postgres, nats) = (Postgres::start().await, Nats::start_with(&wanting).await);
    let url = format!("nats://books:grey%2Fheron@127.0.0.1:{}", nats.port());
    let trusted = [("SSL_CERT_FILE", certificate.as_path())];
    let serving = serve(&home, &postgres.database().await, &url, &trusted).await;

    let ada =
        json!({ "username": "ada", "email": "ada@example.com", "password": "a stone bridge in the fog" });
    let (status, answer) = serving.ask("POST", "/auth/register", "", &ada).await;
    assert_eq!(status, 201, "{answer}");
    let options = ConnectOptions::with_user_and_password("books".to_owned(), "grey/heron".to_owned());
    let reader = options.add_root_certificates(certificate).connect(nats.url()).await.unwrap();
    eventually("what happened is in the stream", async || {
        let stream = async_nats::jetstream::new(reader.clone()).get_stream("COUNTERFOIL").await;
        stream.is_ok_and(|stream| stream.cached_info().state.messages > 0)
    })
    .await;
    assert!(!serving.log().contains("heron"));
    assert_eq!(serving.stop(Signal::SIGTERM).await.code(), Some(0));
}
