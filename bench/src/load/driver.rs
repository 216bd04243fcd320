//! The event loop: one thread, one epoll, all lanes.
//!
//! It stays honest in three ways. A latency begins when the request was due, not when a connection was free
//! for it. Nothing is dropped at the end: requests under way are waited for. And whatever is not a good
//! answer is an error that is counted and shown, never a fast success.

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use rustix::event::{Timespec, epoll};

use super::connection::{Connection, Pending, Progress};
use super::lane::LaneState;
use super::plan::{Outcome, Plan};
use super::request::Writer;
use super::response::Response;
use super::schedule::micros;
use crate::procfs;

/// Larger than any usual answer, so that one read takes all of it.
const SCRATCH_BYTES: usize = 64 << 10;
/// After the end, how long requests under way are waited for; more than any time limit of the server.
const GRACE_MICROS: u64 = 15_000_000;
/// The longest sleep of an open loop: an arrival may be sent this much late, which its latency shows.
const TICK_MICROS: u64 = 100;
/// A server that fails this often is not worth more measuring.
const MOST_ERRORS: u64 = 10_000;
/// Arrivals an open loop keeps while no connection is free: a minute at a rate nobody reaches.
const MOST_WAITING: usize = 6_000_000;
const SHOWN_COMPLAINTS: usize = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    MeasuringBegins,
    MeasuringEnds,
    /// Nothing is under way any more.
    LastAnswer,
}

pub(crate) struct Driver<'a> {
    plan: &'a Plan,
    writer: Writer,
    lanes: Vec<LaneState<'a>>,
    connections: Vec<Connection>,
    /// Connections of open lanes with nothing to do, by lane.
    idle: Vec<Vec<usize>>,
    /// Arrivals of open lanes that found no free connection, by lane: when they were due.
    waiting: Vec<VecDeque<u64>>,
    epoll: std::os::fd::OwnedFd,
    started: Instant,
    measure_from: u64,
    measure_until: u64,
    in_flight: usize,
    /// Connections just opened; they go on with the next round, so that failures never nest.
    reopened: Vec<usize>,
    outcome: Outcome,
}

impl<'a> Driver<'a> {
    pub(crate) fn new(plan: &'a Plan) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let mut connections = Vec::new();
        for (place, lane) in plan.lanes.iter().enumerate() {
            for _ in 0..lane.connections {
                let connection = Connection::open(plan.address, place)?;
                watch(&epoll, &connection, connections.len())?;
                connections.push(connection);
            }
        }
        let measure_from = micros(plan.warmup_seconds);
        Ok(Self {
            plan,
            writer: Writer::new(plan),
            lanes: plan.lanes.iter().map(|lane| LaneState::new(plan, lane)).collect(),
            connections,
            idle: vec![Vec::new(); plan.lanes.len()],
            waiting: vec![VecDeque::new(); plan.lanes.len()],
            epoll,
            started: Instant::now(),
            measure_from,
            measure_until: measure_from + micros(plan.seconds),
            in_flight: 0,
            reopened: Vec::new(),
            outcome: Outcome::default(),
        })
    }

    /// Runs the plan to its end and tells `on_phase` when measuring begins and ends, and when all is answered.
    pub(crate) fn run(mut self, mut on_phase: impl FnMut(Phase)) -> io::Result<Outcome> {
        let mut events = Vec::with_capacity(self.connections.len().max(1));
        let mut scratch = vec![0; SCRATCH_BYTES];
        let mut phase = None;
        let mut cpu_before = 0.0;
        self.started = Instant::now();
        self.reopened.extend(0..self.connections.len());
        loop {
            let now = self.now();
            for id in std::mem::take(&mut self.reopened) {
                self.rest_or_ask(id, now);
            }
            if phase.is_none() && now >= self.measure_from {
                phase = Some(Phase::MeasuringBegins);
                cpu_before = procfs::own_cpu_seconds();
                on_phase(Phase::MeasuringBegins);
            }
            let over = now >= self.measure_until || self.outcome.errors >= MOST_ERRORS;
            if over && phase == Some(Phase::MeasuringBegins) {
                phase = Some(Phase::MeasuringEnds);
                self.outcome.cpu_seconds = procfs::own_cpu_seconds() - cpu_before;
                self.outcome.seconds = seconds(now - self.measure_from);
                self.measure_until = now;
                on_phase(Phase::MeasuringEnds);
            }
            if over && (self.in_flight == 0 || now >= self.measure_until + GRACE_MICROS) {
                on_phase(Phase::LastAnswer);
                break;
            }
            self.send_arrivals(now.min(self.measure_until));
            self.wait(&mut events, now)?;
            for event in events.drain(..) {
                self.handle(event, &mut scratch);
            }
        }
        Ok(self.finish())
    }

