//! Settings read and changed at once, each at a given rate: requests arrive whether or not the server keeps up.
//!
//! Every change is one: no user is sent the same twice in a row, nor with one request between, so that even two that change
//! places leave an event each. The journal is asked whether they all did.

use serde_json::{Value, json};

use super::bench::{Bench, Wallets, lane};
use crate::error::{Doing, Result};
use crate::load::{Kind, Mix, Pace, Target, millis};
use crate::report::number;
use crate::seed::head;

const ROUTE: &str = "/api/v1/users/settings";
/// A second, of reads and as many of changes.
const RATE: f64 = 500.0;
/// For each of the two: more than are under way at once.
const CONNECTIONS: usize = 64;
/// Bodies that a user is sent in turn.
const VARIANTS: usize = 8;
const READS: &str = "reads";
const CHANGES: &str = "changes";
/// What somebody trades who has looked around: the list goes round with each change.
const PAIRS: [&str; 12] = [
    "BTC/USDT",
    "ETH/USDT",
    "BNB/USDT",
    "SOL/USDT",
    "XRP/USDT",
    "ADA/USDT",
    "DOGE/USDT",
    "DOT/USDT",
    "LTC/USDT",
    "LINK/USDT",
    "AVAX/USDT",
    "ATOM/USDT",
];

pub(crate) async fn settings(bench: &mut Bench) -> Result<()> {
    bench.progress.doing(&format!("settings: {} reads and as many changes a second", number(RATE)));
    bench.even_start().await?;
    let before = head(bench.server()?).await?;
    let mut plan = bench.plan(Wallets::Spread, CONNECTIONS, Mix::Reads)?;
    "PATCH".clone_into(&mut plan.routes.method);
    ROUTE.clone_into(&mut plan.routes.command);
    ROUTE.clone_into(&mut plan.routes.read);
    plan.targets = targets(bench.users.len());
    plan.lanes = [(READS, Mix::Reads), (CHANGES, Mix::InTurn)]
        .into_iter()
        .map(|(name, mix)| {
            let mut lane = lane(name, CONNECTIONS, mix, plan.targets.len());
            lane.pace = Pace::Open { rate: RATE };
            lane
        })
        .collect();
    plan.seconds = bench.times.settings;
    let driven = bench.drive(&plan).await?;
    let outcome = &driven.outcome;

    bench.report.shares_of("settings", &driven);
    bench.report.figure("settings_rate", RATE);
    bench.report.set("settings_users", json!(bench.users.len()));
    for (lane, kind, name, title) in [
        (READS, Kind::Read, "settings_get", "settings read"),
        (CHANGES, Kind::Command, "settings_patch", "settings changed"),
    ] {
        let Some(sample) = outcome.sample(lane, kind) else { continue };
        bench.report.figure(&format!("{name}_per_s"), outcome.lane_per_second(lane, kind));
        bench.report.latencies(name, &sample.latency);
        bench.report.curve(title, sample.latency.clone());
        let p99 = number(millis(sample.latency.percentile(0.99)));
        bench.progress.tell(&format!("{title}: p99 {p99} ms"));
    }
    let asked = outcome.lanes.iter().find(|lane| lane.name == CHANGES).map_or(0, |lane| lane.commands);
    let changed = changes_after(bench, before).await?;
    bench.report.set("settings_changes", json!(changed));
    let missing = asked.saturating_sub(changed);
    if missing > 0 {
        bench.count_errors(missing, &[format!("{missing} changes of settings left no event")]);
    }
    Ok(())
}

async fn changes_after(bench: &Bench, position: u64) -> Result<u64> {
    let count: i64 = sqlx::query_scalar(
        "select count(*) from events where position > $1 and event_type = 'SettingsChanged'",
    )
    .bind(i64::try_from(position).unwrap_or(i64::MAX))
    .fetch_one(&mut bench.database().await?)
    .await
    .doing("counting changes of settings")?;
    Ok(count.unsigned_abs())
}

/// One user after the other, and then all of them again with another body.
fn targets(users: usize) -> Vec<Target> {
    let of_variant = |variant| {
        let body = change(variant).to_string();
        (0..users).map(move |user| Target { id: String::new(), token: Some(user), body: body.clone() })
    };
    (0..VARIANTS).flat_map(of_variant).collect()
}

fn change(variant: usize) -> Value {
    let mut pairs = PAIRS;
    pairs.rotate_left(variant);
    json!({
        "max_open_trades": 3 + variant,
        "stake_amount": format!("{}.5", 100 + variant),
        "stoploss": format!("-0.{}", 10 + variant),
        "exchange": { "pair_whitelist": pairs },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_user_is_sent_one_body_after_the_other_and_none_twice_before_all_of_them() {
        let (users, mut sent) = (100, vec![Vec::new(); 100]);
        for target in targets(users) {
            sent[target.token.unwrap()].push(target.body);
        }
        for bodies in sent {
            assert_eq!(bodies.len(), VARIANTS);
            assert_eq!(bodies.iter().collect::<HashSet<_>>().len(), VARIANTS);
        }
    }

    #[test]
    fn bodies_differ_in_every_key_they_name() {
        let all: Vec<Value> = (0..VARIANTS).map(change).collect();
        for pointer in ["/max_open_trades", "/stake_amount", "/stoploss", "/exchange/pair_whitelist"] {
            let values: HashSet<String> =
                all.iter().map(|body| body.pointer(pointer).unwrap().to_string()).collect();
            assert_eq!(values.len(), VARIANTS, "{pointer}");
        }
    }
}
