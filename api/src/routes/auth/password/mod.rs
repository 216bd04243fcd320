//! A user's password: changed by who knows it, or reset by mail.

pub(crate) mod change;
pub(crate) mod forgot;
pub(crate) mod reset;

use crate::input::password;
