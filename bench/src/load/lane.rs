//! One lane at work: decides which request a connection sends next, and keeps what came of each kind.

use super::hold::HoldId;
use super::key::{key, mix};
use super::plan::{Kind, Lane, LaneOutcome, Mix, Pace, Plan, Sample};
use super::request::Writer;
use super::schedule::{Schedule, micros, unit};

/// What a connection knows of its own past that the next request may rest on.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Memory {
    /// Position and target of the last command that was answered, until a read has asked for it.
    pub(crate) last_write: Option<(u64, usize)>,
    /// A hold that was placed and the wallet it is on, until it is captured.
    pub(crate) hold: Option<(HoldId, usize)>,
}

/// A request that was written into a buffer: its kind and the target it went to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) kind: Kind,
    pub(crate) target: usize,
}

enum Next {
    Command { kind: Kind, seed: u64, number: u64 },
    Capture { hold: HoldId, target: usize },
    ReadYourWrite { position: u64, target: usize },
    Read { target: usize },
    Balance { target: usize },
}

#[derive(Debug)]
pub(crate) struct LaneState<'a> {
    plan: &'a Plan,
    lane: &'a Lane,
    outcome: LaneOutcome,
    drawn: u64,
    replayed: u64,
    /// The arrivals of an open loop; a closed one has none.
    pub(crate) schedule: Option<Schedule>,
}

impl<'a> LaneState<'a> {
    pub(crate) fn new(plan: &'a Plan, lane: &'a Lane) -> Self {
        let schedule = match lane.pace {
            Pace::Closed => None,
            Pace::Open { rate } => Some(Schedule::new(rate, lane.key_seed)),
            Pace::Burst { count } => Some(Schedule::burst(micros(plan.warmup_seconds), count)),
        };
        let outcome = LaneOutcome { name: lane.name.clone(), ..LaneOutcome::default() };
        Self { plan, lane, outcome, drawn: 0, replayed: 0, schedule }
    }

    /// Writes the next request of this lane into `out`.
    pub(crate) fn ask(&mut self, writer: &Writer, memory: &mut Memory, out: &mut Vec<u8>) -> Asked {
        let targets = &self.plan.targets;
        match self.decide(memory) {
            Next::Command { kind, seed, number } => {
                let is_in_turn = self.lane.mix == Mix::InTurn;
                let target = self.target_of(if is_in_turn { number } else { mix(seed ^ number) });
                writer.command(out, &targets[target], &key(seed, number));
                Asked { kind, target }
            }
            Next::Capture { hold, target } => {
                let number = self.outcome.commands;
                self.outcome.commands += 1;
                writer.capture(out, &targets[target], hold.as_bytes(), &key(self.lane.key_seed, number));
                Asked { kind: Kind::Capture, target }
            }
            Next::ReadYourWrite { position, target } => {
                writer.read(out, &targets[target], Some(position));
                Asked { kind: Kind::ReadYourWrite, target }
            }
            Next::Read { target } => {
                writer.read(out, &targets[target], None);
                Asked { kind: Kind::Read, target }
            }
            Next::Balance { target } => {
                writer.balance(out, &targets[target]);
                Asked { kind: Kind::Balance, target }
            }
        }
    }

    pub(crate) fn sample(&mut self, kind: Kind) -> &mut Sample {
        self.outcome.kinds.entry(kind).or_default()
    }

    pub(crate) fn into_outcome(self) -> LaneOutcome {
        self.outcome
    }

    fn decide(&mut self, memory: &mut Memory) -> Next {
        let wanted = self.lane.mix;
        match wanted {
            Mix::ReadYourWrites => Self::read_of(memory).unwrap_or_else(|| self.fresh(Kind::Command)),
            Mix::HoldsAndCaptures => match memory.hold.take() {
                Some((hold, target)) => Next::Capture { hold, target },
                None => self.fresh(Kind::Hold),
            },
            Mix::Replay { share, key_seed, count } if count > 0 && unit(self.random()) <= share => {
                // In their order: one picked at random might be under way on another connection just now.
                let number = self.replayed % count;
                self.replayed += 1;
                Next::Command { kind: Kind::Replay, seed: key_seed, number }
            }
            Mix::Commands | Mix::InTurn | Mix::Replay { .. } => self.fresh(Kind::Command),
            Mix::Reads => self.plain_read(),
            Mix::ReadWrite => match self.random() % 8 {
                0..4 => self.fresh(Kind::Command),
                4..6 => self.plain_read(),
                6 => Next::Balance { target: self.random_target() },
                _ => Self::read_of(memory).unwrap_or_else(|| self.plain_read()),
            },
        }
    }

    fn fresh(&mut self, kind: Kind) -> Next {
        let number = self.outcome.commands;
        self.outcome.commands += 1;
        Next::Command { kind, seed: self.lane.key_seed, number }
    }

    fn read_of(memory: &mut Memory) -> Option<Next> {
        let (position, target) = memory.last_write.take()?;
        Some(Next::ReadYourWrite { position, target })
    }

    fn plain_read(&mut self) -> Next {
        Next::Read { target: self.random_target() }
    }

    fn random_target(&mut self) -> usize {
        let random = self.random();
        self.target_of(random)
    }

