//! Every version of every event ever written, as it was written: a shape cannot change unnoticed.
//!
//! A golden file is the stored text of one event, named `<Type>.<version>.json`. It never changes again. A new version
//! gets a file beside it, and both must read to a value; the newest must also be written to the same bytes.

#![allow(clippy::unwrap_used, clippy::panic)]

use domain::trading::SessionEvent;
use domain::user::{
    ApiKeyChange, CredentialsHeld, EndReason, Exchange, Locale, PasswordChangeReason, Preferences, Role,
    Theme, UserEvent,
};
use domain::wallet::{
    Direction, Hold, HoldStatus, HoldStep, Moved, Reversed, Standing, Transferred, WalletEvent, WalletStatus,
};
use domain::{
    AggregateKind, AggregateRef, ApiKeyId, CaptureId, Currency, EntryId, Event, LoginSessionId, Money,
    Reference, Scope, Sealed, Timestamp, UserId, WalletId,
};
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::path::PathBuf;
use uuid::uuid;

const USER: UserId = UserId(uuid!("0199f3a2-7c11-7e4b-9d3a-5b2f6c8e1a01"));
const WALLET: WalletId = WalletId(uuid!("0199f3a2-7c11-7e4b-9d3a-5b2f6c8e1a02"));
const OTHER_WALLET: WalletId = WalletId(uuid!("0199f3a2-7c11-7e4b-9d3a-5b2f6c8e1a05"));
const SESSION: LoginSessionId = LoginSessionId(uuid!("0199f3a5-0d20-7a3c-8f41-2e9b7d6c5f03"));
const KEY: ApiKeyId = ApiKeyId(uuid!("0199f3a5-0d20-7a3c-8f41-2e9b7d6c5f04"));

/// File names, without `.json`, and what each of them means.
fn goldens() -> Vec<(&'static str, Event)> {
    let mut goldens = user_goldens();
    goldens.extend(account_goldens());
    goldens.extend(key_goldens());
    goldens.extend(wallet_goldens());
    goldens.extend(transfer_goldens());
    goldens.extend(hold_goldens());
    goldens
}

fn user_goldens() -> Vec<(&'static str, Event)> {
    let registered = UserEvent::UserRegistered {
        user_id: USER,
        username: sealed("AcC-hvYAB52C4zhOhptqHpf-DR--ZGe-g9Hq892xyw0dxZ3TUeh2Y-BuVQk"),
        email: sealed("AcPolUxuEK_8XwJlSwrInBw3044AGRefomquOO4m3bFxR5kZWINiQW812m1Mx8lY3HsbMjEFGgU"),
        name: Some(sealed("AYvhqH10y6LF5Clg3MEsewKtqHxPkLFfTKkK1P3g1kNLYAOmzbNYbaPcdRc465lyPGRake8")),
        roles: vec![Role::User],
        registered_at: at("2025-11-21T11:00:00.000042Z"),
    };
    let opened = UserEvent::LoginSessionOpened {
        session_id: SESSION,
        ip: Some(sealed("AVc8sgnalC19wt7UzHF5Sdoq4idjqbpWa7eMchLETFyRh0lbLXKyQVmSg5y-C0VZTD0")),
        user_agent: Some(sealed("AQ2T9Caddc0a27F2cGAoeqTY_LvS1qkClmzx830IkPtb0mhDV7iFNNfNhj78AfCO6PSPQw")),
        opened_at: at("2025-11-21T11:05:30.25Z"),
        expires_at: at("2025-11-28T11:05:30.25Z"),
        ends_at: at("2025-12-21T11:05:30.25Z"),
        login_count: 1,
    };
    let refreshed = UserEvent::LoginSessionRefreshed {
        session_id: SESSION,
        generation: 2,
        refreshed_at: at("2025-11-21T11:20:30.25Z"),
        expires_at: at("2025-11-28T11:20:30.25Z"),
    };
    let ended = UserEvent::LoginSessionEnded {
        session_id: SESSION,
        reason: EndReason::TokenReused,
        ended_at: at("2025-11-21T11:40:00Z"),
    };
    vec![
        ("UserRegistered.1.0", registered.into()),
        ("LoginSessionOpened.1.0", opened.into()),
        ("LoginSessionRefreshed.1.0", refreshed.into()),
        (
            "RefreshTokenReused.1.0",
            UserEvent::RefreshTokenReused { session_id: SESSION, generation: 1 }.into(),
        ),
        ("LoginSessionEnded.1.0", ended.into()),
    ]
}

