//! What a request says of a session: each value at its own door.

use crate::input::{Check, JsonBody, Raw, is_absent, moment, with_null};
use crate::problem::{Flaw, Problem};
use domain::trading::exact::{DECIMALS, WHOLE_MAX};
use domain::user::preferences::{INTERVAL_S, share};
use domain::{Currency, Timestamp};
use rust_decimal::Decimal;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::{AdditionalProperties, Object, ObjectBuilder, SchemaType, Type};

/// The value that must be there, or all that is wrong.
pub(super) fn all<T>(check: Check, read: Option<T>) -> Result<T, Problem> {
    read.filter(|_| check.is_clean()).ok_or_else(|| check.into_problem())
}

#[derive(Default, Deserialize, ToSchema)]
#[schema(as = StopRequest)]
pub(crate) struct StopForm<'a> {
    /// Kept with the session, and shown as its `stop_reason`.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 140, example = "enough for this year")]
    pub(super) reason: Raw<'a>,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = NextRunRequest)]
pub(crate) struct NextRunForm<'a> {
    /// A moment that has passed means at once.
    #[serde(borrow)]
    #[schema(value_type = String, format = DateTime, required, example = "2026-01-31T12:00:00Z")]
    at: Raw<'a>,
}

impl NextRunForm<'_> {
    pub(super) fn read(&self) -> Result<Timestamp, Problem> {
        let mut check = Check::default();
        let at = check.required("/at", self.at, moment);
        all(check, at)
    }
}

#[derive(Deserialize, ToSchema)]
#[schema(as = IntervalRequest)]
pub(crate) struct IntervalForm<'a> {
    #[serde(borrow)]
    #[schema(value_type = u32, required, minimum = 60, maximum = 604_800, example = 3600)]
    interval_s: Raw<'a>,
}

impl IntervalForm<'_> {
    pub(super) fn read(&self) -> Result<u32, Problem> {
        let mut check = Check::default();
        if is_absent(self.interval_s) {
            check.missing("/interval_s");
        }
        let interval_s = check.integer("/interval_s", self.interval_s, INTERVAL_S);
        all(check, interval_s)
    }
}

#[derive(Deserialize, ToSchema)]
#[schema(as = DryRunRequest)]
pub(crate) struct DryRunForm<'a> {
    #[serde(borrow)]
    #[schema(value_type = bool, required, example = true)]
    dry_run: Raw<'a>,
}

impl DryRunForm<'_> {
    pub(super) fn read(&self) -> Result<bool, Problem> {
        switch("/dry_run", self.dry_run)
    }
}

#[derive(Deserialize, ToSchema)]
#[schema(as = AutoRebalanceRequest)]
pub(crate) struct AutoRebalanceForm<'a> {
    #[serde(borrow)]
    #[schema(value_type = bool, required, example = true)]
    enabled: Raw<'a>,
}

impl AutoRebalanceForm<'_> {
    pub(super) fn read(&self) -> Result<bool, Problem> {
        switch("/enabled", self.enabled)
    }
}

fn switch(pointer: &'static str, raw: Raw<'_>) -> Result<bool, Problem> {
    let mut check = Check::default();
    if is_absent(raw) {
        check.missing(pointer);
    }
    let switch = check.switch(pointer, raw);
    all(check, switch)
}

#[derive(Deserialize, ToSchema)]
#[schema(as = TargetsRequest)]
pub(crate) struct TargetsForm<'a> {
    #[serde(borrow)]
    #[schema(schema_with = targets_schema, required)]
    targets: Raw<'a>,
}

impl TargetsForm<'_> {
    pub(super) fn read(&self) -> Result<domain::trading::Targets, Problem> {
        let mut check = Check::default();
        if is_absent(self.targets) {
            check.missing("/targets");
        }
        let targets = check.targets("/targets", self.targets);
        all(check, targets)
    }
}

/// What is left out stays.
#[derive(Deserialize, ToSchema)]
#[schema(as = RiskRequest)]
pub(crate) struct RiskForm<'a> {
    #[serde(borrow)]
    #[schema(schema_with = share_schema, required = false)]
    risk_per_trade: Raw<'a>,
    #[schema(schema_with = share_schema, required = false)]
    max_drawdown: Raw<'a>,
}

