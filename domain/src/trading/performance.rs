//! How a session has done: statistics of its equity, and of the trades that closed.
//!
//! Money that comes in or goes out is no gain and no loss. So equity is counted in shares, as a fund does it: what comes in
//! buys shares at the price of the moment, and their price moves by gains alone (the time-weighted return). Returns and
//! drawdowns are those of the price. What cannot be said is `None`: a ratio over nothing, a year told from an hour.
//! Money is exact; the rest is statistics, made in floats and rounded once, at the end.

use super::exact::{self, to_f64};
use crate::Timestamp;
use rust_decimal::Decimal;
use rust_decimal::prelude::FromPrimitive;
use serde::{Deserialize, Serialize};

/// Of a share or a ratio, as drawdowns have them where a session is halted.
pub const STATISTIC_DECIMALS: u32 = 6;
const DAY_S: i64 = 86_400;
/// These markets know no weekend.
const YEAR_DAYS: f64 = 365.0;
/// What differs by less than this does so by the rounding of floats.
const NOISE: f64 = 1e-12;

/// What a session was worth at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EquityPoint {
    pub at: Timestamp,
    pub equity: Decimal,
    /// What came in since the point before, or went out, if it is below zero: just before this point, and part of its
    /// equity. That of the first point is the beginning, and no flow.
    pub flow: Decimal,
}

/// A trade that took a profit or a loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosedTrade {
    /// After fees.
    pub pnl: Decimal,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Performance {
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub opening_equity: Option<Decimal>,
    pub closing_equity: Option<Decimal>,
    pub net_flow: Option<Decimal>,
    /// `closing_equity - opening_equity - net_flow`.
    pub profit: Option<Decimal>,
    pub fees: Decimal,
    pub total_return: Option<Decimal>,
    /// What a year of the same would return, from one day on.
    pub annual_return: Option<Decimal>,
    /// The furthest that the price of a share was ever below its highest before, as a share of that.
    pub max_drawdown: Option<Decimal>,
    pub current_drawdown: Option<Decimal>,
    /// How many returns the next two rest on: from the last point of a day (in UTC) that has one to that of the next.
    pub daily_returns: usize,
    /// Mean by standard deviation of a sample, times √365.
    pub sharpe: Option<Decimal>,
    /// Mean by standard deviation of all that are below zero, times √365.
    pub sortino: Option<Decimal>,
    /// `annual_return` by `max_drawdown`.
    pub calmar: Option<Decimal>,
    pub trades: usize,
    pub wins: usize,
    pub losses: usize,
    /// A trade that came to nothing is not won.
    pub win_rate: Option<Decimal>,
    /// All that was won by all that was lost.
    pub profit_factor: Option<Decimal>,
    /// What a trade brings on average, in money.
    pub expectancy: Option<Decimal>,
    /// `(1 + average win / average loss) * win_rate - 1`.
    pub expectancy_ratio: Option<Decimal>,
}

impl Performance {
    /// Of points in the order of time, of trades, and of all that was paid in fees, also for what is still held.
    pub fn of(curve: &[EquityPoint], trades: &[ClosedTrade], fees: Decimal) -> Self {
        let (opening, closing) = (curve.first(), curve.last());
        let net_flow = opening.and_then(|_| exact::sum(curve.iter().skip(1).map(|point| point.flow)).ok());
        let profit = opening
            .zip(closing)
            .zip(net_flow)
            .and_then(|((opening, closing), flow)| exact::sum([closing.equity, -opening.equity, -flow]).ok());
        let growth = Growth::of(curve).unwrap_or_default();
        let outcomes = Outcomes::of(trades);
        Self {
            from: opening.map(|point| point.at),
            until: closing.map(|point| point.at),
            opening_equity: opening.map(|point| point.equity),
            closing_equity: closing.map(|point| point.equity),
            net_flow,
            profit,
            fees,
            total_return: growth.total.and_then(statistic),
            annual_return: growth.annual.and_then(statistic),
            max_drawdown: growth.max_drawdown.and_then(statistic),
            current_drawdown: growth.current_drawdown.and_then(statistic),
            daily_returns: growth.daily.len(),
            sharpe: sharpe(&growth.daily).and_then(statistic),
            sortino: sortino(&growth.daily).and_then(statistic),
            calmar: growth.calmar().and_then(statistic),
            trades: trades.len(),
            wins: outcomes.wins,
            losses: outcomes.losses,
            win_rate: outcomes.win_rate().and_then(statistic),
            profit_factor: outcomes.profit_factor().and_then(statistic),
            expectancy: outcomes.expectancy(),
            expectancy_ratio: outcomes.expectancy_ratio().and_then(statistic),
        }
    }
}

