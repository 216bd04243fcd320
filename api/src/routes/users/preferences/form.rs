//! The preferences in a request's body: each value at its own door, under either of its spellings.

use crate::input::{Check, Raw};
use crate::problem::{Flaw, Problem};
use domain::Currency;
use domain::user::preferences::{
    INTERVAL_S, SHARE_DECIMALS_MAX, ShareError, UnknownTimezone, capital, share, timezone,
};
use domain::user::{Locale, PreferencesChange, Theme, TradingMode};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

/// Seven of them are also taken in camelCase (`defaultMode`), but not in both spellings at once. What is null counts as left
/// out.
#[derive(Deserialize, ToSchema)]
#[schema(as = PreferencesRequest)]
pub(crate) struct PreferencesForm<'a> {
    #[serde(borrow)]
    #[schema(value_type = Option<String>, pattern = "^(paper|live)$", example = "paper")]
    default_mode: Raw<'a>,
    #[serde(rename = "defaultMode")]
    #[schema(ignore)]
    default_mode_camel: Raw<'a>,
    #[schema(schema_with = capital_schema, required = false)]
    default_capital: Raw<'a>,
    #[serde(rename = "defaultCapital")]
    #[schema(ignore)]
    default_capital_camel: Raw<'a>,
    #[schema(value_type = Option<String>, example = "USDT")]
    default_currency: Raw<'a>,
    #[serde(rename = "defaultCurrency")]
    #[schema(ignore)]
    default_currency_camel: Raw<'a>,
    #[schema(schema_with = share_schema, required = false)]
    risk_per_trade: Raw<'a>,
    #[serde(rename = "riskPerTrade")]
    #[schema(ignore)]
    risk_per_trade_camel: Raw<'a>,
    #[schema(schema_with = share_schema, required = false)]
    max_drawdown: Raw<'a>,
    #[serde(rename = "maxDrawdown")]
    #[schema(ignore)]
    max_drawdown_camel: Raw<'a>,
    #[schema(value_type = Option<u32>, minimum = 60, maximum = 604_800, example = 3600)]
    default_interval_s: Raw<'a>,
    #[serde(rename = "defaultIntervalS")]
    #[schema(ignore)]
    default_interval_s_camel: Raw<'a>,
    #[schema(value_type = Option<bool>, example = false)]
    auto_rebalance: Raw<'a>,
    #[serde(rename = "autoRebalance")]
    #[schema(ignore)]
    auto_rebalance_camel: Raw<'a>,
    #[schema(value_type = Option<bool>, example = true)]
    notifications: Raw<'a>,
    #[schema(value_type = Option<String>, pattern = "^(light|dark)$", example = "light")]
    theme: Raw<'a>,
    /// A name of the IANA time zone database.
    #[schema(value_type = Option<String>, example = "Europe/Kyiv")]
    timezone: Raw<'a>,
    #[schema(value_type = Option<String>, pattern = "^(en|uk)$", example = "en")]
    locale: Raw<'a>,
}

fn capital_schema() -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::Array(vec![Type::String, Type::Integer, Type::Null]))
        .description(Some("At most 28 digits, and no more decimals than the currency has."))
        .pattern(Some(r"^[0-9]{1,28}(\.[0-9]{1,18})?$"))
        .minimum(Some(1))
        .examples(["100000"])
        .build()
}

fn share_schema() -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::Array(vec![Type::String, Type::Number, Type::Null]))
        .description(Some("Greater than 0, at most 1, at most 6 decimals."))
        .pattern(Some(r"^(0\.[0-9]{1,6}|1(\.0{1,6})?)$"))
        .exclusive_minimum(Some(0))
        .maximum(Some(1))
        .examples(["0.02"])
        .build()
}

/// A field under the spelling it came in.
type Named<'a> = (&'static str, Raw<'a>);

