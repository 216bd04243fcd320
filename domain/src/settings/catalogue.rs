//! The table: every key, what it may be, and what it is when nobody said.
//!
//! A key stands under its JSON pointer. What has no default is left out until it is set. Ranges are texts because they are
//! decimals.

use super::Secret;

/// What may stand at a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Switch,
    Integer(i64, i64),
    /// From, to.
    Number(&'static str, &'static str),
    /// From, to, neither of them.
    Between(&'static str, &'static str),
    Choice(&'static [&'static str]),
    /// Two to ten capital letters and digits.
    Asset,
    /// Digits, and not many.
    Digits,
    /// A number, or "unlimited".
    Stake,
    /// A number, or a number for each currency.
    Wallet,
    /// A ratio for each number of minutes.
    Returns,
    /// A word, or a word for each reason.
    Notice,
    Pairs,
    Pairlists,
    /// Sealed elsewhere: it never stands among the settings.
    Sealed(Secret),
}

pub(super) struct Entry {
    pub(super) pointer: &'static str,
    pub(super) kind: Kind,
    /// As JSON.
    pub(super) default: Option<&'static str>,
}

const fn key(pointer: &'static str, kind: Kind, default: &'static str) -> Entry {
    Entry { pointer, kind, default: Some(default) }
}

/// Left out until it is set.
const fn open(pointer: &'static str, kind: Kind) -> Entry {
    Entry { pointer, kind, default: None }
}

/// Beyond any market's numbers, and what fifteen digits still hold with some decimals.
const MOST: &str = "1000000000000";
/// More than anybody has open, and few enough to be counted.
const COUNT: i64 = 1_000_000;

const TIMEFRAMES: &[&str] =
    &["1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M"];
const SIDES: &[&str] = &["ask", "bid", "same", "other"];
const ORDERS: &[&str] = &["limit", "market"];
const IN_FORCE: &[&str] = &["GTC", "FOK", "IOC", "PO"];
const NOTICES: &[&str] = &["on", "off", "silent"];
const FIAT: &[&str] = &[
    "AUD", "BRL", "CAD", "CHF", "CLP", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "IDR", "ILS", "INR",
    "JPY", "KRW", "MXN", "MYR", "NOK", "NZD", "PHP", "PKR", "PLN", "RUB", "UAH", "SEK", "SGD", "THB", "TRY",
    "TWD", "ZAR", "USD", "BTC", "ETH", "XRP", "LTC", "BCH", "BNB", "",
];

pub(super) const fn notices() -> &'static [&'static str] {
    NOTICES
}

pub(super) const fn timeframes() -> &'static [&'static str] {
    TIMEFRAMES
}

