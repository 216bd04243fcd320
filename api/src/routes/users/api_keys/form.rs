//! What may be said of a key. Each value is read for itself, so that all that is wrong is said at once.

use crate::input::{Check, Raw, moment};
use crate::problem::Flaw;
use commands::users::{KEY_LIFE_MAX, NETWORKS_MAX};
use domain::{DisplayName, Network, NotANetwork, Scope, Scopes, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::ops::RangeInclusive;
use time::OffsetDateTime;
use utoipa::ToSchema;

/// A new key, in the document: it is read as a [`KeyForm`] in which two values have to be there.
#[derive(ToSchema)]
#[schema(as = NewApiKeyRequest)]
#[allow(dead_code, reason = "it describes what `KeyForm` reads")]
pub(crate) struct NewKeyForm {
    /// What it is for, up to 100 characters.
    #[schema(example = "nightly statements")]
    name: String,
    /// What it may do. `audit` is for services.
    #[schema(min_items = 1, example = json!(["wallet:read"]))]
    scopes: Vec<String>,
    /// In a year, unless said otherwise, and at most in ten.
    #[schema(format = DateTime, example = "2030-01-01T00:00:00Z")]
    expires_at: Option<String>,
    /// The networks it may be used from, at most 32; an empty list means everywhere.
    #[schema(max_items = 32, example = json!(["203.0.113.0/24", "2001:db8::/32"]))]
    cidrs: Option<Vec<String>>,
    /// If the last sign-in is longer ago than a few minutes.
    #[schema(format = Password, max_length = 1024, example = "correct horse battery staple")]
    current_password: Option<String>,
}

/// A change of a key; also what a new one is read as.
#[derive(Deserialize, ToSchema)]
#[schema(as = ApiKeyRequest)]
pub(crate) struct KeyForm<'a> {
    /// What it is for, up to 100 characters.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, example = "nightly statements")]
    pub(super) name: Raw<'a>,
    /// What it may do. `audit` is for services.
    #[schema(value_type = Option<Vec<String>>, example = json!(["wallet:read"]))]
    pub(super) scopes: Raw<'a>,
    /// At most ten years from now.
    #[schema(value_type = Option<String>, format = DateTime, example = "2030-01-01T00:00:00Z")]
    pub(super) expires_at: Raw<'a>,
    /// The networks it may be used from, at most 32; an empty list means everywhere.
    #[schema(value_type = Option<Vec<String>>, example = json!(["203.0.113.0/24", "2001:db8::/32"]))]
    pub(super) cidrs: Raw<'a>,
    /// False switches the key off until it is true again.
    #[schema(value_type = Option<bool>, example = true)]
    pub(super) is_active: Raw<'a>,
    /// If the last sign-in is longer ago than a few minutes.
    #[schema(value_type = Option<String>, format = Password, max_length = 1024, example = "correct horse battery staple")]
    pub(super) current_password: Raw<'a>,
}

#[derive(Default, Deserialize, ToSchema)]
#[schema(as = RotationRequest)]
pub(crate) struct RotationForm<'a> {
    /// How long the secret before goes on working, up to a week; a day, if left out.
    #[serde(borrow)]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 604_800, example = 86_400)]
    pub(super) overlap_seconds: Raw<'a>,
    /// If the last sign-in is longer ago than a few minutes.
    #[schema(value_type = Option<String>, format = Password, max_length = 1024, example = "correct horse battery staple")]
    pub(super) current_password: Raw<'a>,
}

fn present(raw: Raw<'_>) -> Option<&str> {
    raw.map(RawValue::get).filter(|json| *json != "null")
}

/// A list of texts that may be missing or null.
fn list(check: &mut Check, pointer: &'static str, raw: Raw<'_>) -> Option<Vec<String>> {
    let read = serde_json::from_str(present(raw)?);
    check.take(pointer, read.map_err(|_| Flaw::NotStrings))
}

