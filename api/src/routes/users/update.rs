//! PATCH and PUT /users/{id}, and PUT /auth/{id}: what others know somebody by. What is not in the form cannot be changed
//! here, whoever asks.

use super::changed::{self, Happened, UserChanged};
use crate::app::App;
use crate::auth::rule::ManageAnyAccount;
use crate::auth::{Subject, require_recent_login_if};
use crate::door::Arrival;
use crate::input::{Change, Check, JsonBody, Raw, with_null};
use crate::openapi::Problems;
use crate::problem::Problem;
use axum::extract::State;
use axum::response::Response;
use commands::Authority;
use commands::users::{Naming, ProfileChange};
use domain::{DisplayName, Email, Username};
use serde::Deserialize;
use utoipa::ToSchema;

#[derive(Deserialize, ToSchema)]
#[schema(as = UserUpdate)]
pub(crate) struct UpdateForm<'a> {
    #[serde(borrow)]
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z0-9_.-]{3,32}$", example = "ada")]
    username: Raw<'a>,
    /// Changed at once by an admin. Anybody else's stays until the mail to the new one is answered.
    #[schema(value_type = Option<String>, format = Email, max_length = 254, example = "ada@example.com")]
    email: Raw<'a>,
    /// Null removes it.
    #[serde(default, deserialize_with = "with_null")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100, example = "Ada Lovelace")]
    name: Raw<'a>,
    /// One's own. For another address, and of an admin for whatever they change of others, if the last sign-in is longer
    /// ago than a few minutes.
    #[schema(value_type = Option<String>, format = Password, max_length = 1024, example = "correct horse battery staple")]
    pub(super) current_password: Raw<'a>,
}

#[derive(Deserialize, ToSchema)]
#[schema(as = UserReplacement)]
pub(crate) struct ReplaceForm<'a> {
    #[serde(borrow)]
    #[schema(value_type = String, required, pattern = "^[A-Za-z0-9_.-]{3,32}$", example = "ada")]
    username: Raw<'a>,
    /// Changed at once by an admin. Anybody else's stays until the mail to the new one is answered.
    #[schema(value_type = String, required, format = Email, max_length = 254, example = "ada@example.com")]
    email: Raw<'a>,
    /// Left out it is removed.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100, example = "Ada Lovelace")]
    name: Raw<'a>,
    /// One's own. For another address, and of an admin for whatever they change of others, if the last sign-in is longer
    /// ago than a few minutes.
    #[schema(value_type = Option<String>, format = Password, max_length = 1024, example = "correct horse battery staple")]
    current_password: Raw<'a>,
}

/// Change what is sent of a user
///
/// Whatever else is sent (status, roles, id, …) changes nothing.
#[utoipa::path(
    patch, path = "/users/{id}", tag = "users", security(("access_token" = [])),
    params(
        ("id" = String, Path, description = "One's own id, or `me`; an admin: anybody's"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the user is at this version"),
    ),
    request_body = UpdateForm<'_>,
    responses(
        (status = 200, description = "Changed", body = UserChanged),
        (status = 202, description = "Changed, but for the address: a mail asks the new one", body = UserChanged),
        Problems,
    )
)]
pub(crate) async fn update(
    State(app): State<App>,
    change: Change<ManageAnyAccount>,
    arrival: Arrival,
    body: JsonBody,
) -> Result<Response, Problem> {
    let form: UpdateForm<'_> = body.read()?;
    apply(&app, change, &arrival, form.read()?, form.current_password).await
}

/// Replace all that can be changed of a user
///
/// Whatever else is sent (status, roles, id, …) changes nothing.
#[utoipa::path(
    put, path = "/users/{id}", tag = "users", security(("access_token" = [])),
    params(
        ("id" = String, Path, description = "One's own id, or `me`; an admin: anybody's"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the user is at this version"),
    ),
    request_body = ReplaceForm<'_>,
    responses(
        (status = 200, description = "Changed", body = UserChanged),
        (status = 202, description = "Changed, but for the address: a mail asks the new one", body = UserChanged),
        Problems,
    )
)]
pub(crate) async fn replace(
    State(app): State<App>,
    change: Change<ManageAnyAccount>,
    arrival: Arrival,
    body: JsonBody,
) -> Result<Response, Problem> {
    let form: ReplaceForm<'_> = body.read()?;
    apply(&app, change, &arrival, form.read()?, form.current_password).await
}

