//! What one command of those that money moves by did: the same body, whether it was sent alone or in a batch.

use super::transaction::EffectError;
use super::{HeldBody, MovedBody, TransferredBody};
use commands::Authority;
use domain::wallet::WalletEvent;
use domain::{Event, WalletId};
use journal::Recorded;
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Effect {
    Moved(MovedBody),
    Transferred(TransferredBody),
    Held(HeldBody),
}

impl Effect {
    /// Of a command to this wallet, by somebody who reaches so far. What it takes of the events, the next command of its
    /// batch does not find any more.
    pub(crate) fn read(
        events: &mut &[Arc<Recorded>],
        wallet_id: WalletId,
        authority: Authority,
    ) -> Result<Self, EffectError> {
        let first = next(events)?;
        let Event::Wallet(event) = first.event()? else {
            return Err(EffectError::Another(first.event_type.to_string()));
        };
        Ok(match &event {
            WalletEvent::TransferSent(_) => {
                Self::Transferred(TransferredBody::render(first, next(events)?, authority)?)
            }
            // Whoever gives back comes first, and the wallet that was named is either.
            WalletEvent::TransactionReversed(undone) if undone.counterparty.is_some() => {
                let second = next(events)?;
                let named = if first.aggregate.id == wallet_id.0 { first } else { second };
                Self::Moved(MovedBody { position: second.position, ..MovedBody::render(named)? })
            }
            event if event.hold().is_some() => Self::Held(HeldBody::render(first)?),
            _ => Self::Moved(MovedBody::render(first)?),
        })
    }

    /// Of its last event.
    pub(crate) const fn position(&self) -> i64 {
        match self {
            Self::Moved(body) => body.position,
            Self::Transferred(body) => body.position,
            Self::Held(body) => body.position,
        }
    }

    /// Of the wallet, or of the hold: it is the same, because one event changed both.
    pub(crate) const fn version(&self) -> i64 {
        match self {
            Self::Moved(body) => body.wallet.version,
            Self::Transferred(body) => body.from.version,
            Self::Held(body) => body.hold.version,
        }
    }
}

fn next<'a>(events: &mut &'a [Arc<Recorded>]) -> Result<&'a Recorded, EffectError> {
    let (first, rest) = events.split_first().ok_or(EffectError::Missing)?;
    *events = rest;
    Ok(first)
}
