//! What an owner changes while it goes on.

use super::*;

fn schedule(events: &[SessionEvent]) -> (u32, bool, Option<Timestamp>) {
    let [SessionEvent::ScheduleChanged { interval_s, auto_rebalance, next_run_at }] = events else {
        panic!("{events:?}")
    };
    (*interval_s, *auto_rebalance, *next_run_at)
}

#[test]
fn what_is_so_already_changes_nothing() {
    let mut story = Story::of(StartSession { drift_threshold: Some(d("0.10")), ..start() });
    let asked = start();
    let same = [
        SessionCommand::SetNextRun { next_run_at: NOON },
        SessionCommand::SetInterval { interval_s: HOUR, at: NOON },
        SessionCommand::SetAutoRebalance { enabled: true, at: NOON },
        SessionCommand::SetDrift { threshold: Some(d("0.1")) },
        SessionCommand::SetDryRun { dry_run: false },
        SessionCommand::SetTargets { targets: asked.targets },
        SessionCommand::SetLimits { risk_per_trade: Some(d("0.100")), max_drawdown: None },
        SessionCommand::SetLimits { risk_per_trade: None, max_drawdown: Some(d("0.10")) },
    ];
    for command in same {
        let name = command.name();
        assert_eq!(story.must(command), [], "{name}");
    }
    story.must(SessionCommand::Pause);
    assert_eq!(story.must(SessionCommand::Pause), []);
}

#[test]
fn another_interval_begins_now() {
    let mut story = Story::began();
    let changed = story.wait(10).must(SessionCommand::SetInterval { interval_s: 600, at: NOON });
    let (interval_s, auto, next) = schedule(&changed);
    assert_eq!((interval_s, auto), (600, true));
    let next = next.unwrap();
    assert!(next >= after(story.now, 600) && next < after(story.now, 660));
}

#[test]
fn another_interval_of_one_that_waits_to_be_asked_moves_nothing() {
    let mut story = Story::of(StartSession { auto_rebalance: false, ..start() });
    let changed = story.must(SessionCommand::SetInterval { interval_s: 600, at: NOON });
    assert_eq!(schedule(&changed), (600, false, Some(NOON)));
}

#[test]
fn the_schedule_is_switched_off_and_on() {
    let mut story = Story::began();
    let off = story.must(SessionCommand::SetAutoRebalance { enabled: false, at: NOON });
    assert_eq!(schedule(&off), (HOUR, false, None));
    assert_eq!(story.begin(1), Err(SessionRefusal::NothingDue));
    let on = story.wait(5).must(SessionCommand::SetAutoRebalance { enabled: true, at: NOON });
    assert!(schedule(&on).2.unwrap() >= after(story.now, 3_600));
}

#[test]
fn a_schedule_that_is_switched_off_while_a_run_goes_on_stays_off() {
    let mut story = Story::began();
    story.begin(1).unwrap();
    story.must(SessionCommand::SetAutoRebalance { enabled: false, at: NOON });
    story.fill_all(1);
    assert_eq!((story.state().auto_rebalance, story.state().next_run_at), (false, None));
}

#[test]
fn dry_run_is_not_switched_while_orders_are_out() {
    let mut story = Story::began();
    story.begin(1).unwrap();
    let run_id = story.state().run_id().unwrap();
    let refused = Err(SessionRefusal::RunUnderWay { run_id });
    assert_eq!(story.ask(SessionCommand::SetDryRun { dry_run: true }), refused);
    story.fill_all(1);
    assert_eq!(types(&story.must(SessionCommand::SetDryRun { dry_run: true })), ["DryRunChanged"]);
}

#[test]
fn a_limit_that_is_left_out_stays() {
    let mut story = Story::began();
    let limits = SessionCommand::SetLimits { risk_per_trade: None, max_drawdown: Some(d("0.20")) };
    let changed = SessionEvent::RiskLimitsChanged { risk_per_trade: d("0.1"), max_drawdown: d("0.2") };
    assert_eq!(story.must(limits), [changed]);
}

#[test]
fn a_pause_rests_the_schedule_and_a_resume_makes_one_run_of_what_was_missed() {
    let mut story = Story::began();
    story.run();
    story.must(SessionCommand::Pause);
    story.wait(5 * 3_600);
    assert_eq!(story.begin(2), Err(SessionRefusal::NothingDue));
    story.resume().unwrap();
    let began = story.begin(2).unwrap();
    assert_eq!(types(&began)[0], "RunStarted");
    assert_eq!(story.state().next_run_at, Some(after(NOON, 6 * 3_600)));
    assert_eq!(story.begin(3), Err(SessionRefusal::NothingDue));
}

#[test]
fn what_was_asked_for_before_a_pause_is_done_after_it() {
    let mut story = Story::of(StartSession { next_run_at: None, ..start() });
    story.request(7).unwrap();
    story.must(SessionCommand::Pause);
    assert_eq!(story.begin(1), Err(SessionRefusal::NothingDue));
    story.resume().unwrap();
    assert_eq!(types(&story.begin(1).unwrap())[0], "RunStarted");
}

#[test]
fn new_targets_are_what_the_next_run_is_for() {
    let mut story = Story::began();
    story.run();
    story.must(SessionCommand::SetTargets { targets: Targets::cash(USDT) });
    story.wait(3_600).run();
    let portfolio = &story.state().portfolio;
    assert_eq!(portfolio.held().count(), 0);
    assert_eq!(portfolio.cash, d("9984"), "the fees are gone, and all else is there");
}