    /// Depends on the number alone, so that a replay of it meets the same target.
    #[allow(clippy::cast_possible_truncation)] // below the number of targets
    fn target_of(&self, random: u64) -> usize {
        self.lane.first_target + (random % self.lane.targets.max(1) as u64) as usize
    }

    fn random(&mut self) -> u64 {
        self.drawn += 1;
        // Another stream than the keys' and the targets', or a kind would go with certain targets only.
        mix(self.lane.key_seed.rotate_left(32) ^ mix(!self.drawn))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::plan::{Routes, Target};
    use std::collections::{BTreeMap, HashSet};

    fn plan(mix: Mix) -> Plan {
        let target = |n: usize| Target::deposits(format!("w{n}"), None);
        let lane = Lane {
            name: "test".into(),
            connections: 1,
            pace: Pace::Closed,
            mix,
            first_target: 10,
            targets: 40,
            key_seed: 5,
        };
        Plan {
            address: "127.0.0.1:1".parse().unwrap(),
            routes: Routes::counterfoil(),
            tokens: Vec::new(),
            targets: (0..100).map(target).collect(),
            lanes: vec![lane],
            warmup_seconds: 0.0,
            seconds: 1.0,
        }
    }

    /// The kinds, targets and request texts of `count` requests, each command answered at position 9.
    fn asked(plan: &Plan, count: usize) -> Vec<(Asked, String)> {
        let writer = Writer::new(plan);
        let (mut lane, mut memory) = (LaneState::new(plan, &plan.lanes[0]), Memory::default());
        let mut out = Vec::new();
        let mut one = || {
            let asked = lane.ask(&writer, &mut memory, &mut out);
            if asked.kind == Kind::Command {
                memory.last_write = Some((9, asked.target));
            }
            (asked, String::from_utf8(out.clone()).unwrap())
        };
        (0..count).map(|_| one()).collect()
    }

    #[test]
    fn commands_in_turn_meet_a_target_again_after_all_the_others() {
        let met: Vec<usize> = asked(&plan(Mix::InTurn), 81).iter().map(|(asked, _)| asked.target).collect();
        assert_eq!(met, (10..50).chain(10..50).chain([10]).collect::<Vec<_>>());
    }

    #[test]
    fn commands_reach_every_target_of_the_lane_and_no_other() {
        let all = asked(&plan(Mix::Commands), 2_000);
        let targets: HashSet<usize> = all.iter().map(|(asked, _)| asked.target).collect();
        assert_eq!(targets, (10..50).collect());
    }

    #[test]
    fn reads_alone_reach_every_target_and_change_nothing() {
        let all = asked(&plan(Mix::Reads), 2_000);
        assert!(all.iter().all(|(asked, text)| asked.kind == Kind::Read && text.starts_with("GET ")));
        let targets: HashSet<usize> = all.iter().map(|(asked, _)| asked.target).collect();
        assert_eq!(targets, (10..50).collect());
    }

    #[test]
    fn a_replay_repeats_an_old_request_to_the_letter() {
        let old: HashSet<String> =
            asked(&plan(Mix::Commands), 100).into_iter().map(|(_, text)| text).collect();
        let mut replaying = plan(Mix::Replay { share: 0.5, key_seed: 5, count: 100 });
        replaying.lanes[0].key_seed = 6;
        let all = asked(&replaying, 1_000);
        let (replays, fresh): (Vec<_>, Vec<_>) =
            all.iter().partition(|(asked, _)| asked.kind == Kind::Replay);
        assert!(replays.iter().all(|(_, text)| old.contains(text)));
        assert!(!fresh.iter().any(|(_, text)| old.contains(text)));
        assert!((400..600).contains(&replays.len()), "{} of 1000", replays.len());
        let first: HashSet<&String> = replays.iter().take(100).map(|(_, text)| text).collect();
        assert_eq!(first.len(), 100, "none comes again while another was not there yet");
    }

    #[test]
    fn reading_your_writes_asks_for_the_position_just_told() {
        let all = asked(&plan(Mix::ReadYourWrites), 4);
        let kinds: Vec<Kind> = all.iter().map(|(asked, _)| asked.kind).collect();
        assert_eq!(kinds, [Kind::Command, Kind::ReadYourWrite, Kind::Command, Kind::ReadYourWrite]);
        assert_eq!(all[0].0.target, all[1].0.target);
        assert!(all[1].1.contains("?min_position=9 "));
    }

    #[test]
    fn reads_and_writes_come_in_their_shares() {
        let mut kinds = BTreeMap::<Kind, u32>::new();
        for (asked, _) in asked(&plan(Mix::ReadWrite), 8_000) {
            *kinds.entry(asked.kind).or_default() += 1;
        }
        // A write can be read back once: a fifth of the turns to do so find nothing new and read anything.
        let wanted =
            [(Kind::Command, 4_000), (Kind::Read, 2_200), (Kind::Balance, 1_000), (Kind::ReadYourWrite, 800)];
        for (kind, wanted) in wanted {
            let got = kinds[&kind];
            assert!(got.abs_diff(wanted) < wanted / 5, "{kind:?}: {got} for {wanted}");
        }
    }
}