impl PreferencesForm<'_> {
    pub(crate) fn read(&self) -> Result<PreferencesChange, Problem> {
        let mut check = Check::default();
        let mode =
            one(&mut check, ("/default_mode", self.default_mode), ("/defaultMode", self.default_mode_camel));
        let money = one(
            &mut check,
            ("/default_capital", self.default_capital),
            ("/defaultCapital", self.default_capital_camel),
        );
        let currency = one(
            &mut check,
            ("/default_currency", self.default_currency),
            ("/defaultCurrency", self.default_currency_camel),
        );
        let risk = one(
            &mut check,
            ("/risk_per_trade", self.risk_per_trade),
            ("/riskPerTrade", self.risk_per_trade_camel),
        );
        let drawdown =
            one(&mut check, ("/max_drawdown", self.max_drawdown), ("/maxDrawdown", self.max_drawdown_camel));
        let interval = one(
            &mut check,
            ("/default_interval_s", self.default_interval_s),
            ("/defaultIntervalS", self.default_interval_s_camel),
        );
        let rebalance = one(
            &mut check,
            ("/auto_rebalance", self.auto_rebalance),
            ("/autoRebalance", self.auto_rebalance_camel),
        );
        let change = PreferencesChange {
            default_mode: check.optional(mode.0, mode.1, |text| {
                among(text, &[("paper", TradingMode::Paper), ("live", TradingMode::Live)])
            }),
            default_capital: check.money(money.0, money.1, capital),
            default_currency: check.optional(currency.0, currency.1, Currency::parse),
            risk_per_trade: check.decimal(risk.0, risk.1, share),
            max_drawdown: check.decimal(drawdown.0, drawdown.1, share),
            default_interval_s: check.integer(interval.0, interval.1, INTERVAL_S),
            auto_rebalance: check.switch(rebalance.0, rebalance.1),
            notifications: check.switch("/notifications", self.notifications),
            theme: check.optional("/theme", self.theme, |text| {
                among(text, &[("light", Theme::Light), ("dark", Theme::Dark)])
            }),
            timezone: check.optional("/timezone", self.timezone, timezone),
            locale: check.optional("/locale", self.locale, |text| {
                among(text, &[("en", Locale::En), ("uk", Locale::Uk)])
            }),
        };
        check.finish()?;
        Ok(change)
    }
}

/// The one spelling that was used.
fn one<'a>(check: &mut Check, snake: Named<'a>, camel: Named<'a>) -> Named<'a> {
    match (snake.1, camel.1) {
        (Some(_), Some(_)) => {
            check.flaw(camel.0, Flaw::SameField { other: snake.0 });
            snake
        }
        (None, Some(_)) => camel,
        _ => snake,
    }
}

fn among<T: Copy>(text: &str, known: &[(&'static str, T)]) -> Result<T, Flaw> {
    let found = known.iter().find(|(name, _)| *name == text);
    found
        .map(|(_, value)| *value)
        .ok_or_else(|| Flaw::NotAmong { names: known.iter().map(|(name, _)| *name).collect() })
}

impl From<ShareError> for Flaw {
    fn from(error: ShareError) -> Self {
        match error {
            ShareError::NotADecimal => Self::NotADecimal { example: "0.02" },
            ShareError::TooManyDecimals => Self::TooManyDecimals { max: SHARE_DECIMALS_MAX },
            ShareError::OutOfRange => Self::NoPartOfOne,
        }
    }
}

impl From<UnknownTimezone> for Flaw {
    fn from(_: UnknownTimezone) -> Self {
        Self::NoTimezone
    }
}

/// The names of what a change sets, for the log.
pub(super) fn named(change: &PreferencesChange) -> String {
    let set = [
        ("default_mode", change.default_mode.is_some()),
        ("default_capital", change.default_capital.is_some()),
        ("default_currency", change.default_currency.is_some()),
        ("risk_per_trade", change.risk_per_trade.is_some()),
        ("max_drawdown", change.max_drawdown.is_some()),
        ("default_interval_s", change.default_interval_s.is_some()),
        ("auto_rebalance", change.auto_rebalance.is_some()),
        ("notifications", change.notifications.is_some()),
        ("theme", change.theme.is_some()),
        ("timezone", change.timezone.is_some()),
        ("locale", change.locale.is_some()),
    ];
    let names: Vec<&str> = set.iter().filter(|(_, is_set)| *is_set).map(|(name, _)| *name).collect();
    names.join(",")
}
