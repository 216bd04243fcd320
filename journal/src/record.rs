//! An event as it stands in the journal, and the public JSON it becomes.
//!
//! The public form is put together from texts that are known to be clean (ids, type names, the stored payload), so
//! writing it parses nothing; the `data` inside is byte for byte what was stored.

use domain::{
    Actor, ActorKind, AggregateKind, AggregateRef, ApiKeyId, Event, LoginSessionId, Timestamp,
    UnreadableEvent, UserId,
};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write;
use uuid::Uuid;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its place in the whole journal: 1, 2, 3, …
    pub position: i64,
    pub aggregate: AggregateRef,
    /// Its place in the history of its aggregate: 1, 2, 3, …
    pub sequence: i64,
    pub event_type: Cow<'static, str>,
    pub version: Cow<'static, str>,
    /// The stored text, `{"<Type>": {…}}`.
    pub payload: String,
    pub metadata: Metadata,
    pub event_id: Uuid,
    pub owner: UserId,
    pub recorded_at: Timestamp,
    pub parsed: Parsed,
}

/// The payload, where it need not be read again: its writer knew what it wrote. It says nothing of its own, so two records
/// are the same with it and without.
#[derive(Clone, Debug, Default)]
pub struct Parsed(Option<Event>);

impl From<Event> for Parsed {
    fn from(event: Event) -> Self {
        Self(Some(event))
    }
}

impl PartialEq for Parsed {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Parsed {}

/// Who and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metadata {
    pub actor: Actor,
    pub command_id: Uuid,
    pub correlation_id: Uuid,
    pub causation_id: Option<Uuid>,
}

#[derive(Debug, thiserror::Error)]
#[error("the record at position {position} cannot be read: {reason}")]
pub struct UnreadableRecord {
    pub position: i64,
    pub reason: String,
}

impl Recorded {
    pub fn event(&self) -> Result<Event, UnreadableEvent> {
        if let Parsed(Some(event)) = &self.parsed {
            debug_assert_eq!(
                Event::from_stored(self.aggregate, &self.event_type, &self.version, &self.payload)
                    .ok()
                    .as_ref(),
                Some(event),
                "what was written is what was meant"
            );
            return Ok(event.clone());
        }
        Event::from_stored(self.aggregate, &self.event_type, &self.version, &self.payload)
    }

    /// The public `data`.
    pub fn data(&self) -> &str {
        Event::data(&self.event_type, &self.payload).unwrap_or("null")
    }

    /// The subject it is published under.
    pub fn subject(&self) -> String {
        format!("counterfoil.events.{}.{}.{}", self.aggregate.kind, self.aggregate.id, self.event_type)
    }

