"""The figures of a session, ours and freqtrade's, of the same random curves and trades.

Where freqtrade means something else by a figure, that is brought to one meaning here, and said at its place:
- What cannot be said is null for us; freqtrade has numbers for it (-100, 0, 100).
- Sharpe divides by the standard deviation of a sample for us, of a population for freqtrade.
- Calmar is the yearly return by the deepest drawdown for us. freqtrade's own has other units and another drawdown (the
  largest in money), so ours is put together from its yearly return and its drawdown.
- freqtrade knows no money that comes and goes. Of each curve with flows it gets the same without, and has to come to the
  same figures: money that comes in is no gain.
"""

import json
import math
import os
import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext

import numpy
import pandas
from freqtrade.data import metrics
from freqtrade.optimize.optimize_reports import generate_pair_metrics

CURVES = int(os.environ.get("INTEROP_CURVES", "200"))
SEED = int(os.environ.get("INTEROP_SEED", random.SystemRandom().randrange(10**9)))
# Ours are rounded to six decimals, an expectancy to eight; both sides compute in floats.
NEAR, RELATIVE = 1.5e-6, 1e-9
# What fits into a decimal of 96 bits.
LARGEST = 2.0**96
# So that floats are the only difference between a curve with flows and the one without.
DECIMALS = Decimal("1e-15")
SENTINEL = -100.0

SHAPES = ["walk", "walk", "walk", "flows", "flows", "flows", "rising", "flat", "short", "one point"]


def text(number):
    return format(number.quantize(DECIMALS).normalize(), "f")


def moments(chance, count):
    """Snapshots come at an interval or with trades; now and then there are none for days."""
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=chance.randrange(86_400 * 3))
    typical = chance.choice([600, 3_600, 20_000, 86_400])
    for _ in range(count):
        yield now
        pause = typical if chance.random() < 0.6 else chance.randrange(1, typical * 2)
        now += timedelta(seconds=pause + (86_400 * chance.randrange(1, 6) if chance.random() < 0.02 else 0),
                         microseconds=chance.randrange(1_000_000))


def gain(chance, shape):
    if shape == "flat" or chance.random() < 0.05:
        return Decimal(1)
    change = chance.gauss(0.0005, chance.choice([0.003, 0.02]))
    return Decimal(1 + (abs(change) if shape == "rising" else max(change, -0.5))).quantize(Decimal("1e-9"))


def a_curve(chance, shape):
    """Points with flows, and equity as it would have been without."""
    count = {"one point": 1, "short": chance.randrange(2, 5)}.get(shape, chance.randrange(5, 400))
    equity = alone = Decimal(chance.randrange(100, 1_000_000_00)) / 100
    points, without = [], []
    for index, at in enumerate(moments(chance, count)):
        # That of the first point is what the session began with, and has to be left alone.
        flow = Decimal(0) if index else alone
        if index:
            factor = gain(chance, shape)
            equity, alone = (equity * factor).quantize(DECIMALS), (alone * factor).quantize(DECIMALS)
            if shape == "flows" and chance.random() < 0.1 and equity < 10**9:
                flow = (equity * Decimal(chance.uniform(-0.6, 1.5))).quantize(Decimal("1e-8"))
            equity += flow
        points.append({"at": at.isoformat(), "equity": text(equity), "flow": text(flow)})
        without.append((at, alone))
    return points, without


def some_trades(chance):
    bias = chance.choice([0, 0, 0, 50, -50])
    pnls = [chance.choice([chance.gauss(bias / 10, 40), chance.gauss(bias, 5), 0]) for _ in range(chance.randrange(60))]
    if bias and chance.random() < 0.5:
        pnls = [math.copysign(pnl, bias) for pnl in pnls]
    return [{"pnl": text(Decimal(pnl).quantize(Decimal("1e-8")))} for pnl in pnls]


def or_none(value, *sentinels):
    return None if value in sentinels or not math.isfinite(value) else float(value)


