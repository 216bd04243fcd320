//! POST /users/search: an admin finds users.

use crate::app::App;
use crate::auth::Allowed;
use crate::auth::rule::Administer;
use crate::input::{Check, Cursor, JsonBody, ListQuery, MinPosition, Query, Raw, moment};
use crate::openapi::Problems;
use crate::output::{Answer, ListBody, UserBody};
use crate::problem::{Code, Flaw, Problem};
use axum::extract::State;
use axum::response::Response;
use domain::Timestamp;
use domain::user::UserStatus;
use projections::{LIMIT_MAX, UserSearch};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

const LIST: &str = "users";
/// No address is longer, so nothing longer begins one.
const BEGINNING_MAX: usize = 254;

#[derive(Deserialize, ToSchema)]
#[schema(as = UserSearchRequest)]
pub(crate) struct SearchForm<'a> {
    /// How the username begins, in any letter case. No character stands for another.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, max_length = 254, example = "ad")]
    username: Raw<'a>,
    /// How the e-mail address begins, in the same way.
    #[schema(value_type = Option<String>, max_length = 254, example = "ada@")]
    email: Raw<'a>,
    /// `active`, `suspended` or `erased`.
    #[schema(value_type = Option<String>, pattern = "^(active|suspended|erased)$", example = "active")]
    status: Raw<'a>,
    /// Registered then or later.
    #[schema(value_type = Option<String>, format = DateTime)]
    created_from: Raw<'a>,
    /// Registered before then.
    #[schema(value_type = Option<String>, format = DateTime)]
    created_to: Raw<'a>,
    /// The same as in the query, which wins.
    #[schema(value_type = Option<String>)]
    cursor: Raw<'a>,
    /// The same as in the query, which wins.
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 200, example = 50)]
    limit: Raw<'a>,
}

/// What the cursor carries from page to page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Filters {
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    status: Option<UserStatus>,
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    created_from: Option<Timestamp>,
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    created_to: Option<Timestamp>,
}

/// Find users, newest first (admin)
///
/// What is left out does not matter; all that is sent has to be so. A cursor goes on with the search it came from,
/// whatever the body says.
#[utoipa::path(
    post, path = "/users/search", tag = "users", security(("access_token" = [])),
    params(
        ListQuery,
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
    ),
    request_body = SearchForm<'_>,
    responses((status = 200, description = "A page", body = ListBody<UserBody>), Problems)
)]
pub(crate) async fn search(
    State(app): State<App>,
    _: Allowed<Administer>,
    Query(paging): Query<ListQuery>,
    min: MinPosition,
    body: JsonBody,
) -> Result<Response, Problem> {
    let (filters, before, limit) = read(&body.read()?, &paging)?;
    let search = UserSearch {
        username: filters.username.clone(),
        email: filters.email.clone(),
        status: filters.status,
        created_from: filters.created_from,
        created_to: filters.created_to,
        before,
        limit,
    };
    let found = app.read_models().search_users(&search, min.0).await?;
    let (rows, next) = found.value;
    let body = ListBody {
        items: rows.into_iter().map(UserBody::from).collect(),
        next_cursor: next.map(|position| Cursor::write(LIST, position, &filters)),
        position: found.position,
    };
    Ok(Answer::ok().position(body.position).json(&body))
}

fn read(form: &SearchForm<'_>, paging: &ListQuery) -> Result<(Filters, Option<i64>, u16), Problem> {
    let mut check = Check::default();
    let limit = check.integer("/limit", form.limit, 1..=LIMIT_MAX).filter(|_| paging.limit.is_none());
    let limit = limit.unwrap_or_else(|| paging.limit(&mut check));
    let cursor = check.optional("/cursor", form.cursor, |text| Ok::<_, Flaw>(text.to_owned()));
    let cursor = paging.cursor.clone().or(cursor);
    let filters = Filters {
        username: check.optional("/username", form.username, beginning),
        email: check.optional("/email", form.email, beginning),
        status: check.optional("/status", form.status, status),
        created_from: check.optional("/created_from", form.created_from, moment),
        created_to: check.optional("/created_to", form.created_to, moment),
    };
    check.finish()?;
    let Some(text) = &cursor else { return Ok((filters, None, limit)) };
    let cursor = Cursor::parse(text, LIST)?;
    let filters: Filters = cursor.filters()?;
    // A cursor is text from outside like any other.
    let is_ours =
        [&filters.username, &filters.email].into_iter().flatten().all(|text| beginning(text).is_ok());
    if !is_ours {
        return Err(Problem::of(Code::InvalidCursor));
    }
    Ok((filters, Some(cursor.position), limit))
}

fn beginning(text: &str) -> Result<String, Flaw> {
    if text.len() > BEGINNING_MAX {
        return Err(Flaw::TooLong { max: BEGINNING_MAX });
    }
    if text.chars().any(char::is_control) {
        return Err(Flaw::ControlCharacter);
    }
    Ok(text.to_owned())
}

fn status(text: &str) -> Result<UserStatus, Flaw> {
    match text {
        "active" => Ok(UserStatus::Active),
        "suspended" => Ok(UserStatus::Suspended),
        "erased" => Ok(UserStatus::Erased),
        _ => Err(Flaw::not_among(&["active", "suspended", "erased"])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(json: &str, cursor: Option<String>) -> Result<(Filters, Option<i64>, u16), Code> {
        let form: SearchForm<'_> = serde_json::from_str(json).unwrap();
        read(&form, &ListQuery { cursor, limit: None }).map_err(|problem| problem.code())
    }

    #[test]
    fn a_cursor_goes_on_with_the_search_it_began_with() {
        let (filters, before, _) =
            ask(r#"{"username": "ad", "status": "active", "created_from": "2026-01-01T00:00:00Z"}"#, None)
                .unwrap();
        assert_eq!(before, None);
        let cursor = Cursor::write(LIST, 41, &filters);
        assert_eq!(ask(r#"{"username": "other"}"#, Some(cursor)), Ok((filters, Some(41), 50)));
    }

    #[test]
    fn a_cursor_cannot_bring_what_a_body_may_not() {
        let filters = Filters { username: Some("a\0".to_owned()), ..Filters::default() };
        assert_eq!(ask("{}", Some(Cursor::write(LIST, 1, &filters))), Err(Code::InvalidCursor));
        assert_eq!(ask("{}", Some(Cursor::write(LIST, 1, &"nothing"))), Err(Code::InvalidCursor));
        assert_eq!(ask("{}", Some(Cursor::write("events", 1, &()))), Err(Code::InvalidCursor));
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        for bad in [
            r#"{"username": 7}"#,
            r#"{"email": "a\u0000"}"#,
            r#"{"status": "gone"}"#,
            r#"{"created_from": "yesterday"}"#,
            r#"{"created_to": 1}"#,
        ] {
            assert_eq!(ask(bad, None), Err(Code::ValidationFailed), "{bad}");
        }
        assert!(ask(r#"{"username": "%_'\\", "email": "", "roles": ["admin"]}"#, None).is_ok());
    }
}
