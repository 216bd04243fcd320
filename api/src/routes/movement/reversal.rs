//! Who may undo what.
//!
//! Undoing a deposit is taking money out, so it takes what a withdrawal takes. Undoing a withdrawal or a captured hold is
//! putting money in, and takes what a deposit takes. A transfer is given back by whoever received it; who sent it cannot
//! pull it back. Admins undo anything. What a transaction is, its event says, and that never changes.

use super::reach::{check_deposit, transaction_of};
use super::{Reached, ReverseForm};
use crate::app::App;
use crate::auth::rule::{Deposit, Reverse, Transfer, Withdraw};
use crate::auth::{Allowed, Caller};
use crate::input::Check;
use crate::problem::{Code, Problem};
use commands::Authority;
use commands::wallets::Aim;
use domain::wallet::{HoldStatus, WalletEvent};
use domain::{AggregateKind, AggregateRef, EntryId, Event, Reference};

/// A transaction that may be undone by whoever asks.
#[derive(Debug)]
pub(crate) struct Undoing {
    pub(crate) reached: Reached,
    /// What an admin does to others takes a sign-in of the last minutes, which is for whoever asks to see to.
    pub(crate) is_anothers: bool,
    sequence: i64,
    /// Where it ended, if it is a hold that has.
    ending: Option<i64>,
}

impl Undoing {
    pub(crate) async fn of(app: &App, allowed: &Allowed<Reverse>, id: EntryId) -> Result<Self, Problem> {
        let caller = allowed.caller;
        let reached = transaction_of(app, allowed.authority, id).await?;
        let event = transaction(app, id).await?.ok_or_else(|| Problem::of(Code::TransactionNotFound))?;
        if !caller.is_admin() {
            check(app, caller, &event)?;
        }
        // What the wallet sent is pulled back from another's.
        let pulls_back = matches!(event, WalletEvent::TransferSent(_));
        let is_anothers = caller.is_admin() && (pulls_back || reached.wallet.owner != caller.user_id());
        let ending = match event {
            WalletEvent::HoldPlaced(_) => ending(app, id).await?,
            _ => None,
        };
        Ok(Self { reached, is_anothers, sequence: id.sequence, ending })
    }

    pub(crate) fn aim(&self, check: &mut Check, form: &ReverseForm<'_>) -> Aim {
        let reference = check.optional("/reference", form.reference, Reference::parse);
        Aim::Reverse { sequence: self.sequence, ending: self.ending, reference }
    }
}

/// What the transaction was; nothing, if the event there is none.
async fn transaction(app: &App, id: EntryId) -> Result<Option<WalletEvent>, Problem> {
    let aggregate = AggregateRef { kind: AggregateKind::Wallet, id: id.wallet.0 };
    let found = app.journal().read_aggregate(aggregate, id.sequence - 1, 1).await?;
    let Some(recorded) = found.first().filter(|recorded| recorded.sequence == id.sequence) else {
        return Ok(None);
    };
    let event = recorded.event().map_err(|error| Problem::internal(&error))?;
    Ok(match event {
        Event::Wallet(
            event @ (WalletEvent::WalletDeposited(_)
            | WalletEvent::WalletWithdrawn(_)
            | WalletEvent::TransferSent(_)
            | WalletEvent::TransferReceived(_)
            | WalletEvent::HoldPlaced(_)
            | WalletEvent::TransactionReversed(_)),
        ) => Some(event),
        _ => None,
    })
}

fn check(app: &App, caller: Caller, event: &WalletEvent) -> Result<(), Problem> {
    match event {
        WalletEvent::WalletDeposited(_) => Allowed::<Withdraw>::check(caller).map(drop),
        WalletEvent::WalletWithdrawn(_) | WalletEvent::HoldPlaced(_) => {
            let allowed = Allowed::<Deposit>::check(caller)?;
            check_deposit(app, allowed.authority)
        }
        WalletEvent::TransferReceived(_) => Allowed::<Transfer>::check(caller).map(drop),
        WalletEvent::TransferSent(_) => match Allowed::<Transfer>::check(caller)?.authority {
            Authority::Anybody => Ok(()),
            Authority::Owner(_) => Err(Problem::of(Code::ReversalNotAllowed)),
        },
        // It cannot be undone, whoever asks.
        _ => Ok(()),
    }
}

/// As of now: a hold that has ended stays as it is.
async fn ending(app: &App, id: EntryId) -> Result<Option<i64>, Problem> {
    let head = app.journal().head().await?.position;
    let found = app.read_models().hold(id, Some(head)).await?;
    Ok(found.value.filter(|row| row.status != HoldStatus::Active).map(|row| row.version))
}
