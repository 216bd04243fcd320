//! What the relay tells about itself.

/// For health and for whoever waits on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RelayStatus {
    pub state: RelayState,
    /// The stream holds everything up to here.
    pub position: i64,
    /// How many committed events the stream does not hold yet.
    pub lag: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RelayState {
    #[default]
    Starting,
    /// Another process publishes.
    StandingBy,
    Ok,
    Behind,
    /// It cannot publish now, and keeps trying.
    Down {
        reason: String,
    },
    /// Stream and journal hold different events; `counterfoil relay reset` is the way out.
    Halted {
        reason: String,
    },
}
