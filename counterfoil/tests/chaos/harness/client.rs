//! One client: sends a command until it knows what became of it, the way a careful one would.
//!
//! The key stays the same from attempt to attempt; the node, the connection and the route may change. An attempt
//! that takes too long is left behind, not forgotten: its answer is recorded whenever it comes.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::cents;
use super::http::{Ask, Broken, Http, Reply};
use super::record::{CommandId, Intent, Record, Said, Told};
use super::{Dice, Person};

/// After that the next node is asked. A stopped one never answers, a busy one is not given up that soon.
const ANSWER_PATIENCE: Duration = Duration::from_secs(2);
/// Whatever was killed is long back by then.
const SETTLE_PATIENCE: Duration = Duration::from_mins(2);
/// Between two attempts, at most.
const PAUSE_MAX_MS: u64 = 120;

#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) record: Record,
    pub(crate) dice: Dice,
    nodes: Vec<SocketAddr>,
    /// The node that answered last.
    favourite: usize,
    lines: Vec<Option<Http>>,
    /// Attempts still under way.
    late: TaskTracker,
}

impl Client {
    pub(crate) fn new(nodes: &[SocketAddr], record: &Record, late: &TaskTracker, dice: Dice) -> Self {
        let lines = nodes.iter().map(|_| None).collect();
        let (record, late) = (record.clone(), late.clone());
        Self { record, dice, nodes: nodes.to_vec(), favourite: 0, lines, late }
    }

    /// The same command until it is settled, or, now and then, until it is certain that it had no effect so far:
    /// then it is left at that, and must never have any.
    pub(crate) async fn settle(
        &mut self,
        command: CommandId,
        person: &Person,
        intent: &Intent,
        key: &str,
    ) -> Option<Said> {
        let settled = timeout(SETTLE_PATIENCE, async {
            loop {
                let ask = self.ask(person, intent, key);
                if self.dice.one_in(25) {
                    self.send_aside(command, &ask);
                }
                let said = self.attempt(command, &ask).await;
                match said {
                    Some(said) if said.is_final() => return Some(said),
                    // Nobody is told to go on: this is what `verify` complains about.
                    Some(Said::Odd(_)) => return None,
                    Some(Said::Unavailable) if self.dice.one_in(5) && self.record.had_no_effect(command) => {
                        return None;
                    }
                    Some(Said::Unknown) if person.token.is_some() && self.dice.one_in(2) => {
                        let told = self.status(person, key).await;
                        self.record.told(command, told);
                    }
                    _ => {}
                }
                self.favourite = self.dice.index(self.nodes.len());
                sleep(Duration::from_millis(self.dice.between(5, PAUSE_MAX_MS))).await;
            }
        });
        settled.await.unwrap_or_else(|_| panic!("command {key} was not settled in {SETTLE_PATIENCE:?}"))
    }

    /// As if two of a client's threads had the same idea.
    fn send_aside(&mut self, command: CommandId, ask: &Ask) {
        let node = self.nodes[self.dice.index(self.nodes.len())];
        let (record, ask) = (self.record.clone(), ask.clone());
        let attempt = record.sending(command);
        self.late.spawn(async move {
            let reply = Http::to(node).send(&ask).await;
            record.heard(command, attempt, reply);
        });
    }

    async fn attempt(&mut self, command: CommandId, ask: &Ask) -> Option<Said> {
        // Mostly where it went well before, so that there is load; sometimes elsewhere, so that everybody is asked.
        let node = if self.dice.one_in(10) { self.dice.index(self.nodes.len()) } else { self.favourite };
        let mut line = self.lines[node].take().unwrap_or_else(|| Http::to(self.nodes[node]));
        let (record, ask) = (self.record.clone(), ask.clone());
        let attempt = record.sending(command);
        let mut answer = self.late.spawn(async move {
            let reply = line.send(&ask).await;
            (line, record.heard(command, attempt, reply))
        });
        let (line, said) = timeout(ANSWER_PATIENCE, &mut answer).await.ok()?.unwrap();
        self.lines[node] = Some(line);
        said
    }

    fn ask(&mut self, person: &Person, intent: &Intent, key: &str) -> Ask {
        let (verb, cents) = match intent {
            Intent::Register { username } => return Person::registration(username).with_key(key),
            Intent::Deposit { cents, .. } => ("deposit", *cents),
            Intent::Withdraw { cents, .. } => ("withdraw", *cents),
        };
        // Both are the same request to the one who counts: a repeat may come either way.
        let path = if self.dice.one_in(2) {
            format!("/wallets/{}/{verb}", person.wallet)
        } else {
            format!("/users/me/balance/{verb}")
        };
        let body = json!({ "amount": cents::written(cents), "reference": key });
        Ask::post(&path, body).with_token(person.token.as_deref().unwrap()).with_key(key)
    }

    /// Asks by the key, until the answer is final.
    pub(crate) async fn status(&mut self, person: &Person, key: &str) -> Told {
        let ask = Ask::get(&format!("/commands/{key}")).with_token(person.token.as_deref().unwrap());
        let mut final_after: Option<time::OffsetDateTime> = None;
        loop {
            let asked = time::OffsetDateTime::now_utc();
            let reply = self.plain(&ask).await;
            match reply.as_ref().map(|reply| (reply.status, reply)) {
                Ok((200, reply)) => return told(reply),
                Ok((404, _)) if final_after.is_some_and(|then| asked > then) => return Told::Never,
                Ok((404, reply)) if final_after.is_none() => {
                    let format = &time::format_description::well_known::Rfc3339;
                    match time::OffsetDateTime::parse(reply.text("/final_after"), format) {
                        Ok(then) => final_after = Some(then),
                        Err(_) => return Told::Odd(reply.body.to_string()),
                    }
                }
                Ok((404 | 503, _)) | Err(_) => {}
                Ok((_, reply)) => return Told::Odd(reply.body.to_string()),
            }
            sleep(Duration::from_millis(self.dice.between(20, 200))).await;
        }
    }

    /// A request that is nothing but its answer.
    pub(crate) async fn plain(&mut self, ask: &Ask) -> Result<Reply, Broken> {
        let node = self.favourite;
        let line = self.lines[node].get_or_insert_with(|| Http::to(self.nodes[node]));
        let reply = timeout(ANSWER_PATIENCE.saturating_mul(4), line.send(ask)).await;
        let reply = reply.unwrap_or_else(|_| Err(Broken("no answer in time".to_owned())));
        if reply.as_ref().map_or(true, |reply| reply.status == 503) {
            self.lines[node] = None;
            self.favourite = self.dice.index(self.nodes.len());
        }
        reply
    }

    pub(crate) fn key(&mut self) -> String {
        let mut half = || self.dice.below(u64::MAX);
        Uuid::from_u64_pair(half(), half()).to_string()
    }
}

fn told(reply: &Reply) -> Told {
    let number = |pointer: &str| reply.body.pointer(pointer).and_then(serde_json::Value::as_i64);
    match (reply.text("/status"), number("/position"), number("/events")) {
        ("committed", Some(position), Some(events)) => Told::Committed { position, events },
        ("refused", Some(position), _) => Told::Refused { position },
        _ => Told::Odd(reply.body.to_string()),
    }
}
