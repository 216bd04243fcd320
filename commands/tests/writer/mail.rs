use crate::house::{Holder, House, Working, context, registration};
use crate::smtp_sink::SmtpSink;
use commands::mail::{Courier, CourierOptions, Mailer, SmtpPost};
use commands::users::{Identifier, Login, NewApiKey, PasswordChange, ProfileChange};
use commands::{Commands, Failure, Principal, Refusal};
use domain::user::{Locale, PreferencesChange};
use domain::{DisplayName, Email, LoginSessionId, Scope, Username};
use journal::subscription::{Checkpoints, Feed, Outcome};
use std::time::{Duration, Instant};
use uuid::Uuid;

const PASSWORD: &str = "correct-horse-battery";
const NEW_PASSWORD: &str = "another-horse-altogether";

pub fn feed(house: &House) -> Feed {
    Feed {
        journal: house.journal.clone(),
        tail: house.tail.clone(),
        nats: None,
        checkpoints: Checkpoints::default(),
    }
}

pub fn courier(commands: &Commands, url: &str) -> Courier {
    let options = CourierOptions {
        from: "Counterfoil <no-reply@money.example>".parse().unwrap(),
        public_url: "https://money.example".to_owned(),
    };
    Courier::new(commands, Box::new(SmtpPost::new(url).unwrap()), options)
}

/// Reads all there is.
pub async fn catch_up(house: &House, working: &Working) {
    let mut mailer = Mailer::follow(&working.commands, feed(house));
    while mailer.run_once().await.unwrap() != Outcome::UpToDate {}
}

/// Sends all that is due.
pub async fn send_all(courier: &Courier) {
    while courier.run_once().await.unwrap() > 0 {}
}

async fn waiting(house: &House) -> Vec<(String, i32, Option<String>)> {
    sqlx::query_as("select kind, attempts, last_error from outbox order by id")
        .fetch_all(house.journal.pool())
        .await
        .unwrap()
}

fn kinds(waiting: &[(String, i32, Option<String>)]) -> Vec<&str> {
    waiting.iter().map(|(kind, ..)| kind.as_str()).collect()
}

fn token_in(text: &str) -> String {
    let line = text.lines().find(|line| line.contains("cfm_")).expect("a token");
    line.split_once('=').unwrap().1.trim().to_owned()
}

fn login(name: &str, password: &str) -> Login {
    Login {
        identifier: Identifier::Username(Username::parse(name).unwrap()),
        password: password.into(),
        ip: None,
        user_agent: None,
    }
}

#[tokio::test]
async fn an_event_calls_for_its_mail_once_however_many_mailers_follow() {
    let house = House::build().await;
    let working = house.work().await;
    let mut mailers: Vec<_> = (0..3).map(|_| Mailer::follow(&working.commands, feed(&house))).collect();
    for n in 0..5 {
        Holder::register(&working.commands, &format!("ada{n}")).await;
        for mailer in &mut mailers {
            mailer.run_once().await.unwrap();
        }
    }
    for mailer in &mut mailers {
        while mailer.run_once().await.unwrap() != Outcome::UpToDate {}
    }
    assert_eq!(kinds(&waiting(&house).await), ["verify_email"; 5]);
    working.stop().await;
}

#[tokio::test]
async fn a_mail_leaves_by_smtp_and_only_once_however_many_couriers_there_are() {
    let house = House::build().await;
    let working = house.work().await;
    for n in 0..6 {
        Holder::register(&working.commands, &format!("ada{n}")).await;
    }
    catch_up(&house, &working).await;
    let sink = SmtpSink::open(0).await;
    let (one, other) = (courier(&working.commands, &sink.url()), courier(&working.commands, &sink.url()));
    tokio::join!(send_all(&one), send_all(&other));
    assert!(waiting(&house).await.is_empty());
    let delivered = sink.delivered();
    let mut to: Vec<&str> = delivered.iter().map(|mail| mail.to.as_str()).collect();
    to.sort_unstable();
    let expected: Vec<String> = (0..6).map(|n| format!("<ada{n}@example.com>")).collect();
    assert_eq!(to, expected);
    let text = &delivered[0].text;
    assert!(text.contains("From: Counterfoil <no-reply@money.example>"), "{text}");
    assert!(text.contains("Auto-Submitted: auto-generated"), "{text}");
    assert!(text.contains("\r\nhttps://money.example/#verify=cfm_"), "{text}");
    working.stop().await;
}

