//! POST /batches: many commands, of which all happen or none does.

mod form;

use crate::app::App;
use crate::auth::rule::Batch;
use crate::input::{BatchBody, Keyed};
use crate::openapi::Problems;
use crate::output::{Answer, Effect};
use crate::problem::{Detail, Problem};
use crate::routes::movement::problem;
use axum::extract::State;
use axum::response::Response;
use form::{BatchForm, Kind};
use serde::Serialize;
use utoipa::ToSchema;

/// One for each command, in their order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BatchResult)]
pub(crate) struct ResultBody {
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "deposit")]
    kind: Kind,
    /// The same body as that of the command alone.
    #[serde(flatten)]
    effect: Effect,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Batched)]
pub(crate) struct BatchedBody {
    /// Of the last event of the last command.
    position: i64,
    results: Vec<ResultBody>,
}

/// Many commands at once: all of them or none
///
/// They are decided in their order, each on what the ones before it left, and recorded in one append. If one cannot be, none
/// is: the problem is that command's own, with `index` (from 0) and `pointer` of the first offender. Each takes the scope
/// that it takes alone; which version it is meant for stands in its `expected_version`, since a batch has none itself. One
/// capture of a hold can stand in it once.
#[utoipa::path(
    post, path = "/batches", tag = "wallets", security(("access_token" = []), ("api_key" = [])),
    params(("Idempotency-Key" = String, Header, description = "Makes repeating the request safe")),
    request_body = BatchForm<'_>,
    responses((status = 201, description = "All of them are done", body = BatchedBody), Problems)
)]
pub(crate) async fn batch(
    State(app): State<App>,
    Keyed { allowed, context }: Keyed<Batch>,
    body: BatchBody,
) -> Result<Response, Problem> {
    if context.expected_version.is_some() {
        return Err(Problem::new(Detail::BatchHasNoVersion));
    }
    let form: BatchForm<'_> = body.read()?;
    let parts = form.read(&app, allowed.caller).await?;
    let asked: Vec<_> =
        parts.iter().map(|part| (part.kind, part.wish.wallet_id, part.wish.authority)).collect();
    let wishes = parts.into_iter().map(|part| part.wish).collect();
    let done = match app.commands().batch(context, wishes).await {
        Ok(done) => done,
        Err(failure) => return Err(problem(&app, failure).await),
    };
    let mut events = done.events.as_slice();
    let mut results = Vec::with_capacity(asked.len());
    for (kind, wallet_id, authority) in asked {
        let effect = Effect::read(&mut events, wallet_id, authority);
        results.push(ResultBody { kind, effect: effect.map_err(|error| Problem::internal(&error))? });
    }
    let body = BatchedBody { position: done.position, results };
    Ok(Answer::created().position(done.position).replayed(done.replayed).json(&body))
}
