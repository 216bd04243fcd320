//! A command on its way through the sequencer, with the way back to who waits for its answer.

use crate::decide::Claim;
use crate::{Envelope, Outcome};
use tokio::sync::oneshot;
use uuid::Uuid;

#[derive(Debug)]
pub(crate) struct Submission {
    pub(crate) envelope: Envelope,
    reply: oneshot::Sender<Outcome>,
    /// Claims the database has named as taken: they are refused without asking it again.
    pub(crate) taken: Vec<Claim>,
    /// How often it was decided on a memory that turned out wrong.
    pub(crate) restarts: u8,
    /// Its keys were looked up, and none was known.
    pub(crate) is_new: bool,
}

impl Submission {
    pub(crate) const fn new(envelope: Envelope, reply: oneshot::Sender<Outcome>) -> Self {
        Self { envelope, reply, taken: Vec::new(), restarts: 0, is_new: false }
    }

    /// Everything it is known by.
    pub(crate) fn keys(&self) -> impl Iterator<Item = Uuid> {
        self.envelope.key.iter().chain(&self.envelope.aliases).map(|key| key.key)
    }

    /// Whether it may be something of another key that it repeats. An acceptance writes its aliases, and the database
    /// notices; a refusal leaves no alias behind, and has to be asked for first.
    pub(crate) fn may_be_old(&self) -> bool {
        !self.is_new && !self.envelope.aliases.is_empty()
    }

    pub(crate) fn restarted(self) -> Self {
        Self { restarts: self.restarts + 1, is_new: false, ..self }
    }

    pub(crate) fn answer(self, outcome: Outcome) {
        // Who asked may have gone: the command stands all the same.
        let _ = self.reply.send(outcome);
    }
}
