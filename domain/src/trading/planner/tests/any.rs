//! What holds of any plan of any portfolio in any market.

use super::*;
use proptest::collection::btree_map;
use proptest::prelude::*;

const CODES: [&str; 6] = ["ADA", "BTC", "DOGE", "ETH", "SHIB", "XRP"];

fn number(most: u64, scale: u32) -> impl Strategy<Value = Decimal> {
    (0..=most).prop_map(move |mantissa| Decimal::new(i64::try_from(mantissa).unwrap(), scale).normalize())
}

/// A power of ten, from a hundred-millionth to ten; sometimes none.
fn unit() -> impl Strategy<Value = Decimal> {
    prop_oneof![
        1 => Just(Decimal::ZERO),
        9 => (0_u32..=8).prop_map(|scale| Decimal::new(1, scale)),
        1 => Just(Decimal::new(10, 0)),
        1 => Just(d("0.025")),
    ]
}

fn any_rules() -> impl Strategy<Value = Rules> {
    let most = || proptest::option::weighted(0.2, number(1_000_000, 2));
    (unit(), unit(), number(100, 3), most(), number(2_000, 2), most()).prop_map(
        |(step, tick, min_quantity, max_quantity, min_notional, max_notional)| Rules {
            step,
            tick,
            min_quantity,
            max_quantity,
            min_notional,
            max_notional,
        },
    )
}

fn any_listed() -> impl Strategy<Value = Listed> {
    let bid = (1_u64..10_000_000_000, 2_u32..=8);
    (bid, 0_u64..200, any_rules()).prop_map(|((mantissa, scale), spread, rules)| {
        let bid = Decimal::new(i64::try_from(mantissa).unwrap(), scale).normalize();
        let ask = exact::ceil_to(bid * (Decimal::ONE + Decimal::new(i64::try_from(spread).unwrap(), 4)), 8);
        Listed { quote: Quote { bid, ask, as_of: NOW }, rules }
    })
}

/// Shares that are one together, of which some are nothing.
fn any_targets() -> impl Strategy<Value = Targets> {
    proptest::collection::vec(0_u32..1_000, CODES.len() + 1).prop_map(|weights| {
        let weights: Vec<u32> = weights.into_iter().map(|weight| weight.saturating_sub(300)).collect();
        let all: u32 = weights.iter().sum();
        let share = |weight: &u32| Decimal::from(u64::from(*weight) * 1_000_000 / u64::from(all.max(1)));
        let codes = CODES.iter().map(|code| asset(code));
        let mut shares: BTreeMap<Currency, Decimal> =
            codes.zip(weights.iter().map(|weight| share(weight) / d("1000000"))).collect();
        let cash = Decimal::ONE - shares.values().sum::<Decimal>();
        shares.insert(Currency::USDT, cash);
        Targets::new(shares).unwrap()
    })
}

fn any_parameters() -> impl Strategy<Value = Parameters> {
    let reserve = prop_oneof![3 => Just(Decimal::ZERO), 1 => number(500, 3)];
    (number(50, 3), reserve, number(1_000, 3), proptest::bool::weighted(0.2)).prop_map(
        |(band, cash_reserve, leg_max, reduce_only)| Parameters { band, cash_reserve, leg_max, reduce_only },
    )
}

fn any_inputs() -> impl Strategy<Value = Inputs> {
    let listed = proptest::collection::vec(any_listed(), CODES.len());
    let held = btree_map(0..CODES.len(), number(1_000_000_000_000, 8), 0..=CODES.len());
    let rates = (number(100, 4), number(500, 4));
    (listed, held, number(10_000_000_000_000, 8), any_targets(), any_parameters(), rates).prop_map(
        |(listed, held, cash, targets, parameters, (fee_rate, slippage))| Inputs {
            planned_at: NOW,
            cash,
            quantities: held
                .into_iter()
                .filter(|(_, quantity)| !quantity.is_zero())
                .map(|(at, quantity)| (asset(CODES[at]), quantity))
                .collect(),
            targets,
            parameters,
            market: Market {
                source: "random".to_owned(),
                currency: Currency::USDT,
                fee_rate,
                slippage,
                listed: CODES.iter().map(|code| asset(code)).zip(listed).collect(),
            },
        },
    )
}

fn is_whole(value: Decimal, unit: Decimal) -> bool {
    unit.is_zero() || (value % unit).is_zero()
}

