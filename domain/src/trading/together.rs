//! Several curves as if they were one: what all sessions of somebody were worth together.
//!
//! A session that begins brings its capital along, and one that ends takes what it is worth away: both are flows, and
//! neither gain nor loss. Between two of its points a session is worth what it was at the first of them.

use super::exact::{self, Inexact};
use super::performance::EquityPoint;
use crate::Timestamp;
use rust_decimal::Decimal;

/// The curve of one session, and when it ended, if it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Course {
    pub curve: Vec<EquityPoint>,
    pub ended_at: Option<Timestamp>,
}

/// When, to which of them, and its equity and flow there; nothing, where it ends.
type Step = (Timestamp, usize, Option<(Decimal, Decimal)>);

/// One point wherever one of them has one. Each of them is in the order of time.
pub fn together(courses: &[Course]) -> Result<Vec<EquityPoint>, Inexact> {
    let mut steps: Vec<Step> = Vec::new();
    for (index, course) in courses.iter().enumerate() {
        for (at, point) in course.curve.iter().enumerate() {
            // The first point of a session is its beginning, which comes from outside.
            let flow = if at == 0 { point.equity } else { point.flow };
            steps.push((point.at, index, Some((point.equity, flow))));
        }
        let last = course.curve.last().map(|last| last.at);
        // Nothing happens to it after its end, whatever the clocks say.
        let ended = course.ended_at.zip(last).map(|(ended, last)| ended.max(last));
        steps.extend(ended.map(|at| (at, index, None)));
    }
    // Stable, so that what happened to one session stays in its order.
    steps.sort_by_key(|(at, ..)| *at);
    let mut worth = vec![Decimal::ZERO; courses.len()];
    let mut whole = Decimal::ZERO;
    let mut curve = Vec::with_capacity(steps.len());
    for (at, index, step) in steps {
        let Some(before) = worth.get_mut(index) else { continue };
        let (equity, flow) = step.unwrap_or((Decimal::ZERO, -*before));
        whole = exact::sum([whole, equity, -*before])?;
        *before = equity;
        curve.push(EquityPoint { at, equity: whole, flow });
    }
    Ok(curve)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trading::performance::Performance;

    fn course(points: &[(i64, i64, i64)], ended_at: Option<i64>) -> Course {
        let at = |seconds| Timestamp::from_micros(seconds * 1_000_000);
        let point = |(second, equity, flow): &(i64, i64, i64)| EquityPoint {
            at: at(*second),
            equity: Decimal::from(*equity),
            flow: Decimal::from(*flow),
        };
        Course { curve: points.iter().map(point).collect(), ended_at: ended_at.map(at) }
    }

    fn told(courses: &[Course]) -> Vec<(i64, String, String)> {
        let curve = together(courses).unwrap();
        curve.iter().map(|p| (p.at.as_seconds(), p.equity.to_string(), p.flow.to_string())).collect()
    }

    fn point(at: i64, equity: i64, flow: i64) -> (i64, String, String) {
        (at, equity.to_string(), flow.to_string())
    }

    #[test]
    fn one_curve_stays_what_it_is() {
        let one = course(&[(0, 100, 0), (1, 150, 20)], None);
        assert_eq!(told(&[one]), [point(0, 100, 100), point(1, 150, 20)]);
        assert_eq!(told(&[]), []);
        assert_eq!(told(&[course(&[], Some(1))]), []);
    }

    #[test]
    fn what_begins_brings_money_and_what_ends_takes_it() {
        let first = course(&[(0, 100, 0), (2, 110, 0)], Some(3));
        let second = course(&[(1, 50, 0), (4, 55, 0)], None);
        let expected =
            [point(0, 100, 100), point(1, 150, 50), point(2, 160, 0), point(3, 50, -110), point(4, 55, 0)];
        assert_eq!(told(&[first.clone(), second.clone()]), expected);
        let figures = Performance::of(&together(&[first, second]).unwrap(), &[], Decimal::ZERO);
        assert_eq!(figures.profit, Some(Decimal::from(15)));
        assert_eq!(figures.net_flow, Some(Decimal::from(-60)));
        // 160 of 150, then 55 of 50.
        assert_eq!(figures.total_return.unwrap().to_string(), "0.173333");
    }

    #[test]
    fn between_two_sessions_there_is_nothing_to_gain_or_lose() {
        let first = course(&[(0, 100, 0), (1, 90, 0)], Some(1));
        let second = course(&[(9, 1_000, 0), (10, 1_100, 0)], Some(10));
        let curve = together(&[first, second]).unwrap();
        assert_eq!(curve.last().unwrap().equity, Decimal::ZERO);
        let figures = Performance::of(&curve, &[], Decimal::ZERO);
        assert_eq!(figures.total_return.unwrap().to_string(), "-0.01");
        assert_eq!(figures.profit, Some(Decimal::from(90)));
    }
}