fn account_goldens() -> Vec<(&'static str, Event)> {
    let changed_at = at("2025-11-22T08:00:00.5Z");
    let profile = UserEvent::ProfileChanged {
        username: Some(sealed("AcC-hvYAB52C4zhOhptqHpf")),
        email: Some(sealed("AcPolUxuEK_8XwJlSwrInBw")),
        name: None,
        name_removed: true,
        changed_at,
    };
    let preferences = UserEvent::PreferencesChanged {
        preferences: Preferences { theme: Theme::Dark, locale: Locale::Uk, ..Preferences::default() },
        changed_at,
    };
    let password =
        UserEvent::PasswordChanged { reason: PasswordChangeReason::Reset, password_version: 2, changed_at };
    let roles = UserEvent::RolesChanged { roles: vec![Role::User, Role::Admin], changed_at };
    let credentials = UserEvent::ExchangeCredentialsChanged {
        exchange: Exchange::Binance,
        credentials: Some(CredentialsHeld {
            key_hint: sealed("AYvhqH10y6LF5Clg3MEsew"),
            verified: false,
            permissions: vec!["reading".to_owned()],
        }),
        changed_at,
    };
    vec![
        ("ProfileChanged.1.0", profile.into()),
        ("EmailVerified.1.0", UserEvent::EmailVerified { verified_at: changed_at }.into()),
        ("PasswordChanged.1.0", password.into()),
        ("RolesChanged.1.0", roles.into()),
        ("UserSuspended.1.0", UserEvent::UserSuspended { suspended_at: changed_at }.into()),
        ("UserReactivated.1.0", UserEvent::UserReactivated { reactivated_at: changed_at }.into()),
        ("UserErased.1.0", UserEvent::UserErased { erased_at: changed_at }.into()),
        ("PreferencesChanged.1.0", preferences.into()),
        ("ExchangeCredentialsChanged.1.0", credentials.into()),
    ]
}

fn key_goldens() -> Vec<(&'static str, Event)> {
    let now = at("2025-11-23T09:30:00Z");
    let created = UserEvent::ApiKeyCreated {
        key_id: KEY,
        name: sealed("AVc8sgnalC19wt7UzHF5Sdo"),
        scopes: [Scope::WalletRead, Scope::WalletDeposit].into_iter().collect(),
        expires_at: at("2026-11-23T09:30:00Z"),
        cidrs: Some(sealed("AQ2T9Caddc0a27F2cGAoeqTY")),
        created_at: now,
    };
    let changed = UserEvent::ApiKeyChanged {
        key_id: KEY,
        change: ApiKeyChange {
            scopes: Some([Scope::WalletRead].into_iter().collect()),
            is_active: Some(false),
            ..ApiKeyChange::default()
        },
        changed_at: now,
    };
    let rotated = UserEvent::ApiKeyRotated {
        key_id: KEY,
        generation: 2,
        previous_until: at("2025-11-24T09:30:00Z"),
        rotated_at: now,
    };
    vec![
        ("ApiKeyCreated.1.0", created.into()),
        ("ApiKeyChanged.1.0", changed.into()),
        ("ApiKeyRotated.1.0", rotated.into()),
        ("ApiKeyRevoked.1.0", UserEvent::ApiKeyRevoked { key_id: KEY, revoked_at: now }.into()),
    ]
}

fn wallet_goldens() -> Vec<(&'static str, Event)> {
    let opened = WalletEvent::WalletOpened { wallet_id: WALLET, user_id: USER, currency: Currency::USD };
    let deposited = WalletEvent::WalletDeposited(Moved {
        amount: usd(1234),
        currency: Currency::USD,
        reference: Some(Reference::parse("invoice 7, “März”").unwrap()),
        posted_after: usd(11234),
        available_after: usd(9234),
        status: WalletStatus::Frozen,
    });
    let withdrawn = WalletEvent::WalletWithdrawn(Moved {
        amount: usd(5),
        currency: Currency::USD,
        reference: Some(Reference::parse("fee").unwrap()),
        posted_after: usd(11229),
        available_after: usd(9229),
        status: WalletStatus::Active,
    });
    vec![
        ("WalletOpened.1.0", opened.into()),
        ("WalletDeposited.1.0", deposited.into()),
        ("WalletWithdrawn.1.0", withdrawn.into()),
    ]
}

