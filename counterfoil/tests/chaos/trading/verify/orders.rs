//! Orders: executed at most once, never before they were intended, and known for what they came to.

use std::collections::HashMap;

use uuid::Uuid;

use super::{events, id, moment, number};
use crate::harness::evidence::Event;
use crate::trading::evidence::{Case, Executed};
use crate::trading::exact::Exact;

/// What is told of one order.
#[derive(Default)]
struct Order<'a> {
    /// Nobody who knew of it by itself was left.
    is_asked_for: bool,
    intended: Vec<&'a Event>,
    filled: Vec<&'a Event>,
    declined: Vec<&'a Event>,
    executed: Vec<&'a Executed>,
}

pub(super) fn check(case: &Case, complaints: &mut Vec<String>) {
    let mut orders: HashMap<Uuid, Order<'_>> = HashMap::new();
    let mut runs: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    for event in events(case) {
        let order = || id(event, "order_id");
        match event.kind.as_str() {
            "OrderIntended" => {
                runs.entry(id(event, "run_id")).or_default().push(order());
                orders.entry(order()).or_default().intended.push(event);
            }
            "OrderOutcomeUnknown" => orders.entry(order()).or_default().is_asked_for = true,
            // What is open of it is asked for from now on.
            "RunTakenOver" => {
                for order in runs.get(&id(event, "run_id")).into_iter().flatten() {
                    let order = orders.entry(*order).or_default();
                    order.is_asked_for |= order.filled.is_empty() && order.declined.is_empty();
                }
            }
            "OrderFilled" => orders.entry(order()).or_default().filled.push(event),
            "OrderRejected" | "OrderOutcomeResolved" => {
                orders.entry(order()).or_default().declined.push(event);
            }
            _ => {}
        }
    }
    for row in &case.ledger {
        orders.entry(row.order).or_default().executed.push(row);
        priced(case, row, complaints);
    }
    for (order, all) in orders {
        if all.executed.len() > 1 {
            complaints.push(format!("order {order} was executed {} times", all.executed.len()));
        }
        let [intended] = all.intended[..] else {
            complaints.push(format!("order {order} was intended {} times", all.intended.len()));
            continue;
        };
        match (&all.executed[..], &all.filled[..], &all.declined[..]) {
            ([executed, ..], [filled], []) => {
                intended_so(order, executed, intended, complaints);
                told_so(order, executed, filled, complaints);
                if filled.data["reconciled"] != all.is_asked_for {
                    complaints.push(format!("order {order} was found out otherwise than is told"));
                }
            }
            ([], [], [_]) => {}
            ([], [], []) => complaints.push(format!("nobody knows what became of order {order}")),
            (executed, filled, declined) => complaints.push(format!(
                "order {order} was executed {} times, told as filled {} times and as not executed {} times",
                executed.len(),
                filled.len(),
                declined.len()
            )),
        }
    }
}

fn intended_so(order: Uuid, executed: &Executed, intended: &Event, complaints: &mut Vec<String>) {
    let mut same = |what: &str, is_same: bool| {
        if !is_same {
            complaints.push(format!("order {order} was executed with another {what} than was intended"));
        }
    };
    same("account", executed.account == intended.aggregate);
    for member in ["symbol", "asset", "side"] {
        same(member, executed.text(member) == intended.text(member));
    }
    same("quantity", Some(executed.number("quantity")) == number(intended, "quantity"));
    let limit = number(intended, "limit_price").unwrap_or_default();
    let price = executed.number("price");
    same("limit", if executed.text("side") == "buy" { price <= limit } else { price >= limit });
    if executed.at < intended.recorded_at {
        complaints.push(format!("order {order} was executed before it was intended"));
    }
    if moment(intended, "valid_until").is_none_or(|until| executed.at >= until) {
        complaints.push(format!("order {order} was executed after its last moment"));
    }
}

fn told_so(order: Uuid, executed: &Executed, filled: &Event, complaints: &mut Vec<String>) {
    let mut differs =
        |member: &str| complaints.push(format!("order {order} was told with another {member} than it has"));
    if filled.text("trade_id") != executed.id.to_string() {
        differs("trade_id");
    }
    for member in ["symbol", "asset", "side", "fee_asset"] {
        if filled.text(member) != executed.text(member) {
            differs(member);
        }
    }
    for member in ["quantity", "price", "fee", "fee_in_quote"] {
        if number(filled, member) != Some(executed.number(member)) {
            differs(member);
        }
    }
    if number(filled, "unfilled").is_none_or(|unfilled| !unfilled.is_zero()) {
        differs("unfilled");
    }
    if moment(filled, "traded_at") != Some(executed.at) {
        differs("traded_at");
    }
}

/// At a quote that there was, with the slippage and the fee that are promised.
fn priced(case: &Case, row: &Executed, complaints: &mut Vec<String>) {
    let side = |side: &str| row.trade["quote"][side].as_str().and_then(Exact::read).unwrap_or_default();
    let (bid, ask, price) = (side("bid"), side("ask"), row.number("price"));
    if !case.quotes.contains(&(row.text("asset").to_owned(), bid, ask)) {
        complaints.push(format!("order {} was executed at {bid} to {ask}, which nobody said", row.order));
    }
    let due = if row.text("side") == "buy" { ask.paid() } else { bid.got() };
    if price != due {
        complaints.push(format!("order {} was executed at {price} instead of {due}", row.order));
    }
    let (fee, due) = (row.number("fee"), row.number("quantity").times(price).fee());
    if fee != due || row.number("fee_in_quote") != due {
        complaints.push(format!("order {} cost a fee of {fee} instead of {due}", row.order));
    }
}
