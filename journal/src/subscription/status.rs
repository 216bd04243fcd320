//! What a subscription tells about itself.

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubscriptionStatus {
    pub name: String,
    pub state: SubscriptionState,
    /// Everything up to here has had its effect.
    pub position: i64,
    /// How many events it is behind the journal, as far as is known here.
    pub lag: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SubscriptionState {
    #[default]
    Starting,
    Running,
    /// The last try failed; the next one comes soon.
    Retrying {
        reason: String,
    },
    /// It has failed again and again. It keeps trying, slowly, and skips nothing.
    Failed {
        reason: String,
    },
}
