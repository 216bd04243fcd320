//! Holds what sessions say of themselves against the exchange's ledger. Pure, so that `forged` can show that it finds what
//! it should. It counts for itself; from the domain come only the planner, and the fold that the read model is held against.

mod books;

mod forged;
mod orders;
mod plans;
mod reserves;
mod runs;
mod story;
mod told;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::evidence::{Case, Executed};
use super::exact::Exact;
use crate::harness::evidence::Event;

/// What does not agree. Empty, if all does.
pub(super) fn verify(case: &Case) -> Vec<String> {
    let mut complaints = Vec::new();
    orders::check(case, &mut complaints);
    books::check(case, &mut complaints);
    runs::check(case, &mut complaints);
    reserves::check(case, &mut complaints);
    plans::check(case, &mut complaints);
    told::check(case, &mut complaints);
    complaints
}

/// Everything that happened to sessions.
fn events(case: &Case) -> impl Iterator<Item = &Event> {
    case.found.journal.iter().filter(|event| event.aggregate_type == "trading_session")
}

fn id(event: &Event, member: &str) -> Uuid {
    event.text(member).parse().unwrap_or_default()
}

fn moment(event: &Event, member: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(event.text(member), &Rfc3339).ok()
}

/// What is no number is nothing that could agree with one.
fn number(event: &Event, member: &str) -> Option<Exact> {
    Exact::read(event.text(member))
}

impl Executed {
    fn text(&self, member: &str) -> &str {
        self.trade[member].as_str().unwrap_or_default()
    }

    fn number(&self, member: &str) -> Exact {
        Exact::read(self.text(member)).unwrap_or_default()
    }
}
