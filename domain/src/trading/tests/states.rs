//! Every command in every state.

use super::*;
use cqrs_es::test::TestFramework;

type Spec = TestFramework<TradingSession>;

/// A session in each state, and whether a run is under way in it.
fn in_state(state: SessionState) -> Story {
    let mut story = match state {
        SessionState::Starting => Story::of(StartSession { exchange: ExchangeName::Binance, ..start() }),
        _ => Story::began(),
    };
    match state {
        SessionState::Starting | SessionState::Running => {}
        SessionState::Paused => drop(story.must(SessionCommand::Pause)),
        SessionState::Halted => {
            story.run().price("BTC", "30000");
            story.mark().unwrap();
        }
        SessionState::Stopping => {
            story.begin(1).unwrap();
            story.stop().unwrap();
        }
        SessionState::Stopped => drop(story.stop().unwrap()),
    }
    assert_eq!(story.state().state, state);
    story
}

fn commands(story: &Story) -> Vec<(&'static str, SessionCommand)> {
    let at = story.now;
    let (market, run_id) = (story.market.clone(), story.state().run_id().unwrap_or_default());
    let boxed = || Some(Box::new(market.clone()));
    let (reason, next_run_at) = ("requested".to_owned(), after(NOON, 7));
    let request = |trigger| SessionCommand::RequestRun { run_id: Uuid::from_u128(9), trigger, at };
    let flow = Flow { amount: d("1"), market: Some(market.clone()), at };
    let begin = BeginRun { fence: 9, market: Some(market.clone()), at };
    let record = RecordOutcomes { run_id, fence: 9, outcomes: Vec::new(), market: market.clone(), at };
    let limits = SessionCommand::SetLimits { risk_per_trade: Some(d("0.03")), max_drawdown: None };
    vec![
        ("start", SessionCommand::Start(Box::new(start()))),
        ("pause", SessionCommand::Pause),
        ("resume", SessionCommand::Resume { market: boxed(), at }),
        ("stop", SessionCommand::Stop { reason, market: boxed(), at }),
        ("manual", request(Trigger::Manual)),
        ("drift", request(Trigger::Drift)),
        ("next", SessionCommand::SetNextRun { next_run_at }),
        ("interval", SessionCommand::SetInterval { interval_s: 60, at }),
        ("auto", SessionCommand::SetAutoRebalance { enabled: false, at }),
        ("threshold", SessionCommand::SetDrift { threshold: Some(d("0.05")) }),
        ("dry", SessionCommand::SetDryRun { dry_run: true }),
        ("targets", SessionCommand::SetTargets { targets: Targets::cash(USDT) }),
        ("limits", limits),
        ("capital", SessionCommand::ChangeCapital(Box::new(flow))),
        ("begin", SessionCommand::BeginRun(Box::new(begin))),
        ("take over", SessionCommand::TakeOver { fence: 9 }),
        ("record", SessionCommand::RecordOutcomes(Box::new(record))),
        ("mark", SessionCommand::Mark { market: Box::new(market), snapshot: true, at }),
    ]
}

/// What is decided, in a few letters: the types of events, or the name of the refusal.
fn told(decided: Result<Vec<SessionEvent>, SessionRefusal>) -> String {
    match decided {
        Ok(events) => types(&events).join(" "),
        Err(refusal) => {
            let refusal = serde_json::to_value(&refusal).unwrap();
            format!("!{}", refusal["refusal"].as_str().unwrap())
        }
    }
}

/// Where a state takes what it should not have to say anything about.
const SAME: [(&str, &str); 9] = [
    ("start", "!already_started"),
    ("next", "ScheduleChanged"),
    ("interval", "ScheduleChanged"),
    ("auto", "ScheduleChanged"),
    ("threshold", "DriftThresholdChanged"),
    ("dry", "DryRunChanged"),
    ("targets", "TargetsChanged"),
    ("limits", "RiskLimitsChanged"),
    ("capital", "CapitalChanged"),
];

