"""Real freqtrade, asked whether it takes our exports.

Each file: by its own validation for trading and for its tools; by its exchange and its pair lists, as far as they
start without a network; by its command show-config, run from its own main() in a process of its own, where what it
prints has to be what we wrote, digit for digit; and some of them by the installed program. show-config exits 0 on files
that it does not take: only what it prints says that it did.
"""

import json
import logging
import os
import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from decimal import Decimal
from pathlib import Path

import freqtrade.commands.build_config_commands  # noqa: F401 imported here, each process below has it without loading it
import freqtrade.configuration.config_setup  # noqa: F401
import freqtrade.exchange.check_exchange  # noqa: F401
import rich  # noqa: F401
from freqtrade.configuration.configuration import Configuration
from freqtrade.configuration.config_validation import validate_config_consistency, validate_config_schema
from freqtrade.configuration.environment_vars import environment_vars_to_dict
from freqtrade.configuration.load_config import load_from_files
from freqtrade.enums import RunMode
from freqtrade.exceptions import ConfigurationError
from freqtrade.main import main as freqtrade_main
from freqtrade.misc import deep_merge_dicts
from freqtrade.plugins.pairlistmanager import PairListManager
from freqtrade.resolvers import ExchangeResolver

SUCCESS = "Your combined configuration is:\n"
SECRETS = {"FREQTRADE__TELEGRAM__TOKEN": "4839574812:AAFD39kkdpWt3ywyRZergyOLMaJhac60qc",
           "FREQTRADE__TELEGRAM__CHAT_ID": "123456789", "FREQTRADE__TELEGRAM__AUTHORIZED_USERS": '["11", "22"]'}
READ = [*list(SECRETS.values())[:2], ["11", "22"]]
# A start takes seconds: some, and in this time.
PROGRAM_LEAST, PROGRAM_SECONDS = 50, 60
AT_ONCE = 2
PATIENCE = 120
# What freqtrade adds.
ITS_OWN = ["config_files", "internals"]
# Files that it must not take: a judge that takes everything is none.
BROKEN = [("stoploss", None), ("stoploss", 0), ("max_open_trades", -2), ("stake_amount", "none"), ("exchange", {}),
          ("order_types", {"entry": "limit"}), ("dry_run", None), ("tradable_balance_ratio", "0.99"),
          ("telegram", {"enabled": True})]
BROKEN_FOR_SHOW = [("dry_run", None), ("exchange", {}), ("tradable_balance_ratio", "0.99"), ("telegram", {})]


def has_telegram(path):
    return path.name.endswith(".env.json")


def laid_over(tree, change):
    """As freqtrade lays one file over another."""
    for name, value in change.items():
        if isinstance(value, dict) and isinstance(tree.get(name), dict):
            laid_over(tree[name], value)
        else:
            tree[name] = value
    return tree


def refusal(config):
    """What its validation has against it, in both of its ways to look."""
    for mode in [RunMode.DRY_RUN, RunMode.UTIL_EXCHANGE]:
        for validate in [validate_config_schema, validate_config_consistency]:
            own = deepcopy(config) | {"runmode": mode}
            own.setdefault("internals", {})
            try:
                validate(own)
            except ConfigurationError as error:
                return f"{mode.value}: {error}"
    return None


def no_start(path, userdir):
    """What its exchange, unchanged but for the markets that it would have to fetch, and its pair lists say of a file."""
    said = os.memfd_create("start")
    if os.fork() == 0:
        set_secrets(os.environ, has_telegram(path))
        try:
            starts(path, userdir)
        except Exception as error:
            os.write(said, f"{type(error).__name__}: {error}".encode())
        finally:
            os._exit(0)
    os.wait()
    return whole(said) or None


def starts(path, userdir):
    asked = {"config": [str(path)], "user_data_dir": str(userdir), "command": "trade"}
    config = Configuration(asked, RunMode.DRY_RUN).get_config()
    validate_config_consistency(config)
    exchange = ExchangeResolver.load_exchange(config, validate=False, load_leverage_tiers=False)
    exchange.validate_timeframes(config["timeframe"])
    exchange.validate_ordertypes(config["order_types"])
    exchange.validate_order_time_in_force(config["order_time_in_force"])
    exchange.validate_trading_mode_and_margin_mode(exchange.trading_mode, exchange.margin_mode)
    exchange.validate_pricing(config["exit_pricing"])
    exchange.validate_pricing(config["entry_pricing"])
    PairListManager(exchange, config)


def loaded(path):
    config = load_from_files([str(path)])
    config.pop("config_files", None)
    return deep_merge_dicts(environment_vars_to_dict(), config) if has_telegram(path) else config


