//! Where prices come from, and what is to go wrong with exchanges in a test.

use super::flags::TradingFlags;
use super::{BadConfig, read};
use trader::exchange::Faults;
use trader::market::MarketData;

#[derive(Clone, Debug, Default)]
pub struct TradingConfig {
    pub market_data: MarketData,
    pub faults: Option<Faults>,
}

impl TradingConfig {
    pub(super) fn read(flags: &TradingFlags) -> Result<Self, BadConfig> {
        let market_data = read::optional(flags.market_data.as_deref())
            .map(str::parse::<MarketData>)
            .transpose()
            .map_err(|error| BadConfig(format!("COUNTERFOIL_MARKET_DATA: {error}")))?;
        let faults = read::optional(flags.exchange_faults.as_deref())
            .map(str::parse::<Faults>)
            .transpose()
            .map_err(|error| BadConfig(format!("COUNTERFOIL_EXCHANGE_FAULTS: {error}")))?;
        Ok(Self { market_data: market_data.unwrap_or_default(), faults })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(market_data: &str, faults: &str) -> Result<TradingConfig, String> {
        let set = |text: &str| Some(text.to_owned());
        let flags = TradingFlags { market_data: set(market_data), exchange_faults: set(faults) };
        TradingConfig::read(&flags).map_err(|error| error.to_string())
    }

    #[test]
    fn without_a_word_prices_walk_and_nothing_goes_wrong() {
        let trading = read("", "").unwrap();
        assert_eq!(trading.market_data, MarketData::default());
        assert!(trading.faults.is_none());
    }

    #[test]
    fn a_bad_setting_is_named() {
        assert!(read("oracle", "").unwrap_err().starts_with("COUNTERFOIL_MARKET_DATA: "));
        assert!(read("", "explode=1").unwrap_err().starts_with("COUNTERFOIL_EXCHANGE_FAULTS: "));
    }
}