fn table(state: SessionState) -> Vec<(&'static str, &'static str)> {
    let (refused, nobody) = ("!wrong_state", "!no_such_run");
    match state {
        SessionState::Starting => vec![
            ("pause", refused),
            ("resume", refused),
            ("stop", "TradingSessionStopped"),
            ("manual", refused),
            ("drift", refused),
            ("begin", "!nothing_due"),
            ("take over", nobody),
            ("record", nobody),
            ("mark", refused),
        ],
        SessionState::Running => vec![
            ("pause", "TradingSessionPaused"),
            ("resume", ""),
            ("stop", "TradingSessionStopped"),
            ("manual", "RunRequested"),
            ("drift", "RunRequested"),
            ("begin", "RunStarted RebalancePlanned OrderIntended OrderIntended"),
            ("take over", nobody),
            ("record", nobody),
            ("mark", "PortfolioSnapshotTaken"),
        ],
        SessionState::Paused => vec![
            ("pause", ""),
            ("resume", "TradingSessionResumed"),
            ("stop", "TradingSessionStopped"),
            ("manual", refused),
            ("drift", refused),
            ("begin", "!nothing_due"),
            ("take over", nobody),
            ("record", nobody),
            ("mark", "PortfolioSnapshotTaken"),
        ],
        SessionState::Halted => vec![
            ("pause", refused),
            ("resume", "TradingSessionResumed"),
            ("stop", "TradingSessionStopped"),
            ("manual", "RunRequested"),
            ("drift", refused),
            ("begin", "!nothing_due"),
            ("take over", nobody),
            ("record", nobody),
            ("mark", "PortfolioSnapshotTaken"),
        ],
        SessionState::Stopping => vec![
            ("start", "!already_started"),
            ("begin", "!run_under_way"),
            ("take over", "RunTakenOver"),
            ("record", ""),
            ("mark", "PortfolioSnapshotTaken"),
        ],
        SessionState::Stopped => vec![
            ("start", "!already_started"),
            ("begin", "!nothing_due"),
            ("take over", nobody),
            ("record", nobody),
        ],
    }
}

#[test]
fn every_command_is_taken_or_refused_in_every_state() {
    for state in SessionState::ALL {
        let story = in_state(state);
        let goes_on = !matches!(state, SessionState::Stopping | SessionState::Stopped);
        let said = table(state);
        for (name, command) in commands(&story) {
            let find = |table: &[(&str, &'static str)]| {
                table.iter().find(|(of, _)| *of == name).map(|(_, expected)| *expected)
            };
            let same = find(&SAME).filter(|_| goes_on);
            let expected = find(&said).or(same).unwrap_or("!wrong_state");
            assert_eq!(told(story.session.decide(command)), expected, "{name} while {state}");
        }
    }
}

#[test]
fn nothing_but_a_start_makes_a_session() {
    for (name, command) in commands(&Story::began()) {
        let expected = if name == "start" { "TradingSessionStarted" } else { "!not_found" };
        assert_eq!(told(TradingSession::default().decide(command)), expected, "{name}");
    }
}

#[test]
fn a_session_starts_with_all_it_was_asked_for() {
    let hold_id = Some(crate::EntryId { wallet: crate::WalletId(Uuid::from_u128(5)), sequence: 4 });
    let asked = StartSession { capital: d("10000.50"), hold_id, ..start() };
    let expected = Started {
        session_id: asked.session_id,
        user_id: asked.user_id,
        mode: TradingMode::Paper,
        dry_run: false,
        state: SessionState::Running,
        exchange: ExchangeName::Paper,
        capital: d("10000.5"),
        currency: USDT,
        targets: asked.targets.clone(),
        interval_s: HOUR,
        auto_rebalance: true,
        drift_threshold: None,
        risk_per_trade: d("0.1"),
        max_drawdown: d("0.1"),
        next_run_at: Some(NOON),
        hold_id,
        started_at: NOON,
    };
    let spec = || Spec::with(());
    let started = SessionEvent::TradingSessionStarted(Box::new(expected));
    spec()
        .given_no_previous_events()
        .when(SessionCommand::Start(Box::new(asked.clone())))
        .then_expect_events(vec![started.clone()]);
    spec()
        .given(vec![started.clone()])
        .when(SessionCommand::Start(Box::new(asked)))
        .then_expect_error(SessionRefusal::AlreadyStarted);
    spec()
        .given(vec![started])
        .when(SessionCommand::Pause)
        .then_expect_events(vec![SessionEvent::TradingSessionPaused(Paused { from: SessionState::Running })]);
}

#[test]
fn a_paper_session_runs_at_once_and_a_live_one_waits_for_its_exchange() {
    assert_eq!(Story::began().state().state, SessionState::Running);
    let live = StartSession { exchange: ExchangeName::Binance, mode: TradingMode::Live, ..start() };
    assert_eq!(Story::of(live).state().state, SessionState::Starting);
}

#[test]
fn a_session_without_a_first_run_has_its_first_tick_or_none() {
    let auto = Story::of(StartSession { next_run_at: None, ..start() });
    let first = auto.state().next_run_at.unwrap();
    assert!(first >= after(NOON, 3_600) && first < after(NOON, 3_660));
    let by_hand = Story::of(StartSession { next_run_at: None, auto_rebalance: false, ..start() });
    assert_eq!(by_hand.state().next_run_at, None);
}
