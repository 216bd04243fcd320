//! What a token that was left open somewhere must not be enough for: whoever asks signed in a moment ago, or says their
//! password now.
//!
//! How long ago counts from the login that opened the session, however often its token was exchanged since. A password
//! that is sent is checked even if that was a moment ago: nobody shall take a wrong one for the right one because it was
//! not looked at. A wrong one counts like a failed sign-in.

use super::Caller;
use super::tokens::now;
use crate::app::App;
use crate::input::{Check, JsonBody, Raw, password};
use crate::problem::{Detail, Problem};
use secrecy::SecretString;
use serde::Deserialize;
use std::time::Duration;
use utoipa::ToSchema;

/// The body of a command that has nothing else to say.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = Confirmation)]
pub(crate) struct ConfirmationForm<'a> {
    /// One's own, if the last sign-in is longer ago than a few minutes.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, format = Password, max_length = 1024, example = "correct horse battery staple")]
    pub current_password: Raw<'a>,
}

impl<'a> ConfirmationForm<'a> {
    /// Of a body that need not be there.
    pub(crate) fn of(body: Option<&'a JsonBody>) -> Result<Self, Problem> {
        let form: Self = body.map(JsonBody::read).transpose()?.unwrap_or_default();
        read(form.current_password)?;
        Ok(form)
    }
}

/// For a command that takes a recent sign-in only where it reaches far.
pub(crate) async fn require_recent_login_if(
    is_needed: bool,
    app: &App,
    caller: Caller,
    current_password: Raw<'_>,
) -> Result<(), Problem> {
    if is_needed {
        return require_recent_login(app, caller, current_password).await;
    }
    // One that is not needed has to be one all the same: bad input is said to be bad, whoever sends it.
    read(current_password).map(|_| ())
}

/// To be asked before the command, by the handler of whatever gives an account away or changes somebody else's.
pub(crate) async fn require_recent_login(
    app: &App,
    caller: Caller,
    current_password: Raw<'_>,
) -> Result<(), Problem> {
    let person = caller.person()?;
    match read(current_password)? {
        Some(said) => Ok(app.commands().prove_password(person.user_id, said).await?),
        None if is_recent(person.auth_time, now(), app.settings().recent_login) => Ok(()),
        None => Err(refused(app.settings().recent_login)),
    }
}

fn read(current_password: Raw<'_>) -> Result<Option<SecretString>, Problem> {
    let mut check = Check::default();
    let said = check.optional("/current_password", current_password, password);
    check.finish().map(|()| said)
}

/// Nothing is recent where that means no time at all. The clock of who opened the session may be ahead of ours.
const fn is_recent(auth_time: u64, now: u64, within: Duration) -> bool {
    now.saturating_sub(auth_time) < within.as_secs()
}

fn refused(within: Duration) -> Problem {
    let detail = match within.as_secs() {
        0 => Detail::SendPassword,
        seconds => Detail::SignInAgain { seconds },
    };
    Problem::new(detail).fact("max_age_seconds", within.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_recent_for_so_long_and_not_a_second_more() {
        let within = Duration::from_mins(5);
        assert!(is_recent(1_000, 1_000, within) && is_recent(1_000, 1_299, within));
        assert!(!is_recent(1_000, 1_300, within));
        assert!(is_recent(1_001, 1_000, within), "a clock that is a little ahead");
        assert!(!is_recent(1_000, 1_000, Duration::ZERO), "not even this very second");
    }
}
