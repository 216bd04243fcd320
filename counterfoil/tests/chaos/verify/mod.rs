//! Holds what was said against what is there. Pure, so that `forged` can show that it finds what it should.
//!
//! The harness folds for itself: nothing here comes from the domain.

mod answers;
mod book;
mod forged;
mod journal;
mod order;
mod read_model;
mod reads;
mod stream;

use crate::harness::evidence::Evidence;
use crate::harness::record::{Pages, Said};
use book::Book;

#[derive(Clone, Debug, Default)]
pub(crate) struct Case {
    pub(crate) pages: Pages,
    pub(crate) found: Evidence,
}

/// What does not agree. Empty, if all does.
pub(crate) fn verify(case: &Case) -> Vec<String> {
    let mut complaints: Vec<String> =
        case.pages.odd.iter().map(|odd| format!("never to be said: {odd}")).collect();
    let book = Book::open(&case.found.journal);
    journal::check(case, &mut complaints);
    answers::check(case, &book, &mut complaints);
    order::check(case, &mut complaints);
    reads::check(case, &book, &mut complaints);
    read_model::check(case, &book, &mut complaints);
    stream::check(case, &mut complaints);
    complaints
}

impl Case {
    /// For whoever watches: that something was checked at all.
    pub(crate) fn summary(&self) -> String {
        let attempts = || self.pages.commands.iter().flat_map(|command| &command.attempts);
        let count = |wanted: fn(&Said) -> bool| {
            attempts()
                .filter_map(|attempt| attempt.heard.as_ref())
                .filter(|heard| wanted(&heard.said))
                .count()
        };
        format!(
            "{} commands in {} attempts: {} times accepted, {} refused, {} unavailable, {} in flight, {} unknown, \
             {} without an answer; {} reads, {} logins; {} events",
            self.pages.commands.len(),
            attempts().count(),
            count(|said| matches!(said, Said::Accepted { .. })),
            count(|said| matches!(said, Said::Refused { .. })),
            count(|said| matches!(said, Said::Unavailable)),
            count(|said| matches!(said, Said::InFlight)),
            count(|said| matches!(said, Said::Unknown)),
            attempts().filter(|attempt| attempt.heard.is_none()).count(),
            self.pages.reads.len(),
            self.pages.sessions.len(),
            self.found.head,
        )
    }
}
