"""What has to be refused, and at which pointer: each expectation stands here and is not taken from an answer.

FORBIDDEN: keys that freqtrade knows and takes (it is asked, too), and that users may not set. wrong(): values that
cannot be.
"""

from decimal import Decimal

import settings_table as table
from settings_model import nested
from settings_table import Sent

ADDRESS = "http://127.0.0.1:9/x"
PRODUCERS = [{"name": "p", "host": "127.0.0.1", "port": 9, "ws_token": "t"}]
FREQAI = {"enabled": False, "train_period_days": 15, "backtest_period_days": 7, "identifier": "x",
          "feature_parameters": {"include_timeframes": ["5m"], "include_corr_pairlist": []},
          "data_split_parameters": {}, "model_training_parameters": {}}
API_SERVER = {"enabled": True, "listen_ip_address": "0.0.0.0", "listen_port": 8080, "username": "u", "password": "p"}
# Of each a value that freqtrade takes: then our list is all that stands before it.
FORBIDDEN = {
    "/exchange/ccxt_config": {"urls": {"api": ADDRESS}},
    "/exchange/ccxt_async_config": {"urls": {"api": ADDRESS}},
    "/exchange/ccxt_sync_config": {"urls": {"api": ADDRESS}},
    "/exchange/key": "k",
    "/exchange/api_key": "k",
    "/exchange/secret": "s",
    "/exchange/password": "p",
    "/exchange/uid": "u",
    "/exchange/account_id": "a",
    "/exchange/wallet_address": "w",
    "/exchange/private_key": "p",
    "/exchange/log_responses": True,
    "/add_config_files": ["/etc/passwd"],
    "/log_config": {"version": 1, "formatters": {}, "handlers": {"h": {"class": "os.system"}}, "root": {}},
    "/db_url": "sqlite:////tmp/x",
    "/user_data_dir": "/tmp",
    "/datadir": "/tmp",
    "/strategy_path": "/tmp",
    "/recursive_strategy_search": True,
    "/freqaimodel": "x",
    "/freqaimodel_path": "/tmp",
    "/freqai": FREQAI,
    "/freqai_backtest_live_models": False,
    "/hyperopt_path": "/tmp",
    "/export": "trades",
    "/exportfilename": "/tmp/x",
    "/exportdirectory": "/tmp",
    "/api_server": API_SERVER,
    "/webhook/url": ADDRESS,
    "/discord/webhook_url": ADDRESS,
    "/external_message_consumer": {"enabled": True, "producers": PRODUCERS},
    "/coingecko": {"is_demo": True, "api_key": "k"},
    "/internals": {"process_throttle_secs": 1},
    "/initial_state": "stopped",
    "/force_entry_enable": True,
    "/disable_dataframe_checks": True,
    "/experimental": {"block_bad_exchanges": False},
    "/orderflow": {"cache_size": 1000, "max_candles": 1500, "scale": 0.5, "stacked_imbalance_range": 3,
                   "imbalance_volume": 1, "imbalance_ratio": 3},
}
REMOTE = [{"method": "StaticPairList"}, {"method": "RemotePairList", "number_assets": 5, "pairlist_url": ADDRESS}]
PRODUCER = [{"method": "ProducerPairList", "number_assets": 5}]
METHODS = {"/pairlists/1/method": REMOTE, "/pairlists/0/method": PRODUCER}
READ_ONLY = {"/dry_run": False, "/bot_name": "x", "/strategy": "X", "/version": 7, "/updated_at": "x", "/source": "x"}


def forbidden():
    """The pointer that is refused, and the change."""
    yield from ((pointer, nested({pointer: value})) for pointer, value in (FORBIDDEN | READ_ONLY).items())
    yield from ((pointer, {"pairlists": lists}) for pointer, lists in METHODS.items())


def of_switches():
    for pointer in table.SWITCHES:
        yield from ((pointer, value) for value in ["true", 1, [True], "", {"on": True}])


def of_numbers():
    anywhere = ["abc", True, [1], {"x": 1}, "", " 0.1", "0,1", "1/2", Sent("0.1234567890123456"), Sent("1e400")]
    for pointer, (_, high) in table.NUMBERS.items():
        yield from ((pointer, value) for value in anywhere)
        # freqtrade has no ends there.
        if pointer != "/exit_profit_offset":
            yield pointer, Sent("-0.001")
            yield from ((pointer, Sent(high + above)) for above in [Decimal("0.0001"), 5] if high <= 1)


def of_integers():
    for pointer, (low, _) in table.INTEGERS.items():
        yield from ((pointer, value) for value in [Sent("2.5"), "3", True, [3], {"x": 3}, Sent(low - 1), Sent("1e30")])
    yield from ((f"/{side}_pricing/order_book_top", Sent(value)) for side in ["entry", "exit"] for value in [0, 51])


