"""What freqtrade's settings may be, written down a second time: from freqtrade's documentation and not from our
catalogue, so that a mistake there is seen here. Values that fit; what does not fit is in settings_wrong.py.

A value is a pair: the JSON that is sent, and what it means. A number means the same as 0.1, 0.10, 1e-1 and "0.1".
"""

from decimal import Decimal

SWITCHES = """/amend_last_stake_amount /cancel_open_orders_on_exit /trailing_stop /trailing_only_offset_is_reached
    /use_exit_signal /exit_profit_only /ignore_roi_if_entry_signal /entry_pricing/use_order_book
    /entry_pricing/check_depth_of_market/enabled /exit_pricing/use_order_book /order_types/stoploss_on_exchange
    /position_adjustment_enable /process_only_new_candles /exchange/enable_ws /telegram/allow_custom_messages
    /telegram/reload""".split()

# From, to; where freqtrade has no end, far enough.
NUMBERS = {
    "/tradable_balance_ratio": (0, 1),
    "/available_capital": (0, 10**9),
    "/last_stake_amount_min_ratio": (0, 1),
    "/trailing_stop_positive": (0, 1),
    "/trailing_stop_positive_offset": (0, 1),
    "/exit_profit_offset": (0, 1),
    "/amount_reserve_percent": (0, Decimal("0.5")),
    "/custom_price_max_distance_ratio": (0, 1),
    "/entry_pricing/price_last_balance": (0, 1),
    "/entry_pricing/check_depth_of_market/bids_to_ask_delta": (0, 1000),
    "/exit_pricing/price_last_balance": (0, 1),
    "/order_types/stoploss_on_exchange_limit_ratio": (0, 1),
    "/exchange/unknown_fee_rate": (0, 1),
    "/telegram/balance_dust_level": (0, 10**6),
}
INTEGERS = {
    "/max_open_trades": (-1, 500),
    "/unfilledtimeout/entry": (1, 10_000),
    "/unfilledtimeout/exit": (1, 10_000),
    "/unfilledtimeout/exit_timeout_count": (0, 100),
    "/entry_pricing/order_book_top": (1, 50),
    "/exit_pricing/order_book_top": (1, 50),
    "/order_types/stoploss_on_exchange_interval": (1, 3_600),
    "/max_entry_position_adjustment": (-1, 100),
    "/exchange/markets_refresh_interval": (1, 1_440),
}
SIDES, ORDERS, NOTICES = ["ask", "bid", "same", "other"], ["limit", "market"], ["on", "off", "silent"]
NOTICE = "/telegram/notification_settings/"
CHOICES = {
    "/fiat_display_currency": """AUD BRL CAD CHF CLP CNY CZK DKK EUR GBP HKD HUF IDR ILS INR JPY KRW MXN MYR NOK NZD PHP
        PKR PLN RUB UAH SEK SGD THB TRY TWD ZAR USD BTC ETH XRP LTC BCH BNB""".split(),
    "/timeframe": "1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M".split(),
    "/unfilledtimeout/unit": ["minutes", "seconds"],
    "/entry_pricing/price_side": SIDES,
    "/exit_pricing/price_side": SIDES,
    **{f"/order_types/{name}": ORDERS
       for name in "entry exit force_exit force_entry emergency_exit stoploss".split()},
    "/order_types/stoploss_price_type": ["last", "mark", "index"],
    "/order_time_in_force/entry": "GTC FOK IOC PO".split(),
    "/order_time_in_force/exit": "GTC FOK IOC PO".split(),
    "/exchange/name": ["binance"],
    **{NOTICE + name: NOTICES for name in """status warning startup entry entry_fill entry_cancel exit exit_fill
        exit_cancel protection_trigger protection_trigger_global liquidation_warning""".split()},
}
# Those of which the notice may be another for each reason to exit.
BY_REASON = [NOTICE + "exit", NOTICE + "exit_fill"]
REASONS = """roi stop_loss trailing_stop_loss stoploss_on_exchange exit_signal force_exit emergency_exit
    custom_exit""".split()

