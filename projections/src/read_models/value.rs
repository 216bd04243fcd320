//! Values as they stand in a read model's columns, and back.
//!
//! Names and amounts are written in the form the domain itself serialises to, so there is no second spelling of them.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde::de::IntoDeserializer;
use serde::de::value::{Error, StrDeserializer};
use sqlx::Row;
use sqlx::postgres::PgRow;

/// Reads a name (of a status, a role) or an amount from its text.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, sqlx::Error> {
    let deserializer: StrDeserializer<'_, Error> = text.into_deserializer();
    T::deserialize(deserializer).map_err(|error| sqlx::Error::Decode(error.to_string().into()))
}

/// Reads a text column.
pub(super) fn column<T: DeserializeOwned>(row: &PgRow, name: &str) -> Result<T, sqlx::Error> {
    read(row.try_get(name)?)
}

/// A name as the domain itself writes it.
pub(super) fn word(value: &impl Serialize) -> Result<String, sqlx::Error> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Ok(word),
        Ok(other) => Err(sqlx::Error::Encode(format!("{other} is no word").into())),
        Err(error) => Err(sqlx::Error::Encode(error.into())),
    }
}
