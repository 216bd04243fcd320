//! The load generator: as cheap as it can be, because it shares the machine with what it measures.
//!
//! One thread drives keep-alive HTTP/1.1 connections over plain sockets with requests that are copied
//! together, never formatted, and responses of which a few facts are read. It runs in a process of its own,
//! so that its processor time can be told apart from everybody else's.

mod command;
mod connection;
mod driver;
mod histogram;
mod hold;
mod key;
mod lane;
mod plan;
mod request;
mod response;
mod schedule;
#[cfg(test)]
mod tests;

pub(crate) use command::{LAST_ANSWER, LoadOptions, MEASURING_BEGINS, MEASURING_ENDS, millis, run};
pub(crate) use driver::{Driver, Phase};
pub(crate) use histogram::Histogram;
pub(crate) use key::key;
pub(crate) use plan::{Kind, Lane, Mix, Outcome, Pace, Plan, Routes, Sample, Target, rate};
pub(crate) use response::{Parsed, parse};