/// What an exchange would say to it.
fn check_leg(leg: &Leg, inputs: &Inputs) -> Result<(), TestCaseError> {
    let Listed { quote, rules } = &inputs.market.listed[&leg.asset];
    prop_assert!(leg.quantity > Decimal::ZERO && leg.quantity >= rules.min_quantity);
    prop_assert!(is_whole(leg.quantity, rules.step) && is_whole(leg.limit_price, rules.tick));
    prop_assert!(rules.max_quantity.is_none_or(|max| leg.quantity <= max));
    for price in [leg.limit_price, leg.expected_price] {
        prop_assert!(leg.quantity * price >= rules.min_notional);
        prop_assert!(rules.max_notional.is_none_or(|max| leg.quantity * price <= max));
    }
    let fee = |worth: Decimal| worth * inputs.market.fee_rate;
    let at_limit = leg.quantity * leg.limit_price;
    let held = inputs.quantities.get(&leg.asset).copied().unwrap_or_default();
    match leg.side {
        Side::Sell => {
            prop_assert!(leg.quantity <= held && leg.expected_price == quote.bid);
            prop_assert!(leg.limit_price <= quote.bid && leg.worst <= at_limit - fee(at_limit));
        }
        Side::Buy => {
            prop_assert!(!inputs.parameters.reduce_only && leg.expected_price == quote.ask);
            prop_assert!(!inputs.targets.share(leg.asset).is_zero());
            prop_assert!(leg.limit_price >= quote.ask && leg.worst >= at_limit + fee(at_limit));
        }
    }
    Ok(())
}

/// Every asset is near its target once everything went as expected, or it says why not.
fn check_aim(plan: &Plan, inputs: &Inputs) -> Result<(), TestCaseError> {
    for (asset, Listed { quote, rules }) in &inputs.market.listed {
        let leg = plan.legs.iter().find(|leg| leg.asset == *asset);
        let excused = plan.skipped.iter().any(|skipped| skipped.asset == *asset);
        prop_assert!(leg.is_none() || !excused, "{asset} is traded and left alone");
        if excused || leg.is_some_and(|leg| leg.clipped_by.is_some()) {
            continue;
        }
        let held = inputs.quantities.get(asset).copied().unwrap_or_default();
        let (after, traded) = match leg {
            Some(leg) if leg.side == Side::Buy => (held + leg.quantity, leg.quantity),
            Some(leg) => (held - leg.quantity, Decimal::ZERO),
            None => (held, Decimal::ZERO),
        };
        let off = inputs.targets.share(*asset) * plan.equity - after * quote.bid;
        let step = rules.step.max(d("0.00000001")) + d("0.00000001");
        // One step less, and what is paid between bid and ask.
        let lost = step * quote.ask + traded * (quote.ask - quote.bid) + d("0.00000001");
        let near = if leg.is_some() { lost } else { inputs.parameters.band * plan.equity };
        prop_assert!(off.abs() <= near, "{asset} is off by {off}, and may be by {near}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_plan_is_one_that_an_exchange_takes_and_cash_pays(inputs in any_inputs()) {
        let plan = plan(&inputs).unwrap();
        for leg in &plan.legs {
            check_leg(leg, &inputs)?;
        }
        let of = |side| plan.legs.iter().filter(move |leg| leg.side == side);
        let bought: Decimal = of(Side::Buy).map(|leg| leg.worst).sum();
        let proceeds: Decimal = of(Side::Sell).map(|leg| leg.worst).sum();
        let reserve = plan.equity * inputs.parameters.cash_reserve;
        let spendable = inputs.cash + proceeds - reserve + d("0.00000001");
        prop_assert!(bought.is_zero() || bought <= spendable, "{bought} of {spendable}");
        let at_risk = plan.equity * inputs.parameters.leg_max;
        prop_assert!(of(Side::Buy).all(|leg| leg.notional <= at_risk));
        let sides: Vec<Side> = plan.legs.iter().map(|leg| leg.side).collect();
        prop_assert!(sides.is_sorted_by_key(|side| *side == Side::Buy), "sales first");
        prop_assert_eq!(plan.turnover, plan.legs.iter().map(|leg| leg.notional).sum::<Decimal>());
        check_aim(&plan, &inputs)?;
    }

    #[test]
    fn the_same_inputs_are_the_same_plan_also_when_they_were_written_down(inputs in any_inputs()) {
        let first = plan(&inputs).unwrap();
        let text = serde_json::to_string(&(&inputs, &first)).unwrap();
        let (read, told): (Inputs, Plan) = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&told, &first);
        prop_assert_eq!(plan(&read).unwrap(), first);
    }

    /// Whatever it comes to, purchases are paid by the cash that is there.
    #[test]
    fn purchases_that_waited_are_cut_to_the_cash_there_is(inputs in any_inputs(), part in number(1_000, 3)) {
        let wanted: Vec<Leg> =
            plan(&inputs).unwrap().legs.into_iter().filter(|leg| leg.side == Side::Buy).collect();
        let cash = exact::floor_to(wanted.iter().map(|leg| leg.worst).sum::<Decimal>() * part, 8);
        let (bought, skipped) = affordable(&wanted, cash, &inputs.market).unwrap();
        prop_assert!(bought.iter().map(|leg| leg.worst).sum::<Decimal>() <= cash);
        prop_assert_eq!(bought.len() + skipped.len(), wanted.len());
        for leg in &bought {
            check_leg(leg, &inputs)?;
        }
    }
}