/// In the order of their pointers.
pub(super) const ENTRIES: &[Entry] = &[
    key("/amend_last_stake_amount", Kind::Switch, "false"),
    key("/amount_reserve_percent", Kind::Number("0", "0.5"), "0.05"),
    open("/available_capital", Kind::Number("0", MOST)),
    key("/cancel_open_orders_on_exit", Kind::Switch, "false"),
    key("/custom_price_max_distance_ratio", Kind::Number("0", "1"), "0.02"),
    key("/dry_run_wallet", Kind::Wallet, "1000"),
    key("/entry_pricing/check_depth_of_market/bids_to_ask_delta", Kind::Number("0", MOST), "1"),
    key("/entry_pricing/check_depth_of_market/enabled", Kind::Switch, "false"),
    key("/entry_pricing/order_book_top", Kind::Integer(1, 50), "1"),
    key("/entry_pricing/price_last_balance", Kind::Number("0", "1"), "0"),
    key("/entry_pricing/price_side", Kind::Choice(SIDES), "\"same\""),
    key("/entry_pricing/use_order_book", Kind::Switch, "true"),
    key("/exchange/enable_ws", Kind::Switch, "true"),
    key("/exchange/markets_refresh_interval", Kind::Integer(1, COUNT), "60"),
    key("/exchange/name", Kind::Choice(&["binance"]), "\"binance\""),
    key("/exchange/pair_blacklist", Kind::Pairs, "[]"),
    key("/exchange/pair_whitelist", Kind::Pairs, r#"["BTC/USDT","ETH/USDT"]"#),
    open("/exchange/unknown_fee_rate", Kind::Number("0", "1")),
    key("/exit_pricing/order_book_top", Kind::Integer(1, 50), "1"),
    key("/exit_pricing/price_last_balance", Kind::Number("0", "1"), "0"),
    key("/exit_pricing/price_side", Kind::Choice(SIDES), "\"same\""),
    key("/exit_pricing/use_order_book", Kind::Switch, "true"),
    key("/exit_profit_offset", Kind::Number("-1", MOST), "0"),
    key("/exit_profit_only", Kind::Switch, "false"),
    key("/fiat_display_currency", Kind::Choice(FIAT), "\"USD\""),
    key("/ignore_roi_if_entry_signal", Kind::Switch, "false"),
    key("/last_stake_amount_min_ratio", Kind::Number("0", "1"), "0.5"),
    key("/margin_mode", Kind::Choice(&["", "isolated", "cross"]), "\"\""),
    key("/max_entry_position_adjustment", Kind::Integer(-1, COUNT), "-1"),
    key("/max_open_trades", Kind::Integer(-1, COUNT), "3"),
    key("/minimal_roi", Kind::Returns, r#"{"0":0.04}"#),
    key("/order_time_in_force/entry", Kind::Choice(IN_FORCE), "\"GTC\""),
    key("/order_time_in_force/exit", Kind::Choice(IN_FORCE), "\"GTC\""),
    key("/order_types/emergency_exit", Kind::Choice(ORDERS), "\"market\""),
    key("/order_types/entry", Kind::Choice(ORDERS), "\"limit\""),
    key("/order_types/exit", Kind::Choice(ORDERS), "\"limit\""),
    open("/order_types/force_entry", Kind::Choice(ORDERS)),
    open("/order_types/force_exit", Kind::Choice(ORDERS)),
    key("/order_types/stoploss", Kind::Choice(ORDERS), "\"limit\""),
    key("/order_types/stoploss_on_exchange", Kind::Switch, "false"),
    key("/order_types/stoploss_on_exchange_interval", Kind::Integer(1, COUNT), "60"),
    key("/order_types/stoploss_on_exchange_limit_ratio", Kind::Number("0", "1"), "0.99"),
    open("/order_types/stoploss_price_type", Kind::Choice(&["last", "mark", "index"])),
    key("/pairlists", Kind::Pairlists, r#"[{"method":"StaticPairList"}]"#),
    key("/position_adjustment_enable", Kind::Switch, "false"),
    key("/process_only_new_candles", Kind::Switch, "true"),
    key("/stake_amount", Kind::Stake, "100"),
    key("/stake_currency", Kind::Asset, "\"USDT\""),
    key("/stoploss", Kind::Between("-1", "0"), "-0.1"),
    key("/telegram/allow_custom_messages", Kind::Switch, "true"),
    open("/telegram/authorized_users", Kind::Sealed(Secret::AuthorizedUsers)),
    key("/telegram/balance_dust_level", Kind::Number("0", MOST), "0"),
    open("/telegram/chat_id", Kind::Sealed(Secret::ChatId)),
    key("/telegram/enabled", Kind::Switch, "false"),
    key("/telegram/notification_settings/entry", Kind::Choice(NOTICES), "\"on\""),
    key("/telegram/notification_settings/entry_cancel", Kind::Choice(NOTICES), "\"on\""),
    key("/telegram/notification_settings/entry_fill", Kind::Choice(NOTICES), "\"off\""),
    key("/telegram/notification_settings/exit", Kind::Notice, "\"on\""),
    key("/telegram/notification_settings/exit_cancel", Kind::Choice(NOTICES), "\"on\""),
    key("/telegram/notification_settings/exit_fill", Kind::Notice, "\"on\""),
    key("/telegram/notification_settings/liquidation_warning", Kind::Choice(NOTICES), "\"on\""),
    key("/telegram/notification_settings/protection_trigger", Kind::Choice(NOTICES), "\"on\""),
    key("/telegram/notification_settings/protection_trigger_global", Kind::Choice(NOTICES), "\"on\""),
    key("/telegram/notification_settings/startup", Kind::Choice(NOTICES), "\"on\""),
    key("/telegram/notification_settings/status", Kind::Choice(NOTICES), "\"on\""),
    key("/telegram/notification_settings/warning", Kind::Choice(NOTICES), "\"on\""),
    key("/telegram/reload", Kind::Switch, "true"),
    open("/telegram/token", Kind::Sealed(Secret::Token)),
    open("/telegram/topic_id", Kind::Digits),
    key("/timeframe", Kind::Choice(TIMEFRAMES), "\"5m\""),
    key("/tradable_balance_ratio", Kind::Number("0", "1"), "0.99"),
    key("/trading_mode", Kind::Choice(&["spot", "futures"]), "\"spot\""),
    key("/trailing_only_offset_is_reached", Kind::Switch, "false"),
    key("/trailing_stop", Kind::Switch, "false"),
    open("/trailing_stop_positive", Kind::Number("0", "1")),
    key("/trailing_stop_positive_offset", Kind::Number("0", "1"), "0"),
    key("/unfilledtimeout/entry", Kind::Integer(1, COUNT), "10"),
    key("/unfilledtimeout/exit", Kind::Integer(1, COUNT), "10"),
    key("/unfilledtimeout/exit_timeout_count", Kind::Integer(0, COUNT), "0"),
    key("/unfilledtimeout/unit", Kind::Choice(&["minutes", "seconds"]), "\"minutes\""),
    key("/use_exit_signal", Kind::Switch, "true"),
];

/// Shown, and set by nobody who sees them.
pub(super) const READ_ONLY: &[&str] =
    &["/bot_name", "/dry_run", "/position", "/preset", "/source", "/strategy", "/updated_at", "/version"];

/// What freqtrade knows beside these. All of it passes freqtrade's own validation: here is the only barrier before keys,
/// paths, addresses to call and classes to load. What stands below such a key is as forbidden as the key.
pub(super) const FORBIDDEN: &[&str] = &[
    "/add_config_files",
    "/analyze_per_epoch",
    "/api_server",
    "/backtest_breakdown",
    "/backtest_cache",
    "/coingecko",
    "/dataformat_ohlcv",
    "/dataformat_trades",
    "/datadir",
    "/db_url",
    "/demo_trading",
    "/disable_dataframe_checks",
    "/disableparamexport",
    "/discord",
    "/download_trades",
    "/early_stop",
    "/edge",
    "/epochs",
    "/exchange/account_id",
    "/exchange/api_key",
    "/exchange/ccxt_async_config",
    "/exchange/ccxt_config",
    "/exchange/ccxt_sync_config",
    "/exchange/key",
    "/exchange/log_responses",
    "/exchange/outdated_offset",
    "/exchange/password",
    "/exchange/private_key",
    "/exchange/secret",
    "/exchange/uid",
    "/exchange/wallet_address",
    "/experimental",
    "/export",
    "/exportdirectory",
    "/exportfilename",
    "/external_message_consumer",
    "/fee",
    "/force_entry_enable",
    "/freqai",
    "/freqai_backtest_live_models",
    "/freqaimodel",
    "/freqaimodel_path",
    "/hyperopt_jobs",
    "/hyperopt_loss",
    "/hyperopt_min_trades",
    "/hyperopt_path",
    "/hyperopt_random_state",
    "/ignore_buying_expired_candle_after",
    "/initial_state",
    "/internals",
    "/liquidation_buffer",
    "/liquidation_warn_ratio",
    "/log_config",
    "/logfile",
    "/lookahead_analysis_exportfilename",
    "/minimum_trade_amount",
    "/new_pairs_days",
    "/orderflow",
    "/print_all",
    "/proxy_coin",
    "/recursive_strategy_search",
    "/reduce_df_footprint",
    "/skip_wallet_history_migration",
    "/spaces",
    "/startup_candle",
    "/strategy_path",
    "/targeted_trade_amount",
    "/user_data_dir",
    "/webhook",
];

pub(super) fn entry(pointer: &str) -> Option<&'static Entry> {
    ENTRIES.binary_search_by(|entry| entry.pointer.cmp(pointer)).ok().and_then(|at| ENTRIES.get(at))
}

/// Whether keys stand below it.
pub(super) fn is_section(pointer: &str) -> bool {
    ENTRIES.iter().any(|entry| is_below(entry.pointer, pointer))
}

pub(super) fn is_below(pointer: &str, section: &str) -> bool {
    pointer.strip_prefix(section).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_names_each_key_once() {
        assert!(ENTRIES.is_sorted_by(|a, b| a.pointer < b.pointer));
        for list in [FORBIDDEN, READ_ONLY] {
            for pointer in list {
                assert!(entry(pointer).is_none() && !is_section(pointer), "{pointer}");
            }
        }
    }
}
