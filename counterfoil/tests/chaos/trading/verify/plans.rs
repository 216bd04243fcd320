//! Every plan, planned again from its own event, is the same plan.

use domain::trading::Planned;
use domain::trading::planner;

use super::events;
use crate::trading::evidence::Case;

pub(super) fn check(case: &Case, complaints: &mut Vec<String>) {
    for event in events(case).filter(|event| event.kind == "RebalancePlanned") {
        let position = event.position;
        let planned = match serde_json::from_value::<Planned>(event.data.clone()) {
            Ok(planned) => planned,
            Err(error) => {
                complaints.push(format!("the plan at position {position} cannot be read: {error}"));
                continue;
            }
        };
        match planner::plan(&planned.inputs) {
            Ok(again) if again == planned.plan => {}
            Ok(again) => complaints.push(format!(
                "the plan at position {position} is {} when it is planned again, and was {}",
                again.plan_hash, planned.plan.plan_hash
            )),
            Err(fault) => {
                complaints.push(format!("the plan at position {position} cannot be planned: {fault}"));
            }
        }
    }
}
