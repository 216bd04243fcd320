//! Events as their owner reads them: the public form, with sealed values opened in place.

use commands::vault::{SealedAt, Vault, VaultError};
use domain::Sealed;
use journal::Recorded;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// The sealed values at the top of an event's data, by field. No event keeps one any deeper.
fn sealed_fields(recorded: &Recorded) -> Vec<(String, Sealed)> {
    // Most events are about money and have none: not worth parsing.
    if !recorded.payload.contains("\"sealed\"") {
        return Vec::new();
    }
    let data: Map<String, Value> = serde_json::from_str(recorded.data()).unwrap_or_default();
    data.into_iter().filter_map(|(field, value)| Some((field, as_sealed(&value)?))).collect()
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
    let sealed: Vec<Vec<(String, Sealed)>> = page.iter().map(sealed_fields).collect();
    let places: Vec<SealedAt<'_>> = page
        .iter()
        .zip(&sealed)
        .flat_map(|(recorded, fields)| {
            fields.iter().map(|(field, sealed)| SealedAt {
                user_id: recorded.owner,
                event_type: &recorded.event_type,
                field,
                sealed,
            })
        })
        .collect();
    let mut opened = if places.is_empty() { Vec::new() } else { vault.open_many(&places).await? }.into_iter();
    let items = page.iter().zip(&sealed).map(|(recorded, fields)| {
        let plain = fields.iter().map(|(field, _)| (field.as_str(), opened.next().flatten()));
        written(recorded, plain.collect())
    });
    Ok(items.collect())
}

fn written(recorded: &Recorded, plain: Vec<(&str, Option<String>)>) -> Box<RawValue> {
    let public = recorded.to_public();
    let text = if plain.is_empty() { public } else { with_plain(recorded, &public, plain) };
    // Put together from stored JSON: always legal.
    RawValue::from_string(text).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

fn with_plain(recorded: &Recorded, public: &str, plain: Vec<(&str, Option<String>)>) -> String {
    let mut data: Map<String, Value> = serde_json::from_str(recorded.data()).unwrap_or_default();
    for (field, value) in plain {
        data.insert(field.to_owned(), value.map_or(Value::Null, Value::String));
    }
    // `data` is the last member of the public form.
    let before =
        public.strip_suffix('}').and_then(|rest| rest.strip_suffix(recorded.data())).unwrap_or_default();
    format!("{before}{}}}", Value::Object(data))
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
        assert_eq!(sealed_fields(&registered()), [("username".to_owned(), Sealed::new("AAAA".to_owned()))]);
    }

    #[test]
    fn only_the_sealed_value_changes() {
        let recorded = registered();
        let text = written(&recorded, vec![("username", Some("ada \"l\"".to_owned()))]);
        let event: Value = serde_json::from_str(text.get()).unwrap();
        assert_eq!(event["data"]["username"], "ada \"l\"");
        assert_eq!(event["data"]["roles"][0], "user");
        assert_eq!(event["position"], 1);
        let sealed = written(&recorded, Vec::new());
        assert_eq!(sealed.get(), recorded.to_public());
    }

    #[test]
    fn what_was_erased_reads_as_nothing() {
        let text = written(&registered(), vec![("username", None)]);
        let event: Value = serde_json::from_str(text.get()).unwrap();
        assert!(event["data"]["username"].is_null());
    }
}
