//! Who may do what. Every handler names its rule in its signature, and here they all are.
//!
//! A person may do with what is theirs whatever their rule does not keep for admins. A key may do what a scope it has
//! allows; some rules are closed to every key. What belongs to somebody out of reach is not found.

use super::{Caller, Person};
use crate::app::App;
use crate::input::UserPath;
use crate::problem::{Code, Detail, Problem};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use commands::Authority;
use domain::{Scope, UserId};
use std::fmt;
use std::marker::PhantomData;

pub(crate) trait Rule: Send + Sync + 'static {
    const KEYS: Keys;
    const ADMINS: Admins;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    None,
    Any,
    With(Scope),
    /// At least one of them: which, depends on what the command comes to.
    WithOneOf(&'static [Scope]),
    /// Every one of them: it shows what each of them opens.
    WithAll(&'static [Scope]),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admins {
    /// With their own things, like anybody.
    LikeAnybody,
    /// With everybody's.
    Everywhere,
    /// And nobody else.
    Only,
}

macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident: $keys:expr, $admins:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct $name;

        impl Rule for $name {
            const KEYS: Keys = $keys;
            const ADMINS: Admins = Admins::$admins;
        }
    )+};
}

/// Undoing is withdrawing, depositing, or giving back.
const REVERSING: [Scope; 3] = [Scope::WalletWithdraw, Scope::WalletDeposit, Scope::WalletTransfer];

/// Whoever looks after holds has to see them.
const READING_HOLDS: [Scope; 2] = [Scope::WalletRead, Scope::WalletHold];

/// A portfolio shows both.
const READING_PORTFOLIOS: [Scope; 2] = [Scope::WalletRead, Scope::TradingRead];

rules! {
    ReadProfile: Keys::With(Scope::ProfileRead), Everywhere;
    /// Profile, password, sessions, preferences, keys, credentials: what makes an account one's own.
    ManageAccount: Keys::None, LikeAnybody;
    /// The part of it that admins do for others.
    ManageAnyAccount: Keys::None, Everywhere;
    Administer: Keys::None, Only;
    ReadWallet: Keys::With(Scope::WalletRead), Everywhere;
    ReadHolds: Keys::WithOneOf(&READING_HOLDS), Everywhere;
    /// What concerns everybody together. No key of a person has this scope.
    Audit: Keys::With(Scope::Audit), Only;
    Deposit: Keys::With(Scope::WalletDeposit), LikeAnybody;
    Withdraw: Keys::With(Scope::WalletWithdraw), LikeAnybody;
    Transfer: Keys::With(Scope::WalletTransfer), LikeAnybody;
    Hold: Keys::With(Scope::WalletHold), LikeAnybody;
    /// What undoing a transaction takes besides, depends on the transaction.
    Reverse: Keys::WithOneOf(&REVERSING), Everywhere;
    /// Each command of a batch has a rule of its own.
    Batch: Keys::Any, LikeAnybody;
    ReadTrading: Keys::With(Scope::TradingRead), Everywhere;
    ReadPortfolio: Keys::WithAll(&READING_PORTFOLIOS), Everywhere;
    Trade: Keys::With(Scope::TradingWrite), Everywhere;
    ReadSettings: Keys::With(Scope::SettingsRead), LikeAnybody;
    WriteSettings: Keys::With(Scope::SettingsWrite), LikeAnybody;
    ReadEvents: Keys::With(Scope::EventsRead), LikeAnybody;
    /// What became of one's own commands: whoever may send one may ask.
    AskAfterCommands: Keys::Any, LikeAnybody;
}

/// The caller, allowed by a rule, and how far that reaches.
pub(crate) struct Allowed<R> {
    pub caller: Caller,
    pub authority: Authority,
    rule: PhantomData<R>,
}

