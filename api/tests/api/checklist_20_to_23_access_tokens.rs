//! Points 20 to 23: access tokens that are not ours, the published keys, their rotation, and how long a token lives.

use crate::house::{Choices, House};
use crate::signing::{moment, now, own_key, part, parts, signed, with};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use commands::vault::KeyRing;
use domain::Timestamp;
use ed25519_dalek::{Signature, SigningKey, VerifyingKey};
use serde_json::{Value, json};
use std::time::Duration;
use testkit::eventually;

fn without(value: &Value, name: &str) -> Value {
    let mut value = value.clone();
    value.as_object_mut().unwrap().remove(name);
    value
}

#[tokio::test]
async fn c20_a_token_that_is_not_ours_in_every_part_opens_nothing() {
    let house = House::open().await;
    let ada = house.person().await;
    let (header, claims) = parts(&ada.token);
    let ours = own_key(&house.keys.ring());
    // So that what is refused below is refused for what is wrong with it.
    house.get("/users/me").token(&signed(&ours, &header, &claims)).send().await.expect(200);

    let public = ours.verifying_key().to_bytes();
    let mut symmetric = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256);
    symmetric.typ = header["typ"].as_str().map(str::to_owned);
    symmetric.kid = header["kid"].as_str().map(str::to_owned);
    let secret = jsonwebtoken::EncodingKey::from_secret(&public);
    let hs256 = jsonwebtoken::encode(&symmetric, &claims, &secret).unwrap();
    let stranger = SigningKey::from_bytes(&[7; 32]);
    let jwk =
        json!({ "kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(stranger.verifying_key()) });
    let by_ours = |claims: &Value| signed(&ours, &header, claims);
    let [original_header, _, signature] = ada.token.split('.').collect::<Vec<_>>()[..] else { panic!() };
    let eve = house.person().await;

    let forged = [
        ("no algorithm", format!("{}.{}.", part(&with(&header, "alg", json!("none"))), part(&claims))),
        ("the public key as a secret", hs256),
        ("a key nobody knows", signed(&stranger, &with(&header, "kid", json!("foreign")), &claims)),
        ("a stranger under our key's name", signed(&stranger, &header, &claims)),
        ("no key named", signed(&ours, &without(&header, "kid"), &claims)),
        ("a key that it brings along", signed(&stranger, &with(&header, "jwk", jwk), &claims)),
        ("a key from elsewhere", {
            signed(&stranger, &with(&header, "jku", json!("http://127.0.0.1:1/jwks.json")), &claims)
        }),
        ("somebody else's claims", {
            format!("{original_header}.{}.{signature}", part(&with(&claims, "sub", json!(eve.id))))
        }),
        ("no expiry", by_ours(&without(&claims, "exp"))),
        ("not yet good", by_ours(&with(&claims, "nbf", json!(now() + 120)))),
        ("long expired", by_ours(&with(&claims, "exp", json!(now() - 60)))),
        ("another issuer", by_ours(&with(&claims, "iss", json!("https://elsewhere")))),
        ("another audience", by_ours(&with(&claims, "aud", json!("elsewhere")))),
        ("another type", signed(&ours, &with(&header, "typ", json!("refresh")), &claims)),
        ("no type", signed(&ours, &without(&header, "typ"), &claims)),
    ];
    for (what, token) in forged {
        let refused = house.get("/users/me").token(&token).send().await;
        let code = if what == "long expired" { "token_expired" } else { "invalid_token" };
        assert_eq!(refused.problem(401, code)["code"], code, "{what}");
        assert!(refused.header("www-authenticate").is_some_and(|how| how.starts_with("Bearer")), "{what}");
    }
}

#[tokio::test]
async fn c21_whoever_has_the_published_keys_can_verify_a_token() {
    let house = House::open().await;
    let ada = house.person().await;
    let answered = house.get("/.well-known/jwks.json").send().await;
    let keys = answered.expect(200);
    assert_eq!(answered.header("cache-control"), Some("public, max-age=300"));
    assert!(!answered.text().contains("\"d\""), "a private half was published: {keys}");

    let (header, claims) = parts(&ada.token);
    let jwk = keys["keys"].as_array().unwrap().iter().find(|jwk| jwk["kid"] == header["kid"]).unwrap();
    assert_eq!((&jwk["kty"], &jwk["crv"], &jwk["alg"]), (&json!("OKP"), &json!("Ed25519"), &json!("EdDSA")));
    let public = URL_SAFE_NO_PAD.decode(jwk["x"].as_str().unwrap()).unwrap();
    let key = VerifyingKey::from_bytes(&public.try_into().unwrap()).unwrap();
    let (text, signature) = ada.token.rsplit_once('.').unwrap();
    let signature = Signature::from_slice(&URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
    key.verify_strict(text.as_bytes(), &signature).unwrap();
    assert!(key.verify_strict(&text.as_bytes()[1..], &signature).is_err());
    assert_eq!((&claims["sub"], &claims["iss"]), (&json!(ada.id), &json!("counterfoil")));

    let tag = answered.header("etag").unwrap();
    let same = house.get("/.well-known/jwks.json").header("if-none-match", tag).send().await;
    assert_eq!((same.status, same.body.len()), (304, 0));
    assert_eq!(same.header("etag"), Some(tag));
    assert_eq!(same.header("cache-control"), Some("public, max-age=300"));
}

#[tokio::test]
async fn c22_a_signing_key_is_published_before_it_signs_and_after_it_has_signed() {
    let house = House::open().await;
    // Bob signs in again and again, and Ada keeps her token.
    let (ada, bob) = (house.person().await, house.person().await);
    let published = async || {
        let keys = house.get("/.well-known/jwks.json").send().await.expect(200);
        let kids = keys["keys"].as_array().unwrap().iter().map(|jwk| jwk["kid"].as_str().unwrap().to_owned());
        kids.collect::<Vec<_>>()
    };
    let kid = |token: &str| parts(token).0["kid"].as_str().unwrap().to_owned();
    let fresh =
        async || house.login(&bob.name).await.expect(200)["access_token"].as_str().unwrap().to_owned();
    let old = kid(&ada.token);

    // Published an hour before it signs: nobody uses it yet.
    let waiting = house.keys.ring().with_next_token_key(moment(), Duration::from_hours(1)).unwrap();
    house.keys.put(&waiting);
    eventually("the pending key is published", async || published().await.len() == 2).await;
    assert_eq!(kid(&fresh().await), old);

    // Its time has come.
    let signing = house.keys.ring().signing_key(moment().plus(Duration::from_hours(2))).kid().to_owned();
    let mut file: Value = serde_json::from_str(&waiting.to_json()).unwrap();
    file["signing"][&signing]["signs_from"] = json!(moment());
    house.keys.put(&KeyRing::from_json(&file.to_string()).unwrap());
    eventually("it signs", async || kid(&fresh().await) == signing).await;
    let both = published().await;
    assert!(both.contains(&old) && both.contains(&signing), "{both:?}");
    house.get("/users/me").token(&fresh().await).send().await.expect(200);
    house.get("/users/me").token(&ada.token).send().await.expect(200);
    // Somebody who sees the old token for the first time.
    let elsewhere = house.door_elsewhere(Choices::default()).await;
    crate::client::Ask::new(elsewhere, "GET", "/users/me").token(&ada.token).send().await.expect(200);
}

#[tokio::test]
async fn c22_a_key_whose_last_token_has_expired_is_published_no_more_and_verifies_nothing() {
    let house = House::open().await;
    let ada = house.person().await;
    let (header, claims) = parts(&ada.token);
    let first = house.keys.ring();
    let ours = own_key(&first);
    // It gave way an hour ago, and tokens live for a quarter of one.
    let gone = Timestamp::from_micros(moment().as_micros() - 3_600_000_000);
    house.keys.put(&first.with_next_token_key(gone, Duration::ZERO).unwrap());
    eventually("only the new key is published", async || {
        let keys = house.get("/.well-known/jwks.json").send().await.expect(200);
        let keys = keys["keys"].as_array().unwrap().clone();
        keys.len() == 1 && keys[0]["kid"] != header["kid"]
    })
    .await;
    let late = signed(&ours, &header, &with(&claims, "jti", json!(uuid::Uuid::new_v4())));
    house.get("/users/me").token(&late).send().await.problem(401, "invalid_token");
}

#[tokio::test]
async fn c23_a_token_lives_as_long_as_it_says_and_five_seconds_for_clocks() {
    let house = House::open_with(Choices { token_ttl: Duration::from_mins(1), ..Choices::default() }).await;
    let ada = house.person().await;
    let signed_in = house.login(&ada.name).await.expect(200);
    let (header, claims) = parts(signed_in["access_token"].as_str().unwrap());
    assert_eq!(signed_in["expires_in"], 60);
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 60);
    assert_eq!(claims["nbf"], claims["iat"]);

    let ours = own_key(&house.keys.ring());
    let expired_since = |seconds: u64| signed(&ours, &header, &with(&claims, "exp", json!(now() - seconds)));
    house.get("/users/me").token(&expired_since(2)).send().await.expect(200);
    house.get("/users/me").token(&expired_since(7)).send().await.problem(401, "token_expired");
}
