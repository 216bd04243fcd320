//! Deciding what wallets are asked for.

use super::{Draft, same_version};
use crate::envelope::{OpenWallet, UserChange};
use crate::step::{Act, Bounds, Step};
use crate::{Authority, ClaimKind, Refusal};
use domain::wallet::{Account, Movement, Transfer, Wallet, WalletCommand, WalletRefusal, WalletStatus};
use domain::{Event, WalletId};
use journal::ReleasedClaims;
use uuid::Uuid;

impl Draft<'_> {
    pub(super) fn open_wallet(&mut self, open: &OpenWallet) -> Result<(), Refusal> {
        let OpenWallet { wallet_id, user_id, currency, claim } = *open;
        // Whom nobody has registered, or who is erased, has no wallets.
        let user = self.aggregates.users.peek(user_id.0).map(crate::sequencer::Entry::state);
        if user.and_then(domain::user::User::person).is_none() {
            return Err(domain::user::UserRefusal::NotFound.into());
        }
        self.claim(claim, wallet_id.0)?;
        self.wallet(wallet_id.0, WalletCommand::Open { wallet_id, user_id, currency })
    }

    /// All of them, or the first that is declined.
    pub(super) fn steps(&mut self, steps: &[Step]) -> Result<(), Refusal> {
        for (index, step) in steps.iter().enumerate() {
            self.step(step).map_err(|refusal| Refusal::InBatch { index, refusal: Box::new(refusal) })?;
        }
        Ok(())
    }

    pub(super) fn step(&mut self, step: &Step) -> Result<(), Refusal> {
        let Step { wallet_id, authority, act, bounds } = step;
        self.guard(*wallet_id, *authority)?;
        match act {
            Act::Ask(WalletCommand::Close) => {
                self.same_wallet_version(*wallet_id, bounds.expected_version)?;
                self.close(*wallet_id)?;
            }
            Act::Ask(command) => {
                match command.hold() {
                    Some(hold) => self.same_hold_version(*wallet_id, hold, bounds.expected_version)?,
                    None => self.same_wallet_version(*wallet_id, bounds.expected_version)?,
                }
                self.wallet(wallet_id.0, command.clone().at(self.now))?;
            }
            Act::Transfer { to, movement } => {
                self.same_wallet_version(*wallet_id, bounds.expected_version)?;
                self.transfer(*wallet_id, *to, movement)?;
            }
            Act::Reverse { claim, holder, legs } => {
                self.same_wallet_version(*wallet_id, bounds.expected_version)?;
                self.claim(*claim, *holder)?;
                for (wallet_id, reversal) in legs {
                    self.wallet(wallet_id.0, WalletCommand::Reverse(reversal.clone()))?;
                }
            }
            Act::Decline(refusal) => {
                self.same_wallet_version(*wallet_id, bounds.expected_version)?;
                return Err((**refusal).clone());
            }
        }
        self.within(*wallet_id, bounds)
    }

    fn transfer(&mut self, from: WalletId, to: WalletId, movement: &Movement) -> Result<(), Refusal> {
        if from == to {
            return Err(Refusal::SameWallet);
        }
        let half = |counterparty| Transfer { movement: movement.clone(), counterparty };
        self.wallet(from.0, WalletCommand::Send(half(to)))?;
        self.wallet(to.0, WalletCommand::Receive(half(from))).map_err(|refusal| match refusal {
            Refusal::Wallet(WalletRefusal::NotFound | WalletRefusal::Closed) => Refusal::RecipientNotFound,
            other => other,
        })
    }

    /// Those that were known when the command was prepared, and those that were opened since, which are in memory yet.
    pub(super) fn close_all_of(&mut self, change: &UserChange) -> Result<(), Refusal> {
        let is_open = |wallet: &Wallet| {
            let account = wallet.account().filter(|account| account.user_id == change.user_id);
            account.is_some_and(|account| account.status != WalletStatus::Closed)
        };
        let mut wallets: Vec<WalletId> =
            self.aggregates.wallets.ids_where(is_open).into_iter().map(WalletId).collect();
        wallets.retain(|opened| !change.closes.contains(opened));
        for wallet_id in change.closes.iter().copied().chain(wallets) {
            self.close(wallet_id).map_err(|refusal| match refusal {
                Refusal::Wallet(WalletRefusal::NotEmpty { .. }) => Refusal::WalletNotEmpty { wallet_id },
                other => other,
            })?;
        }
        Ok(())
    }

    /// Whoever it belongs to may then open another one in that currency.
    pub(super) fn close(&mut self, id: WalletId) -> Result<(), Refusal> {
        self.wallet(id.0, WalletCommand::Close)?;
        let kind = ClaimKind::Wallet.as_str();
        self.drafted.released.push(ReleasedClaims { kind, owner: id.0, keep: Uuid::nil() });
        Ok(())
    }

    /// Another's wallet is not found, and neither is its version.
    fn guard(&self, id: WalletId, authority: Authority) -> Result<(), Refusal> {
        let found = self.cached_account(id).is_some_and(|account| authority.covers(account.user_id));
        if found { Ok(()) } else { Err(WalletRefusal::NotFound.into()) }
    }

    pub(super) fn cached_account(&self, id: WalletId) -> Option<&Account> {
        self.aggregates.wallets.peek(id.0).and_then(|entry| entry.state().account())
    }

    fn same_wallet_version(&self, id: WalletId, expected: Option<i64>) -> Result<(), Refusal> {
        if expected.is_none() {
            return Ok(());
        }
        let cached = self.aggregates.wallets.peek(id.0).map_or(0, crate::sequencer::Entry::sequence);
        let drafted = self.drafted.events.iter().filter(|(of, _)| of.id == id.0).count();
        same_version(expected, cached.saturating_add(i64::try_from(drafted).unwrap_or(i64::MAX)))
    }

    /// One that has ended says so itself, whatever version it was.
    fn same_hold_version(&mut self, id: WalletId, hold: i64, expected: Option<i64>) -> Result<(), Refusal> {
        if expected.is_none() {
            return Ok(());
        }
        let account = self.newest::<Wallet>(id.0).and_then(Wallet::account);
        match account.and_then(|account| account.hold(hold)) {
            Some(hold) => same_version(expected, hold.version),
            None => Ok(()),
        }
    }

    /// What the step left in its wallet must be within what was asked for.
    fn within(&self, id: WalletId, bounds: &Bounds) -> Result<(), Refusal> {
        let Bounds { min_available_after: min, max_available_after: max, .. } = *bounds;
        if min.is_none() && max.is_none() {
            return Ok(());
        }
        let last = self.drafted.events.iter().rev().find_map(|(of, event)| match event {
            Event::Wallet(event) if of.id == id.0 => Some(event.balance().available),
            _ => None,
        });
        let Some(available) = last.or_else(|| self.cached_account(id).map(Account::available)) else {
            return Err(WalletRefusal::NotFound.into());
        };
        let is_within = min.is_none_or(|min| min.minor() <= available.minor())
            && max.is_none_or(|max| available.minor() <= max.minor());
        if is_within { Ok(()) } else { Err(Refusal::OutOfBounds { available }) }
    }
}
