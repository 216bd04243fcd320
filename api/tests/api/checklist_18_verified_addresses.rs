use crate::client::Answered;
use crate::house::{House, Person};
use futures::future::join_all;
use serde_json::json;

fn address(person: &Person) -> String {
    person.name.replacen("ada", "Ada", 1) + "@example.com"
}

async fn verify(house: &House, token: &str) -> Answered {
    house.post("/auth/email/verify").json(&json!({ "token": token })).send().await
}

async fn resend(house: &House, person: &Person) -> Answered {
    house.post("/auth/email/resend").token(&person.token).send().await
}

#[tokio::test]
async fn c18_registering_sends_a_token_that_proves_the_address() {
    let house = House::open().await;
    let ada = house.person().await;
    let mail = house.mail("verify_email", &address(&ada)).await;
    let (place, action, token) = mail.link();
    assert_eq!((place.as_str(), action.as_str()), ("https://money.example/", "verify"));
    let answered = verify(&house, &token).await;
    let body = answered.expect(200);
    assert_eq!(body["user"]["email_verified"], true);
    assert_eq!(body["user"]["email"], json!(address(&ada)));
    assert_eq!(answered.header("etag"), Some(format!("\"{}\"", body["user"]["version"]).as_str()));
    let me = format!("/auth/me?min_position={}", body["position"]);
    let me = house.get(&me).token(&ada.token).send().await.expect(200);
    assert_eq!(me["user"]["email_verified"], true);
    assert_eq!(me["setup"]["email_verified"], true);
}

#[tokio::test]
async fn c18_of_twenty_who_use_a_token_at_once_one_succeeds() {
    let house = House::open().await;
    let ada = house.person().await;
    let token = house.mail("verify_email", &address(&ada)).await.token();
    let answers = join_all((0..20).map(|_| verify(&house, &token))).await;
    assert_eq!(answers.iter().filter(|answered| answered.status == 200).count(), 1);
    for answered in answers.iter().filter(|answered| answered.status != 200) {
        answered.problem(422, "invalid_mail_token");
    }
}

#[tokio::test]
async fn c18_a_newer_token_takes_the_place_of_the_one_before() {
    let house = House::open().await;
    let ada = house.person().await;
    let first = house.mail("verify_email", &address(&ada)).await.token();
    assert_eq!(resend(&house, &ada).await.expect(202), json!({ "accepted": true }));
    let second = house.mail_number(2, "verify_email", &address(&ada)).await.token();
    verify(&house, &first).await.problem(422, "invalid_mail_token");
    verify(&house, &second).await.expect(200);
}

#[tokio::test]
async fn c18_a_token_is_good_for_a_day_and_of_one_person() {
    let house = House::open().await;
    let (ada, bea) = (house.person().await, house.person().await);
    let token = house.mail("verify_email", &address(&ada)).await.token();
    let others = house.mail("verify_email", &address(&bea)).await.token();
    // Ada's beginning with Bea's end: a whole of its own, that nobody was ever sent.
    verify(&house, &format!("{}{}", &token[..40], &others[40..])).await.problem(422, "invalid_mail_token");
    house.expire_tokens("verify_token").await;
    verify(&house, &token).await.problem(422, "invalid_mail_token");
}

#[tokio::test]
async fn c18_a_look_at_a_link_proves_nothing() {
    let house = House::open().await;
    let ada = house.person().await;
    let token = house.mail("verify_email", &address(&ada)).await.token();
    let head = house.head().await;
    for path in ["/auth/email/verify", "/auth/email/resend"] {
        let answered = house.get(&format!("{path}?token={token}")).send().await;
        answered.problem(405, "method_not_allowed");
    }
    assert_eq!(house.head().await, head);
    verify(&house, &token).await.expect(200);
}

#[tokio::test]
async fn c18_whose_address_is_proved_gets_no_more_such_mails() {
    let house = House::open().await;
    let ada = house.person().await;
    let token = house.mail("verify_email", &address(&ada)).await.token();
    verify(&house, &token).await.expect(200);
    resend(&house, &ada).await.expect(202);
    house.no_mail_is_under_way().await;
    assert_eq!(house.mails().len(), 1, "{:?}", house.mails());
    house.post("/auth/email/resend").send().await.problem(401, "missing_token");
}

#[tokio::test]
async fn c18_whoever_has_not_proved_their_address_may_do_what_others_may() {
    let house = House::open().await;
    let ada = house.person().await;
    house.deposit(&ada, &json!({ "amount": "1.00" })).send().await.expect(201);
    let me = house.get("/auth/me").token(&ada.token).send().await.expect(200);
    assert_eq!(me["user"]["email_verified"], false);
}

#[tokio::test]
async fn c18_a_new_address_takes_the_old_ones_place_when_it_is_proved() {
    let house = House::open().await;
    let ada = house.person().await;
    let wanted = json!({ "email": "countess@example.org" });
    let asked = house.ask("PATCH", "/users/me").token(&ada.token).json(&wanted).send().await.expect(202);
    assert_eq!(asked["pending_email"], "countess@example.org");
    assert_eq!(asked["user"]["email"], json!(address(&ada)));
    house.mail("email_change_asked", &address(&ada)).await;
    let token = house.mail("verify_new_email", "countess@example.org").await.token();
    let proved = verify(&house, &token).await.expect(200);
    assert_eq!(proved["user"]["email"], "countess@example.org");
    assert_eq!(proved["user"]["email_verified"], true);
    house.mail("email_changed", &address(&ada)).await;
    let path = format!("/users/me?min_position={}", proved["position"]);
    let read = house.get(&path).token(&ada.token).send().await.expect(200);
    assert_eq!(read["email"], "countess@example.org");
    house.no_mail_is_under_way().await;
    let asked_again = house.mails().into_iter().filter(|mail| mail.to == "countess@example.org").count();
    assert_eq!(asked_again, 1);
}
