//! The users of the benchmark: registered over HTTP like anybody, logged in at the start of every run.

use std::net::SocketAddr;

use serde_json::json;
use uuid::Uuid;

use crate::client::Client;
use crate::error::{BenchError, Result};

/// Hashing a password keeps a core busy: more at once than most machines have cores is no faster. For whatever waits for
/// a disk it is enough.
const AT_ONCE: usize = 8;
const PASSWORD: &str = "a-benchmark-needs-no-secret";

#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) id: Uuid,
    pub(crate) token: String,
}

/// Registers the users `0..count`.
pub(crate) fn register(address: SocketAddr, count: usize) -> Result<Vec<Uuid>> {
    for_each(address, count, |client, number| {
        let body = json!({ "username": name(number), "email": email(number), "password": PASSWORD });
        let key = Uuid::new_v4().to_string();
        let reply = client.post("/api/v1/auth/register", None, Some(&key), &body)?.good("registering")?;
        id_of(&reply.text("/user/id")?)
    })
}

/// Logs them in.
pub(crate) fn log_in(address: SocketAddr, count: usize) -> Result<Vec<User>> {
    for_each(address, count, |client, number| {
        let body = json!({ "email": email(number), "password": PASSWORD });
        let reply = client.post("/api/v1/auth/login", None, None, &body)?.good("logging in")?;
        Ok(User { id: id_of(&reply.text("/user/id")?)?, token: reply.text("/access_token")? })
    })
}

/// Does `one` for every number, several at once, and gives the results in order.
pub(crate) fn for_each<T: Send>(
    address: SocketAddr,
    count: usize,
    one: impl Fn(&mut Client, usize) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let one = &one;
    let mut all = std::thread::scope(|scope| {
        let worker = |first: usize| {
            scope.spawn(move || -> Result<Vec<(usize, T)>> {
                let mut client = Client::connect(address)?;
                (first..count)
                    .step_by(AT_ONCE)
                    .map(|number| Ok((number, one(&mut client, number)?)))
                    .collect()
            })
        };
        let workers: Vec<_> = (0..AT_ONCE).map(worker).collect();
        let mut all = Vec::with_capacity(count);
        for worker in workers {
            all.extend(worker.join().map_err(|_| BenchError::Unusable("a worker died".to_owned()))??);
        }
        Ok::<_, BenchError>(all)
    })?;
    all.sort_unstable_by_key(|(number, _)| *number);
    Ok(all.into_iter().map(|(_, result)| result).collect())
}

fn name(number: usize) -> String {
    format!("bench-{number:05}")
}

fn email(number: usize) -> String {
    format!("{}@bench.example", name(number))
}

fn id_of(text: &str) -> Result<Uuid> {
    text.parse().map_err(|_| BenchError::Unusable(format!("{text:?} is not an id")))
}
