//! Events as their owner reads them: the public form, with sealed values opened in place.

use commands::vault::{SealedAt, Vault, VaultError};
use domain::Sealed;
use journal::Recorded;
use serde_json::Value;
use serde_json::value::RawValue;

/// What stands where nobody can open what was sealed any more: a text, as whoever reads events expects one there.
const ERASED: &str = "erased";

/// A sealed value in an event's data.
#[derive(Debug, PartialEq, Eq)]
struct SealedValue {
    /// A JSON pointer to where it stands.
    pointer: String,
    /// What it is called there, which it was sealed with.
    field: String,
    sealed: Sealed,
}

fn sealed_values(recorded: &Recorded) -> Vec<SealedValue> {
    // Most events are about money and have none: not worth parsing.
    if !recorded.payload.contains("\"sealed\"") {
        return Vec::new();
    }
    let mut found = Vec::new();
    collect("", &serde_json::from_str(recorded.data()).unwrap_or_default(), &mut found);
    found
}

/// No name of a field needs an escape in a pointer, and an event is a few levels deep.
fn collect(pointer: &str, value: &Value, found: &mut Vec<SealedValue>) {
    for (field, value) in value.as_object().into_iter().flatten() {
        let pointer = format!("{pointer}/{field}");
        match as_sealed(value) {
            Some(sealed) => found.push(SealedValue { pointer, field: field.clone(), sealed }),
            None => collect(&pointer, value, found),
        }
    }
}

fn as_sealed(value: &Value) -> Option<Sealed> {
    let members = value.as_object().filter(|members| members.len() == 1)?;
    members.get("sealed")?.as_str().map(|text| Sealed::new(text.to_owned()))
}

/// A page of events of one owner, in the order given.
pub(crate) async fn public_events(
    vault: &Vault,
    page: &[Recorded],
) -> Result<Vec<Box<RawValue>>, VaultError> {
    let sealed: Vec<Vec<SealedValue>> = page.iter().map(sealed_values).collect();
    let places: Vec<SealedAt<'_>> = page
        .iter()
        .zip(&sealed)
        .flat_map(|(recorded, values)| {
            values.iter().map(|SealedValue { field, sealed, .. }| SealedAt {
                user_id: recorded.owner,
                event_type: &recorded.event_type,
                field,
                sealed,
            })
        })
        .collect();
    let mut opened = if places.is_empty() { Vec::new() } else { vault.open_many(&places).await? }.into_iter();
    let items = page.iter().zip(&sealed).map(|(recorded, values)| {
        let plain = values.iter().map(|value| (value.pointer.as_str(), opened.next().flatten()));
        written(recorded, plain.collect())
    });
    Ok(items.collect())
}

/// The same page for who may not read what is sealed.
pub(crate) fn sealed_events(page: &[Recorded]) -> Vec<Box<RawValue>> {
    page.iter().map(|recorded| written(recorded, Vec::new())).collect()
}

fn written(recorded: &Recorded, plain: Vec<(&str, Option<String>)>) -> Box<RawValue> {
    let public = recorded.for_owner().to_public();
    let text = if plain.is_empty() { public } else { with_plain(recorded, &public, plain) };
    // Put together from stored JSON: always legal.
    RawValue::from_string(text).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

fn with_plain(recorded: &Recorded, public: &str, plain: Vec<(&str, Option<String>)>) -> String {
    let mut data: Value = serde_json::from_str(recorded.data()).unwrap_or_default();
    for (pointer, value) in plain {
        if let Some(place) = data.pointer_mut(pointer) {
            *place = Value::String(value.unwrap_or_else(|| ERASED.to_owned()));
        }
    }
    // `data` is the last member of the public form.
    let before =
        public.strip_suffix('}').and_then(|rest| rest.strip_suffix(recorded.data())).unwrap_or_default();
    format!("{before}{data}}}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Actor, AggregateKind, AggregateRef, Timestamp, UserId};
    use journal::{Metadata, Parsed};
    use uuid::Uuid;

    fn registered() -> Recorded {
        let id = Uuid::from_u128(1);
        Recorded {
            position: 1,
            aggregate: AggregateRef { kind: AggregateKind::User, id },
            sequence: 1,
            event_type: "UserRegistered".into(),
            version: "1.0".into(),
            payload: r#"{"UserRegistered":{"user_id":"x","username":{"sealed":"AAAA"},"roles":["user"]}}"#
                .to_owned(),
            metadata: Metadata {
                actor: Actor::ANONYMOUS,
                command_id: id,
                correlation_id: id,
                causation_id: None,
            },
            event_id: id,
            owner: UserId(id),
            recorded_at: Timestamp::default(),
            parsed: Parsed::default(),
        }
    }

    #[test]
    fn a_sealed_value_is_found_by_its_form() {
        let (pointer, field) = ("/username".to_owned(), "username".to_owned());
        let sealed = Sealed::new("AAAA".to_owned());
        assert_eq!(sealed_values(&registered()), [SealedValue { pointer, field, sealed }]);
    }

    #[test]
    fn a_sealed_value_is_found_and_opened_however_deep_it_stands() {
        let mut recorded = registered();
        recorded.event_type = "ExchangeCredentialsChanged".into();
        recorded.payload = r#"{"ExchangeCredentialsChanged":{"exchange":"binance","credentials":{"key_hint":{"sealed":"AA"},"verified":false}}}"#.to_owned();
        assert_eq!(sealed_values(&recorded)[0].pointer, "/credentials/key_hint");
        let text = written(&recorded, vec![("/credentials/key_hint", Some("abcd…wxyz".to_owned()))]);
        let event: Value = serde_json::from_str(text.get()).unwrap();
        assert_eq!(event["data"]["credentials"]["key_hint"], "abcd…wxyz");
        assert_eq!(event["data"]["credentials"]["verified"], false);
    }

    #[test]
    fn only_the_sealed_value_changes() {
        let recorded = registered();
        let text = written(&recorded, vec![("/username", Some("ada \"l\"".to_owned()))]);
        let event: Value = serde_json::from_str(text.get()).unwrap();
        assert_eq!(event["data"]["username"], "ada \"l\"");
        assert_eq!(event["data"]["roles"][0], "user");
        assert_eq!(event["position"], 1);
        let sealed = written(&recorded, Vec::new());
        assert_eq!(sealed.get(), recorded.to_public());
    }

    #[test]
    fn what_was_erased_says_so() {
        let text = written(&registered(), vec![("/username", None)]);
        let event: Value = serde_json::from_str(text.get()).unwrap();
        assert_eq!(event["data"]["username"], "erased");
    }
}
