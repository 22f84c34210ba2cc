//! What can happen: writers, a replica, a bucket, in any order, with a bound on how often.

use crate::bucket::{Bucket, Content, Fault, Late, Log};
use crate::replica::Replica;
use crate::writer::{Begins, How, Life, Ships, Writer};
use stateright::{Model, Property};
use std::collections::BTreeMap;
use strandline_replicate::protocol::{
    Answer, Ask, Beginning, Listing, Request, Shipper, Step, Sweeper, Taken, Window,
};
use strandline_replicate::{Key, Term};

/// How much of each may happen.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    /// The owner of each writer.
    pub(crate) owners: &'static [u8],
    /// Events that are appended in each term.
    pub(crate) events: u8,
    /// The last term in which events are appended.
    pub(crate) eventful: u64,
    /// Starts and takeovers of all writers.
    pub(crate) beginnings: u8,
    /// No writer begins twice.
    pub(crate) once: bool,
    /// PUTs that go wrong.
    pub(crate) faults: u8,
    /// States beside the first of a term, of all writers.
    pub(crate) states: u8,
    /// Deletions that are begun.
    pub(crate) deletions: u8,
    pub(crate) replica: bool,
    /// Listings of chunks take time.
    pub(crate) pages: bool,
    pub(crate) window: Window,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) bucket: Bucket,
    pub(crate) writers: Vec<Writer>,
    pub(crate) replica: Option<Replica>,
    pub(crate) history: History,
    left: Left,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Left {
    beginnings: u8,
    faults: u8,
    states: u8,
    deletions: u8,
}

/// What has happened, which no machine may look at.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct History {
    /// What each term that has begun began with.
    pub(crate) begun: BTreeMap<Term, Log>,
    /// What was acknowledged last in each term, and by whom.
    pub(crate) acknowledged: BTreeMap<Term, Log>,
    /// The newest term that was ever there.
    pub(crate) newest: u64,
    pub(crate) late_acknowledgement: bool,
    pub(crate) late_put: bool,
    pub(crate) moved: bool,
    pub(crate) deleted: bool,
    /// A writer was refused for what it had put itself.
    pub(crate) refused_by_itself: bool,
    /// Two writers have begun the same term.
    pub(crate) begun_twice: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Begin(usize),
    /// A step of a beginning, with how a PUT goes wrong, and which new chunks are left out of a listing.
    Step(usize, Fault, u8),
    Ask(usize, Ask, Fault),
    Deliver(usize, Ask),
    State(usize),
    Delete(usize, Key),
    CatchUp(Late),
    Follow,
}

const FAULTS: [Fault; 3] = [Fault::LostReply, Fault::Late, Fault::LateExists];

impl Model for Bounds {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World {
            bucket: Bucket::default(),
            writers: self
                .owners
                .iter()
                .map(|owner| Writer::new(*owner))
                .collect(),
            replica: self.replica.then(Replica::new),
            history: History::default(),
            left: Left {
                beginnings: self.beginnings,
                faults: self.faults,
                states: self.states,
                deletions: self.deletions,
            },
        }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        for (place, writer) in world.writers.iter().enumerate() {
            // Writers that have not come yet are alike: they come in order.
            let is_next = place == 0 || world.writers[place - 1].has_come || self.is_copied();
            let is_over = self.once && writer.has_come;
            if world.left.beginnings > 0 && is_next && !is_over {
                actions.push(Action::Begin(place));
            }
            match &writer.life {
                Life::Down => {}
                Life::Begins(begins) => self.actions_of_beginning(world, place, begins, actions),
                Life::Ships(ships) => self.actions_of_shipper(world, place, ships, actions),
            }
        }
        actions.extend(world.bucket.late.iter().cloned().map(Action::CatchUp));
        if world
            .replica
            .as_ref()
            .is_some_and(|replica| !replica.is_diverged)
        {
            actions.push(Action::Follow);
        }
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        let mut next = world.clone();
        next.act(self, action);
        next.note(self);
        (next != *world).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        crate::properties::of(self)
    }
}

impl Bounds {
    fn is_copied(&self) -> bool {
        self.owners.first() == self.owners.last()
    }

    fn actions_of_beginning(
        &self,
        world: &World,
        place: usize,
        begins: &Begins,
        actions: &mut Vec<Action>,
    ) {
        actions.push(Action::Step(place, Fault::None, 0));
        let Step::Ask(request) = begins.machine.step() else {
            return;
        };
        if matches!(request, Request::Put { .. }) && world.left.faults > 0 {
            actions.extend(FAULTS.map(|fault| Action::Step(place, fault, 0)));
        }
        if let (Request::List(listing), Some(before)) = (request, &begins.listing) {
            let now = world.bucket.list(listing);
            let new = now.iter().filter(|number| !before.contains(number)).count();
            let choices = 1u8 << new.min(3);
            actions.extend((1..choices).map(|left_out| Action::Step(place, Fault::None, left_out)));
        }
    }

