//! Mail: what is wanted stands in the outbox as rows, what is sent is written at the last moment.
//!
//! The [`Mailer`] follows the journal and wants what its events call for; use cases want the rest. The [`Courier`] takes
//! one row after the other, makes the token if there is to be one, writes the mail and hands it to a [`Post`]. No token
//! stands anywhere but in its mail, and nobody who asks for a mail waits for it.

mod courier;
mod files;
mod held;
mod kind;
mod letter;
mod mailer;
mod outbox;
mod post;
mod smtp;
mod token;

pub use courier::{Courier, CourierOptions};
pub use files::FilePost;
pub use kind::MailKind;
pub use lettre::message::Mailbox;
pub use mailer::Mailer;
pub use outbox::Outbox;
pub use post::{Parcel, Post, PostError};
pub use smtp::{BadSmtpUrl, SmtpPost};

pub(crate) use held::{is_capped, redeem};
pub(crate) use kind::Params;
pub(crate) use outbox::Wanted;
pub(crate) use token::{MailToken, Purpose};
