//! What wakes either side: a word that the database passes on. It may get lost, so nobody relies on it.

use journal::{Journal, JournalError};
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::sleep;

/// Whoever cannot listen looks by themselves meanwhile.
const LISTEN_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Rings for every word on a channel, as long as it is polled.
pub(super) async fn listen(journal: &Journal, channel: &str, bell: &Notify) -> Infallible {
    loop {
        let Err(error) = ring(journal, channel, bell).await;
        tracing::debug!(event = "not_listening", error_message = %error);
        sleep(LISTEN_AGAIN_AFTER).await;
    }
}

async fn ring(journal: &Journal, channel: &str, bell: &Notify) -> Result<Infallible, JournalError> {
    let mut listener = journal.listen(channel).await?;
    loop {
        // At first for what came before, and after each loss of the connection, too.
        bell.notify_one();
        listener.try_recv().await?;
    }
}
