//! GET /events: one's own events, oldest first, straight from the journal.

use crate::app::App;
use crate::auth::Allowed;
use crate::auth::rule::ReadEvents;
use crate::input::{Check, Cursor, ListQuery, MinPosition, Query, number};
use crate::openapi::Problems;
use crate::output::{Answer, ListBody, public_events, sealed_events};
use crate::problem::{Code, Detail, Flaw, Problem};
use axum::extract::State;
use axum::response::Response;
use domain::{AggregateKind, Event};
use journal::OwnerQuery;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

const LIST: &str = "events";

#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsQuery {
    /// Only events after this position.
    #[param(value_type = Option<i64>)]
    after: Option<String>,
    /// Only events of this type, such as `WalletDeposited`.
    #[serde(rename = "type")]
    event_type: Option<String>,
    /// Only events of this kind of aggregate: `user`, `wallet`, `trading_session` or `settings_defaults`.
    aggregate: Option<String>,
}

/// What the cursor carries from page to page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Filters {
    #[serde(rename = "t")]
    event_type: Option<String>,
    #[serde(rename = "a")]
    aggregate: Option<AggregateKind>,
}

/// One's own events, oldest first
#[utoipa::path(
    get, path = "/events", tag = "events", security(("access_token" = []), ("api_key" = ["events:read"])),
    params(
        EventsQuery,
        ListQuery,
        ("min_position" = Option<i64>, Query, description = "Only if the journal reaches this position"),
    ),
    responses((status = 200, description = "A page", body = ListBody<serde_json::Value>), Problems)
)]
pub(crate) async fn events(
    State(app): State<App>,
    allowed: Allowed<ReadEvents>,
    Query(query): Query<EventsQuery>,
    Query(paging): Query<ListQuery>,
    min: MinPosition,
) -> Result<Response, Problem> {
    let (after, filters, limit) = read(&query, &paging)?;
    // Before the page is read: then everything up to here has been seen by it.
    let head = app.journal().head().await?.position;
    if let Some(asked) = min.0.filter(|asked| *asked > head) {
        let problem = Problem::new(Detail::BeyondHead { asked, head });
        return Err(problem.fact("asked", asked).fact("head", head));
    }
    let wanted = OwnerQuery {
        after,
        // One more tells whether there is a next page.
        limit: i64::from(limit) + 1,
        event_type: filters.event_type.clone(),
        aggregate: filters.aggregate,
    };
    let mut page = app.journal().read_owner(allowed.caller.user_id(), &wanted).await?;
    let is_last = page.len() <= usize::from(limit);
    page.truncate(usize::from(limit));
    let last = page.last().map_or(after, |recorded| recorded.position);
    let items = if allowed.caller.reads_profiles() {
        public_events(app.vault(), &page).await?
    } else {
        sealed_events(&page)
    };
    let body = ListBody {
        items,
        next_cursor: (!is_last).then(|| Cursor::write(LIST, last, &filters)),
        position: head.max(last),
    };
    Ok(Answer::ok().position(body.position).json(&body))
}

fn read(query: &EventsQuery, paging: &ListQuery) -> Result<(i64, Filters, u16), Problem> {
    let mut check = Check::default();
    let limit = paging.limit(&mut check);
    let after = check.parameter("?after", query.after.as_deref(), |text| number(text, 0..=i64::MAX));
    let event_type = check.parameter("?type", query.event_type.as_deref(), known_type);
    let aggregate = check.parameter("?aggregate", query.aggregate.as_deref(), |name| {
        AggregateKind::parse(name)
            .ok_or_else(|| Flaw::not_among(&["user", "wallet", "trading_session", "settings_defaults"]))
    });
    check.finish()?;
    match &paging.cursor {
        None => Ok((after.unwrap_or(0), Filters { event_type, aggregate }, limit)),
        Some(text) => {
            let cursor = Cursor::parse(text, LIST)?;
            let filters: Filters = cursor.filters()?;
            // A cursor is text from outside like any other.
            let is_ours = filters.event_type.as_deref().is_none_or(|name| known_type(name).is_ok());
            if !is_ours {
                return Err(Problem::of(Code::InvalidCursor));
            }
            Ok((cursor.position, filters, limit))
        }
    }
}

fn known_type(name: &str) -> Result<String, Flaw> {
    if Event::is_type(name) {
        return Ok(name.to_owned());
    }
    Err(Flaw::NoEvent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(uri: &str) -> Result<(i64, Filters, u16), Problem> {
        let uri = uri.parse().unwrap();
        let axum::extract::Query(query) = axum::extract::Query::try_from_uri(&uri).unwrap();
        let axum::extract::Query(list) = axum::extract::Query::try_from_uri(&uri).unwrap();
        read(&query, &list)
    }

    #[test]
    fn a_cursor_goes_on_with_the_filters_it_began_with() {
        let (after, filters, _) = ask("/events?after=7&type=WalletDeposited&aggregate=wallet").unwrap();
        assert_eq!(after, 7);
        let next = Cursor::write(LIST, 41, &filters);
        let (after, again, limit) = ask(&format!("/events?cursor={next}&limit=3")).unwrap();
        assert_eq!((after, again, limit), (41, filters, 3));
    }

    #[test]
    fn every_parameter_is_checked() {
        for bad in
            ["after=-1", "after=x", "type=", "type=WalletBurnt", "type=a%00b", "aggregate=order", "limit=0"]
        {
            let problem = ask(&format!("/events?{bad}")).unwrap_err();
            assert_eq!(problem.code(), Code::ValidationFailed, "{bad}");
        }
        assert_eq!(ask("/events?cursor=garbage").unwrap_err().code(), Code::InvalidCursor);
    }

    #[test]
    fn a_cursor_cannot_bring_what_a_query_may_not() {
        for bad in ["WalletDeposited\0", "WalletBurnt", ""] {
            let filters = Filters { event_type: Some(bad.to_owned()), aggregate: None };
            let cursor = Cursor::write(LIST, 1, &filters);
            let problem = ask(&format!("/events?cursor={cursor}")).unwrap_err();
            assert_eq!(problem.code(), Code::InvalidCursor, "{bad:?}");
        }
    }
}
