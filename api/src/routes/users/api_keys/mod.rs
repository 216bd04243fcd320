//! /users/{id}/api-keys: keys that programs sign in with.
//!
//! They are their owner's affair, and need the owner in person: no key makes, changes or even lists keys. A service does
//! not sign in, so its keys are an admin's affair too; of another person's keys an admin knows nothing.

pub(crate) mod change;
pub(crate) mod create;
mod form;
pub(crate) mod list;
pub(crate) mod revoke;
pub(crate) mod rotate;

use crate::app::App;
use crate::auth::Subject;
use crate::auth::rule::ManageAnyAccount;
use crate::door::Arrival;
use crate::output::ApiKeyBody;
use crate::problem::{Code, Problem};
use commands::Done;
use domain::user::{Role, User};
use domain::{ApiKeyId, UserId};

/// The user whose keys they are, if the caller may see to them.
async fn holder(app: &App, subject: &Subject<ManageAnyAccount>) -> Result<UserId, Problem> {
    let user_id = subject.user_id;
    if user_id == subject.caller().user_id() {
        return Ok(user_id);
    }
    let users = app.journal().load::<User>(&[user_id.0]).await?;
    let person = users.get(&user_id.0).and_then(|loaded| loaded.state.person());
    let is_service = person.is_some_and(|person| person.roles.contains(&Role::Service));
    if is_service { Ok(user_id) } else { Err(Problem::of(Code::UserNotFound)) }
}

/// A key as a command left it. Whoever is remembered with what was before is forgotten first: once a client has the
/// answer, this node knows.
async fn after(app: &App, user_id: UserId, key_id: ApiKeyId, done: &Done) -> Result<ApiKeyBody, Problem> {
    app.admission().heed(&done.events);
    let key = done.user.as_ref().and_then(|user| user.api_key(key_id));
    let key = key.ok_or_else(|| Problem::internal(&"a command to a key without its key"))?;
    let body = ApiKeyBody::of_key(app.vault(), user_id, key).await?;
    Ok(ApiKeyBody { last_used_at: app.read_models().api_key_last_used(key_id).await?, ..body })
}

fn log(event: &'static str, arrival: &Arrival, user_id: UserId, done: &Done, updated_fields: &str) {
    if done.replayed || done.events.is_empty() {
        return;
    }
    tracing::info!(
        event,
        user_id = %user_id,
        request_id = arrival.request_id.as_str(),
        position = done.position,
        updated_fields,
    );
}
