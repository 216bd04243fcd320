//! What can be done with a wallet.

use crate::commands::DECIDE_WITHIN;
use crate::{Authority, Command, Commands, Context, Envelope, Outcome, RequestKey};
use domain::WalletId;
use domain::wallet::Movement;
use uuid::Uuid;

impl Commands {
    pub async fn deposit(
        &self,
        context: Context,
        wallet_id: WalletId,
        movement: Movement,
        authority: Authority,
    ) -> Outcome {
        let key = self.movement_key(&context, "deposit", wallet_id, &movement);
        self.submit(self.envelope(&context, key, Command::Deposit { wallet_id, movement, authority })).await
    }

    pub async fn withdraw(
        &self,
        context: Context,
        wallet_id: WalletId,
        movement: Movement,
        authority: Authority,
    ) -> Outcome {
        let key = self.movement_key(&context, "withdraw", wallet_id, &movement);
        self.submit(self.envelope(&context, key, Command::Withdraw { wallet_id, movement, authority })).await
    }

    fn movement_key(
        &self,
        context: &Context,
        what: &str,
        wallet_id: WalletId,
        movement: &Movement,
    ) -> Option<RequestKey> {
        let reference = movement.reference.as_ref().map_or("", |reference| reference.as_str());
        self.request_key(
            context,
            &[
                what.as_bytes(),
                wallet_id.0.as_bytes(),
                movement.currency.code().as_bytes(),
                &movement.amount.minor().to_be_bytes(),
                reference.as_bytes(),
            ],
        )
    }

    pub(crate) fn envelope(&self, context: &Context, key: Option<RequestKey>, command: Command) -> Envelope {
        Envelope {
            command,
            actor: context.principal.actor(),
            key,
            command_id: Uuid::now_v7(),
            correlation_id: context.correlation_id,
            causation_id: None,
            expected_version: context.expected_version,
            deadline: self
                .options()
                .clock
                .now()
                .plus(DECIDE_WITHIN.saturating_sub(context.received.elapsed())),
        }
    }
}
