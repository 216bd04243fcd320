//! The rules of planning, as sentences; `any` says what holds of any plan of any portfolio.

mod any;

use super::*;
use crate::trading::market::{Quote, Rules};

const NOW: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

fn d(text: &str) -> Decimal {
    Decimal::from_str_exact(text).unwrap()
}

fn asset(code: &str) -> Currency {
    Currency::parse(code).unwrap()
}

fn listed(bid: &str, ask: &str) -> Listed {
    let quote = Quote { bid: d(bid), ask: d(ask), as_of: NOW };
    let rules = Rules {
        step: d("0.001"),
        tick: d("0.01"),
        min_quantity: d("0.001"),
        min_notional: d("10"),
        ..Rules::default()
    };
    Listed { quote, rules }
}

/// Cash and bitcoin at 100, half of each meant.
fn inputs(cash: &str, bitcoin: &str) -> Inputs {
    let quantities = BTreeMap::from([(asset("BTC"), d(bitcoin))]);
    Inputs {
        planned_at: NOW,
        cash: d(cash),
        quantities: quantities.into_iter().filter(|(_, quantity)| !quantity.is_zero()).collect(),
        targets: Targets::new([(asset("BTC"), d("0.5")), (Currency::USDT, d("0.5"))].into()).unwrap(),
        parameters: Parameters {
            band: d("0.005"),
            cash_reserve: d("0"),
            leg_max: d("1"),
            reduce_only: false,
        },
        market: Market {
            source: "scripted".to_owned(),
            currency: Currency::USDT,
            fee_rate: d("0.001"),
            slippage: d("0.005"),
            listed: [(asset("BTC"), listed("100", "100"))].into(),
        },
    }
}

fn rules(inputs: &mut Inputs) -> &mut Rules {
    &mut inputs.market.listed.get_mut(&asset("BTC")).unwrap().rules
}

/// Side and quantity of the only leg, and by what it was cut.
fn leg(inputs: &Inputs) -> (Side, Decimal, Option<Clip>) {
    let plan = plan(inputs).unwrap();
    let [leg] = plan.legs.as_slice() else { panic!("{plan:?}") };
    (leg.side, leg.quantity, leg.clipped_by)
}

fn skipped(inputs: &Inputs) -> SkipCode {
    let plan = plan(inputs).unwrap();
    assert_eq!(plan.legs, []);
    let [skipped] = plan.skipped.as_slice() else { panic!("{plan:?}") };
    skipped.code
}

#[test]
fn what_is_missing_is_bought_and_what_is_too_much_is_sold() {
    assert_eq!(leg(&inputs("1000", "0")), (Side::Buy, d("5"), None));
    assert_eq!(leg(&inputs("0", "10")), (Side::Sell, d("5"), None));
    assert_eq!(plan(&inputs("500", "5")).unwrap().legs, []);
}

#[test]
fn a_leg_tells_what_it_costs_at_most_and_what_it_brings_at_least() {
    let bought = &plan(&inputs("1000", "0")).unwrap().legs[0];
    assert_eq!((bought.limit_price, bought.notional, bought.expected_fee), (d("100.5"), d("500"), d("0.5")));
    assert_eq!(bought.worst, d("503.0025"));
    let sold = &plan(&inputs("0", "10")).unwrap().legs[0];
    assert_eq!((sold.limit_price, sold.worst), (d("99.5"), d("497.0025")));
}

#[test]
fn limits_are_whole_ticks_and_never_tighter_than_the_slippage() {
    let mut coarse = inputs("1000", "0");
    rules(&mut coarse).tick = d("0.3");
    assert_eq!(plan(&coarse).unwrap().legs[0].limit_price, d("100.5"));
    rules(&mut coarse).tick = d("0.4");
    assert_eq!(plan(&coarse).unwrap().legs[0].limit_price, d("100.8"));
    let mut coarse = inputs("0", "10");
    rules(&mut coarse).tick = d("0.4");
    assert_eq!(plan(&coarse).unwrap().legs[0].limit_price, d("99.2"));
}

#[test]
fn what_is_near_enough_is_left_alone() {
    let mut near = inputs("505", "4.95");
    assert_eq!(skipped(&near), SkipCode::WithinBand);
    near.cash = d("550");
    rules(&mut near).min_notional = d("0");
    assert_eq!(leg(&near), (Side::Buy, d("0.275"), None));
}

#[test]
fn what_is_not_meant_any_more_is_sold_to_the_last_step_however_little_it_is() {
    let mut leaving = inputs("100000", "0.3219");
    leaving.targets = Targets::cash(Currency::USDT);
    assert_eq!(leg(&leaving), (Side::Sell, d("0.321"), None));
    leaving.quantities.insert(asset("BTC"), d("0.0219"));
    assert_eq!(skipped(&leaving), SkipCode::BelowMinNotional);
}

#[test]
fn what_an_exchange_would_not_take_is_not_ordered() {
    let mut small = inputs("1000", "0");
    rules(&mut small).min_quantity = d("5.001");
    assert_eq!(skipped(&small), SkipCode::BelowMinQuantity);
    rules(&mut small).min_quantity = d("5");
    // One per cent more than the least, so that a small move of the price does not matter.
    rules(&mut small).min_notional = d("495.04");
    assert_eq!(leg(&small), (Side::Buy, d("5"), None));
    rules(&mut small).min_notional = d("495.05");
    assert_eq!(skipped(&small), SkipCode::BelowMinNotional);
    let mut coarse = inputs("1000", "0");
    rules(&mut coarse).step = d("6");
    assert_eq!(skipped(&coarse), SkipCode::BelowMinQuantity);
}

