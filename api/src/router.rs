//! The table of contents: every route there is.

use crate::app::App;
use crate::door::PREFIX;
use crate::openapi::Base;
use crate::parameters;
use crate::problem::{Code, Problem};
use crate::routes::{
    audit, auth, batches, commands, docs, events, health, holds, keys, metrics, page, trading_sessions,
    transactions, users, wallets,
};
use axum::Router;
use axum::routing::get;
use utoipa::OpenApi;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
use utoipa_axum::routes;

/// What a client of the interface calls.
#[allow(deprecated, reason = "old names are served, and said to be old")]
fn interface() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Base::openapi())
        .routes(routes!(auth::register::register))
        .routes(routes!(auth::login::login))
        .routes(routes!(auth::refresh::refresh))
        .routes(routes!(auth::logout::logout))
        .routes(routes!(auth::logout_all::logout_all))
        .routes(routes!(auth::sessions::sessions))
        .routes(routes!(auth::sessions::end))
        .routes(routes!(auth::me::me))
        .routes(routes!(auth::password::change::change))
        .routes(routes!(auth::password::forgot::forgot))
        .routes(routes!(auth::password::reset::reset))
        .routes(routes!(auth::email::verify::verify))
        .routes(routes!(auth::email::resend::resend))
        .routes(routes!(keys::jwks))
        .routes(routes!(users::create::create))
        .routes(routes!(users::search::search))
        .routes(routes!(
            users::get::get,
            users::update::update,
            users::update::replace,
            users::delete::delete
        ))
        .routes(no_such_route_otherwise(routes!(
            users::update::replace_by_old_name,
            users::delete::delete_by_old_name
        )))
        .routes(routes!(users::profile::profile, users::profile::change_profile))
        .routes(routes!(users::status::suspend))
        .routes(routes!(users::status::reactivate))
        .routes(routes!(users::statistics::statistics))
        .routes(routes!(users::unlock::unlock))
        .routes(routes!(users::preferences::get, users::preferences::put, users::preferences::patch))
        .routes(routes!(users::activity::activity))
        .routes(routes!(users::wallets::wallets))
        .routes(routes!(users::balance::balance))
        .routes(routes!(users::movements::deposit))
        .routes(routes!(users::movements::withdraw))
        .routes(routes!(users::transactions::transactions))
        .routes(routes!(users::api_keys::list::list, users::api_keys::create::create))
        .routes(routes!(users::api_keys::change::change, users::api_keys::revoke::revoke))
        .routes(routes!(users::api_keys::rotate::rotate))
        .routes(routes!(users::export::export))
        .routes(routes!(users::credentials::get::list))
        .routes(routes!(
            users::credentials::get::get,
            users::credentials::put::put,
            users::credentials::remove::remove
        ))
        .merge(money())
        .merge(trading())
        .merge(settings())
        .routes(routes!(events::events))
        .routes(routes!(commands::get_command))
        .merge(health())
}

/// Wallets, and whatever moves money or keeps it back.
fn money() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(wallets::open::open))
        .routes(routes!(wallets::get::get))
        .routes(routes!(wallets::deposit::deposit))
        .routes(routes!(wallets::withdraw::withdraw))
        .routes(routes!(wallets::transfer::transfer))
        .routes(routes!(wallets::standing::freeze))
        .routes(routes!(wallets::standing::unfreeze))
        .routes(routes!(wallets::standing::close))
        .routes(routes!(wallets::hold::hold, wallets::holds::holds))
        .routes(routes!(wallets::explain::explain))
        .routes(routes!(wallets::statement::statement))
        .routes(routes!(wallets::transactions::transactions))
        .routes(routes!(holds::list::list))
        .routes(routes!(holds::get::get))
        .routes(routes!(holds::capture::capture))
        .routes(routes!(holds::release::release))
        .routes(routes!(holds::amend::amend))
        .routes(routes!(holds::extend::extend))
        .routes(routes!(transactions::reverse::reverse))
        .routes(routes!(batches::batch))
        .routes(routes!(audit::trial_balance::trial_balance))
}

/// What one's freqtrade is set to.
fn settings() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(users::settings::get::get, users::settings::change::change))
        .routes(routes!(users::settings::get::export))
        .routes(routes!(users::settings::import::import))
        .routes(routes!(users::settings::presets::list, users::settings::presets::create))
        .routes(routes!(
            users::settings::presets::put,
            users::settings::presets::change,
            users::settings::presets::delete
        ))
        .routes(routes!(users::settings::presets::apply))
        .routes(routes!(users::settings::history::history))
        .routes(routes!(users::settings::history::version))
        .routes(routes!(users::settings::revert::revert))
        .routes(routes!(users::settings::defaults::get, users::settings::defaults::put))
}

