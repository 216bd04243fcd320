//! Whether this process may lead: before it does, it compares stream and journal, if NATS is there. A journal restored from
//! an earlier copy must not go on as if nothing had been said since.

use std::time::Duration;

use commands::MayLead;
use journal::relay;
use journal::{Journal, Nats};

/// How long who wants to lead waits for NATS before they go on without: commands do not need it.
const STREAM_WITHIN: Duration = Duration::from_secs(1);

pub(crate) fn stream_agrees(journal: &Journal, nats: &Nats) -> MayLead {
    let (journal, nats) = (journal.clone(), nats.clone());
    Box::new(move || {
        let (journal, nats) = (journal.clone(), nats.clone());
        Box::pin(async move {
            let verdict = relay::check(&journal, &nats, STREAM_WITHIN).await;
            let Ok(verdict) = verdict.inspect_err(|error| {
                tracing::warn!(event = "stream_not_compared", error_message = %error);
            }) else {
                return false;
            };
            let Some(reason) = verdict.forbids_leading() else { return true };
            tracing::error!(event = "halted", error_message = reason);
            if let Err(error) = journal.halt(reason).await {
                tracing::error!(event = "halt_not_written", error_message = %error);
            }
            false
        })
    })
}