    fn actions_of_shipper(
        &self,
        world: &World,
        place: usize,
        ships: &Ships,
        actions: &mut Vec<Action>,
    ) {
        for (ask, request) in &ships.out {
            actions.push(Action::Ask(place, *ask, Fault::None));
            if matches!(request, Request::Put { .. }) && world.left.faults > 0 {
                actions.extend(FAULTS.map(|fault| Action::Ask(place, *ask, fault)));
            }
        }
        actions.extend(ships.mail.keys().map(|ask| Action::Deliver(place, *ask)));
        if ships.machine.fenced().is_some() {
            return;
        }
        if world.left.states > 0 {
            actions.push(Action::State(place));
        }
        if world.left.deletions > 0 {
            let garbage = ships.garbage(&world.bucket).into_iter();
            actions.extend(garbage.map(|key| Action::Delete(place, key)));
        }
    }
}

impl World {
    fn act(&mut self, bounds: &Bounds, action: Action) {
        match action {
            Action::Begin(place) => self.begin(bounds, place),
            Action::Step(place, fault, left_out) => self.step(bounds, place, fault, left_out),
            Action::Ask(place, ask, fault) => self.ask(place, ask, fault),
            Action::Deliver(place, ask) => {
                let Life::Ships(ships) = &mut self.writers[place].life else {
                    return;
                };
                if let Some(answer) = ships.mail.remove(&ask) {
                    self.told(place, ask, answer);
                }
            }
            Action::State(place) => self.state(place),
            Action::Delete(_, key) => {
                self.left.deletions -= 1;
                self.bucket.late.insert(Late::Delete(key));
            }
            Action::CatchUp(late) => {
                self.history.late_put |= self.bucket.catch_up(&late);
                self.history.deleted |= matches!(late, Late::Delete(_));
            }
            Action::Follow => {
                if let Some(replica) = &mut self.replica {
                    self.history.moved |= replica.step(&self.bucket, bounds.deletions > 0);
                }
            }
        }
    }

    /// A process starts, looks who reigns and decides for a start or a takeover. Nothing that it reads here can change
    /// but that there are more terms, so that all of it is one action.
    fn begin(&mut self, bounds: &Bounds, place: usize) {
        let beginning = self.left.beginnings;
        self.left.beginnings -= 1;
        let writer = &mut self.writers[place];
        writer.has_come = true;
        writer.life = Life::Begins(Begins {
            how: How::Start,
            beginning,
            machine: Beginning::new(),
            listing: None,
            parts: Vec::new(),
        });
        for _ in 0..3 {
            self.step(bounds, place, Fault::None, 0);
        }
    }

    /// A step of a beginning, with all after it that asks nothing.
    fn step(&mut self, bounds: &Bounds, place: usize, fault: Fault, left_out: u8) {
        let Life::Begins(begins) = &mut self.writers[place].life else {
            return;
        };
        match begins.machine.step() {
            Step::Ask(Request::List(listing @ Listing::Chunks { .. })) if bounds.pages => {
                let now = self.bucket.list(listing);
                match begins.listing.take() {
                    None => begins.listing = Some(now),
                    Some(before) => {
                        let listed = listed(before, &now, left_out);
                        begins.machine.answer(Answer::Listed(listed));
                    }
                }
            }
            Step::Ask(request) => {
                self.left.faults -= u8::from(fault != Fault::None);
                let answer = self.bucket.answer(&request, fault);
                begins.machine.answer(answer);
            }
            Step::Compose { taken, .. } => self.compose(place, taken),
            Step::Name { .. } | Step::Begun { .. } | Step::Lost { .. } => {}
        }
        self.go_on(bounds, place);
    }

    fn go_on(&mut self, bounds: &Bounds, place: usize) {
        let Life::Begins(begins) = &mut self.writers[place].life else {
            return;
        };
        match begins.machine.step() {
            Step::Ask(_) => {}
            Step::Name { reigning, .. } => self.name(place, reigning.as_ref()),
            // What was listed may be deleted before it is read.
            Step::Compose { .. } if bounds.deletions > 0 => {}
            Step::Compose { taken, .. } => self.compose(place, taken),
            Step::Begun { term, .. } => self.begun(bounds, place, term),
            Step::Lost { content, .. } => {
                let own = begins.beginning;
                self.history.refused_by_itself |=
                    matches!(content, Content::Term { beginning, .. } if beginning == own);
                self.writers[place].life = Life::Down;
            }
        }
    }

    fn name(&mut self, place: usize, reigning: Option<&Content>) {
        let writer = &mut self.writers[place];
        let Life::Begins(begins) = &mut writer.life else {
            return;
        };
        let is_ours = match reigning {
            Some(Content::Term { owner, .. }) => *owner == writer.owner,
            _ => true,
        };
        if !is_ours {
            begins.how = How::TakeOver;
        }
        begins.machine.take(Content::Term {
            owner: writer.owner,
            beginning: begins.beginning,
        });
    }