#[tokio::test]
async fn a_mail_that_is_refused_waits_and_is_tried_again() {
    let house = House::build().await;
    let working = house.work().await;
    Holder::register(&working.commands, "ada").await;
    catch_up(&house, &working).await;
    let sink = SmtpSink::open(1).await;
    let courier = courier(&working.commands, &sink.url());
    assert_eq!(courier.run_once().await.unwrap(), 1);
    assert_eq!(courier.run_once().await.unwrap(), 0, "it is not due yet");
    // The server's own words named somebody.
    assert_eq!(waiting(&house).await, [("verify_email".to_owned(), 1, Some("smtp: 451".to_owned()))]);
    house.execute("update outbox set due_at = clock_timestamp()").await;
    assert_eq!(courier.run_once().await.unwrap(), 1);
    assert!(waiting(&house).await.is_empty());
    // The token of the first try is not good any more, the one that arrived is.
    let token = token_in(&sink.delivered()[0].text);
    let verified = working.commands.verify_email(context(Principal::Anonymous, "v"), &token).await.unwrap();
    assert!(verified.user.unwrap().person().unwrap().email_verified);
    working.stop().await;
}

#[tokio::test]
async fn a_mail_that_does_not_leave_within_a_day_is_given_up() {
    let house = House::build().await;
    let working = house.work().await;
    Holder::register(&working.commands, "ada").await;
    catch_up(&house, &working).await;
    house.execute("update outbox set created_at = clock_timestamp() - interval '25 hours'").await;
    // Nobody listens there.
    let courier = courier(&working.commands, "smtp://127.0.0.1:1");
    assert_eq!(courier.run_once().await.unwrap(), 1);
    assert!(waiting(&house).await.is_empty());
    working.stop().await;
}

#[tokio::test]
async fn no_token_stands_anywhere_but_in_its_mail() {
    let house = House::build().await;
    let working = house.work().await;
    Holder::register(&working.commands, "ada").await;
    catch_up(&house, &working).await;
    let sink = SmtpSink::open(1).await;
    let courier = courier(&working.commands, &sink.url());
    courier.run_once().await.unwrap();
    house.execute("update outbox set due_at = clock_timestamp()").await;
    courier.run_once().await.unwrap();
    let token = token_in(&sink.delivered()[0].text);
    let secrets: Vec<(String, Vec<u8>)> = sqlx::query_as("select kind, value from secrets order by kind")
        .fetch_all(house.journal.pool())
        .await
        .unwrap();
    assert_eq!(secrets.last().unwrap().0, "verify_token");
    for (kind, value) in secrets {
        assert!(!String::from_utf8_lossy(&value).contains(&token[4..]), "{kind}");
    }
    working.stop().await;
}

#[tokio::test]
async fn who_is_erased_gets_no_mail_and_leaves_none_behind() {
    let house = House::build().await;
    let working = house.work().await;
    let ada = Holder::register(&working.commands, "ada").await;
    let bea = Holder::register(&working.commands, "bea").await;
    catch_up(&house, &working).await;
    assert_eq!(waiting(&house).await.len(), 2);
    working.commands.erase(context(ada.principal(), "erase"), ada.user_id).await.unwrap();
    let left: Vec<Uuid> =
        sqlx::query_scalar("select user_id from outbox").fetch_all(house.journal.pool()).await.unwrap();
    assert_eq!(left, [bea.user_id.0]);
    // As if it had been wanted by somebody who had not heard of it yet.
    working.commands.resend_verification(ada.user_id).await.unwrap();
    let sink = SmtpSink::open(0).await;
    send_all(&courier(&working.commands, &sink.url())).await;
    assert!(sink.delivered().iter().all(|mail| mail.to == "<bea@example.com>"));
    let tokens: i64 = sqlx::query_scalar("select count(*) from secrets where owner = $1")
        .bind(ada.user_id.0)
        .fetch_one(house.journal.pool())
        .await
        .unwrap();
    assert_eq!(tokens, 0);
    // The mailer clears up too, when it hears of it.
    working.commands.resend_verification(ada.user_id).await.unwrap();
    catch_up(&house, &working).await;
    assert!(waiting(&house).await.is_empty());
    working.stop().await;
}

