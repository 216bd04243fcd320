//! Undoing a transaction: what it was is told by its own events, which never change.

use crate::step::Act;
use crate::{ClaimKind, Commands, Failure, Irreversible, NewClaim, Refusal};
use domain::wallet::{HoldStatus, HoldStep, Reversal, Transferred, WalletEvent};
use domain::{AggregateKind, AggregateRef, Currency, EntryId, Event, Money, Reference, WalletId};
use journal::Recorded;
use uuid::Uuid;

/// Where a hold ended: the sequence of the event, if the transaction is a hold and has ended.
pub type Ending = Option<i64>;

/// What is posted in each wallet to undo it, in this order; or why it cannot be.
type Legs = Result<Vec<Reversal>, Refusal>;

impl Commands {
    pub(super) async fn reversal(
        &self,
        transaction: EntryId,
        ending: Ending,
        reference: Option<Reference>,
    ) -> Result<Act, Failure> {
        let mut legs = match self.legs(transaction, ending).await? {
            Ok(legs) => legs,
            Err(refusal) => return Ok(Act::Decline(Box::new(refusal))),
        };
        let claim = self.reversal_claim(&legs).await?;
        for leg in &mut legs {
            leg.reference.clone_from(&reference);
        }
        let legs = legs.into_iter().map(|leg| (leg.transaction.wallet, leg)).collect();
        Ok(Act::Reverse { claim, holder: Uuid::now_v7(), legs })
    }

    async fn legs(&self, transaction: EntryId, ending: Ending) -> Result<Legs, Failure> {
        let not_reversible = |reason| Ok(Err(Refusal::NotReversible { transaction, reason }));
        let Some(recorded) = self.event_at(transaction.wallet, transaction.sequence).await? else {
            return Ok(Err(Refusal::TransactionNotFound));
        };
        match wallet_event(&recorded)? {
            WalletEvent::WalletDeposited(moved) => {
                Ok(Ok(vec![leg(transaction, moved.amount, moved.currency, false)]))
            }
            WalletEvent::WalletWithdrawn(moved) => {
                Ok(Ok(vec![leg(transaction, moved.amount, moved.currency, true)]))
            }
            WalletEvent::TransferSent(half) => {
                let other = self.other_half(&recorded, 1).await?;
                Ok(other.map(|other| both(other, transaction, &half)).ok_or(Refusal::TransactionNotFound))
            }
            WalletEvent::TransferReceived(half) => {
                let other = self.other_half(&recorded, -1).await?;
                Ok(other.map(|other| both(transaction, other, &half)).ok_or(Refusal::TransactionNotFound))
            }
            WalletEvent::HoldPlaced(_) => match self.ended_hold(transaction, ending).await? {
                Some(step) if step.hold.status == HoldStatus::Captured => {
                    Ok(Ok(vec![leg(transaction, step.hold.captured, step.currency, true)]))
                }
                Some(_) => not_reversible(Irreversible::NotCaptured),
                None => not_reversible(Irreversible::NotEnded),
            },
            WalletEvent::TransactionReversed(_) => not_reversible(Irreversible::IsAReversal),
            _ => Ok(Err(Refusal::TransactionNotFound)),
        }
    }

    /// A hold as its last event left it, if that is where it is said to be.
    async fn ended_hold(&self, hold: EntryId, ending: Ending) -> Result<Option<HoldStep>, Failure> {
        let Some(sequence) = ending else { return Ok(None) };
        let Some(recorded) = self.event_at(hold.wallet, sequence).await? else { return Ok(None) };
        Ok(wallet_event(&recorded)?.hold().filter(|step| step.hold.id == hold).cloned())
    }

    /// One for both halves of a transfer: that of the half which sent.
    async fn reversal_claim(&self, legs: &[Reversal]) -> Result<NewClaim, Failure> {
        let kind = ClaimKind::Reversal;
        let named = legs.last().map(|leg| leg.transaction.to_string()).unwrap_or_default();
        let digest = self.vault().claim(kind.as_str(), &named);
        let is_taken = self.holder_of(kind, digest).await?.is_some();
        Ok(NewClaim { kind, digest, is_taken })
    }

    async fn event_at(&self, wallet: WalletId, sequence: i64) -> Result<Option<Recorded>, Failure> {
        let aggregate = AggregateRef { kind: AggregateKind::Wallet, id: wallet.0 };
        let found = self.journal().read_aggregate(aggregate, sequence - 1, 1).await?.into_iter().next();
        Ok(found.filter(|recorded| recorded.sequence == sequence))
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
        Event::User(_) | Event::TradingSession(_) | Event::SettingsDefaults(_) => {
            Err(Failure::Internal("a wallet with another's event".to_owned()))
        }
    }
}

const fn leg(transaction: EntryId, amount: Money, currency: Currency, is_credit: bool) -> Reversal {
    Reversal { transaction, amount, currency, is_credit, counterparty: None, reference: None }
}

/// The one who received it gives first.
fn both(received: EntryId, sent: EntryId, half: &Transferred) -> Vec<Reversal> {
    let gives = leg(received, half.amount, half.currency, false);
    let takes = leg(sent, half.amount, half.currency, true);
    vec![
        Reversal { counterparty: Some(sent.wallet), ..gives },
        Reversal { counterparty: Some(received.wallet), ..takes },
    ]
}