fn transfer_goldens() -> Vec<(&'static str, Event)> {
    let transferred = |posted_after, available_after, status| Transferred {
        amount: usd(1234),
        currency: Currency::USD,
        counterparty: OTHER_WALLET,
        reference: Some(Reference::parse("lunch").unwrap()),
        posted_after,
        available_after,
        status,
    };
    let reversed = Reversed {
        transaction: EntryId { wallet: WALLET, sequence: 7 },
        amount: usd(1234),
        currency: Currency::USD,
        direction: Direction::Credit,
        counterparty: Some(OTHER_WALLET),
        reference: Some(Reference::parse("wrong person").unwrap()),
        posted_after: usd(11234),
        available_after: usd(9234),
        status: WalletStatus::Frozen,
    };
    let standing = |status| Standing {
        currency: Currency::USD,
        posted_after: usd(11234),
        available_after: usd(9234),
        status,
    };
    let closed = Standing { posted_after: usd(0), available_after: usd(0), ..standing(WalletStatus::Closed) };
    vec![
        (
            "TransferSent.1.0",
            WalletEvent::TransferSent(transferred(usd(10000), usd(8000), WalletStatus::Active)).into(),
        ),
        (
            "TransferReceived.1.0",
            WalletEvent::TransferReceived(transferred(usd(11234), usd(9234), WalletStatus::Frozen)).into(),
        ),
        ("TransactionReversed.1.0", WalletEvent::TransactionReversed(reversed).into()),
        ("WalletFrozen.1.0", WalletEvent::WalletFrozen(standing(WalletStatus::Frozen)).into()),
        ("WalletUnfrozen.1.0", WalletEvent::WalletUnfrozen(standing(WalletStatus::Active)).into()),
        ("WalletClosed.1.0", WalletEvent::WalletClosed(closed).into()),
    ]
}

fn hold_goldens() -> Vec<(&'static str, Event)> {
    let hold = Hold {
        id: EntryId { wallet: WALLET, sequence: 8 },
        amount: usd(5000),
        captured: usd(0),
        released: usd(0),
        remaining: usd(5000),
        status: HoldStatus::Active,
        expires_at: at("2025-11-22T08:15:00.5Z"),
        version: 8,
        reference: Some(Reference::parse("order 17").unwrap()),
        trading_session: None,
    };
    let step = |amount, hold: &Hold, posted_after, available_after| HoldStep {
        amount,
        currency: Currency::USD,
        capture_id: None,
        hold: Box::new(hold.clone()),
        posted_after,
        available_after,
        status: WalletStatus::Active,
    };
    let amended = Hold { version: 9, amount: usd(6000), remaining: usd(6000), ..hold.clone() };
    let extended = Hold { version: 10, expires_at: at("2025-11-22T08:30:00.5Z"), ..amended.clone() };
    let part = Hold { version: 11, captured: usd(2000), remaining: usd(4000), ..extended.clone() };
    let ended = |status| Hold { version: 12, released: usd(4000), remaining: usd(0), status, ..part.clone() };
    let captured = HoldStep {
        capture_id: Some(CaptureId::parse("fill-1").unwrap()),
        status: WalletStatus::Active,
        ..step(usd(2000), &part, usd(8000), usd(4000))
    };
    let expired = HoldStep {
        status: WalletStatus::Frozen,
        ..step(usd(4000), &ended(HoldStatus::Expired), usd(8000), usd(8000))
    };
    vec![
        ("HoldPlaced.1.0", WalletEvent::HoldPlaced(step(usd(5000), &hold, usd(10000), usd(5000))).into()),
        (
            "HoldAmended.1.0",
            WalletEvent::HoldAmended(step(usd(6000), &amended, usd(10000), usd(4000))).into(),
        ),
        (
            "HoldExtended.1.0",
            WalletEvent::HoldExtended(step(usd(6000), &extended, usd(10000), usd(4000))).into(),
        ),
        ("HoldCaptured.1.0", WalletEvent::HoldCaptured(captured).into()),
        (
            "HoldReleased.1.0",
            WalletEvent::HoldReleased(step(usd(4000), &ended(HoldStatus::Released), usd(8000), usd(8000)))
                .into(),
        ),
        ("HoldExpired.1.0", WalletEvent::HoldExpired(expired).into()),
    ]
}

fn sealed(text: &str) -> Sealed {
    Sealed::new(text.to_owned())
}

fn at(text: &str) -> Timestamp {
    serde_json::from_value(text.into()).unwrap()
}

