//! Requests counted and timed by route.
//!
//! The handles of a route are looked up in the registry once, when it is first used, and then only incremented. What
//! matches no route is counted under one name, so a scanner cannot make the metrics grow.

use axum::http::{Method, StatusCode};
use metrics::{Counter, Histogram};
use std::sync::OnceLock;
use std::time::Duration;

const UNKNOWN_ROUTE: &str = "other";
const METHODS: [&str; 6] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"];
const UNKNOWN_METHOD: &str = "other";
/// Every status an answer can have: 100 to 599.
const STATUSES: usize = 500;

#[derive(Debug)]
pub(super) struct Measures {
    routes: matchit::Router<RouteMeasures>,
    unknown: RouteMeasures,
}

impl Measures {
    pub(super) fn new(patterns: impl IntoIterator<Item = String>) -> Self {
        let mut routes = matchit::Router::new();
        for pattern in patterns {
            // A pattern the router took, this one takes: they are the same crate. One that is there twice stays once.
            let _ = routes.insert(pattern.clone(), RouteMeasures::new(pattern));
        }
        Self { routes, unknown: RouteMeasures::new(UNKNOWN_ROUTE.to_owned()) }
    }

    pub(super) fn of(&self, path: &str) -> &RouteMeasures {
        self.routes.at(path).map_or(&self.unknown, |found| found.value)
    }
}

pub(super) struct RouteMeasures {
    route: String,
    duration: OnceLock<Histogram>,
    requests: [MethodMeasures; METHODS.len() + 1],
}

impl std::fmt::Debug for RouteMeasures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RouteMeasures").field("route", &self.route).finish_non_exhaustive()
    }
}

/// The counters of one method by status: made when the first request of that method comes.
type MethodMeasures = OnceLock<Box<[OnceLock<Counter>]>>;

impl RouteMeasures {
    fn new(route: String) -> Self {
        Self { route, duration: OnceLock::new(), requests: std::array::from_fn(|_| OnceLock::new()) }
    }

    pub(super) fn route(&self) -> &str {
        &self.route
    }

    pub(super) fn count(&self, method: &Method, status: StatusCode, took: Duration) {
        self.duration
            .get_or_init(
                || metrics::histogram!("counterfoil_http_duration_seconds", "route" => self.route.clone()),
            )
            .record(took.as_secs_f64());
        if let Some(counter) = self.counter(method, status) {
            counter.increment(1);
        }
    }

    fn counter(&self, method: &Method, status: StatusCode) -> Option<&Counter> {
        let known = METHODS.iter().position(|known| *known == method.as_str());
        let of_method = self.requests.get(known.unwrap_or(METHODS.len()))?;
        let by_status = of_method.get_or_init(|| (0..STATUSES).map(|_| OnceLock::new()).collect());
        let counter = by_status.get(usize::from(status.as_u16()).checked_sub(100)?)?;
        Some(counter.get_or_init(|| {
            metrics::counter!(
                "counterfoil_http_requests_total",
                "route" => self.route.clone(),
                "method" => known.and_then(|at| METHODS.get(at).copied()).unwrap_or(UNKNOWN_METHOD),
                "status" => status.as_str().to_owned(),
            )
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_counted_under_its_pattern() {
        let patterns = ["/wallets/{id}", "/wallets/{id}/deposit", "/health"].map(str::to_owned);
        let measures = Measures::new(patterns);
        assert_eq!(measures.of("/wallets/7/deposit").route(), "/wallets/{id}/deposit");
        assert_eq!(measures.of("/wallets/7").route(), "/wallets/{id}");
        assert_eq!(measures.of("/wp-admin").route(), UNKNOWN_ROUTE);
    }

    #[test]
    fn methods_nobody_knows_share_a_counter() {
        let measures = RouteMeasures::new("/".to_owned());
        let brew = Method::from_bytes(b"BREW").unwrap();
        assert!(measures.counter(&brew, StatusCode::METHOD_NOT_ALLOWED).is_some());
        assert!(measures.counter(&Method::GET, StatusCode::OK).is_some());
    }
}