    fn wait(&self, events: &mut Vec<epoll::Event>, now: u64) -> io::Result<()> {
        let mut until = match now {
            _ if now < self.measure_from => self.measure_from,
            _ if now < self.measure_until => self.measure_until,
            _ => self.measure_until + GRACE_MICROS,
        };
        if !self.reopened.is_empty() {
            until = now;
        }
        for schedule in self.lanes.iter().filter_map(|lane| lane.schedule.as_ref()) {
            if now < self.measure_until {
                until = until.min(schedule.next().max(now + TICK_MICROS));
            }
        }
        let timeout = Timespec::try_from(Duration::from_micros(until.saturating_sub(now)))
            .map_err(|_| io::ErrorKind::InvalidInput)?;
        match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(events), Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives every arrival that is due to a free connection, or lets it wait for one.
    fn send_arrivals(&mut self, now: u64) {
        for lane in 0..self.lanes.len() {
            while let Some(due) = self.lanes[lane].schedule.as_mut().and_then(|s| s.take_due(now)) {
                match self.idle[lane].pop() {
                    Some(id) => self.ask(id, due),
                    None if self.waiting[lane].len() < MOST_WAITING => self.waiting[lane].push_back(due),
                    None => self.complain("too many requests wait for a connection"),
                }
            }
        }
    }

    fn handle(&mut self, event: epoll::Event, scratch: &mut [u8]) {
        let Ok(id) = usize::try_from(event.data.u64()) else {
            return;
        };
        let flags = event.flags;
        if flags.contains(epoll::EventFlags::OUT) {
            match self.connections[id].flush() {
                Ok(true) => self.interest(id, epoll::EventFlags::IN),
                Ok(false) => return,
                Err(error) => return self.replace(id, &error.to_string()),
            }
        }
        match self.connections[id].receive(scratch) {
            Progress::Waiting => {}
            // A server may close a connection that nobody used for a while.
            Progress::Lost(_) if self.connections[id].pending.is_none() => self.open_again(id),
            Progress::Lost(why) => self.replace(id, &why),
            Progress::Answered(response, said) => self.answered(id, &response, said.as_deref()),
        }
    }

    fn answered(&mut self, id: usize, response: &Response, said: Option<&str>) {
        let now = self.now();
        let connection = &mut self.connections[id];
        let Some(Pending { asked, since }) = connection.pending.take() else {
            return self.replace(id, "an answer that nobody asked for");
        };
        self.in_flight -= 1;
        if let Some(position) = response.position {
            self.outcome.position = self.outcome.position.max(position);
            if asked.kind.is_command() {
                connection.memory.last_write = Some((position, asked.target));
            }
        }
        let lane = connection.lane;
        if let Some(said) = said {
            self.complain(said);
        } else {
            let sample = self.lanes[lane].sample(asked.kind);
            if since >= self.measure_from && since < self.measure_until {
                sample.latency.record(now - since);
            }
            if now >= self.measure_from && now < self.measure_until {
                sample.answered += 1;
                sample.replayed += u64::from(response.replayed);
            }
        }
        if response.close {
            return self.replace(id, "the server asked to close");
        }
        self.rest_or_ask(id, now);
    }

    /// What a connection does once it is free: the next request, the oldest arrival that waits, or nothing.
    fn rest_or_ask(&mut self, id: usize, now: u64) {
        let lane = self.connections[id].lane;
        if self.lanes[lane].schedule.is_some() {
            match self.waiting[lane].pop_front() {
                Some(due) => self.ask(id, due),
                None => self.idle[lane].push(id),
            }
        } else if now < self.measure_until && self.outcome.errors < MOST_ERRORS {
            self.ask(id, now);
        }
    }

    fn ask(&mut self, id: usize, since: u64) {
        let connection = &mut self.connections[id];
        let lane = &mut self.lanes[connection.lane];
        let asked = lane.ask(&self.writer, &mut connection.memory, &mut connection.out);
        connection.pending = Some(Pending { asked, since });
        self.in_flight += 1;
        match connection.send() {
            Ok(true) => {}
            Ok(false) => self.interest(id, epoll::EventFlags::IN | epoll::EventFlags::OUT),
            Err(error) => self.replace(id, &error.to_string()),
        }
    }

    fn interest(&mut self, id: usize, flags: epoll::EventFlags) {
        let data = epoll::EventData::new_u64(id as u64);
        if let Err(error) = epoll::modify(&self.epoll, &self.connections[id].stream, data, flags) {
            self.complain(&error.to_string());
        }
    }

    /// Opens a new connection in place of one that is of no more use, and goes on with it.
    fn replace(&mut self, id: usize, why: &str) {
        self.complain(why);
        if self.connections[id].pending.take().is_some() {
            self.in_flight -= 1;
        }
        self.open_again(id);
    }

    fn open_again(&mut self, id: usize) {
        if self.outcome.errors >= MOST_ERRORS {
            return;
        }
        let fresh = Connection::open(self.plan.address, self.connections[id].lane);
        match fresh.and_then(|fresh| watch(&self.epoll, &fresh, id).map(|()| fresh)) {
            Ok(fresh) => {
                self.connections[id] = fresh;
                self.reopened.push(id);
            }
            Err(error) => self.complain(&format!("cannot connect again: {error}")),
        }
    }

    fn complain(&mut self, what: &str) {
        self.outcome.errors += 1;
        if self.outcome.complaints.len() < SHOWN_COMPLAINTS {
            self.outcome.complaints.push(what.to_owned());
        }
    }

    fn finish(mut self) -> Outcome {
        let unanswered = self.in_flight + self.waiting.iter().map(VecDeque::len).sum::<usize>();
        if unanswered > 0 {
            self.complain(&format!("{unanswered} requests were never answered"));
            self.outcome.errors += unanswered as u64 - 1;
        }
        self.outcome.lanes = self.lanes.into_iter().map(LaneState::into_outcome).collect();
        self.outcome
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

fn watch(epoll: &std::os::fd::OwnedFd, connection: &Connection, id: usize) -> io::Result<()> {
    let data = epoll::EventData::new_u64(id as u64);
    epoll::add(epoll, &connection.stream, data, epoll::EventFlags::IN)?;
    Ok(())
}

/// A run's microseconds are far below 2^52, where an `f64` is exact.
#[allow(clippy::cast_precision_loss)]
fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}
