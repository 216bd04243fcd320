//! The configuration of the private nats-server, written anew at every start.

use super::nats::{User, Users};

/// Relative to the server's working directory.
pub(super) const LOG: &str = "nats.log";

/// All that `subscriber` may send, each to do with reading one stream. What it may not: create, change, purge or delete a
/// stream, delete a message, or publish an event.
const SUBSCRIBER_MAY_SEND: [&str; 14] = [
    "$JS.API.INFO",
    "$JS.API.STREAM.NAMES",
    "$JS.API.STREAM.INFO.COUNTERFOIL",
    "$JS.API.STREAM.MSG.GET.COUNTERFOIL",
    "$JS.API.DIRECT.GET.COUNTERFOIL",
    "$JS.API.DIRECT.GET.COUNTERFOIL.>",
    "$JS.API.CONSUMER.CREATE.COUNTERFOIL",
    "$JS.API.CONSUMER.CREATE.COUNTERFOIL.>",
    "$JS.API.CONSUMER.DURABLE.CREATE.COUNTERFOIL.>",
    "$JS.API.CONSUMER.MSG.NEXT.COUNTERFOIL.>",
    "$JS.API.CONSUMER.INFO.COUNTERFOIL.>",
    "$JS.API.CONSUMER.DELETE.COUNTERFOIL.>",
    "$JS.ACK.COUNTERFOIL.>",
    "$JS.FC.COUNTERFOIL.>",
];
const SUBSCRIBER_MAY_HEAR: [&str; 2] = ["_INBOX.>", "counterfoil.events.>"];

pub(super) fn text(server_name: &str, port: u16, users: &Users) -> String {
    let Users { counterfoil, subscriber } = users;
    format!(
        r#"# Written by counterfoil at every start; changes here are lost.
server_name: "{server_name}"
host: "127.0.0.1"
port: {port}
# An event is a few hundred bytes; a batch of them never travels as one message.
max_payload: 1MB
log_file: "{LOG}"
logfile_size_limit: 10MB
jetstream {{
  store_dir: "jetstream"
  # Streams are kept in files; this bounds what a subscriber's memory-backed consumer state may take.
  max_memory_store: 64MB
  # The disk is the limit. By itself the server takes three quarters of what is free when it starts, which is less with every
  # start, for what the stream has taken is not free.
  max_file_store: 1TB
}}
authorization {{
  users: [
    {{ {} }}
    {{ {}, permissions: {{
      publish: {{ allow: [{}] }}
      subscribe: {{ allow: [{}] }}
    }} }}
  ]
}}
"#,
        credentials(counterfoil),
        credentials(subscriber),
        quoted(&SUBSCRIBER_MAY_SEND),
        quoted(&SUBSCRIBER_MAY_HEAR),
    )
}

fn credentials(User { user, password }: &User) -> String {
    format!(r#"user: "{user}", password: "{password}""#)
}

fn quoted(subjects: &[&str]) -> String {
    subjects.iter().map(|subject| format!("\"{subject}\"")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compose_file_gives_the_subscriber_the_same_permissions() {
        let compose = include_str!("../../../deploy/nats.conf");
        let (_, permissions) = compose.split_once("user: subscriber").unwrap();
        let allowed: Vec<&str> = permissions.split('"').skip(1).step_by(2).collect();
        assert_eq!(allowed, [&SUBSCRIBER_MAY_SEND[..], &SUBSCRIBER_MAY_HEAR[..]].concat());
    }
}
