//! What comes in: bodies, headers, query strings. Read once, bounded, and turned into value types at the door.
//!
//! A value that is not valid never stops the reading: all that is wrong with a request is said in one answer.

mod amount;
mod as_of;
mod body;
mod check;
mod command;
mod cursor;
mod depth;
mod headers;
mod moment;
mod password;
mod path;
mod query;
mod shares;
mod values;

pub(crate) use as_of::{AsOf, AsOfQuery};
pub(crate) use body::{BatchBody, JsonBody};
pub(crate) use check::{Check, Raw, is_absent, with_null};
pub(crate) use command::{Anonymous, Asked, Change, Keyed};
pub(crate) use cursor::Cursor;
pub(crate) use headers::{IdempotencyKey, IfMatch, IfNoneMatch};
pub(crate) use moment::{moment, moment_or_day};
pub(crate) use password::password;
pub(crate) use path::{
    ApiKeyPath, HoldPath, LoginSessionPath, TradePath, TradingSessionPath, TransactionPath, UserPath,
    WalletPath,
};
pub(crate) use query::{ListQuery, MinPosition, Query, number};
pub(crate) use shares::at as pointer_at;
