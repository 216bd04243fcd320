//! Undoing a transaction: what it was is told by its own events, which never change.

use crate::step::Act;
use crate::{ClaimKind, Commands, Failure, NewClaim, Refusal};
use domain::wallet::{HoldStatus, Reversal, WalletEvent};
use domain::{AggregateKind, AggregateRef, Currency, EntryId, Event, Money, Reference, WalletId};
use journal::Recorded;
use uuid::Uuid;

/// Where a hold ended: the sequence of the event, if the transaction is a hold and has ended.
pub type Ending = Option<i64>;

struct Undone {
    transaction: EntryId,
    amount: Money,
    currency: Currency,
    is_credit: bool,
    counterparty: Option<WalletId>,
}

impl Commands {
    pub(super) async fn reversal(
        &self,
        transaction: EntryId,
        ending: Ending,
        reference: Option<Reference>,
    ) -> Result<Act, Failure> {
        let decline = |refusal| Ok(Act::Decline(Box::new(refusal)));
        let not_reversible = |reason: &str| Refusal::NotReversible { transaction, reason: reason.to_owned() };
        let Some(recorded) = self.event_at(transaction.wallet, transaction.sequence).await? else {
            return decline(Refusal::TransactionNotFound);
        };
        let undone = |amount, currency, is_credit, counterparty| {
            vec![Undone { transaction, amount, currency, is_credit, counterparty }]
        };
        let undone = match wallet_event(&recorded)? {
            WalletEvent::WalletDeposited(moved) => undone(moved.amount, moved.currency, false, None),
            WalletEvent::WalletWithdrawn(moved) => undone(moved.amount, moved.currency, true, None),
            WalletEvent::TransferSent(sent) => {
                let Some(other) = self.other_half(&recorded, 1).await? else {
                    return decline(Refusal::TransactionNotFound);
                };
                // The one who received it gives first.
                vec![
                    Undone {
                        transaction: other,
                        amount: sent.amount,
                        currency: sent.currency,
                        is_credit: false,
                        counterparty: Some(transaction.wallet),
                    },
                    Undone {
                        transaction,
                        amount: sent.amount,
                        currency: sent.currency,
                        is_credit: true,
                        counterparty: Some(sent.counterparty),
                    },
                ]
            }
            WalletEvent::TransferReceived(got) => {
                let Some(other) = self.other_half(&recorded, -1).await? else {
                    return decline(Refusal::TransactionNotFound);
                };
                vec![
                    Undone {
                        transaction,
                        amount: got.amount,
                        currency: got.currency,
                        is_credit: false,
                        counterparty: Some(got.counterparty),
                    },
                    Undone {
                        transaction: other,
                        amount: got.amount,
                        currency: got.currency,
                        is_credit: true,
                        counterparty: Some(transaction.wallet),
                    },
                ]
            }
            WalletEvent::HoldPlaced(_) => {
                let ended = match ending {
                    Some(sequence) => self.event_at(transaction.wallet, sequence).await?,
                    None => None,
                };
                let ended = ended.as_ref().map(wallet_event).transpose()?;
                let step =
                    ended.as_ref().and_then(WalletEvent::hold).filter(|step| step.hold.id == transaction);
                match step {
                    Some(step) if step.hold.status == HoldStatus::Captured => {
                        undone(step.hold.captured, step.currency, true, None)
                    }
                    Some(_) => return decline(not_reversible("the hold was not captured")),
                    None => return decline(not_reversible("the hold has not ended yet")),
                }
            }
            WalletEvent::TransactionReversed(_) => return decline(not_reversible("it is a reversal itself")),
            _ => return decline(Refusal::TransactionNotFound),
        };
        let claim = self.reversal_claim(&undone).await?;
        let legs = undone.into_iter().map(|undone| leg(undone, reference.as_ref())).collect();
        Ok(Act::Reverse { claim, holder: Uuid::now_v7(), legs })
    }

    /// One for both halves of a transfer: that of the half which sent.
    async fn reversal_claim(&self, undone: &[Undone]) -> Result<NewClaim, Failure> {
        let kind = ClaimKind::Reversal;
        let named = undone.last().map(|undone| undone.transaction.to_string()).unwrap_or_default();
        let digest = self.vault().claim(kind.as_str(), &named);
        let is_taken = self.holder_of(kind, digest).await?.is_some();
        Ok(NewClaim { kind, digest, is_taken })
    }

    async fn event_at(&self, wallet: WalletId, sequence: i64) -> Result<Option<Recorded>, Failure> {
        let aggregate = AggregateRef { kind: AggregateKind::Wallet, id: wallet.0 };
        Ok(self.journal().read_aggregate(aggregate, sequence - 1, sequence).await?.into_iter().next())
    }

    /// The event right beside it in the journal: both halves are written by one command.
    async fn other_half(&self, half: &Recorded, beside: i64) -> Result<Option<EntryId>, Failure> {
        let position = half.position + beside;
        let found = self.journal().read_after(position - 1, 1).await?.into_iter().next();
        Ok(found
            .filter(|other| other.metadata.command_id == half.metadata.command_id)
            .map(|other| EntryId { wallet: WalletId(other.aggregate.id), sequence: other.sequence }))
    }
}

fn wallet_event(recorded: &Recorded) -> Result<WalletEvent, Failure> {
    match recorded.event().map_err(|error| Failure::Internal(error.to_string()))? {
        Event::Wallet(event) => Ok(event),
        Event::User(_) => Err(Failure::Internal("a wallet with another's event".to_owned())),
    }
}

fn leg(undone: Undone, reference: Option<&Reference>) -> (WalletId, Reversal) {
    let Undone { transaction, amount, currency, is_credit, counterparty } = undone;
    let reference = reference.cloned();
    (transaction.wallet, Reversal { transaction, amount, currency, is_credit, counterparty, reference })
}
