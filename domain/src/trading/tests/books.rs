//! The accounts, against a model on paper that knows only whole numbers: hundred-millionths of an asset, and hundred-millionths
//! of those of money. It keeps no costs and no gains: what was made is what there is now, less what was put in.

use super::*;
use proptest::prelude::*;

/// What an asset is counted in, and a price.
const UNIT: i128 = 100_000_000;
const CODES: [&str; 3] = ["BNB", "BTC", "DOGE"];
/// What each is worth, more or less.
const PRICES: [i128; CODES.len()] = [30_000_000_000, 5_000_012_345_678, 12_345_678];
/// A market in which everything doubles all the time ends somewhere.
const WORTH_MAX: i128 = 1_000_000_000_000 * UNIT * UNIT;

#[derive(Clone, Copy, Debug)]
enum Fee {
    Quote,
    Base,
    /// In BNB, whatever is traded.
    Third,
}

#[derive(Clone, Debug)]
enum Step {
    /// Parts of a thousand: of what there is to buy or sell with, of the usual price, and of the trade as its fee.
    Trade { side: Side, which: usize, part: i128, price: i128, fee: Fee, rate: i128 },
    /// Of the money there is.
    Flow { part: i128 },
}

fn step() -> impl Strategy<Value = Step> {
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    let fee = prop_oneof![Just(Fee::Quote), Just(Fee::Base), Just(Fee::Third)];
    // Now and then all of it, or more than there is.
    let part = prop_oneof![8 => 1_i128..1_000, 2 => Just(1_000), 1 => 1_001_i128..1_200];
    let price = 500_i128..2_000;
    let parts = (side, 0..CODES.len(), part, price, fee, 0_i128..10);
    let trade = parts.prop_map(|(side, which, part, price, fee, rate)| {
        let price = PRICES[which] * price / 1_000;
        Step::Trade { side, which, part, price, fee, rate }
    });
    prop_oneof![9 => trade, 1 => (-1_100_i128..1_000).prop_map(|part| Step::Flow { part })]
}

#[derive(Clone, Debug)]
struct Paper {
    cash: i128,
    held: [i128; CODES.len()],
    /// What each was last traded at.
    prices: [i128; CODES.len()],
    put_in: i128,
    fees: i128,
}

/// A trade in whole numbers.
struct Trade {
    quantity: i128,
    fee: i128,
    fee_in_quote: i128,
}

impl Paper {
    /// The trade a step means, if there is anything to trade.
    fn trade(&self, step: &Step) -> Option<Trade> {
        let Step::Trade { side, which, part, price, fee, rate } = *step else { return None };
        let quantity = match side {
            Side::Buy => self.cash * part / 1_000 / price,
            Side::Sell => self.held[which] * part / 1_000,
        };
        let worth = quantity * price;
        let (fee, fee_in_quote) = match fee {
            Fee::Quote => {
                let fee = (worth * rate / 1_000 + UNIT - 1) / UNIT;
                (fee, fee * UNIT)
            }
            Fee::Base => {
                let fee = quantity * rate / 1_000;
                (fee, fee * price)
            }
            Fee::Third => {
                let bnb = if which == 0 { price } else { self.prices[0] };
                let fee = worth * rate / 1_000 / bnb;
                (fee, fee * bnb)
            }
        };
        (quantity > 0).then_some(Trade { quantity, fee, fee_in_quote })
    }

    /// What it leaves, or what there is not enough of.
    fn after(&self, step: &Step, trade: &Trade) -> Result<Self, &'static str> {
        let Step::Trade { side, which, price, fee, .. } = *step else { return Err("no trade") };
        let mut after = self.clone();
        after.prices[which] = price;
        let worth = trade.quantity * price;
        let sign = if side == Side::Buy { 1 } else { -1 };
        after.cash -= sign * worth;
        after.held[which] += sign * trade.quantity;
        if after.held[which] < 0 {
            return Err("oversold");
        }
        after.fees += trade.fee_in_quote;
        let paid_in = match fee {
            Fee::Quote => None,
            Fee::Base => Some(which),
            Fee::Third => Some(0),
        };
        match paid_in.filter(|paid_in| after.held[*paid_in] >= trade.fee) {
            Some(paid_in) => after.held[paid_in] -= trade.fee,
            // In money, or by somebody who is paid in money.
            None => after.cash -= trade.fee_in_quote,
        }
        if after.cash < 0 { Err("overspent") } else { Ok(after) }
    }

    fn equity(&self) -> i128 {
        let worth = |(held, price): (&i128, &i128)| held * price;
        self.cash + self.held.iter().zip(&self.prices).map(worth).sum::<i128>()
    }
}

