//! How far each subscription is, known everywhere without asking.
//!
//! The worker tells it in its own process at once, and to other nodes over core NATS. A message that is lost costs
//! nothing but time: the next one says more, and behind them all stands the table that the worker writes.

use crate::Nats;
use futures::StreamExt;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub const CHECKPOINT_SUBJECTS: &str = "counterfoil.checkpoints";
/// A word to others is worth no more waiting than this.
const TELL_TIMEOUT: Duration = Duration::from_millis(50);
/// Between two tries to listen, while NATS is away.
const LISTEN_PAUSE: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, Default)]
pub struct Checkpoints {
    known: Arc<Mutex<HashMap<String, Known>>>,
}

#[derive(Debug, Default)]
struct Known {
    position: watch::Sender<i64>,
    /// The furthest position that somebody here waits for, or has waited for.
    asked: watch::Sender<i64>,
}

impl Checkpoints {
    /// Notes that a subscription has come so far. A word never takes it back: words overtake each other.
    pub fn note(&self, name: &str, position: i64) {
        self.with(name, |known| {
            known.position.send_if_modified(|known| {
                let further = position > *known;
                *known = position.max(*known);
                further
            });
        });
    }

    /// Takes the table's word, which was read after [`Self::position`] had said `known`. It only says less if the database
    /// was put back to an earlier moment.
    pub fn correct(&self, name: &str, known: i64, read: i64) {
        self.with(name, |known_here| {
            known_here.position.send_if_modified(|position| {
                let right = if read < known { read } else { read.max(*position) };
                std::mem::replace(position, right) != right
            });
        });
    }

    pub fn position(&self, name: &str) -> i64 {
        self.with(name, |known| *known.position.borrow())
    }

    /// Every one that is known.
    pub fn all(&self) -> HashMap<String, i64> {
        // As in `with`.
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().map(|(name, known)| (name.clone(), *known.position.borrow())).collect()
    }

    /// Wakes its holder whenever that subscription moves.
    pub fn watch(&self, name: &str) -> watch::Receiver<i64> {
        self.with(name, |known| known.position.subscribe())
    }

    /// Asks a subscription of this process to record its position as soon as it is this far, wanted events or not.
    pub fn ask(&self, name: &str, position: i64) {
        self.with(name, |known| {
            known.asked.send_if_modified(|asked| {
                let further = position > *asked;
                *asked = position.max(*asked);
                further
            });
        });
    }

    /// Whether somebody asks for more than what is recorded.
    pub(super) fn is_asked(&self, name: &str, recorded: i64) -> bool {
        self.with(name, |known| *known.asked.borrow() > recorded)
    }

    /// Returns when somebody does.
    pub(super) fn asked(&self, name: &str, recorded: i64) -> impl Future<Output = ()> + use<> {
        let mut asked = self.with(name, |known| known.asked.subscribe());
        async move {
            if asked.wait_for(|asked| *asked > recorded).await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    fn with<T>(&self, name: &str, act: impl FnOnce(&Known) -> T) -> T {
        // Nothing in here panics half-way, so what a poisoned lock guards is still whole.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(name) {
            return act(known);
        }
        act(known.entry(name.to_owned()).or_default())
    }

    /// Notes it here and tells other nodes, if NATS is there.
    pub(super) async fn tell(&self, nats: Option<&Nats>, name: &str, position: i64) {
        self.note(name, position);
        let Some(nats) = nats.filter(|nats| nats.ready().is_ok()) else { return };
        let subject = format!("{CHECKPOINT_SUBJECTS}.{name}");
        let told = nats.client().publish(subject, position.to_string().into());
        // Nothing depends on it: who does not hear it reads the table.
        let _ = tokio::time::timeout(TELL_TIMEOUT, told).await;
    }

    /// Listens to what workers on other nodes tell, until told to stop.
    pub async fn listen(&self, nats: &Nats, cancel: CancellationToken) {
        while !cancel.is_cancelled() {
            tokio::select! {
                () = cancel.cancelled() => {}
                () = self.listen_once(nats) => tokio::time::sleep(LISTEN_PAUSE).await,
            }
        }
    }

    async fn listen_once(&self, nats: &Nats) {
        let Ok(mut told) = nats.client().subscribe(format!("{CHECKPOINT_SUBJECTS}.*")).await else { return };
        while let Some(message) = told.next().await {
            let name = message.subject.rsplit('.').next();
            let position = std::str::from_utf8(&message.payload).ok().and_then(|text| text.parse().ok());
            if let (Some(name), Some(position)) = (name, position) {
                self.note(name, position);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_word_takes_a_checkpoint_back_and_it_wakes_who_waits() {
        let checkpoints = Checkpoints::default();
        let mut watch = checkpoints.watch("wallets");
        checkpoints.note("wallets", 7);
        checkpoints.note("wallets", 5);
        checkpoints.note("profiles", 9);
        assert_eq!(*watch.wait_for(|position| *position >= 6).await.unwrap(), 7);
        assert_eq!(checkpoints.position("wallets"), 7);
    }

    #[test]
    fn the_table_takes_a_checkpoint_back_if_it_was_put_back_itself() {
        let checkpoints = Checkpoints::default();
        checkpoints.note("wallets", 7);
        checkpoints.correct("wallets", 5, 6);
        assert_eq!(checkpoints.position("wallets"), 7, "7 came after the table was read");
        checkpoints.correct("wallets", 7, 3);
        assert_eq!(checkpoints.position("wallets"), 3);
    }
}
