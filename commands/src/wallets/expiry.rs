//! Holds whose lease is over are ended, so that what they keep back can be spent. A hold that is over takes no capture, swept
//! or not; how it is done is said in [`crate::sweep`].

use crate::step::{Act, Bounds, Step};
use crate::sweep::{self, Ended, Passing, Sweep};
use crate::{Authority, Command, Commands, Context, Failure, Principal};
use domain::wallet::{EXPIRED_MAX, WalletCommand};
use domain::{Timestamp, WalletId};
use std::time::Instant;
use uuid::Uuid;

pub type HoldExpiry = Sweep<Holds>;
/// Finds wallets with holds that are over, the first to be over first.
pub type FindOver = sweep::FindOver<WalletId>;

/// Those of all wallets.
#[derive(Debug)]
pub struct Holds;

impl Passing for Holds {
    type Id = WalletId;
    const AT_ONCE: usize = 64;
    const NOT_ENDED: &'static str = "holds_not_expired";

    async fn end(commands: &Commands, wallet_id: WalletId) -> Result<Ended, Failure> {
        let context = Context {
            principal: Principal::System,
            key: None,
            correlation_id: Uuid::now_v7(),
            expected_version: None,
            received: Instant::now(),
        };
        let step = Step {
            wallet_id,
            authority: Authority::Anybody,
            act: Act::Ask(WalletCommand::ExpireHolds { at: Timestamp::default() }),
            bounds: Bounds::default(),
        };
        let envelope = commands.envelope(&context, None, Command::Wallet(Box::new(step)));
        let done = commands.submit(envelope).await?;
        let count = done.events.len();
        Ok(Ended { count, position: done.position, is_full: count >= EXPIRED_MAX })
    }

    fn tell(ended: usize) {
        metrics::counter!("counterfoil_holds_expired_total").increment(ended as u64);
        tracing::info!(event = "holds_expired", holds = ended);
    }
}
