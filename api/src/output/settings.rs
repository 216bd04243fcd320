//! Settings as the contract shows them: the object itself, with what can be told of secrets, and what is only read.

use super::RenderError;
use commands::vault::{SealedAt, Vault};
use domain::settings::{Secret, Settings, Value, shown_read_only};
use domain::user::{Preset, SettingsCause, SettingsHeld, TelegramHeld};
use domain::{Timestamp, UserId};
use projections::{SettingsOf, SettingsVersionRow};
use rust_decimal::Decimal;
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::collections::BTreeMap;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, Object, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

use super::activity::ActorBody;

type Hints = BTreeMap<Secret, Option<String>>;

/// The settings object itself (S3's shape): numbers are JSON numbers, exact to the last digit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SettingsBody(Value);

impl SettingsBody {
    /// `settings`: what holds, whether they are one's own or everybody's.
    fn new(settings: &Settings, held: &SettingsHeld, hints: &Hints, position: i64) -> Self {
        let Value::Map(mut all) = settings.to_value() else { return Self(Value::Nothing) };
        if let Some(Value::Map(telegram)) = all.get_mut("telegram") {
            for secret in Secret::ALL {
                telegram.insert(secret.as_str().to_owned(), told(hints.get(&secret)));
            }
        }
        all.extend(shown_read_only().map(|(name, value)| (name.to_owned(), value)));
        let source = match (&held.settings, &held.active) {
            (None, _) => "default",
            (Some(_), Some(_)) => "preset",
            (Some(_), None) => "settings",
        };
        let text = |text: Option<String>| text.map_or(Value::Nothing, Value::Text);
        let active = held.active.as_ref().filter(|_| held.settings.is_some());
        all.extend([
            ("version".to_owned(), Value::Number(Decimal::from(held.version))),
            ("updated_at".to_owned(), text(held.changed_at.map(|at| at.to_string()))),
            ("source".to_owned(), Value::text(source)),
            ("preset".to_owned(), text(active.map(ToString::to_string))),
            ("position".to_owned(), Value::Number(Decimal::from(position))),
        ]);
        Self(Value::Map(all))
    }

    pub(crate) fn of(found: &SettingsOf, position: i64) -> Self {
        let settings = found.held.settings.clone().unwrap_or_else(|| found.defaults.settings());
        Self::new(&settings, &found.held, &found.hints, position)
    }
}

fn told(hint: Option<&Option<String>>) -> Value {
    let shown = hint.and_then(Option::as_deref).map_or(Value::Nothing, Value::text);
    Value::Map([("set".to_owned(), Value::Switch(hint.is_some())), ("hint".to_owned(), shown)].into())
}

/// How secrets end that are set.
pub(crate) async fn hints(
    vault: &Vault,
    user_id: UserId,
    telegram: &TelegramHeld,
) -> Result<Hints, RenderError> {
    let mut sealed = Vec::with_capacity(telegram.0.len());
    for (secret, hint) in &telegram.0 {
        let field = secret.hint_field();
        sealed.push(SealedAt { user_id, event_type: "SettingsChanged", field, sealed: hint });
    }
    if sealed.is_empty() {
        return Ok(Hints::new());
    }
    let opened = vault.open_many(&sealed).await?;
    Ok(telegram.0.keys().copied().zip(opened).collect())
}

impl Serialize for SettingsBody {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

fn object() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::Object))
}

impl PartialSchema for SettingsBody {
    fn schema() -> RefOr<Schema> {
        let number = || ObjectBuilder::new().schema_type(SchemaType::Type(Type::Number));
        let integer = || ObjectBuilder::new().schema_type(SchemaType::Type(Type::Integer));
        let text = || ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
        object()
            .description(Some(
                "A validated subset of a freqtrade configuration; docs/settings.md has every key.",
            ))
            .property("max_open_trades", integer().examples([3]))
            .property("stake_currency", text().examples(["USDT"]))
            .property("stoploss", number().examples([-0.1]))
            .property("exchange", object().additional_properties(Some(AdditionalProperties::FreeForm(true))))
            .property("telegram", object().additional_properties(Some(AdditionalProperties::FreeForm(true))))
            .property("dry_run", ObjectBuilder::new().schema_type(SchemaType::Type(Type::Boolean)))
            .property("version", integer().examples([2]))
            .property("source", text().examples(["settings"]))
            .property("position", integer())
            .required("version")
            .required("dry_run")
            .additional_properties(Some(AdditionalProperties::FreeForm(true)))
            .into()
    }
}

impl ToSchema for SettingsBody {
    fn name() -> Cow<'static, str> {
        "Settings".into()
    }
}

