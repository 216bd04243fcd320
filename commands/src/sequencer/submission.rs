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
}

impl Submission {
    pub(crate) const fn new(envelope: Envelope, reply: oneshot::Sender<Outcome>) -> Self {
        Self { envelope, reply, taken: Vec::new(), restarts: 0 }
    }

    /// Everything it is known by.
    pub(crate) fn keys(&self) -> impl Iterator<Item = Uuid> {
        self.envelope.key.iter().chain(&self.envelope.aliases).map(|key| key.key)
    }

    pub(crate) fn restarted(self) -> Self {
        Self { restarts: self.restarts + 1, ..self }
    }

    pub(crate) fn answer(self, outcome: Outcome) {
        // Who asked may have gone: the command stands all the same.
        let _ = self.reply.send(outcome);
    }
}
