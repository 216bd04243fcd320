//! With nothing configured, in an empty directory.

use std::fs;
use std::os::unix::fs::MetadataExt;

use async_nats::jetstream;
use futures::StreamExt;
use serde_json::Value;

use crate::program::{Home, Serving, as_ordinary_user};

#[tokio::test]
async fn everything_runs_and_says_where_it_is() {
    let home = Home::new("first");
    let serving = Serving::start(&home.data_dir()).await;
    let found = serving.found().unwrap();
    assert_eq!(found.pid, serving.pid());
    assert_ne!(found.listen.port(), 0);
    for standard in [":5432", ":4222"] {
        assert!(!found.database_url.contains(standard) && !found.nats_url.contains(standard));
    }
    let nats = Serving::nats(&found.nats_url).await.unwrap();
    jetstream::new(nats).get_or_create_stream(stream_of_events()).await.unwrap();
    assert!(serving.log().contains("/docs") && serving.log().contains("/metrics"));
}

#[tokio::test]
async fn the_database_is_safe_and_closed_to_the_network() {
    let home = Home::new("safe");
    let serving = Serving::start(&home.data_dir()).await;
    let mut database = serving.database().await;
    let mut setting = async |name: &str| -> String {
        sqlx::query_scalar("select current_setting($1)").bind(name).fetch_one(&mut database).await.unwrap()
    };
    for safe in ["fsync", "synchronous_commit", "full_page_writes", "data_checksums"] {
        assert_eq!(setting(safe).await, "on", "{safe}");
    }
    assert_eq!(setting("listen_addresses").await, "");
    assert_eq!(setting("server_encoding").await, "UTF8");
    let socket_directory = setting("unix_socket_directories").await;
    let directory = fs::metadata(socket_directory.trim_matches('"')).unwrap();
    assert_eq!(directory.mode() & 0o777, 0o700);
}

#[tokio::test]
async fn secrets_are_for_their_owner_alone() {
    let home = Home::new("secrets");
    let _serving = Serving::start(&home.data_dir()).await;
    for file in ["keys.json", "nats.json", "runtime.json", "database.password"] {
        assert_eq!(fs::metadata(home.data_dir().join(file)).unwrap().mode() & 0o777, 0o600, "{file}");
    }
    for file in ["servers/nats/nats.conf", "servers/postgres/data/pg_hba.conf"] {
        assert_eq!(fs::metadata(home.data_dir().join(file)).unwrap().mode() & 0o077, 0, "{file}");
    }
}

#[tokio::test]
async fn a_subscriber_reads_the_stream_and_can_change_nothing() {
    let home = Home::new("subscriber");
    let serving = Serving::start(&home.data_dir()).await;
    let ours = jetstream::new(Serving::nats(&serving.found().unwrap().nats_url).await.unwrap());
    let stream = ours.get_or_create_stream(stream_of_events()).await.unwrap();
    let subject = "counterfoil.events.wallet.w.WalletOpened";
    if stream.get_info().await.unwrap().state.messages == 0 {
        ours.publish(subject, "{}".into()).await.unwrap().await.unwrap();
    }

    let access: Value =
        serde_json::from_slice(&fs::read(home.data_dir().join("nats.json")).unwrap()).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let user = &access["users"]["subscriber"];
    let options =
        async_nats::ConnectOptions::with_user_and_password(text(&user["user"]), text(&user["password"]));
    let client = options.connect(text(&access["url"])).await.unwrap();
    let theirs = jetstream::new(client.clone());

    let consumer = theirs
        .get_stream("COUNTERFOIL")
        .await
        .unwrap()
        .create_consumer(jetstream::consumer::pull::OrderedConfig::default())
        .await
        .unwrap();
    let message = consumer.messages().await.unwrap().next().await.unwrap().unwrap();
    assert_eq!(message.info().unwrap().stream_sequence, 1);

    let before = stream.get_info().await.unwrap().state;
    for forbidden in [subject, "$JS.API.STREAM.PURGE.COUNTERFOIL", "$JS.API.STREAM.DELETE.COUNTERFOIL"] {
        client.publish(forbidden, "".into()).await.unwrap();
    }
    push_into(&client, "$JS.API.STREAM.PURGE.COUNTERFOIL").await;
    push_into(&client, subject).await;
    // What the server answers now, it answers after it has handled all of the above.
    client.flush().await.unwrap();
    theirs.get_stream("COUNTERFOIL").await.unwrap();
    let after = stream.get_info().await.unwrap().state;
    assert_eq!((after.messages, after.last_sequence), (before.messages, before.last_sequence));
}

fn stream_of_events() -> jetstream::stream::Config {
    jetstream::stream::Config {
        name: "COUNTERFOIL".to_owned(),
        subjects: vec!["counterfoil.events.>".to_owned()],
        ..Default::default()
    }
}

/// A consumer may be told to push the stream's messages to any subject: that must be no way around the permissions.
async fn push_into(client: &async_nats::Client, subject: &str) {
    let consumer = serde_json::json!({
        "stream_name": "COUNTERFOIL",
        "config": { "deliver_subject": subject, "ack_policy": "none", "deliver_policy": "all" },
    });
    let request = serde_json::to_vec(&consumer).unwrap();
    client.request("$JS.API.CONSUMER.CREATE.COUNTERFOIL", request.into()).await.unwrap();
}

#[tokio::test]
async fn an_ordinary_user_needs_nothing_more() {
    let home = Home::new("ordinary");
    let serving = Serving::start_with(&home.data_dir(), |command| as_ordinary_user(&home, command)).await;
    // The announcement's password is not needed with a socket, but the directory is closed to all but root and them.
    let mut database = serving.database().await;
    let one: i32 = sqlx::query_scalar("select 1").fetch_one(&mut database).await.unwrap();
    assert_eq!(one, 1);
    let data = fs::metadata(home.data_dir()).unwrap();
    assert_eq!(data.mode() & 0o777, 0o700);
    let postgres = fs::metadata(home.data_dir().join("servers/postgres/data")).unwrap();
    assert_eq!(postgres.uid(), data.uid());
}
