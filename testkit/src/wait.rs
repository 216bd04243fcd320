//! Waiting for something to become true: by asking again and again until a deadline, never by sleeping and hoping.

use std::time::{Duration, Instant};

/// Long enough for a loaded machine: what passes, passes much sooner.
const PATIENCE: Duration = Duration::from_secs(20);
const INTERVAL: Duration = Duration::from_millis(10);

/// Asks until the answer is yes, and panics with `what` if it never is.
pub async fn eventually(what: &str, condition: impl AsyncFnMut() -> bool) {
    eventually_within(PATIENCE, what, condition).await;
}

pub async fn eventually_within(patience: Duration, what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + patience;
    // Before the question: who was kept from asking for a while asks once more.
    let mut is_over = false;
    while !condition().await {
        assert!(!is_over, "waited {patience:?} in vain: {what}");
        tokio::time::sleep(INTERVAL).await;
        is_over = Instant::now() >= deadline;
    }
}
