//! Where prices come from, as one says it in a setting.

use super::{Candles, Feed, FeedError, Scripted, Walk};
use std::path::PathBuf;
use std::str::FromStr;

/// `walk`, `walk:<seed>`, `script:<file>`, `candles` or `candles:<file>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MarketData {
    Walk {
        seed: u64,
    },
    Script {
        path: PathBuf,
    },
    /// Without a file, those that come with the program.
    Candles {
        path: Option<PathBuf>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no market data: give walk, walk:<seed> (a whole number), script:<file>, candles or candles:<file>"
)]
pub struct BadMarketData(String);

impl Default for MarketData {
    fn default() -> Self {
        Self::Walk { seed: 0 }
    }
}

impl FromStr for MarketData {
    type Err = BadMarketData;

    fn from_str(text: &str) -> Result<Self, BadMarketData> {
        let (kind, detail) = text.split_once(':').map_or((text, None), |(kind, detail)| (kind, Some(detail)));
        let bad = || BadMarketData(text.to_owned());
        match (kind, detail) {
            ("walk", None) => Ok(Self::default()),
            ("walk", Some(seed)) => seed.parse().map(|seed| Self::Walk { seed }).map_err(|_| bad()),
            ("script", Some(path)) if !path.is_empty() => Ok(Self::Script { path: path.into() }),
            ("candles", None) => Ok(Self::Candles { path: None }),
            ("candles", Some(path)) if !path.is_empty() => Ok(Self::Candles { path: Some(path.into()) }),
            _ => Err(bad()),
        }
    }
}

impl MarketData {
    /// A script may be written later; candles have to be there.
    pub fn feed(&self) -> Result<Box<dyn Feed>, FeedError> {
        Ok(match self {
            Self::Walk { seed } => Box::new(Walk::new(*seed)),
            Self::Script { path } => Box::new(Scripted::file(path)),
            Self::Candles { path: None } => Box::new(Candles::sample()?),
            Self::Candles { path: Some(path) } => Box::new(Candles::open(path)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_names_a_feed() {
        for (text, name) in
            [("walk", "walk:0"), ("walk:42", "walk:42"), ("candles", "candles"), ("script:a:b", "script")]
        {
            assert_eq!(text.parse::<MarketData>().unwrap().feed().unwrap().name(), name, "{text}");
        }
        let script = MarketData::Script { path: "a:b".into() };
        assert_eq!("script:a:b".parse(), Ok(script));
    }

    #[test]
    fn what_names_none_is_told_what_would() {
        for text in ["", "walk:", "walk:-1", "script", "script:", "candles:", "binance", "walk:1.5"] {
            let error = text.parse::<MarketData>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("{text:?} is no market data: give walk")), "{error}");
        }
        let missing = MarketData::Candles { path: Some("/nowhere/candles.csv".into()) };
        assert!(missing.feed().unwrap_err().to_string().starts_with("/nowhere/candles.csv cannot be read"));
    }
}