fn units(value: i128) -> Decimal {
    Decimal::from_i128_with_scale(value, 8)
}

fn money(value: i128) -> Decimal {
    Decimal::from_i128_with_scale(value, 16)
}

fn fill_of(step: &Step, trade: &Trade, number: usize) -> Fill {
    let Step::Trade { side, which, price, fee, .. } = *step else { panic!("no trade") };
    Fill {
        trade_id: number.to_string(),
        asset: asset(CODES[which]),
        side,
        quantity: units(trade.quantity),
        price: units(price),
        fee: units(trade.fee),
        fee_asset: match fee {
            Fee::Quote => USDT,
            Fee::Base => asset(CODES[which]),
            Fee::Third => asset(CODES[0]),
        },
        fee_in_quote: money(trade.fee_in_quote),
        traded_at: NOON,
        quote: None,
    }
}

/// Every quote as the paper has it.
fn market_of(paper: &Paper) -> Market {
    let mut market = market(NOON, &CODES.map(|code| (code, "1", "1")));
    for (code, price) in CODES.iter().zip(paper.prices) {
        let quote = &mut market.listed.get_mut(&asset(code)).unwrap().quote;
        (quote.bid, quote.ask) = (units(price), units(price));
    }
    market
}

/// What the books say is what the paper says, and what was made is told to the last digit.
fn agree(portfolio: &Portfolio, paper: &Paper) -> Result<(), TestCaseError> {
    prop_assert_eq!(portfolio.cash, money(paper.cash));
    for (code, held) in CODES.iter().zip(paper.held) {
        let holding = portfolio.holdings.get(&asset(code)).cloned().unwrap_or_default();
        prop_assert_eq!(holding.quantity, units(held), "{}", code);
        prop_assert!(holding.cost >= Decimal::ZERO && (held > 0 || holding.cost.is_zero()));
    }
    let valued = portfolio.valued(&market_of(paper), NOON).unwrap();
    prop_assert_eq!(valued.equity, money(paper.equity()));
    prop_assert_eq!(valued.fees, money(paper.fees));
    let made = exact::sub(exact::add(valued.realised, valued.unrealised).unwrap(), valued.fees).unwrap();
    prop_assert_eq!(made, money(paper.equity() - paper.put_in));
    Ok(())
}

/// A sale takes off as large a part of the cost as of the quantity.
fn costs_shrink_alike(before: &Holding, after: &Holding) -> Result<(), TestCaseError> {
    let kept = before.cost * (after.quantity / before.quantity);
    let off = (after.cost - kept).abs();
    prop_assert!(off <= d("0.00000002"), "{} was to stay, and {} did", kept, after.cost);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn what_was_made_is_what_there_is_less_what_was_put_in(
        capital in 1_i128..1_000_000_000_000_000, steps in proptest::collection::vec(step(), 1..60)
    ) {
        let mut portfolio = Portfolio::of_cash(units(capital));
        let cash = capital * UNIT;
        let mut paper =
            Paper { cash, held: [0; CODES.len()], prices: PRICES, put_in: cash, fees: 0 };
        for (number, step) in steps.iter().enumerate() {
            if let Step::Flow { part } = step {
                let amount = paper.cash * part / 1_000 / UNIT * UNIT;
                match portfolio.with_flow(money(amount)) {
                    Ok(after) => portfolio = after,
                    Err(error) => {
                        prop_assert!(error == BookError::Overspent && paper.cash + amount < 0);
                        continue;
                    }
                }
                paper = Paper { cash: paper.cash + amount, put_in: paper.put_in + amount, ..paper };
            }
            let Some(trade) = paper.trade(step) else { continue };
            let booked = portfolio.after(&fill_of(step, &trade, number), USDT);
            match paper.after(step, &trade) {
                Ok(after) => {
                    let booked = booked.unwrap();
                    let Step::Trade { side, which, fee, .. } = step else { continue };
                    let code = asset(CODES[*which]);
                    if *side == Side::Sell && matches!(fee, Fee::Quote) {
                        costs_shrink_alike(&portfolio.holdings[&code], &booked.holdings[&code])?;
                    }
                    (portfolio, paper) = (booked, after);
                }
                Err("oversold") => {
                    let is_oversold = matches!(booked, Err(BookError::Oversold { .. }));
                    prop_assert!(is_oversold, "{booked:?}");
                }
                Err(_) => prop_assert_eq!(booked, Err(BookError::Overspent)),
            }
            agree(&portfolio, &paper)?;
            if paper.equity() > WORTH_MAX {
                break;
            }
        }
        let text = serde_json::to_string(&portfolio).unwrap();
        prop_assert_eq!(serde_json::from_str::<Portfolio>(&text).unwrap(), portfolio);
    }
}