#[tokio::test]
async fn a_changed_password_is_told_of_whatever_is_preferred_and_in_ones_language() {
    let house = House::build().await;
    let working = house.work().await;
    let ada = Holder::register(&working.commands, "ada").await;
    let prefer = async |key: &str, change: PreferencesChange| {
        let context = context(ada.principal(), key);
        working.commands.change_preferences(context, ada.user_id, change).await.unwrap();
    };
    let quiet = PreferencesChange { notifications: Some(false), ..PreferencesChange::default() };
    prefer("quiet", quiet).await;
    let change = async |from: &str, to: &str| {
        let session = LoginSessionId(Uuid::nil());
        let change = PasswordChange { current: from.into(), new: to.into(), blocklist: true };
        let context = context(ada.principal(), to);
        working.commands.change_password(context, ada.user_id, session, change).await.unwrap();
    };
    change(PASSWORD, NEW_PASSWORD).await;
    catch_up(&house, &working).await;
    let sink = SmtpSink::open(0).await;
    let courier = courier(&working.commands, &sink.url());
    send_all(&courier).await;
    // Who has got in could have switched off what would warn the owner. The link of before is void, so it is not mailed.
    assert_eq!(sink.delivered().len(), 1, "the notice alone: {:?}", sink.delivered());
    let loud = PreferencesChange {
        notifications: Some(true),
        locale: Some(Locale::Uk),
        ..PreferencesChange::default()
    };
    prefer("loud", loud).await;
    change(NEW_PASSWORD, PASSWORD).await;
    catch_up(&house, &working).await;
    send_all(&courier).await;
    let notice = sink.delivered().pop().unwrap().text;
    assert_eq!(sink.delivered().len(), 2);
    // "Ваш пароль змінено", as a header has to spell it.
    assert!(
        notice.contains("Subject: =?utf-8?b?0JLQsNGIINC/0LDRgNC+0LvRjCDQt9C80ZbQvdC10L3Qvg==?="),
        "{notice}"
    );
    working.stop().await;
}

#[tokio::test]
async fn a_copied_session_and_a_new_key_are_told_of() {
    let house = House::build().await;
    let working = house.work().await;
    let ada = Holder::register(&working.commands, "ada").await;
    let anonymous = |key: &str| context(Principal::Anonymous, key);
    let signed_in = working.commands.login(anonymous("l"), login("ada", PASSWORD)).await.unwrap();
    working.commands.refresh(anonymous("1"), &signed_in.refresh_token).await.unwrap();
    house.pass(11);
    let reused = working.commands.refresh(anonymous("2"), &signed_in.refresh_token).await.unwrap_err();
    assert!(matches!(reused, Failure::RefreshTokenReused { .. }), "{reused:?}");
    let key = NewApiKey {
        name: DisplayName::parse("robot").unwrap(),
        scopes: [Scope::WalletRead].into_iter().collect(),
        expires_at: None,
        networks: Vec::new(),
    };
    working.commands.create_api_key(context(ada.principal(), "k"), ada.user_id, key).await.unwrap();
    catch_up(&house, &working).await;
    assert_eq!(
        kinds(&waiting(&house).await),
        ["verify_email", "token_reused", "api_key_created", "api_key_expires"]
    );
    let sink = SmtpSink::open(0).await;
    send_all(&courier(&working.commands, &sink.url())).await;
    assert_eq!(sink.delivered().len(), 3);
    assert!(sink.delivered()[1].text.contains("We ended that session."));
    working.stop().await;
}

async fn ask_for_address(commands: &Commands, holder: &Holder, address: &str) -> Result<(), Failure> {
    let change = ProfileChange { email: Some(Email::parse(address).unwrap()), ..ProfileChange::default() };
    let context = context(holder.principal(), address);
    commands.change_own_profile(context, holder.user_id, change).await.map(|_| ())
}