    /// As its owner may see it: what somebody else proved themselves with is theirs.
    pub fn for_owner(&self) -> Cow<'_, Self> {
        let actor = self.metadata.actor;
        if actor.id == Some(self.owner.0) || actor == actor.bare() {
            return Cow::Borrowed(self);
        }
        let mut shown = self.clone();
        shown.metadata.actor = actor.bare();
        Cow::Owned(shown)
    }

    /// The event as subscribers, SSE and HTTP see it.
    pub fn to_public(&self) -> String {
        let mut out = String::new();
        self.write_public(&mut out);
        out
    }

    /// The same, behind what stands there.
    pub(crate) fn write_public(&self, out: &mut String) {
        out.reserve(480 + self.payload.len());
        // Writing to a String cannot fail.
        let _ = self.try_write_public(out);
    }

    fn try_write_public(&self, out: &mut String) -> std::fmt::Result {
        write!(out, "{{\"position\":{},\"event_id\":\"{}\"", self.position, self.event_id)?;
        write!(out, ",\"type\":\"{}\",\"version\":\"{}\"", self.event_type, self.version)?;
        write!(out, ",\"aggregate\":\"{}\",\"aggregate_id\":\"{}\"", self.aggregate.kind, self.aggregate.id)?;
        write!(out, ",\"sequence\":{},\"recorded_at\":\"{}\"", self.sequence, self.recorded_at)?;
        write!(
            out,
            ",\"owner\":\"{}\",\"actor\":{{\"kind\":\"{}\"",
            self.owner,
            self.metadata.actor.kind.as_str()
        )?;
        if let Some(id) = self.metadata.actor.id {
            write!(out, ",\"id\":\"{id}\"")?;
        }
        self.metadata.write_means(out)?;
        write!(out, "}},\"command_id\":\"{}\"", self.metadata.command_id)?;
        write!(out, ",\"correlation_id\":\"{}\"", self.metadata.correlation_id)?;
        match self.metadata.causation_id {
            Some(id) => write!(out, ",\"causation_id\":\"{id}\"")?,
            None => out.push_str(",\"causation_id\":null"),
        }
        out.push_str(",\"data\":");
        out.push_str(self.data());
        out.push('}');
        Ok(())
    }

    /// Reads what [`Self::to_public`] wrote: the way back from the stream.
    pub fn from_public(text: &[u8]) -> Result<Self, UnreadableRecord> {
        let unreadable = |position, reason: &dyn std::fmt::Display| UnreadableRecord {
            position,
            reason: reason.to_string(),
        };
        let public: Public<'_> = serde_json::from_slice(text).map_err(|e| unreadable(0, &e))?;
        let kind = AggregateKind::parse(&public.aggregate).ok_or_else(|| {
            unreadable(public.position, &format!("unknown aggregate {:?}", public.aggregate))
        })?;
        Ok(Self {
            position: public.position,
            aggregate: AggregateRef { kind, id: public.aggregate_id },
            sequence: public.sequence,
            payload: format!("{{\"{}\":{}}}", public.event_type, public.data.get()),
            event_type: Cow::Owned(public.event_type.into_owned()),
            version: Cow::Owned(public.version.into_owned()),
            metadata: Metadata {
                actor: public.actor,
                command_id: public.command_id,
                correlation_id: public.correlation_id,
                causation_id: public.causation_id,
            },
            event_id: public.event_id,
            owner: public.owner,
            recorded_at: public.recorded_at,
            parsed: Parsed::default(),
        })
    }
}

#[derive(Deserialize)]
struct Public<'a> {
    position: i64,
    event_id: Uuid,
    #[serde(rename = "type", borrow)]
    event_type: Cow<'a, str>,
    #[serde(borrow)]
    version: Cow<'a, str>,
    #[serde(borrow)]
    aggregate: Cow<'a, str>,
    aggregate_id: Uuid,
    sequence: i64,
    recorded_at: Timestamp,
    owner: UserId,
    actor: Actor,
    command_id: Uuid,
    correlation_id: Uuid,
    causation_id: Option<Uuid>,
    #[serde(borrow)]
    data: &'a RawValue,
}

impl Metadata {
    /// The stored form: a flat map of texts, because that is all postgres-es can read. What follows from the rest is
    /// left out: the correlation of a command that began something is the command itself.
    pub fn to_stored(&self) -> String {
        let mut out = String::with_capacity(200);
        let _ = self.write_stored(&mut out);
        out
    }

    fn write_stored(&self, out: &mut String) -> std::fmt::Result {
        write!(out, "{{\"actor_kind\":\"{}\"", self.actor.kind.as_str())?;
        if let Some(id) = self.actor.id {
            write!(out, ",\"actor_id\":\"{id}\"")?;
        }
        self.write_means(out)?;
        write!(out, ",\"command_id\":\"{}\"", self.command_id)?;
        if self.correlation_id != self.command_id {
            write!(out, ",\"correlation_id\":\"{}\"", self.correlation_id)?;
        }
        if let Some(id) = self.causation_id {
            write!(out, ",\"causation_id\":\"{id}\"")?;
        }
        out.push('}');
        Ok(())
    }

    /// What the actor proved themselves with, the same here and there.
    fn write_means(&self, out: &mut String) -> std::fmt::Result {
        if let Some(id) = self.actor.session_id {
            write!(out, ",\"session_id\":\"{id}\"")?;
        }
        if let Some(id) = self.actor.api_key_id {
            write!(out, ",\"api_key_id\":\"{id}\"")?;
        }
        Ok(())
    }

