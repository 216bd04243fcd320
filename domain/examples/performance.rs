//! Reads sessions (`[{"curve": […], "trades": […], "fees": "…"}, …]`) and writes how each has done, in the same order: the
//! side of this house, when others compute the same (`make interop`).

use domain::trading::performance::{ClosedTrade, EquityPoint, Performance};
use rust_decimal::Decimal;
use serde::Deserialize;
use std::io::{stdin, stdout};

#[derive(Deserialize)]
struct Session {
    curve: Vec<EquityPoint>,
    trades: Vec<ClosedTrade>,
    fees: Decimal,
}

fn main() -> serde_json::Result<()> {
    let sessions: Vec<Session> = serde_json::from_reader(stdin().lock())?;
    let of = |session: &Session| Performance::of(&session.curve, &session.trades, session.fees);
    serde_json::to_writer(stdout().lock(), &sessions.iter().map(of).collect::<Vec<_>>())
}
