//! The door: what happens around every request, whatever its route.
//!
//! ## Shape
//! One plain async function between hyper and the router; no stack of layers. It takes the `/api/v1` prefix off, finds out
//! who asks and names the request, answers browsers that ask whether they may ask, sends away who asks too often, bounds
//! the time, catches a panic, writes problems down in the language of whoever asked, sets the headers every answer has, and
//! counts.
//!
//! ## Correctness
//! Nothing leaves that is an error and not a problem: whoever made the answer, its body is written here.

mod client;
mod cors;
mod headers;
mod measures;
mod request_id;

pub(crate) use request_id::Arrival;

use crate::auth::{Locales, noting_who_asks};
use crate::limits::{Client, KeyMeter, Limits, Notice};
use crate::problem::{Code, Language, Problem, chosen};
use crate::settings::Edge;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{ACCEPT_LANGUAGE, CONTENT_LENGTH};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use client::Proxies;
use cors::Cors;
use domain::UserId;
use futures::FutureExt;
use measures::{Measures, RouteMeasures};
use std::convert::Infallible;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tower::Service;

/// Every route is served with and without it.
pub(crate) const PREFIX: &str = "/api/v1";
/// Longer than all that a handler waits for, one after the other: a body 10 s, the database twice 5 s, a password's
/// hash 3 s, a command 12 s.
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(36);

#[derive(Clone, Debug)]
pub(crate) struct Door {
    router: Router,
    frame: Arc<Frame>,
}

/// What is the same for every request.
#[derive(Debug)]
struct Frame {
    measures: Measures,
    proxies: Proxies,
    cors: Cors,
    limits: Arc<Limits>,
    /// Where users are known.
    locales: Option<Locales>,
}

impl Door {
    /// `patterns` are those of the router: the names requests are counted under.
    pub(crate) fn new(
        router: Router,
        patterns: impl IntoIterator<Item = String>,
        edge: Edge,
        locales: Option<Locales>,
    ) -> Self {
        let frame = Frame {
            measures: Measures::new(patterns),
            proxies: Proxies::new(edge.trusted_proxies),
            cors: Cors::new(&edge.cors_origins),
            limits: Arc::new(Limits::new(edge.rate_limit, edge.keys_a_minute)),
            locales,
        };
        Self { router, frame: Arc::new(frame) }
    }

    pub(crate) async fn handle(&self, mut request: Request, peer: IpAddr) -> Response {
        let started = Instant::now();
        let Frame { measures, proxies, cors, limits, .. } = &*self.frame;
        take_prefix_off(request.uri_mut());
        let method = request.method().clone();
        let client = proxies.client(peer, request.headers());
        let arrival = Arrival::new(request.headers(), client.address);
        let keys = KeyMeter::new(limits, client);
        request.extensions_mut().insert(arrival.clone());
        request.extensions_mut().insert(keys.clone());
        let path = request.uri().path();
        let measures = measures.of(path);
        let kind =
            headers::Kind { page: headers::page(path), https: proxies.is_https(peer, request.headers()) };
        let origin = cors.allowed(request.headers());
        // Not looked at unless there is a problem.
        let accepted = request.headers().get(ACCEPT_LANGUAGE).cloned();

        let ((mut response, notice), asker) = match cors.preflight(&method, request.headers()) {
            Some(allowed) => ((allowed, None), None),
            None => noting_who_asks(self.admit(request, client)).await,
        };
        if response.status().is_client_error() || response.status().is_server_error() {
            let problem = problem_of(&mut response);
            let language = self.language(accepted.as_ref(), asker, &problem).await;
            write_problem(&problem, &mut response, &arrival, (&method, measures), language);
        }
        let written = response.headers_mut();
        headers::set(written, &arrival.request_id, kind);
        cors.write(written, origin);
        for notice in [notice, keys.notice()].into_iter().flatten() {
            notice.write(written);
        }
        measures.count(&method, response.status(), started.elapsed());
        response
    }

    /// Who has asked too often is not asked for anything: not even for the rest of the request.
    async fn admit(&self, request: Request, client: Client) -> (Response, Option<Notice>) {
        let notice = self.frame.limits.count(request.method(), request.uri().path(), client);
        let response = match notice.and_then(|notice| notice.refused_for()) {
            Some(span) => Problem::of(Code::TooManyRequests).retry_after(span).into_response(),
            None => self.answer(request).await,
        };
        (response, notice)
    }

    /// What the request asks for, else what whoever sent it reads, else English.
    async fn language(
        &self,
        accepted: Option<&HeaderValue>,
        asker: Option<UserId>,
        problem: &Problem,
    ) -> Language {
        if let Some(language) = accepted.and_then(|value| chosen(value.to_str().ok()?)) {
            return language;
        }
        let (Some(locales), Some(asker)) = (&self.frame.locales, asker) else { return Language::default() };
        let read = if problem.status().is_server_error() {
            // Whatever is broken or busy is not asked once more.
            locales.remembered(asker)
        } else {
            locales.of(asker).await
        };
        read.unwrap_or_default()
    }

    async fn answer(&self, request: Request) -> Response {
        let mut router = self.router.clone();
        let answer = AssertUnwindSafe(router.call(request)).catch_unwind();
        match tokio::time::timeout(ANSWER_WITHIN, answer).await {
            Ok(Ok(answered)) => answered.unwrap_or_else(|never: Infallible| match never {}),
            Ok(Err(panic)) => Problem::internal(&panic_text(panic.as_ref())).into_response(),
            Err(_) => Problem::of(Code::TimedOut).because(&"no answer in time").into_response(),
        }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("a panic: {}", text.unwrap_or("without a message"))
}

fn take_prefix_off(uri: &mut Uri) {
    let Some(rest) = uri.path_and_query().and_then(|path| path.as_str().strip_prefix(PREFIX)) else { return };
    // The prefix alone is a route of its own.
    if !rest.starts_with('/') {
        return;
    }
    let stripped = PathAndQuery::try_from(rest);
    let mut parts = std::mem::take(uri).into_parts();
    // What was a path is still one when its beginning is taken off.
    parts.path_and_query = stripped.ok().or(parts.path_and_query);
    *uri = Uri::from_parts(parts).unwrap_or_default();
}

/// The problem an answer carries, or the one that it is.
fn problem_of(response: &mut Response) -> Problem {
    let status = response.status();
    response.extensions_mut().remove::<Problem>().unwrap_or_else(|| Problem::of(Code::of_status(status)))
}

fn write_problem(
    problem: &Problem,
    response: &mut Response,
    arrival: &Arrival,
    (method, measures): (&Method, &RouteMeasures),
    language: Language,
) {
    *response.status_mut() = problem.status();
    let request_id = arrival.request_id.as_str();
    note(problem, request_id, method, measures.route());
    let body = problem.write(response.headers_mut(), request_id, language);
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    *response.body_mut() = if *method == Method::HEAD { Body::empty() } else { Body::from(body) };
}

/// What broke is an error; what is merely not to be had now is a warning, and to be asked whether one is ready and to say
/// no is nothing at all.
fn note(problem: &Problem, request_id: &str, method: &Method, route: &str) {
    if !problem.status().is_server_error() || route.starts_with("/health") {
        return;
    }
    let (method, error_type) = (method.as_str(), problem.code().as_str());
    let error_message = problem.cause().unwrap_or_default();
    if problem.status() == StatusCode::SERVICE_UNAVAILABLE {
        tracing::warn!(event = "request_declined", request_id, method, route, error_type, error_message);
    } else {
        tracing::error!(event = "request_failed", request_id, method, route, error_type, error_message);
    }
}

#[cfg(test)]
mod tests;