impl RiskForm<'_> {
    pub(super) fn read(&self) -> Result<(Option<Decimal>, Option<Decimal>), Problem> {
        let mut check = Check::default();
        if is_absent(self.risk_per_trade) && is_absent(self.max_drawdown) {
            check.flaw("/risk_per_trade", Flaw::RequiredOr { other: "max_drawdown" });
        }
        let risk_per_trade = check.decimal("/risk_per_trade", self.risk_per_trade, share);
        let max_drawdown = check.decimal("/max_drawdown", self.max_drawdown, share);
        check.finish()?;
        Ok((risk_per_trade, max_drawdown))
    }
}

#[derive(Deserialize, ToSchema)]
#[schema(as = DriftRequest)]
pub(crate) struct DriftForm<'a> {
    /// A share of the whole; null switches it off.
    #[serde(borrow, default, deserialize_with = "with_null")]
    #[schema(schema_with = share_schema, required)]
    threshold: Raw<'a>,
}

impl DriftForm<'_> {
    pub(super) fn read(&self) -> Result<Option<Decimal>, Problem> {
        let mut check = Check::default();
        if self.threshold.is_none() {
            check.missing("/threshold");
        }
        let threshold = check.decimal("/threshold", self.threshold, share);
        check.finish()?;
        Ok(threshold)
    }
}

#[derive(Deserialize, ToSchema)]
#[schema(as = FlowRequest)]
pub(crate) struct FlowForm<'a> {
    /// In the currency of the session, and not finer than it, nor than 8 decimals.
    #[serde(borrow)]
    #[schema(schema_with = amount_schema, required)]
    amount: Raw<'a>,
}

impl FlowForm<'_> {
    pub(super) fn read(&self, currency: Currency) -> Result<Decimal, Problem> {
        let mut check = Check::default();
        let amount = check.amount("/amount", self.amount, currency);
        let amount = amount.and_then(|money| check.take("/amount", tradable(&money.to_string())));
        all(check, amount)
    }
}

/// An amount that stays exact in whatever it is traded for.
fn tradable(text: &str) -> Result<Decimal, Flaw> {
    let too_large = || Flaw::Above { max: WHOLE_MAX };
    let amount = Decimal::from_str_exact(text).map_err(|_| too_large())?.normalize();
    if amount.scale() > DECIMALS {
        return Err(Flaw::TooManyDecimals { max: DECIMALS });
    }
    if amount > Decimal::from(WHOLE_MAX) { Err(too_large()) } else { Ok(amount) }
}

/// Of a body that need not be there.
pub(super) fn read_or_default<'a, T: Default + Deserialize<'a>>(
    body: Option<&'a JsonBody>,
) -> Result<T, Problem> {
    body.map(JsonBody::read).transpose().map(Option::unwrap_or_default)
}

pub(super) fn targets_schema() -> Object {
    let share = ObjectBuilder::new()
        .schema_type(SchemaType::Array(vec![Type::String, Type::Number]))
        .pattern(Some(r"^(0(\.[0-9]{1,6})?|1(\.0{1,6})?)$"))
        .minimum(Some(0))
        .maximum(Some(1))
        .build();
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(
            "Assets and their shares, which are exactly 1 together: strings, or numbers that are read as they are written. What \
             is not named is cash.",
        ))
        .additional_properties(Some(AdditionalProperties::RefOr(share.into())))
        .examples([serde_json::json!({ "BTC": "0.5", "ETH": "0.2", "USDT": "0.3" })])
        .build()
}

pub(super) fn share_schema() -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::Array(vec![Type::String, Type::Number, Type::Null]))
        .description(Some("Greater than 0, at most 1, at most 6 decimals."))
        .pattern(Some(r"^(0\.[0-9]{1,6}|1(\.0{1,6})?)$"))
        .exclusive_minimum(Some(0))
        .maximum(Some(1))
        .examples(["0.02"])
        .build()
}

pub(super) fn amount_schema() -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::Array(vec![Type::String, Type::Integer]))
        .pattern(Some(r"^[0-9]{1,13}(\.[0-9]{1,8})?$"))
        .minimum(Some(1))
        .examples(["1000"])
        .build()
}