/// The same as PUT /users/{id}, which takes its place
#[utoipa::path(
    put, path = "/auth/{id}", tag = "auth", security(("access_token" = [])),
    params(
        ("id" = String, Path, description = "One's own id, or `me`; an admin: anybody's"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes repeating the request safe"),
        ("If-Match" = Option<String>, Header, description = "Only if the user is at this version"),
    ),
    request_body = ReplaceForm<'_>,
    responses(
        (status = 200, description = "Changed", body = UserChanged),
        (status = 202, description = "Changed, but for the address: a mail asks the new one", body = UserChanged),
        Problems,
    )
)]
#[deprecated]
pub(crate) async fn replace_by_old_name(
    app: State<App>,
    change: Change<ManageAnyAccount>,
    arrival: Arrival,
    body: JsonBody,
) -> Result<Response, Problem> {
    replace(app, change, arrival, body).await
}

pub(super) async fn apply(
    app: &App,
    Change { subject, context }: Change<ManageAnyAccount>,
    arrival: &Arrival,
    wanted: ProfileChange,
    current_password: Raw<'_>,
) -> Result<Response, Problem> {
    let user_id = subject.user_id;
    let is_sensitive = is_sensitive(app, &subject, &wanted).await?;
    require_recent_login_if(is_sensitive, app, subject.caller(), current_password).await?;
    let updated_fields = fields(&wanted);
    let (done, pending) = match subject.allowed.authority {
        Authority::Anybody => (app.commands().change_profile(context, user_id, wanted).await?, None),
        Authority::Owner(_) => app.commands().change_own_profile(context, user_id, wanted).await?,
    };
    let event = "profile_changed";
    let pending_email = pending.as_ref().map(Email::as_str);
    let happened = Happened { event, user_id, updated_fields: &updated_fields, pending_email };
    changed::answer(app, arrival, happened, &done).await
}

/// Who has another's account in hand, and who moves the mailbox that resets a password.
async fn is_sensitive(
    app: &App,
    subject: &Subject<ManageAnyAccount>,
    wanted: &ProfileChange,
) -> Result<bool, Problem> {
    if subject.caller().user_id() != subject.user_id {
        return Ok(true);
    }
    let Some(email) = &wanted.email else { return Ok(false) };
    let now = app.commands().plain_profile(subject.user_id).await?;
    Ok(now.and_then(|now| now.email).as_deref() != Some(email.as_str()))
}

fn fields(wanted: &ProfileChange) -> Vec<&'static str> {
    let named = [
        ("username", wanted.username.is_some()),
        ("email", wanted.email.is_some()),
        ("name", wanted.name.is_some()),
    ];
    named.into_iter().filter(|(_, is_named)| *is_named).map(|(name, _)| name).collect()
}

impl UpdateForm<'_> {
    pub(super) fn read(&self) -> Result<ProfileChange, Problem> {
        let mut check = Check::default();
        let username = check.optional("/username", self.username, Username::parse);
        let email = check.optional("/email", self.email, Email::parse);
        let name = check.optional("/name", self.name, DisplayName::parse);
        check.finish()?;
        let is_null = self.name.is_some_and(|name| name.get() == "null");
        let name = name.map(Naming::To).or(is_null.then_some(Naming::Removed));
        Ok(ProfileChange { username, email, name })
    }
}

impl ReplaceForm<'_> {
    fn read(&self) -> Result<ProfileChange, Problem> {
        let mut check = Check::default();
        let username = check.required("/username", self.username, Username::parse);
        let email = check.required("/email", self.email, Email::parse);
        let name = check.optional("/name", self.name, DisplayName::parse);
        check.finish()?;
        Ok(ProfileChange { username, email, name: Some(name.map_or(Naming::Removed, Naming::To)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(json: &str) -> Result<ProfileChange, Problem> {
        serde_json::from_str::<UpdateForm<'_>>(json).unwrap().read()
    }

    fn replace(json: &str) -> Result<ProfileChange, Problem> {
        serde_json::from_str::<ReplaceForm<'_>>(json).unwrap().read()
    }

    #[test]
    fn a_name_that_is_null_is_removed_and_one_that_is_left_out_stays() {
        assert_eq!(update("{}").unwrap(), ProfileChange::default());
        assert_eq!(update(r#"{"name": null}"#).unwrap().name, Some(Naming::Removed));
        let named = update(r#"{"name": "Ada L."}"#).unwrap().name;
        assert_eq!(named, Some(Naming::To(DisplayName::parse("Ada L.").unwrap())));
        assert!(update(r#"{"name": ""}"#).is_err());
    }

    #[test]
    fn a_replacement_says_everything() {
        let whole =
            replace(r#"{"username": "ada", "email": "ada@example.com", "status": "erased"}"#).unwrap();
        assert_eq!(whole.name, Some(Naming::Removed));
        for part in ["{}", r#"{"username": "ada"}"#, r#"{"email": "ada@example.com", "name": "Ada"}"#] {
            assert!(replace(part).is_err(), "{part}");
        }
    }
}
