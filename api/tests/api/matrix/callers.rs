//! Everybody who might knock: people in every state, and keys of every kind.

use crate::client::Ask;
use crate::house::{House, PASSWORD, Person};
use domain::Scope;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use testkit::eventually;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    Anonymous,
    Owner,
    Other,
    Suspended,
    Erased,
    Admin,
    /// A service's key with the scope the operation takes; with any, if it takes none.
    ServiceWith,
    /// A service's key with every other scope.
    ServiceWithout,
    /// The owner's own key with every scope there is for people.
    OwnersKey,
    ExpiredKey,
    KeyFromElsewhere,
    RevokedSession,
    ExpiredToken,
}

impl Caller {
    pub(super) const ALL: [Self; 13] = [
        Self::Anonymous,
        Self::Owner,
        Self::Other,
        Self::Suspended,
        Self::Erased,
        Self::Admin,
        Self::ServiceWith,
        Self::ServiceWithout,
        Self::OwnersKey,
        Self::ExpiredKey,
        Self::KeyFromElsewhere,
        Self::RevokedSession,
        Self::ExpiredToken,
    ];
}

pub(super) struct Cast {
    pub(super) owner: Person,
    other: Person,
    admin: Person,
    suspended: Person,
    erased: Person,
    revoked: Person,
    expired_token: String,
    owners_key: String,
    expired_key: String,
    key_from_elsewhere: String,
    /// A service's keys: with one scope each, and with all but that.
    only: Vec<(Scope, String)>,
    all_but: Vec<(Scope, String)>,
}

/// What a person's key may have.
fn personal() -> Vec<Scope> {
    Scope::ALL.iter().copied().filter(|scope| *scope != Scope::Audit).collect()
}

fn moment(from_now: Duration) -> String {
    (OffsetDateTime::now_utc() + from_now).format(&Rfc3339).unwrap()
}

async fn key(house: &House, holder: &Person, manager: &str, body: Value) -> String {
    let path = format!("/users/{}/api-keys", holder.id);
    let created = house.post(&path).token(manager).json(&body).send().await.expect(201);
    created["key"].as_str().unwrap().to_owned()
}

fn with(scopes: &[Scope]) -> Value {
    json!({ "name": "k", "scopes": scopes })
}

/// Signed by this installation, and over for a minute.
fn expired(house: &House, person: &Person) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims = json!({
        "iss": "counterfoil", "aud": "counterfoil", "sub": person.id, "sid": Uuid::nil(), "jti": Uuid::nil(),
        "iat": now - 120, "nbf": now - 120, "exp": now - 60, "roles": ["user"],
    });
    let mut header = Header::new(Algorithm::EdDSA);
    header.typ = Some("at+jwt".to_owned());
    let ring = house.vault.key_ring();
    let signing = ring.token_keys().next().unwrap();
    header.kid = Some(signing.kid().to_owned());
    jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ed_der(signing.pkcs8_der())).unwrap()
}

impl Cast {
    pub(super) async fn gather(house: &House) -> Self {
        let admin = house.admin().await;
        let (owner, other) = (house.person().await, house.person().await);
        let (suspended, erased, revoked) = (house.person().await, house.person().await, house.person().await);
        house.furnish(&owner).await;
        let owners_key = key(house, &owner, &owner.token, with(&personal())).await;
        let short =
            json!({ "name": "k", "scopes": personal(), "expires_at": moment(Duration::from_secs(2)) });
        let expired_key = key(house, &owner, &owner.token, short).await;
        let elsewhere = json!({ "name": "k", "scopes": personal(), "cidrs": ["10.9.8.0/24"] });
        let key_from_elsewhere = key(house, &owner, &owner.token, elsewhere).await;
        let (only, all_but) = service_keys(house, &admin).await;
        let suspend = house.post(&format!("/users/{}/suspend", suspended.id)).token(&admin.token);
        suspend.send().await.expect(200);
        let erase = house.ask("DELETE", &format!("/users/{}", erased.id)).token(&erased.token);
        erase.json(&json!({ "current_password": PASSWORD })).send().await.expect(200);
        house.post("/auth/logout").token(&revoked.token).send().await.expect(200);
        eventually("the key has expired", async || {
            house.get("/users/me/balance").token(&expired_key).send().await.status == 401
        })
        .await;
        let expired_token = expired(house, &owner);
        Self {
            owner,
            other,
            admin,
            suspended,
            erased,
            revoked,
            expired_token,
            owners_key,
            expired_key,
            key_from_elsewhere,
            only,
            all_but,
        }
    }

    /// New tokens for everybody whose old one may have been signed out.
    pub(super) async fn sign_in_again(&mut self, house: &House) {
        for person in [&mut self.owner, &mut self.other, &mut self.admin] {
            let signed_in = house.login(&person.name).await.expect(200);
            signed_in["access_token"].as_str().unwrap().clone_into(&mut person.token);
        }
    }

    pub(super) fn sign(&self, ask: Ask, caller: Caller, scope: Option<&'static str>) -> Ask {
        let of = |keys: &[(Scope, String)]| {
            let scope = scope.map_or(Scope::ProfileRead, |scope| scope.parse().unwrap());
            keys.iter().find(|(known, _)| *known == scope).unwrap().1.clone()
        };
        let token = match caller {
            Caller::Anonymous => return ask,
            Caller::Owner => self.owner.token.clone(),
            Caller::Other => self.other.token.clone(),
            Caller::Suspended => self.suspended.token.clone(),
            Caller::Erased => self.erased.token.clone(),
            Caller::Admin => self.admin.token.clone(),
            Caller::ServiceWith => of(&self.only),
            Caller::ServiceWithout => of(&self.all_but),
            Caller::OwnersKey => self.owners_key.clone(),
            Caller::ExpiredKey => self.expired_key.clone(),
            Caller::KeyFromElsewhere => self.key_from_elsewhere.clone(),
            Caller::RevokedSession => self.revoked.token.clone(),
            Caller::ExpiredToken => self.expired_token.clone(),
        };
        ask.token(&token)
    }
}

/// Of a service that an admin made: for each scope a key with it alone, and one with every other.
async fn service_keys(house: &House, admin: &Person) -> (Vec<(Scope, String)>, Vec<(Scope, String)>) {
    let mut body = house.registration();
    body["roles"] = json!(["service"]);
    let created = house.post("/users").token(&admin.token).json(&body).send().await.expect(201);
    let service = Person { id: created["user"]["id"].as_str().unwrap().to_owned(), ..admin.clone() };
    let (mut only, mut all_but) = (Vec::new(), Vec::new());
    for scope in Scope::ALL.iter().copied() {
        let others: Vec<Scope> = Scope::ALL.iter().copied().filter(|other| *other != scope).collect();
        only.push((scope, key(house, &service, &admin.token, with(&[scope])).await));
        all_but.push((scope, key(house, &service, &admin.token, with(&others)).await));
    }
    (only, all_but)
}
