//! `Engine`: what a store must do to be measured, and `EngineEntry`, how one is made.
//!
//! No store is named here; of this crate it uses the aggregate of the work.

use crate::account::Account;
use std::ops::Range;
use std::path::Path;

/// Whatever a store says when it fails.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// An event to append.
#[derive(Debug, Clone, Copy)]
pub struct NewEvent<'a> {
    /// Number of the entity, from 0, for stores that keep something for each.
    pub entity_number: u32,
    /// Name of the entity.
    pub entity: &'a str,
    /// Name of the scope.
    pub scope: &'a str,
    /// Kind, 0 to 15, or [`RARE_KIND`](crate::workload::RARE_KIND).
    pub kind: u16,
    /// Payload.
    pub payload: &'a [u8],
}

/// Which of the events a query takes.
#[derive(Debug, Clone, Copy)]
pub enum Filter<'a> {
    /// Those of a kind.
    Kind(u16),
    /// Those of a scope.
    Scope(&'a str),
    /// Those of the entities whose names start so.
    Prefix(&'a str),
}

/// What an append promises when it returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The events survive a killed process: they are with the operating system.
    Written,
    /// The events survive a power cut: they are synced to the disk.
    Synced,
}

/// Something an engine may be unable to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ability {
    /// Several threads append at once, rather than one after the other behind a lock.
    ConcurrentAppends,
    /// Commits that survive a killed process without a sync.
    Written,
    /// Commits that survive a power cut.
    Synced,
    /// An event by its id.
    ById,
    /// The events of an entity in order.
    Stream,
    /// All events in commit order.
    Scan,
    /// [`Engine::query`] by kind.
    Kind,
    /// By scope.
    Scope,
    /// By prefix of the entity's name.
    Prefix,
    /// A check of everything that is stored.
    Verify,
    /// Several readers beside a writer.
    Mixed,
    /// [`Engine::append_with_ids`].
    CallersIds,
    /// [`Engine::append_unless`].
    Conditions,
    /// [`Engine::follow`].
    Follow,
    /// [`Engine::accounts`].
    Execute,
}