/// Nothing of what is not a number, or too large for one.
fn statistic(value: f64) -> Option<Decimal> {
    Decimal::from_f64(value).map(|value| exact::round_to(value, STATISTIC_DECIMALS))
}

fn number(count: usize) -> f64 {
    to_f64(Decimal::from(count))
}

/// What the price of a share did.
#[derive(Default)]
struct Growth {
    total: Option<f64>,
    annual: Option<f64>,
    max_drawdown: Option<f64>,
    current_drawdown: Option<f64>,
    daily: Vec<f64>,
}

impl Growth {
    fn of(curve: &[EquityPoint]) -> Option<Self> {
        let (opening, closing) = (curve.first()?, curve.last()?);
        let prices = share_prices(curve)?;
        let last = *prices.last()?;
        let days = closing.at.since(opening.at).as_secs_f64() / exact::to_f64(Decimal::from(DAY_S));
        let (mut highest, mut max_drawdown, mut current_drawdown) = (0.0_f64, 0.0_f64, 0.0);
        for price in &prices {
            highest = highest.max(*price);
            current_drawdown = 1.0 - price / highest;
            max_drawdown = max_drawdown.max(current_drawdown);
        }
        Some(Self {
            total: Some(last - 1.0),
            annual: (days >= 1.0).then(|| last.powf(YEAR_DAYS / days) - 1.0),
            max_drawdown: Some(max_drawdown),
            current_drawdown: Some(current_drawdown),
            daily: daily_returns(curve, &prices),
        })
    }

    fn calmar(&self) -> Option<f64> {
        let drawdown = self.max_drawdown.filter(|drawdown| *drawdown > NOISE)?;
        self.annual.map(|annual| annual / drawdown)
    }
}

/// What a share is worth at each point; 1 at the first. Nothing of a curve that no flows and prices explain.
fn share_prices(curve: &[EquityPoint]) -> Option<Vec<f64>> {
    if curve.iter().all(|point| point.equity.is_zero()) {
        return None;
    }
    let mut price = 1.0;
    let mut shares = to_f64(curve.first()?.equity);
    let mut prices = Vec::with_capacity(curve.len());
    for (index, point) in curve.iter().enumerate() {
        let flow = if index == 0 { Decimal::ZERO } else { point.flow };
        let before = exact::sub(point.equity, flow).ok()?;
        if before < Decimal::ZERO || point.equity < Decimal::ZERO {
            return None;
        }
        if shares > 0.0 {
            price = to_f64(before) / shares;
        } else if !before.is_zero() {
            // Who holds nothing cannot gain.
            return None;
        }
        if !flow.is_zero() {
            // Where all was lost, money buys shares without end, and they stay worth nothing: no flow undoes a loss.
            shares = to_f64(point.equity) / price;
        }
        prices.push(price);
    }
    prices.iter().all(|price| price.is_finite()).then_some(prices)
}

