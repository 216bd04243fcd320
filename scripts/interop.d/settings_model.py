"""Somebody's settings on paper, and what a change makes of them: a merge patch, told a second time.

Random changes that have to be accepted are made from it, and what the server then shows has to be what stands here.
"""

import copy
import json
from decimal import Decimal

import settings_table as table
from settings_table import Sent


def write(value):
    """JSON with numbers as they stand."""
    if isinstance(value, Sent):
        return str(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{write(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(write, value)) + "]"
    return json.dumps(value)


def read(text):
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def nested(flat):
    """{"/a/b": 1} as {"a": {"b": 1}}."""
    root = {}
    for pointer, value in flat.items():
        *path, last = pointer.strip("/").split("/")
        at = root
        for name in path:
            at = at.setdefault(name, {})
        at[last] = value
    return root


def flattened(tree, at=""):
    """The other way; what is a value by itself stays one."""
    if isinstance(tree, dict) and at not in [*table.MAPS, *(f"/telegram/{name}" for name in table.SECRETS)]:
        return {key: value for name, inner in tree.items() for key, value in flattened(inner, f"{at}/{name}").items()}
    return {at: tree}


def without_telegram(flat):
    return {pointer: value for pointer, value in flat.items() if not pointer.startswith("/telegram/")}


def only_telegram(flat):
    return {pointer: value for pointer, value in flat.items() if pointer.startswith("/telegram/")}


def lists_start(flat):
    """What their handlers demand of each other's numbers, and of what Binance gives at once."""
    most = 499 if flat["/trading_mode"] == "futures" else 1000
    for one in flat["/pairlists"]:
        days, period = one.get("lookback_days", 0), one.get("lookback_period", 0)
        timeframe = one.get("lookback_timeframe", "1d")
        if one["method"] == "AgeFilter":
            least, greatest = one.get("min_days_listed", 10), one.get("max_days_listed")
            if least > most or (greatest and not least < greatest <= most):
                return False
        if (days and period) or (days and timeframe != "1d") or max(days, period) > most:
            return False
        seconds = table.SECONDS[timeframe]
        if one["method"] in table.FIRST and (days or period) and one.get("refresh_period", 1800) < seconds:
            return False
    return True


def goes_together(flat):
    """What freqtrade demands of several at once, as its documentation has it."""
    if flat["/max_open_trades"] == -1 and flat["/stake_amount"] == "unlimited":
        return False
    if flat["/order_types/entry"] == "market" and flat["/entry_pricing/price_side"] not in ("ask", "other"):
        return False
    if flat["/order_types/exit"] == "market" and flat["/exit_pricing/price_side"] not in ("bid", "other"):
        return False
    if (flat["/trading_mode"], flat["/margin_mode"]) not in table.MARKETS:
        return False
    if flat["/trading_mode"] == "futures":
        if not (flat["/entry_pricing/use_order_book"] and flat["/exit_pricing/use_order_book"]):
            return False
        by_index = flat.get("/order_types/stoploss_price_type") == "index"
        if by_index and flat["/order_types/stoploss_on_exchange"]:
            return False
    if not lists_start(flat):
        return False
    has_static = any(one["method"] == "StaticPairList" for one in flat["/pairlists"])
    if has_static and not flat["/exchange/pair_whitelist"]:
        return False
    if flat["/trailing_stop"]:
        positive, offset = flat.get("/trailing_stop_positive"), flat["/trailing_stop_positive_offset"]
        if positive == 0 or (flat["/trailing_only_offset_is_reached"] and not positive):
            return False
        if positive and 0 < offset <= positive:
            return False
    return True


class Model:
    def __init__(self, defaults):
        self.defaults = defaults
        self.settings = dict(defaults)
        self.secrets = {}
        self.presets = {}
        self.version = 0
        self.versions = {0: dict(defaults)}
        # Of some versions, the file as it was then.
        self.files = {}

    @property
    def is_complete(self):
        return "token" in self.secrets and "chat_id" in self.secrets

    def becomes(self, settings, secrets=None):
        """A version more, if anything is another."""
        is_news = settings != self.settings or bool(secrets)
        self.settings = settings
        if secrets:
            kept = {**self.secrets, **secrets}
            self.secrets = {name: value for name, value in kept.items() if value is not None}
        if is_news:
            self.version += 1
            self.versions[self.version] = dict(settings)

    def merged(self, before, changes):
        """Changes by pointer; nothing goes back to the default, and members are merged."""
        after = dict(before)
        for pointer, value in changes.items():
            if value is None:
                after.pop(pointer, None)
                if pointer in self.defaults:
                    after[pointer] = copy.deepcopy(self.defaults[pointer])
            elif pointer in table.MAPS and isinstance(value, dict):
                kept = after.get(pointer) if isinstance(after.get(pointer), dict) else {}
                members = {**kept, **value}
                after[pointer] = {name: inner for name, inner in members.items() if inner is not None}
            else:
                after[pointer] = value
        return after

    def drawn(self, chance, before, with_telegram):
        """A change that has to be accepted: what is sent, and what the settings are then."""
        while True:
            sent, means = some_changes(chance, before, with_telegram)
            after = self.merged(before, means)
            if goes_together(after) and not any(after[key] == {} for key in table.MAPS if key in after):
                return sent, after

    def revert(self, version):
        after = dict(self.versions[version])
        if not self.is_complete:
            after["/telegram/enabled"] = False
        self.becomes(after)


def some_changes(chance, before, with_telegram):
    sent, means = {}, {}

    def change(pointer, both):
        sent[pointer], means[pointer] = both

    for pointer in chance.sample(table.SINGLE, chance.randint(1, 8)):
        if pointer.startswith("/telegram/") and not with_telegram:
            continue
        change(pointer, (None, None) if chance.random() < 0.1 else table.draw_one(chance, pointer))
        if pointer in table.MAPS and isinstance(before.get(pointer), dict) and isinstance(means[pointer], dict):
            for name in before[pointer]:
                if chance.random() < 0.2:
                    sent[pointer][name] = means[pointer][name] = None
    if chance.random() < 0.15:
        mode, margin = chance.choice(table.MARKETS)
        change("/trading_mode", (mode, mode))
        change("/margin_mode", (margin, margin))
    if chance.random() < 0.15:
        change("/order_types/entry", ("market", "market"))
        change("/entry_pricing/price_side", table.one_of(chance, ["ask", "other"]))
    if chance.random() < 0.15:
        change("/order_types/exit", ("market", "market"))
        change("/exit_pricing/price_side", table.one_of(chance, ["bid", "other"]))
    if chance.random() < 0.15:
        change("/trailing_stop", (True, True))
        change("/trailing_stop_positive", table.number(chance, Decimal("0.001"), Decimal("0.1")))
        change("/trailing_stop_positive_offset", table.number(chance, Decimal("0.11"), 1))
        change("/trailing_only_offset_is_reached", table.one_of(chance, [True, False]))
    return sent, means