    pub fn from_stored(stored: &str) -> Result<Self, String> {
        let map: HashMap<&str, &str> = serde_json::from_str(stored).map_err(|e| e.to_string())?;
        let id = |name: &str| {
            map.get(name).map(|text| Uuid::parse_str(text).map_err(|e| e.to_string())).transpose()
        };
        let kind = match map.get("actor_kind").copied() {
            Some("user") => ActorKind::User,
            Some("service") => ActorKind::Service,
            Some("system") => ActorKind::System,
            Some("anonymous") => ActorKind::Anonymous,
            other => return Err(format!("unknown actor kind {other:?}")),
        };
        let command_id = id("command_id")?.ok_or("no command id")?;
        Ok(Self {
            actor: Actor {
                kind,
                id: id("actor_id")?,
                session_id: id("session_id")?.map(LoginSessionId),
                api_key_id: id("api_key_id")?.map(ApiKeyId),
            },
            command_id,
            correlation_id: id("correlation_id")?.unwrap_or(command_id),
            causation_id: id("causation_id")?,
        })
    }
}

#[cfg(test)]
impl Recorded {
    pub(crate) fn sample() -> Self {
        let user = Uuid::from_u128(2);
        Self {
            position: 7,
            aggregate: AggregateRef { kind: AggregateKind::Wallet, id: Uuid::from_u128(1) },
            sequence: 3,
            event_type: Cow::Borrowed("WalletDeposited"),
            version: Cow::Borrowed("1.0"),
            payload: r#"{"WalletDeposited":{"amount":"1.00","currency":"USD","reference":"a \"b\"}","posted_after":"1.00","available_after":"1.00"}}"#.to_owned(),
            metadata: Metadata {
                actor: Actor::user(user).in_session(LoginSessionId(Uuid::from_u128(8))),
                command_id: Uuid::from_u128(4),
                correlation_id: Uuid::from_u128(4),
                causation_id: Some(Uuid::from_u128(5)),
            },
            event_id: Uuid::from_u128(6),
            owner: UserId(user),
            recorded_at: Timestamp::from_micros(1_763_722_800_000_042),
            parsed: Parsed::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_published_reads_back_whole() {
        let recorded = Recorded::sample();
        let public = recorded.to_public();
        assert_eq!(Recorded::from_public(public.as_bytes()).unwrap(), recorded);
        let json: serde_json::Value = serde_json::from_str(&public).unwrap();
        assert_eq!(json["data"]["reference"], "a \"b\"}");
        assert!(recorded.event().is_ok());
    }

    #[test]
    fn what_somebody_else_proved_themselves_with_is_not_shown() {
        let mut recorded = Recorded::sample();
        assert_eq!(*recorded.for_owner(), recorded);
        assert!(recorded.to_public().contains("\"session_id\":"));
        let (admin, session) = (Uuid::from_u128(9), LoginSessionId(Uuid::from_u128(8)));
        recorded.metadata.actor = Actor::user(admin).in_session(session);
        assert_eq!(recorded.for_owner().metadata.actor, Actor::user(admin));
        recorded.metadata.actor = Actor::service(admin).with_key(ApiKeyId(Uuid::from_u128(7)));
        assert_eq!(Recorded::from_public(recorded.to_public().as_bytes()).unwrap(), recorded);
        assert_eq!(Metadata::from_stored(&recorded.metadata.to_stored()).unwrap(), recorded.metadata);
        assert_eq!(recorded.for_owner().metadata.actor, Actor::service(admin));
    }

    #[test]
    fn metadata_is_a_flat_map_of_texts() {
        let metadata = Recorded::sample().metadata;
        let stored = metadata.to_stored();
        assert!(serde_json::from_str::<HashMap<String, String>>(&stored).is_ok());
        assert!(!stored.contains("correlation"));
        assert_eq!(Metadata::from_stored(&stored).unwrap(), metadata);
    }
}
