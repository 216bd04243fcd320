//! A long curve with fewer points that looks the same, and falls as far.
//!
//! Time is cut into spans, and a span where money came or went. Of each stay the first and the last point, the highest, the
//! lowest, and the one that was furthest below its highest: so the curve keeps its ends, its flows, and its drawdown.

use domain::Timestamp;
use rust_decimal::Decimal;
use std::collections::BTreeSet;

/// Points that may stay of one span.
const OF_A_SPAN: usize = 5;

#[derive(Clone, Copy, Debug)]
pub(super) struct Point {
    pub(super) position: i64,
    pub(super) at: Timestamp,
    pub(super) capital: Decimal,
    pub(super) equity: Decimal,
    pub(super) drawdown: Decimal,
}

#[derive(Clone, Copy)]
struct Span {
    number: i64,
    first: Point,
    last: Point,
    highest: Point,
    lowest: Point,
    furthest: Point,
}

/// Takes points in their order, and says which of them stay.
pub(super) struct Thinner {
    begins_at: Timestamp,
    span_micros: i64,
    open: Option<Span>,
    kept: BTreeSet<i64>,
}

impl Thinner {
    pub(super) fn new(begins_at: Timestamp, ends_at: Timestamp, points_max: usize) -> Self {
        let spans = i64::try_from((points_max / OF_A_SPAN).max(1)).unwrap_or(i64::MAX);
        let span_micros = (ends_at.as_micros() - begins_at.as_micros()) / spans + 1;
        Self { begins_at, span_micros: span_micros.max(1), open: None, kept: BTreeSet::new() }
    }

    pub(super) fn take(&mut self, point: Point) {
        let number = (point.at.as_micros() - self.begins_at.as_micros()).div_euclid(self.span_micros);
        match &mut self.open {
            Some(span) if span.number == number && span.last.capital == point.capital => {
                span.last = point;
                if point.equity > span.highest.equity {
                    span.highest = point;
                }
                if point.equity < span.lowest.equity {
                    span.lowest = point;
                }
                if point.drawdown > span.furthest.drawdown {
                    span.furthest = point;
                }
            }
            _ => {
                self.close();
                let [first, last, highest, lowest, furthest] = [point; OF_A_SPAN];
                self.open = Some(Span { number, first, last, highest, lowest, furthest });
            }
        }
    }

    fn close(&mut self) {
        if let Some(Span { first, last, highest, lowest, furthest, .. }) = self.open.take() {
            self.kept.extend([first, last, highest, lowest, furthest].map(|point| point.position));
        }
    }

    pub(super) fn finish(mut self) -> Vec<i64> {
        self.close();
        self.kept.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thinned(points: &[(i64, i64, i64)], points_max: usize) -> Vec<i64> {
        let mut highest = 0;
        let points: Vec<Point> = (1..)
            .zip(points)
            .map(|(position, (second, capital, equity))| {
                highest = highest.max(*equity);
                Point {
                    position,
                    at: Timestamp::from_micros(second * 1_000_000),
                    capital: Decimal::from(*capital),
                    equity: Decimal::from(*equity),
                    drawdown: Decimal::from(highest - equity) / Decimal::from(highest),
                }
            })
            .collect();
        let mut thinner = Thinner::new(points[0].at, points[points.len() - 1].at, points_max);
        for point in points {
            thinner.take(point);
        }
        thinner.finish()
    }

    #[test]
    fn the_ends_and_the_furthest_fall_stay() {
        let curve = [(0, 1, 10), (1, 1, 11), (2, 1, 40), (3, 1, 39), (4, 1, 20), (5, 1, 30), (6, 1, 29)];
        assert_eq!(thinned(&curve, 5), [1, 3, 5, 7]);
    }

    #[test]
    fn money_that_moves_stays_where_it_did() {
        let curve = [(0, 10, 10), (1, 10, 10), (2, 10, 10), (3, 20, 20), (4, 20, 20), (5, 20, 20)];
        assert_eq!(thinned(&curve, 5), [1, 3, 4, 6]);
    }

    #[test]
    fn a_long_curve_becomes_as_short_as_it_may_be() {
        let curve: Vec<_> = (0..10_000).map(|second| (second, 1, 100 + second * 7_919 % 101)).collect();
        let kept = thinned(&curve, 500);
        assert!(kept.len() <= 500 && kept.len() > 300, "{}", kept.len());
        assert_eq!((kept.first(), kept.last()), (Some(&1), Some(&10_000)));
    }
}
