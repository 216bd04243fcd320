//! Money that is kept back for something that is not settled yet.

pub(crate) mod amend;
pub(crate) mod capture;
pub(crate) mod extend;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod release;
