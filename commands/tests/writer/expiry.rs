//! Sessions that are over are ended, those that go on are left alone, and nobody's trouble is another's.

use crate::house::{Holder, House, context};
use commands::sweep::{FOUND_MAX, SweepError, Swept};
use commands::users::expiry::{FindOver, SessionExpiry};
use commands::users::{Identifier, Login};
use commands::{Commands, Failure, Principal};
use domain::user::{EndReason, UserEvent};
use domain::{Event, UserId, Username};
use std::sync::{Arc, Mutex};
use uuid::Uuid;

/// As a read model that is always late would: everybody, whether or not anything of theirs is over.
fn everybody(users: &[UserId]) -> FindOver {
    let users = users.to_vec();
    Box::new(move |_, limit, _| {
        let users = users.iter().copied().take(limit.into()).collect();
        Box::pin(async move { Ok(users) })
    })
}

async fn login(commands: &Commands, name: &str) -> String {
    let login = Login {
        identifier: Identifier::Username(Username::parse(name).unwrap()),
        password: "correct-horse-battery".to_owned().into(),
        ip: None,
        user_agent: None,
    };
    let context = commands::Context { key: None, ..context(Principal::Anonymous, "") };
    commands.login(context, login).await.unwrap().refresh_token
}

async fn refresh(commands: &Commands, token: &str) {
    let context = commands::Context { key: None, ..context(Principal::Anonymous, "") };
    commands.refresh(context, token).await.unwrap();
}

#[tokio::test]
async fn sessions_that_are_over_are_ended_by_the_house_itself() {
    let house = House::build().await;
    let working = house.work().await;
    let (ada, eve) =
        (Holder::register(&working.commands, "ada").await, Holder::register(&working.commands, "eve").await);
    login(&working.commands, "ada").await;
    let goes_on = login(&working.commands, "ada").await;
    login(&working.commands, "eve").await;
    let unknown = UserId(Uuid::now_v7());
    let mut expiry =
        SessionExpiry::new(working.commands.clone(), everybody(&[unknown, ada.user_id, eve.user_id]));
    house.pass(59);
    assert_eq!(expiry.run_once().await.unwrap(), Swept { ended: 0, is_full: false });
    refresh(&working.commands, &goes_on).await;
    house.pass(1);
    assert_eq!(expiry.run_once().await.unwrap(), Swept { ended: 2, is_full: false });
    let before = house.head().await;
    assert_eq!(expiry.run_once().await.unwrap(), Swept { ended: 0, is_full: false });
    assert_eq!(house.head().await, before, "what has ended does not end again");
    let ended = house.journal.read_after(before - 2, 2).await.unwrap();
    for recorded in ended {
        assert_eq!(recorded.metadata.actor, domain::Actor::SYSTEM);
        let event = recorded.event().unwrap();
        let reason =
            matches!(event, Event::User(UserEvent::LoginSessionEnded { reason: EndReason::Expired, .. }));
        assert!(reason, "{event:?}");
    }
    working.stop().await;
}

#[tokio::test]
async fn a_step_is_bounded_and_the_next_one_waits_for_what_it_ended() {
    let house = House::build().await;
    let working = house.work().await;
    let ada = Holder::register(&working.commands, "ada").await;
    login(&working.commands, "ada").await;
    house.pass(60);
    let asked = Arc::new(Mutex::new(Vec::new()));
    let find: FindOver = {
        let asked = Arc::clone(&asked);
        Box::new(move |_, limit, min| {
            asked.lock().unwrap().push((limit, min));
            Box::pin(async move { Ok(vec![ada.user_id; limit.into()]) })
        })
    };
    let mut expiry = SessionExpiry::new(working.commands.clone(), find);
    let swept = expiry.run_once().await.unwrap();
    assert_eq!(swept, Swept { ended: 1, is_full: true });
    expiry.run_once().await.unwrap();
    let head = house.head().await;
    assert_eq!(*asked.lock().unwrap(), [(FOUND_MAX, None), (FOUND_MAX, Some(head))]);
    working.stop().await;
}

#[tokio::test]
async fn who_cannot_look_or_does_not_lead_says_so() {
    let house = House::build().await;
    let working = house.work().await;
    let blind: FindOver = Box::new(|_, _, _| Box::pin(async { Err("no read model".to_owned()) }));
    let failed = SessionExpiry::new(working.commands.clone(), blind).run_once().await.unwrap_err();
    assert!(matches!(failed, SweepError::Find(_)), "{failed}");
    let ada = Holder::register(&working.commands, "ada").await;
    let commands = working.commands.clone();
    working.stop().await;
    let failed = SessionExpiry::new(commands, everybody(&[ada.user_id])).run_once().await.unwrap_err();
    assert!(matches!(failed, SweepError::Command(Failure::Unavailable { .. })), "{failed}");
}