/// A store under measurement. Used by several threads at once.
pub trait Engine: Send + Sync {
    /// Appends events, all or none, in one commit.
    ///
    /// # Errors
    ///
    /// What the store says.
    fn append(&self, events: &[NewEvent<'_>], durability: Durability) -> Result<(), Failure>;

    /// As [`append`](Self::append), each event with an id of the caller's, which no event has yet.
    /// Only asked of an engine that has [`Ability::CallersIds`].
    ///
    /// # Errors
    ///
    /// What the store says.
    fn append_with_ids(
        &self,
        events: &[NewEvent<'_>],
        ids: &[u128],
        durability: Durability,
    ) -> Result<(), Failure> {
        let _ = (events, ids, durability);
        Err("the store chooses its ids itself".into())
    }

    /// Appends an event, unless one of these entities has an event of a kind.
    ///
    /// # Errors
    ///
    /// What the store says, also where it cannot do it or one of them has.
    fn append_unless(
        &self,
        event: &NewEvent<'_>,
        entities: &[&str],
        kind: u16,
    ) -> Result<(), Failure> {
        let _ = (event, entities, kind);
        Err("appends have no conditions".into())
    }

    /// Ids of all events, in any order, for [`get`](Self::get). Not measured.
    ///
    /// # Errors
    ///
    /// What the store says.
    fn ids(&self) -> Result<Vec<u128>, Failure>;

    /// Copies the payload of the event with this id to `payload`, which is empty.
    ///
    /// # Errors
    ///
    /// What the store says, or that there is no such event.
    fn get(&self, id: u128, payload: &mut Vec<u8>) -> Result<(), Failure>;

    /// Shows the payloads of an entity's events, oldest first.
    ///
    /// # Errors
    ///
    /// What the store says.
    fn stream(&self, entity: &str, visit: &mut dyn FnMut(&[u8])) -> Result<(), Failure>;

    /// Shows the payload of an entity's newest event, if it has one.
    ///
    /// # Errors
    ///
    /// What the store says.
    fn latest(&self, entity: &str, visit: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        let mut newest = None;
        self.stream(entity, &mut |payload| {
            let kept: &mut Vec<u8> = newest.get_or_insert_default();
            kept.clear();
            kept.extend_from_slice(payload);
        })?;
        newest.iter().for_each(|payload| visit(payload));
        Ok(())
    }

    /// How many files of a bounded length the events are in, if the store has such.
    ///
    /// # Errors
    ///
    /// What the store says.
    fn segments(&self) -> Result<Option<u64>, Failure> {
        Ok(None)
    }

    /// Shows the payloads of all events in commit order.
    ///
    /// # Errors
    ///
    /// What the store says.
    fn scan(&self, visit: &mut dyn FnMut(&[u8])) -> Result<(), Failure>;

    /// Shows what identifies each event that a filter takes, without its payload, in commit order
    /// where the store has one: its sequence, position or clock.
    ///
    /// # Errors
    ///
    /// What the store says.
    fn query(&self, filter: Filter<'_>, visit: &mut dyn FnMut(u64)) -> Result<(), Failure>;

    /// Checks everything that is stored; gives the number of events checked.
    ///
    /// # Errors
    ///
    /// What the store says, damage included.
    fn verify(&self) -> Result<u64, Failure>;

    /// Follows all events in commit order, from the first: those that are there, and then each as it comes.
    /// Only asked of an engine that has [`Ability::Follow`].
    ///
    /// # Errors
    ///
    /// What the store says.
    fn follow(&self) -> Result<Box<dyn Follower + '_>, Failure> {
        Err("events are not followed".into())
    }

    /// Accounts on which commands are executed, the way users of aggregates do it on this store. Where states can
    /// be kept in memory from one command to the next, so many are; 0 is none.
    /// Only asked of an engine that has [`Ability::Execute`].
    ///
    /// # Errors
    ///
    /// What the store says.
    fn accounts(&self, states_max: usize) -> Result<Box<dyn Accounts + '_>, Failure> {
        let _ = states_max;
        Err("there are no accounts".into())
    }

    /// Closes the store as its users would.
    ///
    /// # Errors
    ///
    /// What the store says.
    fn close(self: Box<Self>) -> Result<(), Failure>;
}

/// A reader of all events, as they come.
pub trait Follower: Send {
    /// Waits until there is an event that was not given yet, and hands on the payloads of that and of others
    /// that are there, in commit order.
    ///
    /// # Errors
    ///
    /// What the store says.
    fn next(&mut self, visit: &mut dyn FnMut(&[u8])) -> Result<(), Failure>;
}

/// Accounts in a store, by number: each has events of its own, and its state is what they come to.
pub trait Accounts: Sync {
    /// Appends one event to each of these accounts, in one commit, of a cent that comes.
    ///
    /// # Errors
    ///
    /// What the store says.
    fn append(&self, accounts: Range<u64>, durability: Durability) -> Result<(), Failure>;

    /// Loads the state of an account, decides, and appends what was decided on condition that the account has no
    /// event that the decision did not know.
    ///
    /// # Errors
    ///
    /// What the store says, and a refusal: then nothing is appended.
    fn execute(&self, account: u64, cents: i64, durability: Durability) -> Result<(), Failure>;

    /// The state of an account, made of its events.
    ///
    /// # Errors
    ///
    /// What the store says.
    fn load(&self, account: u64) -> Result<Account, Failure>;

    /// Waits until nothing is left to be done behind what was appended. Not measured.
    ///
    /// # Errors
    ///
    /// What the store says.
    fn settle(&self) -> Result<(), Failure> {
        Ok(())
    }
}

/// How an engine is found and made.
#[derive(Debug, Clone, Copy)]
pub struct EngineEntry {
    /// Name in tables and in JSON.
    pub name: &'static str,
    /// What the engine can do; what is not in the list is shown as "–".
    pub abilities: &'static [Ability],
    /// How it is set up, where it syncs and why the comparison is fair: a sentence or two for the
    /// notes under the table.
    pub notes: &'static str,
    /// Opens the store in a directory that exists, making it if the directory is empty.
    pub open: fn(&Path) -> Result<Box<dyn Engine>, Failure>,
}
