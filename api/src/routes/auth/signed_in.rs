//! The answer to a login and to a refresh: a new access token, and the user it is for.

use crate::app::App;
use crate::output::{Answer, SignedInBody, UserBody};
use crate::problem::Problem;
use axum::response::Response;
use commands::users::SignedIn;
use domain::UserId;
use domain::user::User;
use journal::JournalError;

pub(super) async fn answer(app: &App, signed_in: SignedIn) -> Result<Response, Problem> {
    app.admission().heed(&signed_in.events);
    let broken = || Problem::internal(&"a login without a person or a session");
    let person = signed_in.user.person().ok_or_else(broken)?;
    let session = signed_in.user.session(signed_in.session_id).ok_or_else(broken)?;
    let issued = app
        .admission()
        .issue(person.user_id, session, person.roles.clone())
        .map_err(|error| Problem::internal(&error))?;
    let version = match signed_in.version {
        Some(version) => version,
        None => current_version(app, person.user_id).await?,
    };
    let body = SignedInBody {
        access_token: issued.token,
        refresh_token: signed_in.refresh_token,
        token_type: "Bearer",
        expires_in: issued.expires_in,
        user: UserBody::of_person(app.vault(), person, version).await?,
        position: signed_in.position,
    };
    Ok(Answer::ok().position(body.position).version(version).json(&body))
}

/// Asked only where nothing was written: then a failure loses nothing.
async fn current_version(app: &App, user_id: UserId) -> Result<i64, JournalError> {
    let loaded = app.journal().load::<User>(&[user_id.0]).await?;
    Ok(loaded.get(&user_id.0).map_or(0, |loaded| loaded.sequence))
}
