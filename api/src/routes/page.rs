//! GET /: one plain page for whoever opens the address in a browser: how it is, and where everything is.

use crate::app::App;
use crate::health::Status;
use axum::extract::State;
use axum::response::{Html, Redirect};

const PAGE: &str = include_str!("page.html");

pub(crate) async fn page(State(app): State<App>) -> Html<String> {
    let report = app.health().report().await;
    let (state, sentence) = match report.status() {
        Status::Ok => ("ok", "Everything is well."),
        Status::Degraded => ("degraded", "It serves, and something is not well."),
        Status::Down => ("down", "It cannot serve at the moment."),
    };
    // None of these comes from outside, so there is nothing to escape.
    let page = PAGE.replace("{{state}}", state).replace("{{sentence}}", sentence);
    Html(page.replace("{{version}}", env!("CARGO_PKG_VERSION")))
}

/// Its links are relative: they lead somewhere only from a path that ends with a slash.
pub(crate) async fn with_slash() -> Redirect {
    Redirect::temporary("v1/")
}
