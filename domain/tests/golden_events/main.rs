//! Every version of every event ever written, as it was written: a shape cannot change unnoticed.
//!
//! A golden file is the stored text of one event, named `<Type>.<version>.json`. It never changes again. A new version
//! gets a file beside it, and both must read to a value; the newest must also be written to the same bytes.

#![allow(clippy::unwrap_used, clippy::panic)]

mod settings;
mod trading;
mod wallet;

use domain::settings_defaults::DefaultsEvent;
use domain::trading::SessionEvent;
use domain::user::{
    ApiKeyChange, CredentialsHeld, EndReason, Exchange, Locale, PasswordChangeReason, Preferences, Role,
    Theme, UserEvent,
};
use domain::wallet::{WalletEvent, WalletStatus};
use domain::{
    AggregateKind, AggregateRef, ApiKeyId, Event, LoginSessionId, Scope, Sealed, Timestamp, UserId, WalletId,
};
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::path::PathBuf;
use uuid::uuid;

const USER: UserId = UserId(uuid!("0199f3a2-7c11-7e4b-9d3a-5b2f6c8e1a01"));
const WALLET: WalletId = WalletId(uuid!("0199f3a2-7c11-7e4b-9d3a-5b2f6c8e1a02"));
const SESSION: LoginSessionId = LoginSessionId(uuid!("0199f3a5-0d20-7a3c-8f41-2e9b7d6c5f03"));
const KEY: ApiKeyId = ApiKeyId(uuid!("0199f3a5-0d20-7a3c-8f41-2e9b7d6c5f04"));

/// File names, without `.json`, and what each of them means.
fn goldens() -> Vec<(&'static str, Event)> {
    let mut goldens = user_goldens();
    goldens.extend(account_goldens());
    goldens.extend(key_goldens());
    goldens.extend(wallet::goldens());
    goldens.extend(trading::goldens());
    goldens.extend(settings::goldens());
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

fn sealed(text: &str) -> Sealed {
    Sealed::new(text.to_owned())
}

fn at(text: &str) -> Timestamp {
    serde_json::from_value(text.into()).unwrap()
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
            AggregateKind::SettingsDefaults => types_of::<DefaultsEvent>(),
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
fn a_hold_tells_the_session_it_is_kept_for() {
    let text = r#"{"HoldPlaced":{"amount":"1.00","currency":"USD","hold":{"id":"0199f3a2-7c11-7e4b-9d3a-5b2f6c8e1a02.13","amount":"1.00","captured":"0.00","released":"0.00","remaining":"1.00","status":"active","expires_at":"2125-10-28T10:00:00.000000Z","version":13,"trading_session":"0199f3b0-11aa-7c3e-9a41-2e9b7d6c5f06"},"posted_after":"100.00","available_after":"99.00"}}"#;
    let of = AggregateRef { kind: AggregateKind::Wallet, id: WALLET.0 };
    let read = Event::from_stored(of, "HoldPlaced", "1.0", text).unwrap();
    let Event::Wallet(WalletEvent::HoldPlaced(step)) = &read else { panic!("not a hold") };
    assert_eq!(step.hold.trading_session, Some(trading::TRADING_SESSION));
    assert_eq!(read.to_stored().unwrap(), text);
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