/// Sessions that trade, and what they did.
fn trading() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(trading_sessions::start::start, trading_sessions::list::list))
        .routes(routes!(trading_sessions::get::get))
        .routes(routes!(trading_sessions::stop::stop))
        .routes(routes!(trading_sessions::standing::pause))
        .routes(routes!(trading_sessions::standing::resume))
        .routes(routes!(trading_sessions::rebalance::rebalance))
        .routes(routes!(trading_sessions::next_run::next_run))
        .routes(routes!(trading_sessions::next_run::schedule))
        .routes(routes!(trading_sessions::interval::interval))
        .routes(routes!(trading_sessions::drift::drift))
        .routes(routes!(trading_sessions::dry_run::dry_run))
        .routes(routes!(trading_sessions::auto_rebalance::auto_rebalance))
        .routes(routes!(trading_sessions::targets::targets))
        .routes(routes!(trading_sessions::risk::risk))
        .routes(routes!(trading_sessions::flows::deposit))
        .routes(routes!(trading_sessions::flows::withdraw))
        .routes(routes!(trading_sessions::status::status))
        .routes(routes!(trading_sessions::trades::trades))
        .routes(routes!(trading_sessions::positions::positions))
        .routes(routes!(trading_sessions::runs::runs))
        .routes(routes!(trading_sessions::equity::equity))
        .routes(routes!(trading_sessions::performance::performance))
        .routes(routes!(trading_sessions::preview::preview))
        .routes(routes!(trading_sessions::why::why))
        .routes(routes!(users::trading::trading_sessions))
        .routes(routes!(users::trading::trades))
        .routes(routes!(users::performance::performance))
        .routes(routes!(users::portfolio::portfolio))
}

/// For a path that means anything in its place: with another method it is not wrong to ask there, there is nothing.
fn no_such_route_otherwise((schemas, paths, methods): UtoipaMethodRouter<App>) -> UtoipaMethodRouter<App> {
    (schemas, paths, methods.fallback(unknown_route))
}

/// What only whoever runs it may see.
fn operations() -> OpenApiRouter<App> {
    OpenApiRouter::default().routes(routes!(health::detailed)).routes(routes!(metrics::metrics))
}

/// What a browser opens.
fn pages() -> Router<App> {
    Router::new()
        .route("/", get(page::page))
        .route("/page.js", get(page::script))
        .route("/page.css", get(page::style))
        .route(PREFIX, get(page::with_slash))
        .route("/openapi.json", get(docs::openapi))
        .route("/docs", get(docs::redirect))
        .route("/docs/", get(docs::index))
        .route("/docs/{*path}", get(docs::asset))
        .route("/redoc", get(docs::redoc))
        .route("/redoc/redoc.standalone.js", get(docs::redoc_script))
}

/// The whole interface as an OpenAPI document.
pub fn openapi() -> utoipa::openapi::OpenApi {
    let mut document = interface().merge(operations()).into_openapi();
    parameters::describe(&mut document);
    document
}

/// Every pattern of every router here, for counting.
pub(crate) fn patterns() -> Vec<String> {
    let docs = ["/docs", "/docs/", "/docs/{*path}", "/redoc", "/redoc/redoc.standalone.js"];
    let pages =
        ["/", "/page.js", "/page.css", PREFIX, "/openapi.json"].into_iter().chain(docs).map(str::to_owned);
    openapi().paths.paths.into_keys().chain(pages).collect()
}

/// What every process answers, whatever its roles.
fn health() -> OpenApiRouter<App> {
    OpenApiRouter::default()
        .routes(routes!(health::health))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
}

/// The main port's; `with_operations` where only this machine can reach it.
pub(crate) fn main(app: App, with_operations: bool) -> Router {
    let has_interface = app.settings().serves_interface;
    let mut router =
        if has_interface { Router::from(interface()).merge(pages()) } else { Router::from(health()) };
    if with_operations {
        router = router.merge(Router::from(operations()));
    }
    router.fallback(unknown_route).with_state(app)
}

/// The operations port's.
pub(crate) fn ops(app: App) -> Router {
    Router::from(operations().merge(health())).fallback(unknown_route).with_state(app)
}

async fn unknown_route() -> Problem {
    Problem::of(Code::RouteNotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_documented_with_its_problems() {
        let document = serde_json::to_value(openapi()).unwrap();
        let paths = document["paths"].as_object().unwrap();
        assert!(paths.len() >= 20, "{}", paths.len());
        for (path, item) in paths {
            for (method, operation) in item.as_object().unwrap() {
                assert!(operation["summary"].is_string(), "{method} {path} has no summary");
                let open = ["/health/live", "/health/detailed", "/metrics", "/.well-known/jwks.json"];
                let has_problems = operation["responses"]["default"].is_object();
                assert!(has_problems || open.contains(&path.as_str()), "{method} {path} has no problems");
            }
        }
    }

    #[test]
    fn every_reference_in_the_document_leads_somewhere() {
        let document = serde_json::to_value(openapi()).unwrap();
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(document.pointer(reference).is_some(), "{reference}");
        }
    }

    #[test]
    fn nothing_of_rust_shows_in_the_document() {
        let text = openapi().to_json().unwrap();
        for name in ["Form\"", "RawValue", "Box<", "_>"] {
            let at = text.find(name);
            assert!(at.is_none(), "{name} in {:?}", at.map(|at| &text[at.saturating_sub(60)..(at + 30)]));
        }
    }
}
