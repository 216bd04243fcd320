//! The deliberate way out when stream and journal tell different stories: the journal is right.

use super::{Outcome, Relay, RelayError, RelayOptions, stream};
use crate::{Journal, Nats, Tail};
use std::time::Duration;
use tokio::time::Instant;

/// Between two looks at what another process' relay has done.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);
/// A stream that grows no further for so long is filled by nobody.
const STALLED_AFTER: Duration = Duration::from_secs(30);

/// Deletes the stream, lets writers lead again, and sees to it that the stream is refilled from the beginning, from here
/// or by a relay that runs elsewhere. `progress` hears how far it is. Gives back how many events were published from
/// here.
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
    let goal = journal.head().await?.position;
    let mut relay = Relay::new(journal.clone(), nats.clone(), Tail::new(goal), options);
    let (mut published, mut reached, mut moved_at) = (0, 0, Instant::now());
    loop {
        let at = match relay.run_once().await? {
            Outcome::Published(events) => {
                published += u64::try_from(events).unwrap_or(0);
                relay.status.borrow().position
            }
            Outcome::OutOfStep => reached,
            Outcome::UpToDate => break,
            Outcome::StandingBy => {
                let at = stream::find(nats).await?.map_or(0, |found| found.last);
                if at >= goal {
                    progress(at);
                    break;
                }
                tokio::time::sleep(LOOK_INTERVAL).await;
                at
            }
            Outcome::Halted(reason) => return Err(RelayError::Halted(reason)),
        };
        if at > reached {
            (reached, moved_at) = (at, Instant::now());
            progress(at);
        } else if moved_at.elapsed() > STALLED_AFTER {
            return Err(RelayError::Stalled { at, goal });
        }
    }
    // A comparison that had begun before the stream was deleted may have come to its end after that.
    if journal.head().await?.halted.is_some() {
        journal.resume().await?;
    }
    Ok(published)
}