#[tokio::test]
async fn an_address_is_changed_by_a_mail_to_the_new_one_and_word_to_the_old() {
    let house = House::build().await;
    let working = house.work().await;
    let ada = Holder::register(&working.commands, "ada").await;
    Holder::register(&working.commands, "bea").await;
    catch_up(&house, &working).await;
    let sink = SmtpSink::open(0).await;
    let courier = courier(&working.commands, &sink.url());
    send_all(&courier).await;
    let start = async |address: &str| ask_for_address(&working.commands, &ada, address).await;
    let refused = start("BEA@example.com").await.unwrap_err();
    assert!(matches!(refused, Failure::Refused { refusal: Refusal::EmailTaken, .. }), "{refused:?}");
    start("new@example.org").await.unwrap();
    let head = house.head().await;
    send_all(&courier).await;
    assert_eq!(house.head().await, head, "nothing has changed yet");
    let sent = sink.delivered();
    let [.., to_old, to_new] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!((to_old.to.as_str(), to_new.to.as_str()), ("<ada@example.com>", "<new@example.org>"));
    assert!(!to_old.text.contains("cfm_") && !to_old.text.contains("new@example.org"));
    let token = token_in(&to_new.text);
    let verified = working.commands.verify_email(context(Principal::Anonymous, "v"), &token).await.unwrap();
    let types: Vec<&str> = verified.events.iter().map(|event| event.event_type.as_ref()).collect();
    assert_eq!(types, ["ProfileChanged", "EmailVerified"]);
    assert!(verified.user.unwrap().person().unwrap().email_verified);
    catch_up(&house, &working).await;
    send_all(&courier).await;
    let sent = sink.delivered();
    assert_eq!(sent.len(), 5, "proved already, so no more is asked: {sent:?}");
    assert_eq!(sent[4].to, "<ada@example.com>");
    // The new address is theirs, and the old one is free.
    let by_email = Login {
        identifier: Identifier::Email(Email::parse("new@example.org").unwrap()),
        ..login("ada", PASSWORD)
    };
    working.commands.login(context(Principal::Anonymous, "l"), by_email).await.unwrap();
    let again = registration("ada2", "ada@example.com");
    working.commands.register(context(Principal::Anonymous, "r"), again).await.unwrap();
    working.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asking_for_address_after_address_pesters_nobody() {
    let house = House::build().await;
    let working = house.work().await;
    let ada = Holder::register(&working.commands, "ada").await;
    catch_up(&house, &working).await;
    let sink = SmtpSink::open(0).await;
    let courier = courier(&working.commands, &sink.url());
    send_all(&courier).await;
    let before = sink.delivered().len();
    for n in 0..12 {
        ask_for_address(&working.commands, &ada, &format!("new{n}@example.org")).await.unwrap();
        // Those that wait are replaced, those that have left are counted.
        if n % 2 == 1 {
            send_all(&courier).await;
        }
    }
    // The proof of the first address was one of five in the hour.
    assert_eq!(sink.delivered().len() - before, 2 * 4);
    assert!(waiting(&house).await.is_empty());
    working.stop().await;
}

#[tokio::test]
async fn an_address_that_was_taken_meanwhile_is_not_given_away_twice() {
    let house = House::build().await;
    let working = house.work().await;
    let ada = Holder::register(&working.commands, "ada").await;
    ask_for_address(&working.commands, &ada, "new@example.org").await.unwrap();
    let sink = SmtpSink::open(0).await;
    send_all(&courier(&working.commands, &sink.url())).await;
    let first = registration("eve", "new@example.org");
    working.commands.register(context(Principal::Anonymous, "eve"), first).await.unwrap();
    let token = token_in(&sink.delivered().iter().find(|mail| mail.to == "<new@example.org>").unwrap().text);
    let refused =
        working.commands.verify_email(context(Principal::Anonymous, "v"), &token).await.unwrap_err();
    assert!(matches!(refused, Failure::Refused { refusal: Refusal::EmailTaken, .. }), "{refused:?}");
    working.stop().await;
}

#[tokio::test]
async fn an_address_that_an_admin_changed_is_asked_and_the_old_one_is_told() {
    let house = House::build().await;
    let working = house.work().await;
    let ada = Holder::register(&working.commands, "ada").await;
    let change =
        ProfileChange { email: Some(Email::parse("new@example.org").unwrap()), ..ProfileChange::default() };
    working.commands.change_profile(context(ada.principal(), "c"), ada.user_id, change).await.unwrap();
    catch_up(&house, &working).await;
    let sink = SmtpSink::open(0).await;
    send_all(&courier(&working.commands, &sink.url())).await;
    let to: Vec<String> = sink.delivered().into_iter().map(|mail| mail.to).collect();
    // What was wanted for the address before is not wanted any more.
    assert_eq!(to, ["<ada@example.com>", "<new@example.org>"]);
    let verification = sink.delivered().pop().unwrap();
    let token = token_in(&verification.text);
    let verified = working.commands.verify_email(context(Principal::Anonymous, "v"), &token).await.unwrap();
    assert_eq!(verified.events.len(), 1);
    working.stop().await;
}

#[tokio::test]
async fn a_journal_that_is_older_than_its_mailer_is_followed_from_its_end() {
    let house = House::build().await;
    let working = house.work().await;
    Holder::register(&working.commands, "ada").await;
    house
        .execute(
            "drop table outbox; drop table mailer_checkpoint; delete from _sqlx_migrations where version = 15;",
        )
        .await;
    house.journal.migrate().await.unwrap();
    catch_up(&house, &working).await;
    assert!(waiting(&house).await.is_empty());
    Holder::register(&working.commands, "bea").await;
    catch_up(&house, &working).await;
    assert_eq!(kinds(&waiting(&house).await), ["verify_email"]);
    working.stop().await;
}

#[tokio::test]
async fn nobody_who_registers_waits_for_a_mail() {
    let house = House::build().await;
    let working = house.work().await;
    // A locked outbox stands for anything that mail could wait for.
    let mut lock = house.journal.pool().begin().await.unwrap();
    sqlx::query("set local idle_in_transaction_session_timeout = 0").execute(&mut *lock).await.unwrap();
    sqlx::query("lock table outbox, mailer_checkpoint in access exclusive mode")
        .execute(&mut *lock)
        .await
        .unwrap();
    let registered = Instant::now();
    Holder::register(&working.commands, "ada").await;
    assert!(registered.elapsed() < Duration::from_secs(3));
    lock.rollback().await.unwrap();
    working.stop().await;
}

#[tokio::test]
async fn a_hash_that_is_weaker_than_todays_is_made_anew_at_the_next_login() {
    let house = House::build().await;
    let working = house.work().await;
    Holder::register(&working.commands, "ada").await;
    // The same password under half the memory, as an earlier version could have left it.
    let weak = weak_hash(PASSWORD);
    sqlx::query("update secrets set value = $1 where kind = 'password'")
        .bind(weak.as_bytes())
        .execute(house.journal.pool())
        .await
        .unwrap();
    let stored = async || -> (String, i64) {
        sqlx::query_as("select convert_from(value, 'utf8'), version from secrets where kind = 'password'")
            .fetch_one(house.journal.pool())
            .await
            .unwrap()
    };
    let sign_in = async |password: &str| {
        working.commands.login(context(Principal::Anonymous, "l"), login("ada", password)).await
    };
    sign_in("not the password").await.unwrap_err();
    assert_eq!(stored().await, (weak, 1), "a guess changes nothing");
    sign_in(PASSWORD).await.unwrap();
    let (strong, version) = stored().await;
    assert!(strong.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{strong}");
    assert_eq!(version, 1);
    sign_in(PASSWORD).await.unwrap();
    assert_eq!(stored().await, (strong, 1), "and then it stays");
    working.stop().await;
}

fn weak_hash(password: &str) -> String {
    use argon2::password_hash::PasswordHasher;
    let params = argon2::Params::new(9_728, 1, 1, Some(32)).unwrap();
    let argon2 = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    argon2.hash_password(password.as_bytes()).unwrap().to_string()
}