def theirs_of_curve(without):
    wallet = pandas.DataFrame({"date": [at for at, _ in without], "total_quote": [float(e) for _, e in without]})
    opening, closing = wallet["total_quote"].iloc[0], wallet["total_quote"].iloc[-1]
    days = (without[-1][0] - without[0][0]) / timedelta(days=1)
    figures = {"total_return": metrics.calculate_cagr(365, opening, closing)}
    # Of less than a day we tell no year.
    yearly = metrics.calculate_cagr(days, opening, closing) if days >= 1 else None
    figures["annual_return"] = yearly if yearly is None or yearly < LARGEST else None
    figures["daily_returns"] = wallet["date"].dt.floor("D").nunique() - 1
    if len(wallet) == 1:
        # Theirs raises an error; for us a session that just began has not lost anything.
        figures["max_drawdown"] = figures["current_drawdown"] = 0.0
    else:
        fall = metrics.calculate_max_drawdown_from_balance(wallet, relative=True)
        figures["max_drawdown"] = fall.relative_account_drawdown
        figures["current_drawdown"] = fall.current_relative_account_drawdown
    deepest = figures["max_drawdown"]
    calmar = yearly / deepest if yearly is not None and deepest > 0 else None
    figures["calmar"] = calmar if calmar is None or calmar < LARGEST else None
    # Zero, where there are no returns at all.
    empty = [0.0] if figures["daily_returns"] == 0 else []
    sharpe = or_none(metrics.calculate_sharpe_from_balance(wallet), SENTINEL, *empty)
    count = figures["daily_returns"]
    figures["sharpe"] = None if sharpe is None else sharpe * math.sqrt((count - 1) / count)
    figures["sortino"] = or_none(metrics.calculate_sortino_from_balance(wallet), SENTINEL, *empty)
    return figures


def theirs_of_trades(trades):
    pnls = numpy.array([float(trade["pnl"]) for trade in trades], dtype=float)
    closed = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=index) for index in range(len(pnls))]
    frame = pandas.DataFrame({"pair": "A/B", "profit_abs": pnls, "profit_ratio": pnls / 1e9, "trade_duration": 1,
                              "close_date": pandas.to_datetime(closed, utc=True)})
    first, last = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    line = generate_pair_metrics([], "B", 1e9, frame, first, last)[-1]
    figures = {"trades": line["trades"], "wins": line["wins"], "losses": line["losses"]}
    figures["win_rate"] = line["winrate"] if len(pnls) else None
    figures["expectancy"] = line["expectancy"] if len(pnls) else None
    # Theirs are 0 and 100, where nothing was lost.
    lost = line["losses"] > 0
    figures["profit_factor"] = line["profit_factor"] if lost else None
    figures["expectancy_ratio"] = line["expectancy_ratio"] if lost else None
    return figures


def money_of(points):
    """No figures of freqtrade's: exact sums, so that what flowed is neither lost nor counted twice."""
    with localcontext() as context:
        context.prec = 60
        opening, closing = Decimal(points[0]["equity"]), Decimal(points[-1]["equity"])
        flow = sum((Decimal(point["flow"]) for point in points[1:]), Decimal(0))
        return {"net_flow": flow, "profit": closing - opening - flow}


def agree(ours, theirs):
    if ours is None or theirs is None:
        return ours is None and theirs is None
    if isinstance(theirs, Decimal):
        return Decimal(ours) == theirs
    return math.isclose(float(ours), theirs, rel_tol=RELATIVE, abs_tol=NEAR)


def main(program):
    sessions, without, shapes = [], [], []
    for index in range(CURVES):
        chance = random.Random(f"{SEED}/{index}")
        shape = SHAPES[index % len(SHAPES)]
        points, alone = a_curve(chance, shape)
        sessions.append({"curve": points, "trades": some_trades(chance), "fees": "0"})
        without.append(alone)
        shapes.append(shape)
    answer = subprocess.run([program], input=json.dumps(sessions).encode(), stdout=subprocess.PIPE, check=True).stdout
    all_ours = json.loads(answer)
    assert len(all_ours) == CURVES > 0, "not every session was answered"

    compared, undefined, differ = {}, {}, 0
    for index, (session, ours) in enumerate(zip(sessions, all_ours)):
        theirs = theirs_of_curve(without[index]) | theirs_of_trades(session["trades"]) | money_of(session["curve"])
        for name, value in theirs.items():
            compared[name] = compared.get(name, 0) + 1
            undefined[name] = undefined.get(name, 0) + (value is None)
            if not agree(ours[name], value):
                differ += 1
                print(f"interop: curve {index} ({shapes[index]}): {name} is {ours[name]} for us, {value} for them")
    for name, count in compared.items():
        print(f"  {name:<18}{count - undefined[name]:>6} with a value,{undefined[name]:>5} undefined on both sides")
    print(f"interop: {CURVES} sessions with {sum(map(len, without))} points, seed {SEED}: {differ} figures differ")
    if differ:
        sys.exit(f"interop: INTEROP_SEED={SEED} INTEROP_CURVES={CURVES} make interop shows them again")


main(sys.argv[1])
