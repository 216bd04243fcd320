//! Trading sessions, at work: what things cost, and the exchanges that take orders.
//!
//! What is done is decided by the sessions themselves, in `domain`; here it is carried out.

pub mod exchange;
mod hash;
pub mod market;
mod tick;
pub mod timers;
pub mod watch;
pub mod worker;
