//! The deliberate way out when stream and journal tell different stories: the journal is right.

use super::{Outcome, Relay, RelayError, RelayOptions, stream};
use crate::{Journal, Nats, Tail};

/// Deletes the stream, lets writers lead again, and refills the stream from the beginning, unless a running relay is
/// doing that. `progress` hears how far it is. Gives back how many events were published from here.
pub async fn reset(
    journal: &Journal,
    nats: &Nats,
    options: RelayOptions,
    mut progress: impl FnMut(i64),
) -> Result<u64, RelayError> {
    nats.ready()?;
    // First the stream: a writer that looks in between must not find the other story again.
    stream::delete(nats).await?;
    journal.resume().await?;
    let mut relay = Relay::new(journal.clone(), nats.clone(), Tail::new(0), options);
    let mut published = 0;
    loop {
        match relay.run_once().await? {
            Outcome::Published(events) => {
                published += u64::try_from(events).unwrap_or(0);
                progress(relay.status.borrow().position);
            }
            Outcome::OutOfStep => {}
            Outcome::UpToDate | Outcome::StandingBy | Outcome::Halted(_) => return Ok(published),
        }
    }
}
