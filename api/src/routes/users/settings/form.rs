//! What is sent of a preset: which one, what it is to be called, and what it is to be.
//!
//! A form has these members and no other: one that is misspelt would otherwise leave a preset of whatever holds now.

use crate::input::{JsonBody, pointer_at};
use crate::problem::{Code, Flaw, Problem, unknown_members};
use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use commands::{Failure, Refusal};
use domain::settings::{PresetName, Value};
use domain::user::UserRefusal;

/// The preset named in the path as `{name}`. What is no name names nothing.
#[derive(Clone, Debug)]
pub(crate) struct PresetPath(pub PresetName);

impl<S: Send + Sync> FromRequestParts<S> for PresetPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let not_found = || Problem::of(Code::PresetNotFound);
        let named = RawPathParams::from_request_parts(parts, state).await.map_err(|_| not_found())?;
        let name = named.iter().find(|(name, _)| *name == "name");
        name.and_then(|(_, name)| PresetName::parse(name).ok()).map(Self).ok_or_else(not_found)
    }
}

#[derive(Debug)]
pub(super) struct PresetForm {
    pub(super) name: Option<PresetName>,
    pub(super) settings: Option<Value>,
}

impl PresetForm {
    pub(super) fn read(body: &JsonBody) -> Result<Self, Problem> {
        let mut members = members(body)?;
        let (name, settings) = (members.remove("name"), members.remove("settings"));
        nothing_else(&members)?;
        Ok(Self { name: name.map(named).transpose()?, settings: settings.map(object).transpose()? })
    }

    /// Where the path says how it is called.
    pub(super) fn read_settings(body: &JsonBody) -> Result<Option<Value>, Problem> {
        let mut members = members(body)?;
        let settings = members.remove("settings");
        nothing_else(&members)?;
        settings.map(object).transpose()
    }
}

type Members = std::collections::BTreeMap<String, Value>;

fn members(body: &JsonBody) -> Result<Members, Problem> {
    match body.read()? {
        Value::Map(members) => Ok(members),
        _ => Err(Problem::internal(&"a body that was read as an object is none")),
    }
}

fn nothing_else(members: &Members) -> Result<(), Problem> {
    if members.is_empty() {
        return Ok(());
    }
    Err(unknown_members(members.keys().map(|name| pointer_at("", name)).collect()))
}

fn named(name: Value) -> Result<PresetName, Problem> {
    let Value::Text(name) = name else { return Err(Problem::flaw("/name", Flaw::NotAString)) };
    PresetName::parse(&name).map_err(|_| Problem::flaw("/name", Flaw::NoPresetName))
}

fn object(settings: Value) -> Result<Value, Problem> {
    let flaw = || Problem::flaw("/settings", Flaw::NotOfType { name: "object".into() });
    if matches!(settings, Value::Map(_)) { Ok(settings) } else { Err(flaw()) }
}

/// What is wrong with the settings inside a form, where they stand in it.
pub(super) fn inside(failure: Failure) -> Failure {
    let Failure::Refused { refusal: Refusal::User(mut refusal), position, replayed } = failure else {
        return failure;
    };
    match &mut refusal {
        UserRefusal::SettingsForbidden { barred } => {
            for barred in &mut *barred {
                barred.pointer.insert_str(0, "/settings");
            }
        }
        UserRefusal::SettingsInvalid { flaws } => {
            for flaw in &mut *flaws {
                flaw.pointer.insert_str(0, "/settings");
            }
        }
        _ => {}
    }
    Failure::Refused { refusal: Refusal::User(refusal), position, replayed }
}
