//! The assets that are simulated: about what they cost, and in which portions they trade.
//!
//! Prices are about those of some day, to begin somewhere. Ticks and steps are about those of the large exchanges.

use domain::Currency;
use domain::trading::market::Rules;
use rust_decimal::Decimal;

/// What simulated feeds quote in: dollars, whoever issued them, and euros, by what a euro costs.
pub(super) const DOLLARS: [&str; 3] = ["USDT", "USDC", "USD"];
pub(super) const EURO: &str = "EUR";

/// Of what is not in the table, and as far as the asset has decimals.
const FINEST_STEP: u32 = domain::trading::exact::DECIMALS;
/// The least and the most an order is worth, in whatever currency.
const NOTIONAL_MIN: Decimal = Decimal::from_parts(5, 0, 0, false, 0);
const NOTIONAL_MAX: Decimal = Decimal::from_parts(9_000_000, 0, 0, false, 0);

#[derive(Debug)]
pub(super) struct Asset {
    pub(super) code: &'static str,
    /// In millionths of a dollar.
    pub(super) base: i64,
    tick_decimals: u32,
    step_decimals: u32,
    /// How far it swings, in tenths of what a bitcoin does.
    pub(super) swing: i64,
    /// Between the middle and either side, in millionths of the price.
    half_spread: i64,
}

const fn asset(
    code: &'static str,
    base: i64,
    (tick, step): (u32, u32),
    swing: i64,
    half_spread: i64,
) -> Asset {
    Asset { code, base, tick_decimals: tick, step_decimals: step, swing, half_spread }
}

pub(super) const TABLE: [Asset; 20] = [
    asset("BTC", 65_000_000_000, (2, 5), 10, 50),
    asset("ETH", 3_200_000_000, (2, 4), 13, 60),
    asset("BNB", 580_000_000, (2, 3), 10, 80),
    asset("SOL", 150_000_000, (2, 3), 18, 100),
    asset("XRP", 550_000, (4, 1), 15, 100),
    asset("ADA", 420_000, (4, 1), 16, 120),
    asset("DOGE", 130_000, (5, 0), 20, 150),
    asset("LTC", 75_000_000, (2, 3), 13, 100),
    asset("LINK", 14_000_000, (3, 2), 17, 120),
    asset("DOT", 6_500_000, (3, 2), 16, 150),
    asset("AVAX", 28_000_000, (3, 2), 18, 150),
    asset("ATOM", 7_000_000, (3, 2), 16, 150),
    asset("UNI", 8_000_000, (3, 2), 17, 150),
    asset("TRX", 130_000, (5, 1), 9, 120),
    asset("BCH", 380_000_000, (2, 3), 14, 120),
    asset("XLM", 100_000, (5, 0), 14, 150),
    asset("NEAR", 5_000_000, (3, 1), 19, 150),
    asset("AAVE", 110_000_000, (2, 3), 17, 150),
    // What other dollars and euros cost in dollars.
    asset("USDC", 1_000_000, (4, 0), 0, 20),
    asset(EURO, 1_080_000, (4, 1), 1, 40),
];

impl Asset {
    pub(super) fn currency(&self) -> Option<Currency> {
        Currency::parse(self.code).ok()
    }

    pub(super) fn tick(&self) -> Decimal {
        Decimal::new(1, self.tick_decimals)
    }

    pub(super) fn half_spread(&self) -> Decimal {
        Decimal::new(self.half_spread, 6)
    }
}

fn entry(asset: Currency) -> Option<&'static Asset> {
    TABLE.iter().find(|entry| entry.code == asset.code())
}

/// How a simulated exchange takes orders in an asset, against any currency.
pub fn rules(asset: Currency) -> Rules {
    let finest = FINEST_STEP.min(u32::from(asset.scale()));
    let (step, tick) =
        entry(asset).map_or((finest, FINEST_STEP), |known| (known.step_decimals, known.tick_decimals));
    let step = Decimal::new(1, step);
    Rules {
        step,
        tick: Decimal::new(1, tick),
        min_quantity: step,
        max_quantity: None,
        min_notional: NOTIONAL_MIN,
        max_notional: Some(NOTIONAL_MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_asset_of_the_table_is_a_currency_with_room_for_its_step() {
        for asset in &TABLE {
            let scale = asset.currency().unwrap().scale();
            assert!(asset.step_decimals <= u32::from(scale), "{}", asset.code);
            assert!(asset.tick_decimals <= FINEST_STEP, "{}", asset.code);
        }
        for code in DOLLARS {
            assert!(Currency::parse(code).is_ok(), "{code}");
        }
    }

    #[test]
    fn an_asset_of_ones_own_has_rules_too() {
        let shiba = rules(Currency::parse("SHIB").unwrap());
        assert_eq!(
            (shiba.step.to_string(), shiba.tick.to_string()),
            ("0.00000001".into(), "0.00000001".into())
        );
        assert_eq!(rules(Currency::parse("ALGO").unwrap()).step.to_string(), "0.000001");
    }
}