/// Settings under a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Preset)]
pub(crate) struct PresetBody {
    #[schema(example = "careful")]
    pub name: String,
    /// All but telegram's.
    #[schema(value_type = Object)]
    pub settings: Settings,
    /// Whether it was applied last, and the settings are still these.
    pub active: bool,
    /// Of the preset alone: its `ETag`, and what `If-Match` is compared with.
    #[schema(example = 1)]
    pub version: u64,
    #[schema(value_type = String, format = DateTime)]
    pub saved_at: Timestamp,
    pub position: i64,
}

impl PresetBody {
    pub(crate) fn new(preset: &Preset, held: &SettingsHeld, position: i64) -> Self {
        Self {
            name: preset.name.to_string(),
            settings: (*preset.settings).clone(),
            active: held.active.as_ref() == Some(&preset.name),
            version: preset.version,
            saved_at: preset.saved_at,
            position,
        }
    }
}

/// A preset that is no more.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeletedPresetBody {
    pub name: String,
    /// Always true.
    pub deleted: bool,
    pub position: i64,
}

/// One version of the settings: who changed what, and how.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SettingsVersion)]
pub(crate) struct SettingsVersionBody {
    #[schema(example = 2)]
    pub version: i64,
    #[schema(example = json!(["max_open_trades", "exchange.pair_whitelist"]))]
    pub fields: Vec<String>,
    #[schema(value_type = Object, example = json!({"by": "patch"}))]
    pub cause: SettingsCause,
    pub actor: ActorBody,
    #[schema(value_type = String, format = DateTime)]
    pub changed_at: Timestamp,
    pub position: i64,
}

impl From<SettingsVersionRow> for SettingsVersionBody {
    fn from(row: SettingsVersionRow) -> Self {
        Self {
            version: row.version,
            fields: row.fields,
            cause: row.cause,
            actor: row.actor.into(),
            changed_at: row.changed_at,
            position: row.position,
        }
    }
}

/// One version of the settings: as they were, and what was different before.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SettingsThen)]
pub(crate) struct SettingsThenBody {
    #[serde(flatten)]
    pub version: SettingsVersionBody,
    pub changes: Vec<SettingChangeBody>,
    /// All of them but secrets.
    #[schema(value_type = Object)]
    pub settings: Settings,
}

/// One key that changed: null is none. A secret has neither `from` nor `to`.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = SettingChange)]
pub(crate) struct SettingChangeBody {
    #[schema(example = "max_open_trades")]
    pub field: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = setting_schema, required = false)]
    pub from: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = setting_schema, required = false)]
    pub to: Option<Value>,
}

/// Settings are of many kinds.
fn setting_schema() -> Object {
    let kinds = [Type::String, Type::Number, Type::Boolean, Type::Array, Type::Object, Type::Null];
    ObjectBuilder::new()
        .schema_type(SchemaType::Array(kinds.to_vec()))
        .examples([serde_json::json!(3)])
        .build()
}

impl SettingsThenBody {
    pub(crate) fn new(version: SettingsVersionBody, before: &Settings, settings: Settings) -> Self {
        let change = |field: &String| {
            let pointer = format!("/{}", field.replace('.', "/"));
            let is_secret = Secret::ALL.iter().any(|secret| secret.pointer() == pointer);
            let told =
                |of: &Settings| (!is_secret).then(|| of.get(&pointer).cloned().unwrap_or(Value::Nothing));
            SettingChangeBody { field: field.clone(), from: told(before), to: told(&settings) }
        };
        let changes = version.fields.iter().map(change).collect();
        Self { version, changes, settings }
    }
}

/// What became of each key of a file.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ImportedSettings)]
pub(crate) struct ImportedBody {
    pub settings: SettingsBody,
    #[schema(example = json!(["/max_open_trades"]))]
    pub taken: Vec<String>,
    pub ignored: Vec<PassedOverBody>,
    pub refused: Vec<PassedOverBody>,
    /// The names of those that differ from before.
    pub changed: Vec<String>,
    pub position: i64,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PassedOver)]
pub(crate) struct PassedOverBody {
    #[schema(example = "/api_server")]
    pub pointer: String,
    #[schema(example = "setting_forbidden")]
    pub code: &'static str,
}

/// What everybody's settings are until they change them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SettingsDefaults)]
pub(crate) struct SettingsDefaultsBody {
    #[schema(value_type = Object)]
    pub settings: Settings,
    /// How often they were set.
    pub version: u64,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub updated_at: Option<Timestamp>,
    pub position: i64,
}