def of_choices():
    for pointer, words in table.CHOICES.items():
        swapped = [words[-1].swapcase()] if words[-1].swapcase() not in words else []
        wrong = [words[0] + "X", *swapped, 5, True, [words[0]]]
        yield from ((pointer, value) for value in wrong)
        # For some of them the reasons may have notices of their own.
        yield (pointer + "/roi", {"roi": "loud"}) if pointer in table.BY_REASON else (pointer, {"x": words[0]})
    yield from (("/trading_mode", value) for value in ["margin", "Spot", 1])
    yield from (("/margin_mode", value) for value in ["crossed", 1, "ISOLATED"])


def of_others():
    yield from (("/stake_currency", value) for value in ["", "U", "usdt", "USD T", "ABCDEFGHIJK", "US$", 5, ["USDT"]])
    amounts = ["unlimitedX", "Unlimited", "", 0, -1, Sent("0.00009"), "0.00001", True, [1], {"x": 1}, Sent("1e30")]
    yield from (("/stake_amount", value) for value in amounts)
    stops = [0, Sent("0.0"), Sent("-1"), Sent("-1.5"), Sent("0.1"), "deep", True, [], Sent("-1e-20"), "-1"]
    yield from (("/stoploss", value) for value in stops)
    yield from (("/dry_run_wallet", value) for value in [-5, "rich", True, [1000], {}])
    yield from (("/dry_run_wallet/BTC", {"BTC": value}) for value in [-1, "x", True, [], {"x": 1}])
    yield from ((f"/dry_run_wallet/{name}", {name: 1}) for name in ["btc", "B", "B-C"])
    yield from (("/minimal_roi", value) for value in [5, "x", True, [1], {"0": None}])
    yield from (("/minimal_roi/10", {"10": value}) for value in ["x", True, [], {"x": 1}, Sent("-1.01")])
    yield from ((f"/minimal_roi/{name}", {name: Sent("0.1")}) for name in ["abc", "-5", "1.5", "010", ""])
    for key in ["/exchange/pair_whitelist", "/exchange/pair_blacklist"]:
        yield from ((key, value) for value in ["BTC/USDT", 5, True, {"0": "BTC/USDT"}])
        yield from ((f"{key}/0", [value]) for value in [1, None, "BTCUSDT", "", "BTC/", "/USDT", "BTC USDT", ["A/B"]])
        yield f"{key}/2", ["BTC/USDT", "ETH/USDT", "BTC/USDT"]
    yield from (("/telegram/topic_id", value) for value in [5, "", "ten", "-1"])
    yield from (("/telegram/token", value) for value in [5, "", "short", True, [], "has spaces in it"])
    # freqtrade knows it only as a text.
    yield from (("/telegram/chat_id", value) for value in [123456, "", True, "1 2", {"x": 1}])
    yield from (("/telegram/authorized_users", value) for value in ["1", 5, True, {"0": "1"}])
    yield from (("/telegram/authorized_users/1", ["1", value]) for value in [2, "1", "", None])


def of_pairlists():
    yield from (("/pairlists", value) for value in [[], {}, "StaticPairList", 5, True])
    yield from (("/pairlists/0", [value]) for value in ["StaticPairList", 5, []])
    none = [{}, {"method": "NoSuch"}, {"method": 5}, {"method": None}]
    yield from (("/pairlists/0/method", [value]) for value in none)
    yield from (("/pairlists/0/method", [{"method": name}]) for name in table.LATER)
    yield from (("/pairlists/0/number_assets", [{"method": name}]) for name in table.FIRST[1:])
    for name, key, value in [
        ("StaticPairList", "allow_inactive", "yes"), ("StaticPairList", "pairlist_url", ADDRESS),
        ("AgeFilter", "min_days_listed", 0), ("AgeFilter", "min_days_listed", Sent("1.5")),
        ("AgeFilter", "max_days_listed", "ten"), ("DelistFilter", "max_days_from_now", -1),
        ("OffsetFilter", "offset", -1), ("OffsetFilter", "number_assets", True), ("PerformanceFilter", "minutes", "x"),
        ("PriceFilter", "low_price_ratio", Sent("-0.1")), ("PriceFilter", "min_price", -1),
        ("PriceFilter", "max_value", "x"), ("RangeStabilityFilter", "sort_direction", "up"),
        ("ShuffleFilter", "shuffle_frequency", "daily"), ("SpreadFilter", "max_spread_ratio", "wide"),
        ("VolatilityFilter", "lookback_days", 0), ("VolatilityFilter", "save_to_file", "/tmp/x"),
    ]:
        yield f"/pairlists/1/{key}", [{"method": "StaticPairList"}, {"method": name, key: value}]


def of_sections():
    for section in ["exchange", "unfilledtimeout", "entry_pricing", "exit_pricing", "order_types", "telegram",
                    "order_time_in_force", "entry_pricing/check_depth_of_market", "telegram/notification_settings"]:
        yield from ((f"/{section}", value) for value in [5, "x", [], True])
    yield from ((f"/{name}", 1) for name in ["protections", "Stoploss", "exchange/nam", "telegram/chat",
                "order_types/buy", "unfilledtimeout/sell", "entry_pricing/side", "telegram/notification_settings/buy"])
    yield "/a~1b", 1


