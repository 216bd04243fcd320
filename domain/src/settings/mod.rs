//! The settings of a freqtrade: which there are, what each may be, and what they are together.
//!
//! freqtrade's own schema lets through what no trader means ("unlimitedX", two and a half open trades) and what nobody but
//! its owner may decide (where it writes, whom it calls, which code it loads). So one table names every key that may be
//! set, with all that it may be; the rest is refused, what freqtrade knows as forbidden, what it does not as unknown.
//! Numbers are decimals from the text they came in to the text they go out as.

mod catalogue;
mod check;
mod consistent;
mod export;
mod flaw;
mod import;
mod known;
mod merge;
mod name;
mod pairlists;
mod secrets;
mod starts;
mod state;
#[cfg(test)]
mod tests;
mod value;

pub use export::{Placeholders, shown_read_only};
pub use flaw::{Barred, Declined, Flaw, FlawCode};
pub use import::{Ignored, Imported, import};
pub use known::known_field;
pub use merge::{How, Known, with};
pub use name::{PresetName, PresetNameError};
pub use secrets::{Secret, SecretChange, SecretChanges, take_secrets, without_forbidden};
pub use state::Settings;
pub use value::{Unreadable, Value};