fn trade(side: Side, quantity: &str, price: &str, fee: &str, fee_asset: &str, in_quote: &str) -> Fill {
    Fill {
        trade_id: "1".to_owned(),
        asset: asset("BTC"),
        side,
        quantity: d(quantity),
        price: d(price),
        fee: d(fee),
        fee_asset: asset(fee_asset),
        fee_in_quote: d(in_quote),
        traded_at: NOON,
        quote: None,
    }
}

/// Quantity, cost and what was realised of bitcoin, and cash and fees.
fn books(portfolio: &Portfolio) -> [Decimal; 5] {
    let held = &portfolio.holdings[&asset("BTC")];
    [held.quantity, held.cost, held.realised, portfolio.cash, portfolio.fees]
}

#[test]
fn a_fee_in_money_is_paid_in_money() {
    let cash = Portfolio::of_cash(d("1000"));
    let bought = cash.after(&trade(Side::Buy, "2", "100", "0.2", "USDT", "0.2"), USDT).unwrap();
    assert_eq!(books(&bought), [d("2"), d("200"), d("0"), d("799.8"), d("0.2")]);
    let sold = bought.after(&trade(Side::Sell, "1", "150", "0.15", "USDT", "0.15"), USDT).unwrap();
    assert_eq!(books(&sold), [d("1"), d("100"), d("50"), d("949.65"), d("0.35")]);
}

#[test]
fn a_fee_in_money_is_what_was_paid_whatever_it_is_said_to_be_worth() {
    let cash = Portfolio::of_cash(d("1000"));
    let bought = cash.after(&trade(Side::Buy, "2", "100", "0.2", "USDT", "0"), USDT).unwrap();
    assert_eq!(books(&bought), [d("2"), d("200"), d("0"), d("799.8"), d("0.2")]);
}

#[test]
fn a_fee_in_what_was_bought_is_a_sale_of_that_much() {
    let cash = Portfolio::of_cash(d("1000"));
    let bought = cash.after(&trade(Side::Buy, "2", "100", "0.002", "BTC", "0.2"), USDT).unwrap();
    assert_eq!(books(&bought), [d("1.998"), d("199.8"), d("0"), d("800"), d("0.2")]);
}

#[test]
fn a_fee_in_a_third_asset_is_taken_from_it() {
    let cash = Portfolio::of_cash(d("1000"));
    let bnb = Fill { asset: asset("BNB"), ..trade(Side::Buy, "1", "300", "0", "USDT", "0") };
    let held = cash.after(&bnb, USDT).unwrap();
    let bought = held.after(&trade(Side::Buy, "2", "100", "0.001", "BNB", "0.33"), USDT).unwrap();
    assert_eq!(books(&bought), [d("2"), d("200"), d("0"), d("500"), d("0.33")]);
    let bnb = &bought.holdings[&asset("BNB")];
    assert_eq!((bnb.quantity, bnb.cost, bnb.realised), (d("0.999"), d("299.7"), d("0.03")));
}

#[test]
fn a_fee_in_an_asset_that_is_not_here_is_paid_for_in_money() {
    let cash = Portfolio::of_cash(d("1000"));
    let bought = cash.after(&trade(Side::Buy, "2", "100", "0.001", "BNB", "0.33"), USDT).unwrap();
    assert_eq!(books(&bought), [d("2"), d("200"), d("0"), d("799.67"), d("0.33")]);
    assert_eq!(bought.held().count(), 1);
}

#[test]
fn what_costs_fine_numbers_can_be_sold_in_parts() {
    let cash = Portfolio::of_cash(d("1000000"));
    let fine = trade(Side::Buy, "123456.78901234", "0.12345678", "0", "USDT", "0");
    let held = cash.after(&fine, USDT).unwrap();
    let sold = held.after(&trade(Side::Sell, "41152.26300411", "0.2", "0", "USDT", "0"), USDT).unwrap();
    let holding = &sold.holdings[&asset("BTC")];
    assert_eq!(holding.quantity, d("82304.52600823"));
    assert_eq!(holding.average_cost(), Ok(d("0.12345678")));
}

#[test]
fn what_is_sold_out_has_cost_all_it_cost() {
    let mut portfolio = Portfolio::of_cash(d("1000"));
    portfolio = portfolio.after(&trade(Side::Buy, "3", "33.33333333", "0", "USDT", "0"), USDT).unwrap();
    for _ in 0..3 {
        portfolio = portfolio.after(&trade(Side::Sell, "1", "33.33333333", "0", "USDT", "0"), USDT).unwrap();
    }
    assert_eq!(books(&portfolio), [d("0"), d("0"), d("0"), d("1000"), d("0")]);
    assert_eq!(portfolio.held().count(), 0);
}
