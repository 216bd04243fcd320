//! The answer to a login and to a refresh: a new access token, and the user it is for.

use crate::app::App;
use crate::output::{Answer, SignedInBody, UserBody};
use crate::problem::Problem;
use axum::response::Response;
use commands::users::SignedIn;
use domain::user::User;

pub(super) async fn answer(app: &App, signed_in: SignedIn) -> Result<Response, Problem> {
    let person = signed_in.user.person().ok_or_else(|| Problem::internal(&"a login without a person"))?;
    let access_token = app
        .admission()
        .issue(person.user_id, signed_in.session_id, person.roles.clone())
        .map_err(|error| Problem::internal(&error))?;
    let loaded = app.journal().load::<User>(&[person.user_id.0]).await?;
    let version = loaded.get(&person.user_id.0).map_or(0, |loaded| loaded.sequence);
    let user =
        UserBody::of_person(app.vault(), person, version).await.map_err(|error| Problem::internal(&error))?;
    let body = SignedInBody {
        access_token,
        refresh_token: signed_in.refresh_token,
        token_type: "Bearer",
        expires_in: app.admission().tokens().ttl().as_secs(),
        user,
    };
    Ok(Answer::ok().position(signed_in.position).json(&body))
}
