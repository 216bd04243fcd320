//! The table `trading_positions`: what active sessions hold.

use super::fold::Touched;
use domain::Currency;
use domain::trading::Session;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Everything that a session holds; nothing, once it has stopped.
#[derive(Default)]
pub(super) struct Held(BTreeMap<Currency, Holds>);

#[derive(PartialEq)]
struct Holds {
    quantity: Decimal,
    cost: Decimal,
    target: Decimal,
}

impl Held {
    pub(super) fn of(session: &Session) -> Self {
        if !session.state.is_active() {
            return Self::default();
        }
        let held = session.portfolio.held().map(|(asset, holding)| {
            let target = session.targets.share(asset);
            (asset, Holds { quantity: holding.quantity, cost: holding.cost, target })
        });
        Self(held.collect())
    }
}

#[derive(Default)]
struct Changes {
    gone: (Vec<Uuid>, Vec<&'static str>),
    sessions: Vec<Uuid>,
    currencies: Vec<&'static str>,
    assets: Vec<&'static str>,
    quantities: Vec<String>,
    costs: Vec<String>,
    targets: Vec<String>,
}

impl Changes {
    fn of(touched: &BTreeMap<Uuid, Touched>) -> Self {
        let mut changes = Self::default();
        for (id, touched) in touched {
            let Some(session) = touched.session() else { continue };
            let (before, after) = (&touched.held_before.0, Held::of(session).0);
            for asset in before.keys().filter(|asset| !after.contains_key(asset)) {
                changes.gone.0.push(*id);
                changes.gone.1.push(asset.code());
            }
            for (asset, held) in after.iter().filter(|(asset, held)| before.get(asset) != Some(held)) {
                changes.sessions.push(*id);
                changes.currencies.push(session.currency.code());
                changes.assets.push(asset.code());
                changes.quantities.push(held.quantity.to_string());
                changes.costs.push(held.cost.to_string());
                changes.targets.push(held.target.to_string());
            }
        }
        changes
    }
}

pub(super) async fn write(
    conn: &mut PgConnection,
    touched: &BTreeMap<Uuid, Touched>,
) -> Result<(), sqlx::Error> {
    let Changes { gone, sessions, currencies, assets, quantities, costs, targets } = Changes::of(touched);
    if !gone.0.is_empty() {
        sqlx::query(
            "delete from trading_positions p using unnest($1::uuid[], $2::text[]) as x (session_id, asset) \
              where p.session_id = x.session_id and p.asset = x.asset",
        )
        .bind(gone.0)
        .bind(gone.1)
        .execute(&mut *conn)
        .await?;
    }
    if sessions.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "insert into trading_positions (session_id, currency, asset, quantity, cost, target) \
         select s, c, a, q::numeric, k::numeric, t::numeric \
           from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) as x (s, c, a, q, k, t) \
         on conflict (session_id, asset) do update \
            set quantity = excluded.quantity, cost = excluded.cost, target = excluded.target",
    )
    .bind(sessions)
    .bind(currencies)
    .bind(assets)
    .bind(quantities)
    .bind(costs)
    .bind(targets)
    .execute(conn)
    .await
    .map(|_| ())
}