# Of those that freqtrade or our documentation names one; what it is without, when nobody said.
DEFAULTS = {
    "/max_open_trades": 3, "/stake_currency": "USDT", "/stake_amount": 100, "/tradable_balance_ratio": "0.99",
    "/amend_last_stake_amount": False, "/last_stake_amount_min_ratio": "0.5", "/dry_run_wallet": 1000,
    "/cancel_open_orders_on_exit": False, "/timeframe": "5m", "/minimal_roi": {"0": "0.04"}, "/stoploss": "-0.1",
    "/amount_reserve_percent": "0.05", "/custom_price_max_distance_ratio": "0.02",
    "/unfilledtimeout/exit_timeout_count": 0, "/entry_pricing/price_side": "same", "/exit_pricing/price_side": "same",
    "/order_types/emergency_exit": "market", "/trading_mode": "spot", "/margin_mode": "", "/exchange/name": "binance",
    "/telegram/allow_custom_messages": True, NOTICE + "entry_fill": "off", NOTICE + "exit_fill": "on",
    NOTICE + "protection_trigger": "on", NOTICE + "protection_trigger_global": "on",
    NOTICE + "liquidation_warning": "on",
}
SECRETS = ["token", "chat_id", "authorized_users"]
FIRST = "StaticPairList VolumePairList PercentChangePairList".split()
LATER = """AgeFilter DelistFilter FullTradesFilter OffsetFilter PerformanceFilter PrecisionFilter PriceFilter
    RangeStabilityFilter ShuffleFilter SpreadFilter VolatilityFilter""".split()
SECONDS = {"1m": 60, "3m": 180, "5m": 300, "15m": 900, "30m": 1_800, "1h": 3_600, "2h": 7_200, "4h": 14_400,
           "6h": 21_600, "8h": 28_800, "12h": 43_200, "1d": 86_400, "3d": 259_200, "1w": 604_800, "1M": 2_592_000}
COINS = "BTC ETH BNB SOL XRP ADA DOGE DOT LTC LINK AVAX TRX ATOM NEAR 1INCH 1000SATS".split()


class Sent(str):
    """JSON as it is sent."""


def a_decimal(chance, low, high):
    """Ends now and then, and never more digits than a double keeps."""
    if chance.random() < 0.1:
        return Decimal(chance.choice([low, high]))
    decimals = chance.randrange(0, 9) if high < 10**6 else chance.randrange(0, 5)
    step = Decimal(1).scaleb(-decimals)
    drawn = (Decimal(low) + Decimal(chance.random()) * (Decimal(high) - Decimal(low))).quantize(step)
    return min(max(drawn, Decimal(low)), Decimal(high))


def spelled(chance, number):
    """One number, in one of the ways to write it."""
    plain = format(number, "f")
    ways = [plain, plain, plain, f'"{plain}"', f"{number:e}"]
    if "." in plain:
        ways.append(plain + "0")
    return Sent(chance.choice(ways)), number


def number(chance, low, high):
    return spelled(chance, a_decimal(chance, low, high))


def integer(chance, low, high):
    drawn = chance.choice([low, high, *[chance.randint(low, high)] * 8])
    return Sent(drawn), Decimal(drawn)


def one_of(chance, words):
    word = chance.choice(words)
    return word, word


