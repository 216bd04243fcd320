//! What was asked and what was answered: all of it, with the order in which it happened.
//!
//! Moments are numbers of one counter that every thread draws from, so "answered before the other was sent" is certain
//! and not a matter of clocks. Nothing is ever corrected here: what a node said, it said.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use uuid::Uuid;

use super::http::{Broken, Reply};

pub(crate) type Moment = u64;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    Register { username: String },
    Deposit { wallet: Uuid, cents: i64 },
    Withdraw { wallet: Uuid, cents: i64 },
}

/// One command, under one key, however often it was sent.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    /// Also the reference of the movement, by which its event is found without any position.
    pub(crate) key: String,
    /// Whose; nobody's yet for a registration.
    pub(crate) user: Uuid,
    pub(crate) intent: Intent,
    pub(crate) attempts: Vec<Attempt>,
    /// What `GET /commands/{key}` said.
    pub(crate) told: Vec<Told>,
}

#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) sent: Moment,
    /// Nothing, while or because no answer came.
    pub(crate) heard: Option<Heard>,
}

#[derive(Clone, Debug)]
pub(crate) struct Heard {
    pub(crate) at: Moment,
    pub(crate) said: Said,
    pub(crate) replayed: bool,
    /// Without `request_id`, which differs from time to time.
    pub(crate) body: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Accepted {
        position: i64,
    },
    Refused {
        position: i64,
        code: String,
    },
    /// 503: this attempt had no effect and never will.
    Unavailable,
    /// 409: another attempt is under way.
    InFlight,
    /// 503: perhaps.
    Unknown,
    /// 401: an attempt that was left behind reached its node after the person had logged out.
    LoggedOut,
    /// Nothing that should ever be said to what we ask.
    Odd(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Committed {
        position: i64,
        events: i64,
    },
    Refused {
        position: i64,
    },
    /// 404, asked when it was final.
    Never,
    Odd(String),
}

/// A wallet as it was read.
#[derive(Clone, Debug)]
pub(crate) struct Read {
    pub(crate) wallet: Uuid,
    pub(crate) min_position: i64,
    pub(crate) position: i64,
    pub(crate) posted: String,
    pub(crate) available: String,
    pub(crate) version: i64,
}

/// A login that was answered, and its logout if that was.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) id: Uuid,
    pub(crate) user: Uuid,
    pub(crate) logged_out: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CommandId(usize);

impl CommandId {
    /// The command that stands at this place of [`Pages::commands`].
    pub(crate) const fn at(index: usize) -> Self {
        Self(index)
    }
}
#[derive(Clone, Copy, Debug)]
pub(crate) struct AttemptId(usize);

#[derive(Clone, Debug)]
pub(crate) struct Record(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: AtomicU64,
    pages: Mutex<Pages>,
    /// How many answers settled something.
    answers: watch::Sender<u64>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Pages {
    pub(crate) commands: Vec<Command>,
    pub(crate) reads: Vec<Read>,
    pub(crate) sessions: Vec<Session>,
    /// What no node may ever say.
    pub(crate) odd: Vec<String>,
}

impl Record {
    pub(crate) fn new() -> Self {
        let answers = watch::channel(0).0;
        Self(Arc::new(Inner { clock: AtomicU64::new(0), pages: Mutex::default(), answers }))
    }

    fn now(&self) -> Moment {
        self.0.clock.fetch_add(1, Ordering::SeqCst)
    }

    fn write<T>(&self, change: impl FnOnce(&mut Pages) -> T) -> T {
        change(&mut self.0.pages.lock().unwrap())
    }

    pub(crate) fn begin(&self, key: &str, user: Uuid, intent: Intent) -> CommandId {
        let command = Command { key: key.to_owned(), user, intent, attempts: Vec::new(), told: Vec::new() };
        self.write(|pages| {
            pages.commands.push(command);
            CommandId(pages.commands.len() - 1)
        })
    }

    /// Right before the request is sent.
    pub(crate) fn sending(&self, command: CommandId) -> AttemptId {
        self.write(|pages| {
            let attempts = &mut pages.commands[command.0].attempts;
            attempts.push(Attempt { sent: self.now(), heard: None });
            AttemptId(attempts.len() - 1)
        })
    }

    /// Right after the answer came, or will not come any more.
    pub(crate) fn heard(
        &self,
        command: CommandId,
        attempt: AttemptId,
        reply: Result<Reply, Broken>,
    ) -> Option<Said> {
        let at = self.now();
        let reply = reply.ok()?;
        let said = Said::read(&reply);
        let heard = Heard { at, said: said.clone(), replayed: reply.replayed, body: lasting(reply.body) };
        self.write(|pages| pages.commands[command.0].attempts[attempt.0].heard = Some(heard));
        if said.is_final() {
            self.0.answers.send_modify(|answers| *answers += 1);
        }
        Some(said)
    }

    /// Whether every attempt so far was answered with "no effect".
    pub(crate) fn had_no_effect(&self, command: CommandId) -> bool {
        self.write(|pages| pages.commands[command.0].had_no_effect())
    }

    /// What a command that was accepted was answered with.
    pub(crate) fn accepted_body(&self, command: CommandId) -> Value {
        let settled =
            |pages: &mut Pages| pages.commands[command.0].settled().next().map(|heard| heard.body.clone());
        serde_json::from_str(&self.write(settled).unwrap()).unwrap()
    }

    pub(crate) fn told(&self, command: CommandId, told: Told) {
        self.write(|pages| pages.commands[command.0].told.push(told));
    }

    pub(crate) fn read(&self, read: Read) {
        self.write(|pages| pages.reads.push(read));
    }

    pub(crate) fn logged_in(&self, id: Uuid, user: Uuid) {
        self.write(|pages| pages.sessions.push(Session { id, user, logged_out: false }));
    }

    pub(crate) fn logged_out(&self, id: Uuid) {
        self.write(|pages| {
            let session = pages.sessions.iter_mut().rfind(|session| session.id == id).unwrap();
            session.logged_out = true;
        });
    }

    pub(crate) fn odd(&self, what: String) {
        self.write(|pages| pages.odd.push(what));
    }

    pub(crate) fn answers(&self) -> u64 {
        *self.0.answers.borrow()
    }

    /// Waits until so many more answers have come.
    pub(crate) async fn more_answers(&self, count: u64, patience: Duration) {
        let mut answers = self.0.answers.subscribe();
        let wanted = *answers.borrow_and_update() + count;
        // What `wait_for` gives is a lock: it must be gone before the next look.
        let came =
            tokio::time::timeout(patience, answers.wait_for(|answers| *answers >= wanted)).await.is_ok();
        let so_far = self.answers();
        assert!(came, "waited {patience:?} for answer {wanted} in vain: {so_far} came");
    }

    pub(crate) fn pages(&self) -> Pages {
        self.write(|pages| pages.clone())
    }

    /// The furthest position that anybody was ever told.
    pub(crate) fn furthest(&self) -> i64 {
        let heard = |command: &Command| command.attempts.iter().filter_map(Attempt::position).max();
        self.write(|pages| pages.commands.iter().filter_map(heard).max().unwrap_or(0))
    }

    /// Takes the record back to what `before` held: what came later is said to never have been.
    pub(crate) fn rewind(&self, before: &Pages) {
        self.write(|pages| *pages = before.clone());
    }
}

impl Command {
    /// One that is yet to be sent has not been answered at all.
    pub(crate) fn had_no_effect(&self) -> bool {
        let unavailable = |heard: &Heard| heard.said == Said::Unavailable;
        let turned_away = |attempt: &Attempt| attempt.heard.as_ref().is_some_and(unavailable);
        !self.attempts.is_empty() && self.attempts.iter().all(turned_away)
    }

    /// Whether any attempt was answered so.
    pub(crate) fn heard(&self, said: &Said) -> bool {
        self.attempts.iter().any(|attempt| attempt.heard.as_ref().is_some_and(|heard| heard.said == *said))
    }

    /// Answers that settle it. There should be one, however often it is given.
    pub(crate) fn settled(&self) -> impl Iterator<Item = &Heard> {
        self.attempts
            .iter()
            .filter_map(|attempt| attempt.heard.as_ref())
            .filter(|heard| heard.said.is_final())
    }
}

impl Attempt {
    fn position(&self) -> Option<i64> {
        self.heard.as_ref()?.said.position()
    }
}

impl Said {
    fn read(reply: &Reply) -> Self {
        match (reply.status, reply.code(), reply.position) {
            (201, _, Some(position)) => Self::Accepted { position },
            (422, code @ "insufficient_funds", Some(position))
            | (409, code @ ("username_taken" | "email_taken"), Some(position)) => {
                Self::Refused { position, code: code.to_owned() }
            }
            (401, "session_ended", _) => Self::LoggedOut,
            (409, "in_flight", _) => Self::InFlight,
            (503, "unavailable", _) => Self::Unavailable,
            (503, "outcome_unknown" | "timed_out", _) => Self::Unknown,
            (status, ..) => Self::Odd(format!("{status} {}", reply.body)),
        }
    }

    pub(crate) fn is_final(&self) -> bool {
        matches!(self, Self::Accepted { .. } | Self::Refused { .. })
    }

    pub(crate) fn position(&self) -> Option<i64> {
        match self {
            Self::Accepted { position } | Self::Refused { position, .. } => Some(*position),
            _ => None,
        }
    }
}

fn lasting(mut body: Value) -> String {
    if let Some(members) = body.as_object_mut() {
        members.remove("request_id");
    }
    body.to_string()
}