def show_config(path, userdir):
    """Its command, by its main, in a copy of this process; what it printed and what it logged."""
    out, log = (os.memfd_create(name) for name in ("out", "log"))
    child = os.fork()
    if child == 0:
        os.dup2(out, 1)
        os.dup2(log, 2)
        set_secrets(os.environ, has_telegram(path))
        logging.disable(logging.NOTSET)
        try:
            freqtrade_main(["show-config", "--config", str(path), "--userdir", str(userdir)])
        except SystemExit:
            pass
        finally:
            sys.stdout.flush()
            os._exit(0)
    os.waitpid(child, 0)
    return tuple(whole(descriptor) for descriptor in (out, log))


def whole(descriptor):
    os.lseek(descriptor, 0, os.SEEK_SET)
    with os.fdopen(descriptor, "rb") as file:
        return file.read().decode()


def set_secrets(environment, is_wanted):
    for name in [name for name in environment if name.startswith("FREQTRADE__")]:
        del environment[name]
    if is_wanted:
        environment.update(SECRETS)


def run_program(program, path, userdir):
    environment = dict(os.environ)
    set_secrets(environment, has_telegram(path))
    command = [program, "show-config", "--config", str(path), "--userdir", str(userdir)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE)
    return done.stdout, done.stderr


def read(text):
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def misread(path, out, log):
    """What is wrong with what show-config printed of a file."""
    if SUCCESS not in out:
        return f"show-config does not take it: {log[-2000:]}"
    shown, wrote = read(out.split(SUCCESS, 1)[1]), read(path.read_text())
    for name in ITS_OWN:
        shown.pop(name, None)
    if has_telegram(path):
        # What it keeps to itself: there are values in the places of ours.
        if places(shown["telegram"])[:2] != ["REDACTED", "REDACTED"]:
            return f"show-config has no secrets: {shown['telegram']}"
        for telegram in [wrote["telegram"], shown["telegram"]]:
            for name in ["token", "chat_id", "authorized_users"]:
                telegram.pop(name, None)
    return None if typed(shown) == typed(wrote) else f"show-config reads something else: {shown} of {wrote}"


def places(telegram):
    return [telegram.get(name) for name in ["token", "chat_id", "authorized_users"]]


def typed(value):
    """1 is not true, however Python sees it."""
    if isinstance(value, dict):
        return {name: typed(inner) for name, inner in value.items()}
    return [typed(inner) for inner in value] if isinstance(value, list) else (isinstance(value, bool), value)


def controls(good, userdir):
    """It refuses what it has to refuse, so that its consent is worth something."""
    for name, value in BROKEN:
        if refusal(broken(good, name, value)) is None:
            yield f"freqtrade takes a file that is broken: {name} is {value}"
    path = userdir / "broken.json"
    for name, value in BROKEN_FOR_SHOW:
        path.write_text(json.dumps(broken(good, name, value)))
        if SUCCESS in show_config(path, userdir)[0]:
            yield f"show-config takes a file that is broken: {name} is {value}"


def broken(good, name, value):
    rest = {key: kept for key, kept in good.items() if key != name}
    return rest if value is None else rest | {name: value}


def main(directory, seed):
    files = Path(directory)
    userdir = files / "user_data"
    userdir.mkdir()
    exported = sorted(files.glob("*.json"))
    set_secrets(os.environ, True)
    # It is long about what it refuses, and of that the reason is kept.
    logging.disable()
    good = loaded(exported[0])
    found = list(controls(good, userdir))
    for path in exported:
        config = loaded(path)
        if has_telegram(path) and places(config["telegram"]) != READ:
            found.append(f"{path.name}: the variables are not read: {config['telegram']}")
        against = refusal(config) or no_start(path, userdir) or misread(path, *show_config(path, userdir))
        found.extend([f"{path.name}: {against}\n{path.read_text()}"] if against else [])
    forbidden = [json.loads(path.read_text()) for path in sorted((files / "forbidden").iterdir())]
    for one in forbidden:
        against = refusal(laid_over(deepcopy(good), one["change"]))
        found.extend([f"freqtrade itself refuses {one['pointer']}: {against}"] if against else [])
    started = by_the_program(exported, userdir, seed, found)
    for one in found:
        print(f"interop: {one}", file=sys.stderr)
    print(f"freqtrade takes all {len(exported)} exports, validated, started as far as it goes without a network, and "
          f"shown by show-config, {started} of them by the installed program, and all {len(forbidden)} forbidden keys")
    sys.exit(1 if found else 0)


def by_the_program(exported, userdir, seed, found):
    """As many as there is time for, of all kinds."""
    program = str(Path(sys.executable).with_name("freqtrade"))
    chosen = random.Random(seed).sample(exported, len(exported))
    until, started = time.monotonic() + PROGRAM_SECONDS, 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while chosen and (started < PROGRAM_LEAST or time.monotonic() < until):
            paths = [chosen.pop() for _ in range(min(AT_ONCE, len(chosen)))]
            for path, answer in zip(paths, pool.map(lambda path: run_program(program, path, userdir), paths)):
                started += 1
                against = misread(path, *answer)
                found.extend([f"{path.name}: the program: {against}"] if against else [])
    return started


main(*sys.argv[1:])
