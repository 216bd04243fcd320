//! A command that changes a session, in the one order that all of them go by: the body is read, the session is reached, its
//! values are looked at, an admin is asked to confirm what they do to another, and then the session is asked.

use super::{Changed, ask, check_targets, confirm, reach};
use crate::app::App;
use crate::auth::Allowed;
use crate::auth::rule::Trade;
use crate::directory::SessionFacts;
use crate::door::Arrival;
use crate::input::{Asked, JsonBody, Keyed, TradingSessionPath};
use crate::problem::Problem;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::response::Response;
use commands::Context;
use commands::sessions::SessionWish;
use serde::Deserialize;
use std::marker::PhantomData;

/// All that comes with such a command.
#[derive(Debug)]
pub(crate) struct Control<Sent = Asked<Trade>> {
    app: App,
    allowed: Allowed<Trade>,
    context: Context,
    named: TradingSessionPath,
    arrival: Arrival,
    body: JsonBody,
    sent: PhantomData<Sent>,
}

/// One that must have a key: capital comes or goes.
pub(crate) type KeyedControl = Control<Keyed<Trade>>;

impl<Sent> FromRequest<App> for Control<Sent>
where
    Sent: FromRequestParts<App, Rejection = Problem> + Into<Asked<Trade>>,
{
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let Asked { allowed, context } = Sent::from_request_parts(&mut parts, app).await?.into();
        let named = TradingSessionPath::from_request_parts(&mut parts, app).await?;
        let arrival = Arrival::from_request_parts(&mut parts, app).await?;
        let request = Request::from_parts(parts, body);
        let body = <JsonBody as FromRequest<App>>::from_request(request, app).await?;
        Ok(Self { app: app.clone(), allowed, context, named, arrival, body, sent: PhantomData })
    }
}

impl<Sent> Control<Sent> {
    /// `read` says what a form wants of this session, and how the log names that.
    pub(super) async fn change<'a, Form: Deserialize<'a>>(
        &'a self,
        read: impl FnOnce(Form, &SessionFacts) -> Result<(SessionWish, Changed), Problem>,
    ) -> Result<Response, Problem> {
        let form = self.body.read()?;
        let reached = reach(&self.app, &self.allowed, self.named, Some(&self.context)).await?;
        let (wish, changed) = read(form, &reached.session)?;
        confirm(&self.app, self.allowed.caller, reached.session.owner, Some(&self.body)).await?;
        if let SessionWish::SetTargets { targets } = &wish {
            check_targets(&self.app, &self.context, reached.session.currency, targets).await?;
        }
        ask(&self.app, self.context.clone(), &self.arrival, reached, (wish, changed)).await
    }
}