def an_asset(chance):
    return "".join(chance.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", k=chance.randint(2, 10)))


def a_pair(chance):
    base, quote = chance.choice([*COINS, an_asset(chance)]), chance.choice(["USDT", "BTC", "EUR", "FDUSD"])
    if chance.random() < 0.05:
        base = chance.choice([".*", "BTC.*"])
    return f"{base}/{quote}" + (f":{quote}" if chance.random() < 0.2 else "")


def pairs(chance, least):
    drawn = sorted({a_pair(chance) for _ in range(chance.randint(least, 12))})
    chance.shuffle(drawn)
    return drawn, drawn


def of_members(chance, draw_name, draw_value, count):
    """An object of names and numbers."""
    drawn = {draw_name(): draw_value() for _ in range(count)}
    return {name: sent for name, (sent, _) in drawn.items()}, {name: means for name, (_, means) in drawn.items()}


def stake_amount(chance):
    return one_of(chance, ["unlimited"]) if chance.random() < 0.2 else number(chance, Decimal("0.0001"), 10**6)


def stoploss(chance):
    return spelled(chance, Decimal(chance.randrange(-99_999, 0)) / 100_000)


def wallet(chance):
    if chance.random() < 0.5:
        return number(chance, 0, 10**9)
    return of_members(chance, lambda: an_asset(chance), lambda: number(chance, 0, 10**9), chance.randint(1, 4))


def minimal_roi(chance):
    minutes = lambda: str(chance.choice([0, chance.randrange(1, 100_000)]))
    return of_members(chance, minutes, lambda: number(chance, -1, 3), chance.randint(1, 5))


def of_a_method(chance, name):
    """What may stand beside the name, so that freqtrade starts with it, too."""
    def some(**all_of_them):
        return {key: value for key, value in all_of_them.items() if chance.random() < 0.5}

    def back():
        """So many days, or candles, and how long the list holds then."""
        looks = some(lookback_days=chance.randint(0, 600), lookback_period=chance.randint(0, 600),
                     lookback_timeframe=chance.choice([*SECONDS]))
        return {**looks, **some(refresh_period=chance.choice([1_800, 86_400, 3_000]))}

    days, share = chance.randint(1, 300), chance.choice([Decimal("0.01"), Decimal("0.5"), Decimal(0), Decimal(1)])
    match name:
        case "StaticPairList":
            return some(allow_inactive=chance.random() < 0.5)
        case "VolumePairList":
            return {"number_assets": chance.randint(1, 100),
                    **some(sort_key="quoteVolume", min_value=share, max_value=days), **back()}
        case "PercentChangePairList":
            return {"number_assets": chance.randint(1, 100),
                    **some(min_value=-share, max_value=days, sort_direction="asc"), **back()}
        case "AgeFilter":
            return some(min_days_listed=chance.randint(1, 600), max_days_listed=chance.randint(1, 1_100))
        case "DelistFilter":
            return some(max_days_from_now=chance.randint(0, 30))
        case "OffsetFilter":
            return some(offset=chance.randint(0, 50), number_assets=chance.randint(0, 50))
        case "PerformanceFilter":
            return some(minutes=days, min_profit=share)
        case "PriceFilter":
            return some(low_price_ratio=share, min_price=share, max_price=days, max_value=share)
        case "RangeStabilityFilter":
            return some(lookback_days=days, min_rate_of_change=share, max_rate_of_change=share, refresh_period=days)
        case "ShuffleFilter":
            return some(seed=days, shuffle_frequency=chance.choice(["candle", "iteration"]))
        case "SpreadFilter":
            return some(max_spread_ratio=share)
        case "VolatilityFilter":
            return some(lookback_days=days, min_volatility=share, max_volatility=share, sort_direction="desc")
    return {}


def pairlists(chance):
    names = [chance.choice(FIRST), *chance.sample(LATER, chance.randint(0, 4))]
    lists = [{"method": name, **of_a_method(chance, name)} for name in names]
    means = [{key: Decimal(value) if type(value) is int else value for key, value in one.items()} for one in lists]
    return lists, means


def draw_one(chance, pointer):
    """A value that fits there by itself."""
    if pointer in SWITCHES:
        return one_of(chance, [True, False])
    if pointer in NUMBERS:
        return number(chance, *NUMBERS[pointer])
    if pointer in INTEGERS:
        return integer(chance, *INTEGERS[pointer])
    if pointer in BY_REASON and chance.random() < 0.3:
        return of_members(chance, lambda: chance.choice(REASONS), lambda: one_of(chance, NOTICES), chance.randint(1, 4))
    if pointer in CHOICES:
        return one_of(chance, CHOICES[pointer])
    return OTHERS[pointer](chance)


OTHERS = {
    "/stake_currency": lambda chance: one_of(chance, ["USDT", "BTC", an_asset(chance)]),
    "/stake_amount": stake_amount,
    "/dry_run_wallet": wallet,
    "/minimal_roi": minimal_roi,
    "/stoploss": stoploss,
    "/exchange/pair_whitelist": lambda chance: pairs(chance, 0),
    "/exchange/pair_blacklist": lambda chance: pairs(chance, 0),
    "/pairlists": pairlists,
    "/telegram/topic_id": lambda chance: one_of(chance, [str(chance.randrange(1, 10**6))]),
}
# Which name their members themselves.
MAPS = ["/dry_run_wallet", "/minimal_roi", *BY_REASON]
SINGLE = [*SWITCHES, *NUMBERS, *INTEGERS, *CHOICES, *OTHERS]
# Only together: they exclude each other otherwise.
MARKETS = [("spot", ""), ("futures", "isolated"), ("futures", "cross")]
ALL = [*SINGLE, "/trading_mode", "/margin_mode", "/telegram/enabled", *(f"/telegram/{name}" for name in SECRETS)]