def alone():
    """A pointer that is wrong, and the change: {"a": {"b": …}} for a value of /a/b."""
    kinds = [of_switches(), of_numbers(), of_integers(), of_choices(), of_others(), of_pairlists(), of_sections()]
    for values in kinds:
        for pointer, value in values:
            yield [pointer], nested_at(pointer, value)


def nested_at(pointer, value):
    """What is wrong may be within a value: a member, an element of a list."""
    keys = [key for key in table.ALL if pointer.startswith(key + "/")]
    if pointer == "/a~1b":
        return {"a/b": value}
    return nested({keys[0] if keys else "/pairlists" if pointer.startswith("/pairlists/") else pointer: value})


def together():
    """What is wrong only beside the others, of somebody who has the defaults."""
    yield ["/stake_amount"], {"max_open_trades": -1, "stake_amount": "unlimited"}
    for side in ["same", "bid"]:
        yield ["/entry_pricing/price_side"], {"order_types": {"entry": "market"}, "entry_pricing": {"price_side": side}}
    for side in ["same", "ask"]:
        yield ["/exit_pricing/price_side"], {"order_types": {"exit": "market"}, "exit_pricing": {"price_side": side}}
    yield ["/trailing_stop_positive"], {"trailing_stop": True, "trailing_stop_positive": 0}
    yield ["/trailing_stop_positive"], {"trailing_stop": True, "trailing_only_offset_is_reached": True}
    for offset in ["0.02", "0.01"]:
        yield ["/trailing_stop_positive_offset"], {"trailing_stop": True, "trailing_stop_positive": Sent("0.02"),
                                                   "trailing_stop_positive_offset": Sent(offset)}
    yield ["/exchange/pair_whitelist"], {"exchange": {"pair_whitelist": []}}
    yield ["/margin_mode"], {"trading_mode": "futures"}
    yield from ((["/margin_mode"], {"margin_mode": mode}) for mode in ["isolated", "cross"])
    yield from of_starts()
    yield ["/telegram/chat_id", "/telegram/token"], {"telegram": {"enabled": True}}
    yield ["/telegram/chat_id"], {"telegram": {"enabled": True, "token": "4839574812:AAFD39kk"}}
    yield ["/telegram/token"], {"telegram": {"enabled": True, "chat_id": "123456"}}


def of_starts():
    """What passes freqtrade's validation, and lets it not start."""
    def with_list(method, **parameters):
        return {"pairlists": [{"method": "StaticPairList"}, {"method": method, **parameters}]}

    futures = {"trading_mode": "futures", "margin_mode": "isolated"}
    yield ["/entry_pricing/use_order_book"], {**futures, "entry_pricing": {"use_order_book": False}}
    yield ["/exit_pricing/use_order_book"], {**futures, "exit_pricing": {"use_order_book": False}}
    stops = {"order_types": {"stoploss_on_exchange": True, "stoploss_price_type": "index"}}
    yield ["/order_types/stoploss_price_type"], {**futures, **stops}
    for method in ["VolumePairList", "PercentChangePairList"]:
        for key, parameters in [
            ("lookback_period", {"lookback_days": 2, "lookback_period": 2, "refresh_period": 86_400}),
            ("lookback_timeframe", {"lookback_days": 2, "lookback_timeframe": "1h"}),
            ("lookback_period", {"lookback_period": 1001, "lookback_timeframe": "5m"}),
            ("refresh_period", {"lookback_days": 2}),
            ("refresh_period", {"lookback_period": 2, "lookback_timeframe": "1h", "refresh_period": 3_599}),
        ]:
            yield [f"/pairlists/1/{key}"], with_list(method, number_assets=5, **parameters)
    yield ["/pairlists/1/max_days_listed"], with_list("AgeFilter", max_days_listed=10)
    yield ["/pairlists/1/max_days_listed"], with_list("AgeFilter", max_days_listed=1001)
    yield ["/pairlists/1/min_days_listed"], with_list("AgeFilter", min_days_listed=1001)
    for method in ["RangeStabilityFilter", "VolatilityFilter"]:
        yield ["/pairlists/1/lookback_days"], with_list(method, lookback_days=1001)
        yield ["/pairlists/1/lookback_days"], {**futures, **with_list(method, lookback_days=500)}


def of_several(chance):
    """Several that are wrong at once: each is named."""
    singles = list(alone())
    picked, change, wanted = [], {}, chance.randint(2, 5)
    while len(picked) < wanted:
        [pointer], one = chance.choice(singles)
        # Of one section only one.
        if not change.keys() & one.keys():
            picked.append(pointer)
            change |= one
    return sorted(picked), change


def wrong(chance):
    """All of them as (pointers, change)."""
    yield from alone()
    yield from together()
    for _ in range(60):
        yield of_several(chance)


def for_freqtrade():
    """What is forbidden here, to be laid over a good file: freqtrade itself has to take it."""
    yield from ((pointer, nested({pointer: value})) for pointer, value in FORBIDDEN.items())
    yield from ((pointer, {"pairlists": lists}) for pointer, lists in METHODS.items())
