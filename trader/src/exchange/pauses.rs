//! Places where a process under test stands still until it is killed.
//!
//! Whoever tests puts a file with the name of a point into a directory. Who comes to that point then leaves another one,
//! `<point>.<process id>`, and goes no further.

use std::future::pending;
use std::path::Path;
use std::sync::Arc;

/// Where a crash would hurt most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// An order is intended, durably, and not sent.
    Intended,
    /// The exchange has answered, and nobody here has seen it.
    Sent,
    /// The answer is here, and not written down.
    Answered,
    /// The sales of a run are done, and its purchases are not sent.
    BetweenLegs,
    /// A session was told to stop, and has not stopped.
    Stopping,
}

impl Point {
    pub const ALL: [Self; 5] =
        [Self::Intended, Self::Sent, Self::Answered, Self::BetweenLegs, Self::Stopping];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Intended => "intended",
            Self::Sent => "sent",
            Self::Answered => "answered",
            Self::BetweenLegs => "between_legs",
            Self::Stopping => "stopping",
        }
    }
}

/// Without a directory nobody ever stands still.
#[derive(Clone, Debug, Default)]
pub struct Pauses(Option<Arc<Path>>);

impl Pauses {
    pub fn within(directory: impl AsRef<Path>) -> Self {
        Self(Some(directory.as_ref().into()))
    }

    pub async fn at(&self, point: Point) {
        let Some(directory) = &self.0 else { return };
        let name = point.as_str();
        if !tokio::fs::try_exists(directory.join(name)).await.unwrap_or(false) {
            return;
        }
        let marker = directory.join(format!("{name}.{}", std::process::id()));
        if let Err(error) = tokio::fs::write(marker, "").await {
            tracing::error!(component = "trader", event = "pause_not_marked", error_message = %error);
        }
        pending::<()>().await;
    }
}
