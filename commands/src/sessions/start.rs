//! Starting a session: what the request leaves open, the preferences say.

use crate::envelope::{Reserve, StartTrading};
use crate::{ClaimKind, Command, Commands, Context, Failure, NewClaim, Outcome, Refusal};
use domain::settings::Settings;
use domain::trading::exact::{DECIMALS, WHOLE_MAX};
use domain::trading::{ExchangeName, Limits, StartSession, Targets};
use domain::user::{Exchange, Person, Preferences, TradingMode, User, UserRefusal};
use domain::wallet::Movement;
use domain::{Currency, Money, MoneyError, Reference, Timestamp, TradingSessionId, UserId, WalletId};
use rust_decimal::Decimal;
use secrecy::ExposeSecret;
use serde::Serialize;
use uuid::Uuid;

/// What somebody wants to start. Serialised, it is what two requests are compared by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StartWish {
    pub mode: Option<TradingMode>,
    pub dry_run: Option<bool>,
    pub exchange: Option<ExchangeName>,
    pub capital: Option<Decimal>,
    pub currency: Option<Currency>,
    /// Nothing but cash, if it is not said.
    pub targets: Option<Targets>,
    pub interval_s: Option<u32>,
    pub auto_rebalance: Option<bool>,
    pub risk_per_trade: Option<Decimal>,
    pub max_drawdown: Option<Decimal>,
    pub drift_threshold: Option<Decimal>,
    pub next_run_at: Option<Timestamp>,
    /// A wallet of theirs in which the capital is kept back while the session runs.
    pub reserve_from: Option<WalletId>,
}

impl Commands {
    /// `is_traded` says in which currencies there are prices.
    pub async fn start_session(
        &self,
        context: Context,
        user_id: UserId,
        wish: StartWish,
        is_traded: &(dyn Fn(Currency) -> bool + Sync),
    ) -> Outcome {
        let fingerprint = serde_json::to_vec(&wish).unwrap_or_default();
        let key = self.request_key(&context, &[b"start session", user_id.0.as_bytes(), &fingerprint]);
        let session_id = TradingSessionId(Uuid::now_v7());
        let preferences = self.preferences_for(user_id, &wish, is_traded).await?;
        let reserve_from = wish.reserve_from;
        let start = filled_in(wish, &preferences, session_id, user_id);
        let mut starting = StartTrading { start, places: Vec::new(), reserve: None, decline: None };
        match capital_in(&starting.start) {
            Ok(amount) => {
                starting.reserve = reserve_from.map(|wallet| reserve(wallet, amount, &starting.start));
            }
            Err(refusal) => starting.decline = Some(Box::new(refusal.into())),
        }
        match starting.start.exchange {
            ExchangeName::Paper => starting.places = self.paper_places(user_id).await?,
            ExchangeName::Binance => match self.account_of(user_id).await? {
                Some(account) => starting.places = vec![account],
                None => starting.decline = Some(Box::new(Refusal::CredentialsMissing)),
            },
        }
        self.submit(self.envelope(&context, key, Command::StartSession(Box::new(starting)))).await
    }

    /// What speaks where a wish is silent. Whoever is not there prefers nothing, and is told so when the start is decided.
    pub async fn preferences_for(
        &self,
        user_id: UserId,
        wish: &StartWish,
        is_traded: &(dyn Fn(Currency) -> bool + Sync),
    ) -> Result<Preferences, Failure> {
        let mut loaded = self.journal().load::<User>(&[user_id.0]).await?;
        let user = loaded.remove(&user_id.0).map(|loaded| loaded.state);
        let person = user.as_ref().and_then(User::person);
        Ok(person.map(|person| preferred(person, wish, is_traded)).unwrap_or_default())
    }

    /// What is taken as long as a session of theirs has not stopped. A live one may go by a key that is not theirs any more,
    /// so the journal is asked, and not the claims alone.
    pub(crate) async fn sessions_of(&self, user_id: UserId) -> Result<Vec<NewClaim>, Failure> {
        let goes_on = self.current_session(None, user_id).await?.is_some();
        let places = self.paper_places(user_id).await?.into_iter();
        Ok(places.map(|place| NewClaim { is_taken: place.is_taken || goes_on, ..place }).collect())
    }

