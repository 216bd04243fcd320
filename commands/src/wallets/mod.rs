//! What can be done with wallets.
//!
//! A caller says what it wants as a [`Wish`], one or many; here it becomes the steps of one command, with whatever has to be
//! looked up for it: who the recipient is, what a transaction was that is to be undone.

pub mod expiry;
mod opening;
mod recipient;
mod reversal;
mod wish;

pub use reversal::Ending;
pub use wish::{Aim, CaptureWish, Wish};

use crate::commands::DECIDE_WITHIN;
use crate::step::{Act, Step};
use crate::{Command, Commands, Context, Envelope, Failure, Outcome, RequestKey};
use domain::wallet::{Capture, WalletCommand};
use domain::{CaptureId, EntryId, Timestamp, WalletId};
use std::collections::HashSet;
use uuid::Uuid;

impl Commands {
    /// One command to one wallet.
    pub async fn ask_wallet(&self, context: Context, wish: Wish) -> Outcome {
        let fingerprint = wish.fingerprint();
        let key = self.request_key(&context, &[&fingerprint]);
        let aliases = wish.capture().map(|capture| self.alias(&capture)).into_iter().collect();
        let mut step = self.prepare(wish).await?;
        step.bounds.expected_version = step.bounds.expected_version.or(context.expected_version);
        let command = Command::Wallet(Box::new(step));
        self.submit(Envelope { aliases, ..self.envelope(&context, key, command) }).await
    }

    /// All of them or none, in this order.
    pub async fn batch(&self, context: Context, wishes: Vec<Wish>) -> Outcome {
        let prints: Vec<Vec<u8>> = wishes.iter().map(Wish::fingerprint).collect();
        let mut parts: Vec<&[u8]> = vec![b"batch"];
        parts.extend(prints.iter().map(Vec::as_slice));
        let key = self.request_key(&context, &parts);
        let captures = wishes.iter().filter_map(Wish::capture);
        let aliases: Vec<RequestKey> = captures.map(|capture| self.alias(&capture)).collect();
        let mut names = HashSet::with_capacity(aliases.len());
        if !aliases.iter().all(|alias| names.insert(alias.key)) {
            return Err(Failure::CaptureIdReused);
        }
        let mut steps = Vec::with_capacity(wishes.len());
        for wish in wishes {
            steps.push(self.prepare(wish).await?);
        }
        self.submit(Envelope { aliases, ..self.envelope(&context, key, Command::Batch(steps)) }).await
    }

    async fn prepare(&self, wish: Wish) -> Result<Step, Failure> {
        let Wish { wallet_id, authority, aim, bounds } = wish;
        let ask = |command| Act::Ask(command);
        let at = Timestamp::default();
        let act = match aim {
            Aim::Deposit(movement) => ask(WalletCommand::Deposit(movement)),
            Aim::Withdraw(movement) => ask(WalletCommand::Withdraw(movement)),
            Aim::Transfer { to, movement } => self.transfer(&to, movement).await?,
            Aim::Hold { movement, lease } => {
                ask(WalletCommand::PlaceHold(domain::wallet::PlaceHold { movement, lease, at }))
            }
            Aim::Capture(CaptureWish { hold, capture_id, amount, is_final }) => {
                ask(WalletCommand::Capture(Capture { hold, capture_id, amount, is_final, at }))
            }
            Aim::Release { hold } => ask(WalletCommand::Release { hold, at }),
            Aim::Amend { hold, amount } => ask(WalletCommand::Amend { hold, amount, at }),
            Aim::Extend { hold, lease } => ask(WalletCommand::Extend { hold, lease, at }),
            Aim::Reverse { sequence, ending, reference } => {
                let transaction = EntryId { wallet: wallet_id, sequence };
                self.reversal(transaction, ending, reference).await?
            }
            Aim::Freeze => ask(WalletCommand::Freeze),
            Aim::Unfreeze => ask(WalletCommand::Unfreeze),
            Aim::Close => ask(WalletCommand::Close),
        };
        Ok(Step { wallet_id, authority, act, bounds })
    }

    /// What a capture is known by beside its key: each id is good for one capture of its hold.
    fn alias(&self, (wallet_id, capture): &(WalletId, &CaptureWish)) -> RequestKey {
        let CaptureWish { hold, capture_id, .. } = capture;
        let name = format!("capture {hold} {}", CaptureId::as_str(capture_id));
        RequestKey {
            key: self.vault().request_key(wallet_id.0, &name),
            fingerprint: self.vault().fingerprint(&[&capture.fingerprint()]),
        }
    }

    pub(crate) fn envelope(&self, context: &Context, key: Option<RequestKey>, command: Command) -> Envelope {
        Envelope {
            command,
            actor: context.principal.actor(),
            key,
            aliases: Vec::new(),
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
