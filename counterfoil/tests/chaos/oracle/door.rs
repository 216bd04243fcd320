//! Answers that have no place in the order: repeats, and what was sent away before anything was decided.

use serde_json::Value;

use super::judge::{COMPLAINTS_MAX, Heard, Probe, Replay};
use super::paper::Line;
use super::wish::{Asked, Step, Wish};

impl<'a> Replay<'a> {
    /// What has no place in the order: repeats of a capture under another key, and what was sent away at the door.
    pub(super) fn undecided(&mut self) {
        let mut complaints = Vec::new();
        let case = self.case;
        for heard in &case.heard {
            if complaints.len() >= COMPLAINTS_MAX {
                break;
            }
            // A key under which nothing but a known capture was asked for stands for nothing.
            if heard.probe == Probe::OtherBody && self.done.contains(heard.key.as_str()) {
                self.count(heard.code());
                if heard.code() != "idempotency_key_reused" {
                    complaints.push(format!("a used key was good for another request: {}", heard.body));
                }
            } else if heard.position.is_none() {
                self.count(heard.code());
                if !self.is_at_the_door(heard) {
                    complaints.push(format!("{:?} was sent away with {}", heard.asked, heard.body));
                }
            } else if heard.replayed && !self.is_known(heard) {
                complaints.push(format!("{:?} is no repeat: {}", heard.asked, heard.body));
            }
        }
        self.verdict.complaints.extend(complaints);
    }

    fn first_with(&self, step: &Step) -> Option<&'a Heard> {
        let Wish::Capture { hold, capture_id, .. } = &step.wish else { return None };
        self.captured.get(&(*hold, capture_id.as_str())).copied()
    }

    /// A repeat is one of its key, or of its capture: then it says what the first one was told.
    fn is_known(&self, heard: &Heard) -> bool {
        match heard.asked.steps() {
            [step] if matches!(step.wish, Wish::Capture { .. }) && heard.is_accepted() => {
                let then = self.first_with(step).and_then(|first| told_of(first, step));
                then.is_some_and(|then| ["hold", "wallet"].iter().all(|name| then[name] == heard.body[name]))
            }
            // Each key has its answer once, and `repeats_are_the_same`.
            _ => self.done.contains(heard.key.as_str()),
        }
    }

    fn is_at_the_door(&self, heard: &Heard) -> bool {
        let paper = &self.verdict.paper;
        let any = |is_so: &dyn Fn(&Step) -> bool| heard.asked.steps().iter().any(is_so);
        match heard.code() {
            "capture_id_reused" => {
                let is_batch = matches!(heard.asked, Asked::Batch(_));
                any(&|step| {
                    let first = self.first_with(step);
                    first.is_some_and(|first| is_batch || told_of(first, step).is_none())
                })
            }
            // Two captures of one name in a batch.
            "validation_failed" => {
                let steps = heard.asked.steps();
                any(&|step| steps.iter().filter(|other| has_same_name(other, step)).count() > 1)
            }
            "hold_not_found" => any(&|step| {
                let hold = step.wish.hold();
                hold.is_some_and(|hold| !matches!(paper.line(hold), Some(Line::Hold { .. })))
            }),
            "wallet_not_found" => {
                any(&|step| step.wish.wallet().is_some_and(|wallet| paper.sheet(wallet).is_none()))
            }
            "transaction_not_found" => any(
                &|step| matches!(&step.wish, Wish::Reverse { transaction } if paper.line(*transaction).is_none()),
            ),
            _ => false,
        }
    }
}

/// What somebody was told of a capture, if it was exactly this one.
fn told_of<'a>(heard: &'a Heard, step: &Step) -> Option<&'a Value> {
    match &heard.asked {
        Asked::One(one) => (one.wish == step.wish).then_some(&heard.body),
        Asked::Batch(steps) => {
            let index = steps.iter().position(|one| one.wish == step.wish)?;
            heard.body["results"].get(index)
        }
    }
}

fn has_same_name(one: &Step, two: &Step) -> bool {
    match (&one.wish, &two.wish) {
        (Wish::Capture { hold, capture_id, .. }, Wish::Capture { hold: other, capture_id: other_id, .. }) => {
            (hold, capture_id) == (other, other_id)
        }
        _ => false,
    }
}
