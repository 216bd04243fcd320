//! Whatever moves money or keeps it back, whichever way its wallet is named and whether it comes alone or in a batch.
//!
//! A body becomes a wish (`forms`) to something within reach (`reach`). What was done is rendered from its events alone,
//! so that a repeat reads the same; what was declined is told with all that is known of it (`refused`).

mod forms;
mod reach;
mod refused;
mod reversal;

pub(crate) use forms::{
    AmendForm, BoundsForm, CaptureForm, ExtendForm, HoldForm, MovementForm, ReleaseForm, ReverseForm,
    TransferForm,
};
pub(crate) use reach::{check_deposit, hold_of, reach, wallet_of};
pub(crate) use refused::{problem, problem_of};
pub(crate) use reversal::Undoing;

use crate::app::App;
use crate::directory::WalletFacts;
use crate::input::Check;
use crate::output::{Answer, Effect};
use crate::problem::{Detail, Problem};
use axum::response::Response;
use commands::wallets::{Aim, CaptureWish, Wish};
use commands::{Authority, Context};
use domain::wallet::WalletEvent;
use domain::{CaptureId, EntryId, Event};
use journal::Recorded;
use std::sync::Arc;

/// A wallet within reach of whoever asks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reached {
    pub(crate) wallet: WalletFacts,
    pub(crate) authority: Authority,
}

impl Reached {
    /// What is wanted of it; nothing, if that cannot be read.
    pub(crate) fn part(
        self,
        check: &mut Check,
        bounds: BoundsForm<'_>,
        aim: impl FnOnce(&mut Check) -> Option<Aim>,
    ) -> Option<Wish> {
        let aim = aim(check);
        let bounds = bounds.read(check, self.wallet.currency);
        let Self { wallet, authority } = self;
        aim.filter(|_| check.is_clean()).map(|aim| Wish { wallet_id: wallet.id, authority, aim, bounds })
    }

    /// The same for a command that comes alone.
    pub(crate) fn wish(
        self,
        context: &Context,
        bounds: BoundsForm<'_>,
        aim: impl FnOnce(&mut Check) -> Option<Aim>,
    ) -> Result<Wish, Problem> {
        let mut check = Check::default();
        let Some(wish) = self.part(&mut check, bounds, aim) else { return Err(check.into_problem()) };
        match (wish.bounds.expected_version, context.expected_version) {
            (Some(one), Some(other)) if one != other => Err(Problem::new(Detail::TwoVersions)),
            _ => Ok(wish),
        }
    }
}

/// A command that was accepted, now or before.
#[derive(Debug)]
pub(crate) struct Did {
    pub(crate) effect: Effect,
    replayed: bool,
}

pub(crate) async fn ask(app: &App, context: Context, wish: Wish) -> Result<Did, Problem> {
    let (wallet_id, authority) = (wish.wallet_id, wish.authority);
    let captured = captured(&wish);
    let done = match app.commands().ask_wallet(context, wish).await {
        Ok(done) => done,
        Err(failure) => return Err(problem(app, failure).await),
    };
    let mut events = own(&done.events, captured.as_ref());
    let effect = Effect::read(&mut events, wallet_id, authority);
    let effect = effect.map_err(|error| Problem::internal(&error))?;
    Ok(Did { effect, replayed: done.replayed })
}

impl Did {
    pub(crate) fn answer(self, answer: Answer) -> Response {
        answer
            .position(self.effect.position())
            .version(self.effect.version())
            .replayed(self.replayed)
            .json(&self.effect)
    }
}

fn captured(wish: &Wish) -> Option<(EntryId, CaptureId)> {
    match &wish.aim {
        Aim::Capture(CaptureWish { hold, capture_id, .. }) => {
            Some((EntryId { wallet: wish.wallet_id, sequence: *hold }, capture_id.clone()))
        }
        _ => None,
    }
}

/// A capture that is answered as it was may have been one of a batch: the rest of that is nobody's business here.
fn own<'a>(events: &'a [Arc<Recorded>], captured: Option<&(EntryId, CaptureId)>) -> &'a [Arc<Recorded>] {
    let Some((hold, capture_id)) = captured.filter(|_| events.len() > 1) else { return events };
    let is_it = |recorded: &Arc<Recorded>| match recorded.event() {
        Ok(Event::Wallet(WalletEvent::HoldCaptured(step))) => {
            step.hold.id == *hold && step.capture_id.as_ref() == Some(capture_id)
        }
        _ => false,
    };
    let at = events.iter().position(is_it);
    at.and_then(|at| events.get(at..)).unwrap_or_default()
}