impl KeyForm<'_> {
    pub(super) fn new_name(&self, check: &mut Check) -> Option<DisplayName> {
        check.required("/name", self.name, DisplayName::parse)
    }

    pub(super) fn name(&self, check: &mut Check) -> Option<DisplayName> {
        check.optional("/name", self.name, DisplayName::parse)
    }

    pub(super) fn new_scopes(&self, check: &mut Check) -> Option<Scopes> {
        if present(self.scopes).is_none() {
            check.flaw("/scopes", Flaw::Required);
        }
        self.scopes(check)
    }

    pub(super) fn scopes(&self, check: &mut Check) -> Option<Scopes> {
        let named = list(check, "/scopes", self.scopes)?;
        if named.is_empty() {
            check.flaw("/scopes", Flaw::NoScopes);
        }
        let mut scopes = Vec::with_capacity(Scope::ALL.len());
        for (at, name) in named.iter().enumerate() {
            let Ok(scope) = name.parse::<Scope>() else {
                check.flaw(format!("/scopes/{at}"), Flaw::NoScope { known: Scopes::all().to_string() });
                // One answer may not grow with what is sent.
                break;
            };
            scopes.push(scope);
        }
        Some(scopes.into_iter().collect())
    }

    pub(super) fn expires_at(&self, check: &mut Check) -> Option<Timestamp> {
        let at = check.optional("/expires_at", self.expires_at, moment)?;
        let now = Timestamp::from(OffsetDateTime::now_utc());
        if at <= now || at > now.plus(KEY_LIFE_MAX) {
            check.flaw("/expires_at", Flaw::KeyLife);
        }
        Some(at)
    }

    pub(super) fn networks(&self, check: &mut Check) -> Option<Vec<Network>> {
        let named = list(check, "/cidrs", self.cidrs)?;
        if named.len() > NETWORKS_MAX {
            check.flaw("/cidrs", Flaw::TooManyNetworks { max: NETWORKS_MAX });
            return None;
        }
        let mut networks = Vec::with_capacity(named.len());
        for (at, text) in named.iter().enumerate() {
            match text.parse::<Network>() {
                Ok(network) => networks.push(network),
                Err(NotANetwork) => check.flaw(format!("/cidrs/{at}"), Flaw::NotANetwork),
            }
        }
        Some(networks)
    }

    pub(super) fn is_active(&self, check: &mut Check) -> Option<bool> {
        check.switch("/is_active", self.is_active)
    }
}

impl RotationForm<'_> {
    pub(super) fn overlap_seconds(&self, check: &mut Check, range: RangeInclusive<u64>) -> Option<u64> {
        check.integer("/overlap_seconds", self.overlap_seconds, range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn refused(json: &Value) -> Vec<(String, String)> {
        let text = json.to_string();
        let form: KeyForm<'_> = serde_json::from_str(&text).unwrap();
        let mut check = Check::default();
        form.new_name(&mut check);
        form.new_scopes(&mut check);
        form.expires_at(&mut check);
        form.networks(&mut check);
        form.is_active(&mut check);
        let Err(problem) = check.finish() else { return Vec::new() };
        let body = problem.write(&mut axum::http::HeaderMap::new(), "r", crate::problem::Language::English);
        let body: Value = serde_json::from_slice(&body).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let errors = body["errors"].as_array().unwrap().iter();
        errors.map(|error| (text(&error["pointer"]), text(&error["code"]))).collect()
    }

    #[test]
    fn everything_that_is_wrong_with_a_key_is_said_at_once() {
        let wrong = json!({
            "scopes": ["wallet:read", "root"], "expires_at": "2001-01-01T00:00:00Z", "cidrs": ["10.0.0.0/8", "10/8"],
            "is_active": "yes"
        });
        let wrong = refused(&wrong);
        let expected = [
            ("/name", "required"),
            ("/scopes/1", "one_of"),
            ("/expires_at", "out_of_range"),
            ("/cidrs/1", "not_a_network"),
            ("/is_active", "wrong_type"),
        ];
        assert_eq!(wrong, expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));
    }

    #[test]
    fn a_key_says_what_it_is_for_and_what_it_may() {
        assert_eq!(refused(&json!({ "name": "n", "scopes": ["wallet:read"] })), []);
        assert_eq!(refused(&json!({ "name": "n", "scopes": ["wallet:read"], "cidrs": null })), []);
        for (scopes, code) in
            [(json!([]), "empty"), (json!("wallet:read"), "wrong_type"), (json!([7]), "wrong_type")]
        {
            assert_eq!(
                refused(&json!({ "name": "n", "scopes": scopes })),
                [("/scopes".to_owned(), code.to_owned())]
            );
        }
        let far = json!({ "name": "n", "scopes": ["wallet:read"], "expires_at": "2999-01-01T00:00:00Z" });
        assert_eq!(refused(&far), [("/expires_at".to_owned(), "out_of_range".to_owned())]);
        let never = json!({ "name": "n", "scopes": ["wallet:read"], "expires_at": "tomorrow" });
        assert_eq!(refused(&never), [("/expires_at".to_owned(), "not_a_time".to_owned())]);
    }

    #[test]
    fn a_list_of_networks_is_bounded() {
        let many = vec!["10.0.0.0/8"; NETWORKS_MAX + 1];
        let many = refused(&json!({ "name": "n", "scopes": ["wallet:read"], "cidrs": many }));
        assert_eq!(many, [("/cidrs".to_owned(), "too_long".to_owned())]);
    }
}
