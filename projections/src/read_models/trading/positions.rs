//! The table `trading_positions`: what active sessions hold.

use super::fold::Touched;
use domain::Currency;
use domain::trading::Session;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Quantity and cost of everything that a session holds; nothing, once it has stopped.
#[derive(Default)]
pub(super) struct Held(BTreeMap<Currency, (Decimal, Decimal)>);

impl Held {
    pub(super) fn of(session: &Session) -> Self {
        if !session.state.is_active() {
            return Self::default();
        }
        let held = session.portfolio.held();
        Self(held.map(|(asset, holding)| (asset, (holding.quantity, holding.cost))).collect())
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
                changes.quantities.push(held.0.to_string());
                changes.costs.push(held.1.to_string());
            }
        }
        changes
    }
}

pub(super) async fn write(
    conn: &mut PgConnection,
    touched: &BTreeMap<Uuid, Touched>,
) -> Result<(), sqlx::Error> {
    let Changes { gone, sessions, currencies, assets, quantities, costs } = Changes::of(touched);
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
        "insert into trading_positions (session_id, currency, asset, quantity, cost) \
         select s, c, a, q::numeric, k::numeric \
           from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[]) as x (s, c, a, q, k) \
         on conflict (session_id, asset) do update set quantity = excluded.quantity, cost = excluded.cost",
    )
    .bind(sessions)
    .bind(currencies)
    .bind(assets)
    .bind(quantities)
    .bind(costs)
    .execute(conn)
    .await
    .map(|_| ())
}