fn daily_returns(curve: &[EquityPoint], prices: &[f64]) -> Vec<f64> {
    let day = |point: &EquityPoint| point.at.as_seconds().div_euclid(DAY_S);
    let mut closes: Vec<(i64, f64)> = Vec::new();
    for (point, price) in curve.iter().zip(prices) {
        match closes.last_mut() {
            Some(close) if close.0 == day(point) => close.1 = *price,
            _ => closes.push((day(point), *price)),
        }
    }
    let pairs = closes.iter().zip(closes.iter().skip(1));
    // After a day that ended with nothing there is nothing to return.
    pairs.filter(|(before, _)| before.1 > 0.0).map(|(before, after)| after.1 / before.1 - 1.0).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / number(values.len())
}

/// With `freedom` less than there are values, of all of which the mean is known. Nothing, where they do not differ.
fn deviation(values: &[f64], freedom: usize) -> Option<f64> {
    let mean = mean(values);
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let count = values.len().checked_sub(freedom).filter(|count| *count > 0)?;
    Some((squares / number(count)).sqrt()).filter(|deviation| *deviation > NOISE)
}

fn sharpe(daily: &[f64]) -> Option<f64> {
    deviation(daily, 1).map(|deviation| mean(daily) / deviation * YEAR_DAYS.sqrt())
}

fn sortino(daily: &[f64]) -> Option<f64> {
    // A day on which money moved and prices did not is no loss, however its share was rounded.
    let losses: Vec<f64> = daily.iter().copied().filter(|value| *value < -NOISE).collect();
    deviation(&losses, 0).map(|deviation| mean(daily) / deviation * YEAR_DAYS.sqrt())
}

/// What the trades came to.
struct Outcomes {
    trades: usize,
    wins: usize,
    losses: usize,
    won: Option<Decimal>,
    lost: Option<Decimal>,
}

impl Outcomes {
    fn of(trades: &[ClosedTrade]) -> Self {
        let won = trades.iter().map(|trade| trade.pnl).filter(|pnl| *pnl > Decimal::ZERO);
        let lost = trades.iter().map(|trade| -trade.pnl).filter(|loss| *loss > Decimal::ZERO);
        Self {
            trades: trades.len(),
            wins: won.clone().count(),
            losses: lost.clone().count(),
            won: exact::sum(won).ok(),
            lost: exact::sum(lost).ok(),
        }
    }

    fn win_rate(&self) -> Option<f64> {
        (self.trades > 0).then(|| number(self.wins) / number(self.trades))
    }

    fn profit_factor(&self) -> Option<f64> {
        let lost = self.lost.filter(|lost| !lost.is_zero())?;
        self.won.map(|won| to_f64(won) / to_f64(lost))
    }

    fn expectancy(&self) -> Option<Decimal> {
        let made = exact::sub(self.won?, self.lost?).ok()?;
        made.checked_div(Decimal::from(self.trades)).map(|each| exact::round_to(each, exact::DECIMALS))
    }