#[test]
fn what_is_too_much_for_one_order_is_cut() {
    let mut large = inputs("1000", "0");
    rules(&mut large).max_quantity = Some(d("3.0009"));
    assert_eq!(leg(&large), (Side::Buy, d("3"), Some(Clip::MaxQuantity)));
    rules(&mut large).max_notional = Some(d("201"));
    assert_eq!(leg(&large), (Side::Buy, d("2"), Some(Clip::MaxNotional)));
    large.parameters.leg_max = d("0.1");
    assert_eq!(leg(&large), (Side::Buy, d("1"), Some(Clip::RiskPerTrade)));
    large.quantities.insert(asset("BTC"), d("100"));
    assert_eq!(leg(&large), (Side::Sell, d("2.01"), Some(Clip::MaxNotional)), "risk is no reason to keep");
}

#[test]
fn a_purchase_leaves_room_for_its_worst_price_and_its_fee() {
    let mut all = inputs("1000", "0");
    all.targets = Targets::new([(asset("BTC"), d("1"))].into()).unwrap();
    // 1,000 by 100.5 and a thousandth.
    assert_eq!(leg(&all), (Side::Buy, d("9.94"), Some(Clip::Cash)));
    all.parameters.cash_reserve = d("0.5");
    assert_eq!(leg(&all), (Side::Buy, d("4.97"), Some(Clip::Cash)));
    all.parameters.cash_reserve = d("1");
    assert_eq!(skipped(&all), SkipCode::NoCash);
}

#[test]
fn cash_that_does_not_reach_for_all_is_shared() {
    let mut two = inputs("1000", "0");
    two.market.listed.insert(asset("ETH"), listed("50", "50"));
    two.targets = Targets::new([(asset("BTC"), d("0.6")), (asset("ETH"), d("0.4"))].into()).unwrap();
    let legs = plan(&two).unwrap().legs;
    let bought: Vec<_> = legs.iter().map(|leg| (leg.asset.code(), leg.quantity, leg.clipped_by)).collect();
    assert_eq!(bought, [("BTC", d("5.964"), Some(Clip::Cash)), ("ETH", d("7.952"), Some(Clip::Cash))]);
}

#[test]
fn nothing_is_planned_on_a_guess() {
    let mut blind = inputs("1000", "0");
    blind.market.listed.clear();
    assert_eq!(plan(&blind), Err(Fault::PriceMissing { asset: asset("BTC") }));
    let mut late = inputs("1000", "0");
    late.planned_at = NOW.plus(Duration::from_mins(1));
    assert!(plan(&late).is_ok());
    late.planned_at = late.planned_at.plus(Duration::from_secs(1));
    assert_eq!(plan(&late), Err(Fault::PriceStale { asset: asset("BTC"), age_s: 61 }));
    let mut held = inputs("1000", "0");
    held.quantities.insert(asset("DOGE"), d("1"));
    assert_eq!(plan(&held), Err(Fault::PriceMissing { asset: asset("DOGE") }), "also of what is to go");
    let mut unmeant = inputs("1000", "5");
    unmeant.targets = Targets::new([(asset("DOGE"), d("0")), (asset("BTC"), d("1"))].into()).unwrap();
    assert!(plan(&unmeant).is_ok(), "what is neither held nor meant needs none");
}

#[test]
fn a_large_portfolio_of_fine_numbers_is_planned_like_any_other() {
    let fine = inputs("90000000000.1234567890123456", "12345678.12345678");
    let (side, quantity, _) = leg(&fine);
    assert_eq!((side, quantity), (Side::Buy, d("443827160.938")));
}

#[test]
fn what_is_beyond_any_number_refuses_the_plan() {
    let mut absurd = inputs("0", "1000000000000.12345678");
    absurd.market.listed.insert(asset("BTC"), listed("999999999999.12345678", "999999999999.12345678"));
    assert_eq!(plan(&absurd), Err(Fault::TooLarge));
}

#[test]
fn more_orders_than_one_run_takes_are_left_to_the_next_one_by_name() {
    let codes = [
        "AAVE", "ADA", "ALGO", "APT", "ARB", "ATOM", "AVAX", "BCH", "BNB", "BTC", "DOGE", "DOT", "ETC",
        "ETH", "FIL", "LINK", "LTC", "MATIC", "NEAR", "OP", "SHIB", "SOL", "SUI",
    ];
    let mut many = inputs("0", "0");
    many.market.listed = codes.iter().map(|code| (asset(code), listed("100", "100"))).collect();
    many.quantities = codes.iter().map(|code| (asset(code), d("1"))).collect();
    many.targets = Targets::cash(Currency::USDT);
    let plan = plan(&many).unwrap();
    assert_eq!((plan.legs.len(), plan.skipped.len()), (ORDERS_MAX, codes.len() - ORDERS_MAX));
    assert!(plan.skipped.iter().all(|skipped| skipped.code == SkipCode::TooManyOrders));
}

#[test]
fn a_hash_is_of_everything() {
    let base = inputs("1000", "0");
    let hash = |inputs: &Inputs| plan(inputs).unwrap().plan_hash;
    let mut others = vec![base.clone(); 5];
    others[0].cash = d("1000.00000001");
    others[1].planned_at = NOW.plus(Duration::from_micros(1));
    others[2].market.source = "another".to_owned();
    others[3].parameters.band = d("0.006");
    others[4].market.fee_rate = d("0.0011");
    let hashes: BTreeSet<String> = others.iter().chain([&base]).map(hash).collect();
    assert_eq!(hashes.len(), 6);
    assert_eq!(hash(&base), hash(&inputs("1000", "0")));
    assert!(hash(&base).len() == 64 && hash(&base).bytes().all(|b| b.is_ascii_hexdigit()));
}