impl<R: Rule> Allowed<R> {
    pub(crate) fn check(caller: Caller) -> Result<Self, Problem> {
        let own = Authority::Owner(caller.user_id());
        let authority = match caller {
            Caller::Person(Person { is_admin, .. }) => match R::ADMINS {
                Admins::Only if !is_admin => return Err(Problem::of(Code::AdminRequired)),
                Admins::Only | Admins::Everywhere if is_admin => Authority::Anybody,
                _ => own,
            },
            Caller::Key(key) => {
                match R::KEYS {
                    Keys::None => return Err(Problem::of(Code::PersonRequired)),
                    Keys::With(scope) if !key.scopes.contains(scope) => {
                        let problem = Problem::new(Detail::ScopeMissing { scope });
                        return Err(problem.fact("required", scope.as_str()));
                    }
                    Keys::WithOneOf(scopes) if !scopes.iter().any(|scope| key.scopes.contains(*scope)) => {
                        let names: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
                        let problem = Problem::new(Detail::ScopesMissing { scopes: names.join(", ") });
                        return Err(problem.fact("required_one_of", names));
                    }
                    Keys::WithAll(scopes) => {
                        if let Some(scope) = scopes.iter().find(|scope| !key.scopes.contains(**scope)) {
                            let problem = Problem::new(Detail::ScopeMissing { scope: *scope });
                            return Err(problem.fact("required", scope.as_str()));
                        }
                    }
                    Keys::Any | Keys::With(_) | Keys::WithOneOf(_) => {}
                }
                if key.is_service { Authority::Anybody } else { own }
            }
        };
        Ok(Self { caller, authority, rule: PhantomData })
    }
}

impl<R: Rule> FromRequestParts<App> for Allowed<R> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Self::check(Caller::from_request_parts(parts, app).await?)
    }
}

impl<R> fmt::Debug for Allowed<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Allowed").field("caller", &self.caller).field("authority", &self.authority).finish()
    }
}

/// The user in the path, `{id}` or `me`, whom the caller may do this with.
pub(crate) struct Subject<R> {
    pub user_id: UserId,
    pub allowed: Allowed<R>,
}

impl<R: Rule> Subject<R> {
    pub(crate) fn of(allowed: Allowed<R>, named: &UserPath) -> Result<Self, Problem> {
        let user_id = named.id(allowed.caller.user_id());
        let reached = user_id.filter(|user_id| allowed.authority.covers(*user_id));
        Ok(Self { user_id: reached.ok_or_else(|| Problem::of(Code::UserNotFound))?, allowed })
    }

    pub(crate) const fn caller(&self) -> Caller {
        self.allowed.caller
    }
}

impl<R: Rule> FromRequestParts<App> for Subject<R> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let allowed = Allowed::from_request_parts(parts, app).await?;
        let named = UserPath::from_request_parts(parts, app).await?;
        Self::of(allowed, &named)
    }
}

impl<R> fmt::Debug for Subject<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("user_id", &self.user_id).field("allowed", &self.allowed).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::KeyHolder;
    use domain::{ApiKeyId, LoginSessionId, Scopes};
    use uuid::Uuid;

    const ADA: UserId = UserId(Uuid::from_u128(1));

    fn person(is_admin: bool) -> Caller {
        Caller::Person(Person {
            user_id: ADA,
            session_id: LoginSessionId(Uuid::nil()),
            is_admin,
            auth_time: 0,
        })
    }

    fn key(is_service: bool, scopes: &[Scope]) -> Caller {
        let scopes: Scopes = scopes.iter().copied().collect();
        Caller::Key(KeyHolder { key_id: ApiKeyId(Uuid::nil()), owner: ADA, is_service, scopes })
    }

    fn asked<R: Rule>(caller: Caller) -> Result<Authority, Code> {
        Allowed::<R>::check(caller).map(|allowed| allowed.authority).map_err(|problem| problem.code())
    }

    #[test]
    fn an_admin_reaches_everybody_only_where_the_rule_says_so() {
        let own = Authority::Owner(ADA);
        assert_eq!(asked::<ReadWallet>(person(true)), Ok(Authority::Anybody));
        assert_eq!(asked::<ReadWallet>(person(false)), Ok(own));
        assert_eq!(asked::<Deposit>(person(true)), Ok(own));
        assert_eq!(asked::<Administer>(person(true)), Ok(Authority::Anybody));
        assert_eq!(asked::<Administer>(person(false)), Err(Code::AdminRequired));
    }

    #[test]
    fn a_key_does_what_its_scopes_say_and_never_manages_an_account() {
        let scopes = [Scope::WalletRead];
        assert_eq!(asked::<ReadWallet>(key(false, &scopes)), Ok(Authority::Owner(ADA)));
        assert_eq!(asked::<ReadWallet>(key(true, &scopes)), Ok(Authority::Anybody));
        assert_eq!(asked::<Deposit>(key(true, &scopes)), Err(Code::InsufficientScope));
        for caller in [key(false, Scope::ALL), key(true, Scope::ALL)] {
            assert_eq!(asked::<ManageAccount>(caller), Err(Code::PersonRequired));
            assert_eq!(asked::<Administer>(caller), Err(Code::PersonRequired));
        }
    }
}