    /// With the averages written out; so it is also right where nothing was won.
    fn expectancy_ratio(&self) -> Option<f64> {
        let weighed = self.profit_factor()? * number(self.losses) + number(self.wins);
        Some(weighed / number(self.trades) - 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    const HOUR: i64 = 3_600_000_000;

    fn d(text: &str) -> Decimal {
        Decimal::from_str_exact(text).unwrap()
    }

    fn curve(hours: i64, points: &[(&str, &str)]) -> Vec<EquityPoint> {
        let points = points.iter().zip(0..);
        let point = |((equity, flow), index): (&(&str, &str), i64)| EquityPoint {
            at: Timestamp::from_micros(index * hours * HOUR),
            equity: d(equity),
            flow: d(flow),
        };
        points.map(point).collect()
    }

    fn daily(equities: &[&str]) -> Vec<EquityPoint> {
        curve(24, &equities.iter().map(|equity| (*equity, "0")).collect::<Vec<_>>())
    }

    fn of(curve: &[EquityPoint]) -> Performance {
        Performance::of(curve, &[], Decimal::ZERO)
    }

    fn of_trades(pnls: &[&str]) -> Performance {
        let trades: Vec<_> = pnls.iter().map(|pnl| ClosedTrade { pnl: d(pnl) }).collect();
        Performance::of(&[], &trades, Decimal::ZERO)
    }

    fn some(text: &str) -> Option<Decimal> {
        Decimal::from_str_exact(text).ok()
    }

    #[test]
    fn figures_are_those_that_others_compute() {
        let done = of(&daily(&["1000", "1100", "990", "940.5", "1034.55", "1003.5"]));
        assert_eq!(done.total_return, some("0.0035"));
        assert_eq!(done.annual_return, some("0.290531"));
        assert_eq!(done.max_drawdown, some("0.145"));
        assert_eq!(done.current_drawdown, some("0.087727"));
        assert_eq!(done.daily_returns, 5);
        assert_eq!(done.sharpe, some("0.836748"));
        assert_eq!(done.sortino, some("2.594552"));
        assert_eq!(done.calmar, some("2.003663"));
        assert_eq!(done.profit, some("3.5"));
    }

    #[test]
    fn money_that_comes_in_is_no_gain_and_money_that_goes_out_no_loss() {
        let alone = of(&daily(&["1000", "1100", "990", "1188"]));
        let moved = [("1000", "0"), ("2100", "1000"), ("945", "-945"), ("1134", "0")];
        let moved = of(&curve(24, &moved));
        assert_eq!(moved.total_return, some("0.188"));
        assert_eq!(moved.net_flow, some("55"));
        assert_eq!(moved.profit, some("79"));
        let returns = |done: &Performance| {
            (done.total_return, done.annual_return, done.max_drawdown, done.sharpe, done.sortino)
        };
        assert_eq!(returns(&moved), returns(&alone));
    }

    #[test]
    fn a_session_that_was_emptied_goes_on_where_it_was() {
        let done = of(&curve(24, &[("100", "0"), ("0", "-110"), ("0", "0"), ("50", "50"), ("60", "0")]));
        assert_eq!(done.total_return, some("0.32"));
        assert_eq!(done.max_drawdown, some("0"));
        assert_eq!(done.profit, some("20"));
    }

    #[test]
    fn no_flow_undoes_the_loss_of_everything() {
        let done = of(&curve(24, &[("100", "0"), ("0", "0"), ("500", "500"), ("600", "0")]));
        assert_eq!(done.total_return, some("-1"));
        assert_eq!(done.max_drawdown, some("1"));
        assert_eq!(done.current_drawdown, some("1"));
        assert_eq!(done.daily_returns, 1);
    }

    #[test]
    fn a_session_begins_with_the_first_money_that_is_put_in() {
        let done = of(&curve(24, &[("0", "0"), ("100", "100"), ("110", "0")]));
        assert_eq!(done.total_return, some("0.1"));
        assert_eq!(done.profit, some("10"));
    }

    #[test]
    fn the_first_point_has_nothing_before_it() {
        let done = of(&curve(24, &[("100", "100"), ("110", "0")]));
        assert_eq!((done.net_flow, done.profit, done.total_return), (some("0"), some("10"), some("0.1")));
    }

    #[test]
    fn a_days_return_is_from_its_last_point_to_that_of_the_next() {
        let hours = ["100", "150", "100", "110", "70", "121"].map(|equity| (equity, "0"));
        let done = of(&curve(10, &hours));
        // 100 at 20:00 of the first day, 70 at 16:00 of the second, 121 at 02:00 of the third.
        assert_eq!(done.daily_returns, 2);
        let days = of(&daily(&["100", "70", "121"]));
        assert_eq!(done.sharpe, days.sharpe);
        assert_eq!(done.max_drawdown, some("0.533333"));
    }

    #[test]
    fn nothing_is_said_of_nothing() {
        let none = Performance::of(&[], &[], Decimal::ZERO);
        let written = serde_json::to_value(&none).unwrap();
        let said = written.as_object().unwrap().iter().filter(|(_, value)| !value.is_null());
        let said: Vec<_> = said.map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(said, ["daily_returns=0", "fees=\"0\"", "losses=0", "trades=0", "wins=0"]);
    }

    #[test]
    fn what_a_short_or_quiet_session_cannot_tell_is_not_told() {
        let begun = of(&daily(&["100"]));
        assert_eq!((begun.total_return, begun.max_drawdown), (some("0"), some("0")));
        assert_eq!((begun.annual_return, begun.sharpe, begun.calmar), (None, None, None));
        let hour = of(&curve(1, &[("100", "0"), ("101", "0")]));
        assert_eq!((hour.total_return, hour.annual_return), (some("0.01"), None));
        let flat = of(&daily(&["100", "100", "100", "100"]));
        assert_eq!(
            (flat.annual_return, flat.sharpe, flat.sortino, flat.calmar),
            (some("0"), None, None, None)
        );
        let steady = of(&daily(&["100", "110", "121", "133.1", "146.41"]));
        assert_eq!((steady.daily_returns, steady.sharpe), (4, None));
        let rising = of(&daily(&["100", "101", "103", "104"]));
        assert!(rising.sharpe.is_some());
        assert_eq!((rising.sortino, rising.calmar), (None, None));
    }

    #[test]
    fn a_curve_that_explains_itself_by_nothing_has_no_returns() {
        for odd in [[("0", "0"), ("5", "0")], [("5", "0"), ("-1", "0")], [("5", "0"), ("5", "6")]] {
            let done = of(&curve(24, &odd));
            assert_eq!(
                (done.total_return, done.max_drawdown, done.daily_returns),
                (None, None, 0),
                "{odd:?}"
            );
        }
    }

    #[test]
    fn trades_are_counted_and_weighed() {
        let done = of_trades(&["10", "-4", "0", "6", "-6"]);
        assert_eq!((done.trades, done.wins, done.losses), (5, 2, 2));
        assert_eq!(done.win_rate, some("0.4"));
        assert_eq!(done.profit_factor, some("1.6"));
        assert_eq!(done.expectancy, some("1.2"));
        assert_eq!(done.expectancy_ratio, some("0.04"));
    }

    #[test]
    fn without_a_loss_there_is_nothing_to_weigh_wins_by() {
        let won = of_trades(&["10", "0.00000001"]);
        assert_eq!((won.win_rate, won.expectancy), (some("1"), some("5")));
        assert_eq!((won.profit_factor, won.expectancy_ratio), (None, None));
        let lost = of_trades(&["-1", "-2"]);
        assert_eq!((lost.win_rate, lost.profit_factor), (some("0"), some("0")));
        assert_eq!(lost.expectancy_ratio, some("-1"));
    }

    #[test]
    fn numbers_are_written_as_text() {
        let written = serde_json::to_value(of(&daily(&["100", "110"]))).unwrap();
        assert_eq!(written["total_return"], "0.1");
        assert_eq!(written["closing_equity"], "110");
        assert_eq!(written["from"], "1970-01-01T00:00:00.000000Z");
        assert!(written["calmar"].is_null());
    }

    /// Everything that can be written as a decimal.
    fn anything() -> impl Strategy<Value = Decimal> {
        let sized = prop_oneof![-1000_i128..1000, -(1_i128 << 60)..1 << 60, -(1_i128 << 96) + 1..1 << 96];
        (sized, 0_u32..=28).prop_map(|(mantissa, scale)| Decimal::from_i128_with_scale(mantissa, scale))
    }

    fn any_point() -> impl Strategy<Value = EquityPoint> {
        let times = prop_oneof![any::<i64>(), 0..1000 * HOUR];
        let flows = prop_oneof![4 => Just(Decimal::ZERO), 1 => anything()];
        (times, anything(), flows).prop_map(|(at, equity, flow)| EquityPoint {
            at: Timestamp::from_micros(at),
            equity,
            flow,
        })
    }

    /// What happens day by day, in per cent: gain or loss, and what is then put in or taken out. Few enough, and small
    /// enough, that sixteen decimals can be kept.
    fn moves() -> impl Strategy<Value = Vec<(i64, i64)>> {
        let gains = prop_oneof![4 => 80_i64..=125, 1 => Just(100)];
        vec((gains, prop_oneof![2 => Just(0), 1 => -30_i64..=100]), 1..20)
    }

    fn close(left: Option<Decimal>, right: Option<Decimal>) -> bool {
        match (left.map(to_f64), right.map(to_f64)) {
            (Some(left), Some(right)) => (left - right).abs() <= 2e-6 * left.abs().max(1.0),
            (left, right) => left == right,
        }
    }

    proptest! {
        #[test]
        fn no_input_is_too_much_and_shares_are_shares(
            mut points in vec(any_point(), 0..12),
            pnls in vec(anything(), 0..12),
            positive in any::<bool>(),
        ) {
            if positive {
                for point in &mut points {
                    point.equity = point.equity.abs();
                }
            }
            let trades: Vec<_> = pnls.into_iter().map(|pnl| ClosedTrade { pnl }).collect();
            let done = Performance::of(&points, &trades, Decimal::ZERO);
            let share = Decimal::ZERO..=Decimal::ONE;
            for value in [done.max_drawdown, done.current_drawdown, done.win_rate].into_iter().flatten() {
                prop_assert!(share.contains(&value), "{value}");
            }
            prop_assert!(done.current_drawdown <= done.max_drawdown);
            prop_assert!(done.wins + done.losses <= done.trades);
            for value in [done.total_return, done.annual_return, done.expectancy_ratio].into_iter().flatten() {
                prop_assert!(value >= Decimal::NEGATIVE_ONE, "{value}");
            }
            prop_assert!(done.profit_factor.is_none_or(|factor| factor >= Decimal::ZERO));
        }

        #[test]
        fn flows_change_money_and_no_return(moves in moves()) {
            let (mut alone, mut moved) = (Decimal::from(1000), Decimal::from(1000));
            let at = |index: i64| Timestamp::from_micros(index * 24 * HOUR);
            let mut lone = vec![EquityPoint { at: at(0), equity: alone, flow: Decimal::ZERO }];
            let mut mixed = lone.clone();
            let mut put_in = Decimal::ZERO;
            for ((percent, flow), index) in moves.into_iter().zip(1..) {
                let gain = Decimal::new(percent, 2);
                alone = exact::round_to(alone * gain, 16);
                moved = exact::round_to(moved * gain, 16);
                let flow = exact::round_to(moved * Decimal::new(flow, 2), 16);
                moved += flow;
                put_in += flow;
                lone.push(EquityPoint { at: at(index), equity: alone, flow: Decimal::ZERO });
                mixed.push(EquityPoint { at: at(index), equity: moved, flow });
            }
            let (lone, mixed) = (of(&lone), of(&mixed));
            prop_assert!(close(lone.total_return, mixed.total_return));
            prop_assert!(close(lone.max_drawdown, mixed.max_drawdown));
            prop_assert!(close(lone.sharpe, mixed.sharpe), "{:?} {:?}", lone.sharpe, mixed.sharpe);
            prop_assert!(close(lone.sortino, mixed.sortino), "{:?} {:?}", lone.sortino, mixed.sortino);
            prop_assert_eq!(mixed.net_flow, Some(put_in.normalize()));
            let whole = mixed.opening_equity.unwrap() + mixed.net_flow.unwrap() + mixed.profit.unwrap();
            prop_assert_eq!(Some(whole), mixed.closing_equity);
        }
    }
}