fn usd(cents: i128) -> Money {
    Money::from_minor(cents, Currency::USD).unwrap()
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// The stored text: the file without its last line break.
fn stored(name: &str) -> String {
    let text = std::fs::read_to_string(folder().join(format!("{name}.json"))).unwrap();
    text.strip_suffix('\n').unwrap().to_owned()
}

/// All names serde knows a kind of event by: it lists them when it meets another.
fn types_of<E: DeserializeOwned>() -> BTreeSet<String> {
    let Err(error) = serde_json::from_str::<E>(r#"{"NoSuchEvent":{}}"#) else {
        panic!("an event that does not exist was read");
    };
    let quoted = error.to_string();
    quoted.split('`').skip(1).step_by(2).filter(|name| *name != "NoSuchEvent").map(str::to_owned).collect()
}

#[test]
fn every_event_ever_written_reads_to_what_it_meant() {
    for (name, expected) in goldens() {
        let (event_type, version) = name.split_once('.').unwrap();
        let of = AggregateRef { kind: expected.kind(), id: USER.0 };
        let read = Event::from_stored(of, event_type, version, &stored(name)).unwrap();
        assert_eq!(read, expected, "{name}");
        assert_eq!(read.type_name(), event_type);
    }
}

#[test]
fn the_newest_version_is_written_to_the_same_bytes() {
    for (name, event) in goldens() {
        if name == format!("{}.{}", event.type_name(), event.version()) {
            assert_eq!(event.to_stored().unwrap(), stored(name), "{name}");
        }
    }
}

#[test]
fn no_event_is_without_a_golden_file_of_its_newest_version() {
    let newest = |kind: AggregateKind| -> BTreeSet<String> {
        let of_kind = goldens().into_iter().filter(|(_, event)| event.kind() == kind);
        let is_newest = |(name, event): &(&str, Event)| name.ends_with(&format!(".{}", event.version()));
        of_kind.filter(is_newest).map(|(_, event)| event.type_name().to_owned()).collect()
    };
    for kind in AggregateKind::ALL {
        let types = match kind {
            AggregateKind::User => types_of::<UserEvent>(),
            AggregateKind::Wallet => types_of::<WalletEvent>(),
            AggregateKind::TradingSession => types_of::<SessionEvent>(),
        };
        assert!(!types.is_empty());
        assert_eq!(newest(kind), types, "events of a {kind}");
    }
}

#[test]
fn no_golden_file_is_without_a_meaning() {
    let files = std::fs::read_dir(folder()).unwrap();
    let files: BTreeSet<String> =
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    let meant: BTreeSet<String> = goldens().iter().map(|(name, _)| format!("{name}.json")).collect();
    assert_eq!(files, meant);
}

#[test]
fn what_may_be_absent_reads_as_nothing() {
    let of = AggregateRef { kind: AggregateKind::Wallet, id: WALLET.0 };
    let text = r#"{"WalletDeposited":{"amount":"1.00","currency":"USD","posted_after":"1.00","available_after":"1.00"}}"#;
    let Event::Wallet(WalletEvent::WalletDeposited(moved)) =
        Event::from_stored(of, "WalletDeposited", "1.0", text).unwrap()
    else {
        panic!("not a deposit");
    };
    assert_eq!((moved.reference, moved.status), (None, WalletStatus::Active));
}

#[test]
fn a_registration_holds_nothing_a_person_could_be_known_by() {
    let stored = stored("UserRegistered.1.0");
    let json: serde_json::Value = serde_json::from_str(&stored).unwrap();
    let data = json["UserRegistered"].as_object().unwrap();
    let plain: Vec<&str> = data
        .iter()
        .filter(|(_, value)| value.get("sealed").is_none())
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(plain, ["registered_at", "roles", "user_id"]);
    // Version, nonce and tag alone are 41 bytes.
    let looks_sealed = |text: &str| {
        text.len() >= 55 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    for personal in ["username", "email", "name"] {
        assert!(looks_sealed(data[personal]["sealed"].as_str().unwrap()), "{personal}");
    }
}

/// The first JSON example under a type's heading in the documentation.
fn documented(page: &str, event_type: &str) -> Option<serde_json::Value> {
    let (_, section) = page.split_once(&format!("\n### {event_type}\n"))?;
    let (_, example) = section.split_once("```json\n")?;
    let (example, _) = example.split_once("\n```")?;
    serde_json::from_str(example).ok()
}

#[test]
fn every_event_is_documented_by_its_golden_data() {
    let page = std::fs::read_to_string(folder().join("../../../docs/events.md")).unwrap();
    for (name, event) in goldens() {
        let golden: serde_json::Value = serde_json::from_str(&stored(name)).unwrap();
        let event_type = event.type_name();
        assert_eq!(documented(&page, event_type).as_ref(), Some(&golden[event_type]), "{event_type}");
    }
}
