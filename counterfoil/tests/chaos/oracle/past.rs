//! The past, as it is read: any wallet at any position is as it then stood on paper, and the trial balance is zero.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::answers;
use super::clients::Desk;
use super::money::Coin;
use super::paper::Balance;
use crate::harness::Dice;
use crate::harness::http::{Ask, Http};

/// Every wallet after every event of it, in order of positions.
pub(super) type History = Vec<(i64, Balance)>;

/// `looks`: at so many moments.
pub(super) async fn check(desk: &Desk, history: &History, dice: &mut Dice, looks: usize) -> Vec<String> {
    let mut line = Http::to(desk.town.node);
    let (first, last) = (desk.town.begun, history.last().map_or(0, |(position, _)| *position));
    let mut complaints = Vec::new();
    for _ in 0..looks {
        let position = dice.between(u64::try_from(first).unwrap(), u64::try_from(last).unwrap());
        let position = i64::try_from(position).unwrap();
        let then = at(history, position);
        complaints.extend(wallet(&mut line, desk, &then, position, dice).await.err());
        complaints.extend(trial_balance(&mut line, desk, &then, position).await.err());
    }
    complaints
}

/// The wallets as they were.
fn at(history: &History, position: i64) -> BTreeMap<Uuid, Balance> {
    let until = history.partition_point(|(then, _)| *then <= position);
    history[..until].iter().map(|(_, balance)| (balance.wallet, *balance)).collect()
}

async fn wallet(
    line: &mut Http,
    desk: &Desk,
    then: &BTreeMap<Uuid, Balance>,
    position: i64,
    dice: &mut Dice,
) -> Result<(), String> {
    let ids: Vec<&Uuid> = then.keys().collect();
    let id = *dice.pick(&ids);
    let ask = Ask::get(&format!("/wallets/{id}?as_of={position}")).with_token(&desk.town.service);
    let reply = line.send(&ask).await.unwrap();
    let told = answers::wallet_is(&then[id], &reply.body);
    told.map_err(|why| format!("{id} as of {position}: {why}: {} {}", reply.status, reply.body))
}

async fn trial_balance(
    line: &mut Http,
    desk: &Desk,
    then: &BTreeMap<Uuid, Balance>,
    position: i64,
) -> Result<(), String> {
    let ask = Ask::get(&format!("/audit/trial-balance?as_of={position}"));
    let reply = line.send(&ask.with_token(&desk.admin())).await.unwrap();
    let mut sums: BTreeMap<&str, (Coin, i128)> = BTreeMap::new();
    for balance in then.values() {
        sums.entry(balance.coin.code).or_insert((balance.coin, 0)).1 += balance.posted;
    }
    let rows = reply.body["currencies"].as_array().map_or(&[][..], Vec::as_slice);
    let is_right = sums.values().all(|(coin, sum)| {
        let row = rows.iter().find(|row| row["currency"] == coin.code);
        row.is_none_or(|row| {
            row["wallets"] == coin.written(*sum).as_str() && row["difference"] == coin.written(0).as_str()
        }) && (row.is_some() || *sum == 0)
    });
    if is_right && reply.body["balanced"] == true && reply.body["position"] == position {
        return Ok(());
    }
    Err(format!("the trial balance as of {position} is {} {}, on paper {sums:?}", reply.status, reply.body))
}