    /// An account at an exchange is known by its key, whoever brought it.
    async fn account_of(&self, user_id: UserId) -> Result<Option<NewClaim>, Failure> {
        let kind = ClaimKind::ExchangeAccount;
        let purpose = "the start of a live session";
        let credentials = self.exchange_credentials(user_id, Exchange::Binance, purpose).await?;
        let digest = |key: &str| self.vault().claim(kind.as_str(), &format!("{} {key}", Exchange::Binance));
        Ok(credentials.map(|credentials| NewClaim {
            kind,
            digest: digest(credentials.key.expose_secret()),
            is_taken: false,
        }))
    }
}

/// Preferences always have a currency and a capital, which belong together. Where both are the defaults they say nothing of
/// the currency, and then the stake currency of one's settings speaks, if sessions can be kept in it. The settings' exchange
/// is the one that live sessions trade on anyway.
fn preferred(
    person: &Person,
    wish: &StartWish,
    is_traded: &(dyn Fn(Currency) -> bool + Sync),
) -> Preferences {
    let mut preferences = person.preferences.clone();
    let defaults = Preferences::default();
    let is_silent = preferences.default_currency == defaults.default_currency
        && (wish.capital.is_some() || preferences.default_capital == defaults.default_capital);
    let settings = person.settings.as_deref().and_then(|held| held.settings.as_deref());
    let stake = settings.and_then(Settings::stake_currency).and_then(|code| Currency::parse(code).ok());
    if let Some(stake) = stake.filter(|stake| is_silent && is_traded(*stake)) {
        preferences.default_currency = stake;
    }
    preferences
}

fn filled_in(
    wish: StartWish,
    preferences: &Preferences,
    session_id: TradingSessionId,
    user_id: UserId,
) -> StartSession {
    let mode = wish.mode.unwrap_or(preferences.default_mode);
    let is_live = mode == TradingMode::Live;
    let currency = wish.currency.unwrap_or(preferences.default_currency);
    let exchange = if is_live { ExchangeName::Binance } else { ExchangeName::Paper };
    StartSession {
        session_id,
        user_id,
        mode,
        // For real only when that was said.
        dry_run: wish.dry_run.unwrap_or(is_live),
        exchange,
        capital: wish.capital.unwrap_or(preferences.default_capital),
        currency,
        targets: wish.targets.unwrap_or_else(|| Targets::cash(currency)),
        interval_s: wish.interval_s.unwrap_or(preferences.default_interval_s),
        auto_rebalance: wish.auto_rebalance.unwrap_or(preferences.auto_rebalance),
        limits: Limits {
            risk_per_trade: wish.risk_per_trade.unwrap_or(preferences.risk_per_trade),
            max_drawdown: wish.max_drawdown.unwrap_or(preferences.max_drawdown),
        },
        drift_threshold: wish.drift_threshold,
        next_run_at: wish.next_run_at,
        hold_id: None,
        at: Timestamp::default(),
    }
}

/// The capital as money, if it is an amount of its currency and within what can be traded with.
fn capital_in(start: &StartSession) -> Result<Money, UserRefusal> {
    let StartSession { capital, currency, .. } = *start;
    let capital = capital.normalize();
    if capital.scale() > DECIMALS {
        return Err(UserRefusal::CapitalTooFine { currency });
    }
    if capital > Decimal::from(WHOLE_MAX) {
        return Err(UserRefusal::CapitalTooLarge { currency });
    }
    Money::parse(&capital.to_string(), currency).map_err(|error| match error {
        MoneyError::TooManyDecimals { .. } => UserRefusal::CapitalTooFine { currency },
        _ => UserRefusal::CapitalTooLarge { currency },
    })
}

fn reserve(wallet_id: WalletId, amount: Money, start: &StartSession) -> Reserve {
    let reference = Reference::parse(&format!("trading session {}", start.session_id)).ok();
    Reserve { wallet_id, movement: Movement { amount, currency: start.currency, reference } }
}