    fn compose(&mut self, place: usize, taken: Option<Taken>) {
        let writer = &mut self.writers[place];
        let Life::Begins(begins) = &mut writer.life else {
            return;
        };
        let read = match taken {
            None => Some((Log::new(), Vec::new())),
            Some(taken) => self.bucket.read(taken.term, taken.state, taken.below),
        };
        let Some((log, parts)) = read else {
            writer.life = Life::Down;
            return;
        };
        match begins.how {
            How::TakeOver => writer.log.clone_from(&log),
            How::Start if writer.log.starts_with(&log) => {}
            How::Start => {
                writer.life = Life::Down;
                return;
            }
        }
        begins.parts.clone_from(&parts);
        begins.machine.compose(Content::State { log, parts });
    }

    fn begun(&mut self, bounds: &Bounds, place: usize, term: Term) {
        let writer = &mut self.writers[place];
        let Life::Begins(begins) = &writer.life else {
            return;
        };
        let mut sweeper = Sweeper::new(term);
        sweeper.acknowledged(0, begins.parts.iter().cloned());
        let state = Key::State { term, number: 0 };
        let log = match self.bucket.objects.get(&state) {
            Some(Content::State { log, .. }) => log.clone(),
            _ => Log::new(),
        };
        let events = (1..=bounds.events).map(|event| begins.beginning * 16 + event);
        if term.get() <= bounds.eventful {
            writer.log.extend(events);
        }
        writer.life = Life::Ships(Ships {
            machine: Shipper::new(term, bounds.window),
            sweeper,
            listed: BTreeMap::new(),
            base: log.len(),
            offered: log.len(),
            out: BTreeMap::new(),
            mail: BTreeMap::new(),
        });
        writer.ship();
        self.history.acknowledged.insert(term, log.clone());
        self.history.begun_twice |= self.history.begun.insert(term, log).is_some();
    }

    /// A request of a shipper is done. That a check has found nothing takes its time to be told, all else is told at
    /// once: what comes of it is an action of its own.
    fn ask(&mut self, place: usize, ask: Ask, fault: Fault) {
        let Life::Ships(ships) = &mut self.writers[place].life else {
            return;
        };
        let Some(request) = ships.out.remove(&ask) else {
            return;
        };
        self.left.faults -= u8::from(fault != Fault::None);
        let answer = self.bucket.answer(&request, fault);
        match (ask, &answer) {
            (Ask::Check { .. }, Answer::Absent) => {
                ships.mail.insert(ask, answer);
            }
            _ => self.told(place, ask, answer),
        }
    }

    fn told(&mut self, place: usize, ask: Ask, answer: Answer<Content>) {
        let writer = &mut self.writers[place];
        let Life::Ships(ships) = &mut writer.life else {
            return;
        };
        let before = ships.machine.acknowledged();
        let term = ships.machine.term();
        ships.machine.answer(ask, answer);
        ships.sweep();
        if ships.machine.acknowledged() > before {
            self.history.late_acknowledgement |= self.history.newest > term.get();
        }
        writer.ship();
        if let Some(log) = writer.acknowledged() {
            self.history.acknowledged.insert(term, log.to_vec());
        }
    }

    /// Joins all chunks that are confirmed, and offers a state that lists what came of it.
    fn state(&mut self, place: usize) {
        let writer = &mut self.writers[place];
        let Life::Ships(ships) = &mut writer.life else {
            return;
        };
        let term = ships.machine.term();
        let number = ships.machine.confirmed();
        let confirmed = usize::try_from(number).unwrap();
        let log = writer.log[..ships.base + confirmed].to_vec();
        let content = log
            .iter()
            .fold(0, |all, event| all * 256 + u64::from(*event));
        // One that has more than the one before, in whose place it is listed.
        let name = format!("tail-0000000001-0000000000-0000000000-{:010}", log.len());
        let key = Key::Data {
            term,
            name: name.parse().unwrap(),
            content,
        };
        let parts = vec![key.clone()];
        assert_eq!(ships.sweeper.check(&parts), Ok(()));
        let state = Content::State {
            log: log.clone(),
            parts: parts.clone(),
        };
        if ships.machine.offer_state(number, state) {
            self.left.states -= 1;
            self.bucket.objects.insert(key, Content::Data(log));
            ships.listed.insert(number, parts);
            writer.ship();
        }
    }

    /// Notes what came of an action.
    fn note(&mut self, bounds: &Bounds) {
        if bounds.deletions == 0 {
            self.bucket.forget();
        }
        let terms = self.bucket.list(Listing::Terms { from: Term::FIRST });
        let newest = terms.into_iter().max().unwrap_or(0);
        self.history.newest = self.history.newest.max(newest);
    }
}

/// A listing that took its time: what was there all the while, and of what came in between all but what is left out.
fn listed(before: Vec<u64>, now: &[u64], left_out: u8) -> Vec<u64> {
    let new = now.iter().filter(|number| !before.contains(number));
    let new = new.enumerate();
    let new = new.filter(|(bit, _)| left_out & (1 << bit) == 0);
    let new: Vec<u64> = new.map(|(_, number)| *number).collect();
    before.into_iter().chain(new).collect()
}
