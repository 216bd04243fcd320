//! Opening another wallet: one per user and currency.

use crate::envelope::OpenWallet;
use crate::{ClaimKind, Command, Commands, Context, NewClaim, Outcome};
use domain::{Currency, UserId, WalletId};
use uuid::Uuid;

impl Commands {
    pub async fn open_wallet(&self, context: Context, user_id: UserId, currency: Currency) -> Outcome {
        let key =
            self.request_key(&context, &[b"open wallet", user_id.0.as_bytes(), currency.code().as_bytes()]);
        let wallet_id = WalletId(Uuid::now_v7());
        let claim = self.wallet_claim(user_id, currency);
        // The sequencer would find out too, at the cost of a batch decided anew.
        let is_taken = self.holder_of(ClaimKind::Wallet, claim.digest).await?.is_some();
        let open = OpenWallet { user_id, wallet_id, currency, claim: NewClaim { is_taken, ..claim } };
        self.submit(self.envelope(&context, key, Command::OpenWallet(Box::new(open)))).await
    }
}
