//! Everything the tests here stand on: a program that can be killed, clients that write down what they were told, and
//! the evidence it is compared with.

pub(crate) mod cents;
mod client;
mod dice;
pub(crate) mod evidence;
pub(crate) mod home;
pub(crate) mod house;
pub(crate) mod http;
pub(crate) mod load;
mod person;
pub(crate) mod program;
pub(crate) mod record;
mod scale;
pub(crate) mod stream;
pub(crate) mod trial;

pub(crate) use client::Client;
pub(crate) use dice::Dice;
pub(crate) use person::Person;
pub(crate) use scale::Scale;
pub(crate) use stream::NatsAccess;
