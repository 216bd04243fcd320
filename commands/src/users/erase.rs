//! Erasing somebody: one append, after which nothing that could tell who they were can be read any more.
//!
//! The event goes into the journal; their data key, password, API keys, credentials, mail tokens, claims and snapshot go out
//! of the database in the same transaction. What was sealed for them in the journal, in the stream and in every copy of
//! both is noise from then on, and their address and name are free again.

use crate::envelope::Beside;
use crate::{Command, Commands, Context, Outcome, UserChange};
use domain::user::UserCommand;
use domain::{AggregateKind, Timestamp, UserId, WalletId};

impl Commands {
    /// To be asked for by who may. Their wallets must be empty: money that belongs to nobody would be left behind.
    pub async fn erase(&self, context: Context, user_id: UserId) -> Outcome {
        let key = self.request_key(&context, &[b"erase", user_id.0.as_bytes()]);
        // No session may go on without its owner.
        let free = self.sessions_of(user_id).await?;
        let wallets = self.journal().first_events_of(user_id, AggregateKind::Wallet).await?;
        let change = UserChange {
            user_id,
            command: UserCommand::Erase { at: Timestamp::default() },
            beside: Beside { erase: true, free, ..Beside::default() },
            closes: wallets.iter().map(|opened| WalletId(opened.aggregate.id)).collect(),
        };
        let envelope = self.envelope(&context, key, Command::User(Box::new(change)));
        let done = self.submit(envelope).await?;
        // On other nodes, by those who follow the journal.
        self.vault().forget_user(user_id);
        if let Err(error) = self.unlock(user_id).await {
            // What is left is a number of wrong passwords, under an id that means nothing any more.
            tracing::warn!(event = "sign_in_failures_not_erased", error_message = %error);
        }
        Ok(done)
    }
}
