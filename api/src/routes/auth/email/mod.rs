//! A user's e-mail address: proved by mail.

pub(crate) mod resend;
pub(crate) mod verify;
