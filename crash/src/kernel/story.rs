//! What a process does that is going to be killed or cut off, and what it says of that: appends of
//! every sort, one after the other, on the real file system.

use super::content::{Content, LIFE_EVENTS_MAX};
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;
use strandline::{AppendOptions, Batch, Durability, Error, ErrorKind, Store, StoreOptions};
use strandline_core::fs::Draws;

/// How stores are opened here: small segments, so that rotations come often.
pub(crate) fn options(seed: u64, life: u32) -> StoreOptions {
    let options = StoreOptions::new()
        .segment_bytes_max(64 << 10)
        .payload_bytes_max(40 << 10)
        .checkpoint_interval_bytes(200 << 10);
    match Draws::of(seed, &[u64::from(life), 3]).below(3) {
        0 => options.no_background_sync(),
        1 => options.sync_interval(Duration::from_millis(1)),
        _ => options,
    }
}

/// What one process does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Life {
    /// Where chance comes from.
    pub(crate) seed: u64,
    /// The number of the process.
    pub(crate) life: u32,
    /// Most calls of the process; then it closes the store.
    pub(crate) calls_max: u64,
    /// Whether it says of what is only written that it is synced, which the harness must notice.
    pub(crate) lies: bool,
}

/// Why a life ended early.
enum End {
    /// A call failed so that the process can go on.
    Refused(Error),
    /// The store stopped.
    Stopped(Error),
    /// Nobody listens any more.
    Alone,
    /// The store did what it may not.
    Wrong(String),
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::NotWritten | ErrorKind::Io | ErrorKind::Busy => Self::Refused(error),
            ErrorKind::Unknown | ErrorKind::Poisoned => Self::Stopped(error),
            _ => Self::Wrong(format!("a call gave {error:?}")),
        }
    }
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Alone
    }
}

/// Writes a line that whoever started this process reads.
pub(crate) fn say(line: &str) -> io::Result<()> {
    // In one call, so that a killed process leaves no half of a line.
    io::stdout().write_all(format!("{line}\n").as_bytes())
}

/// Lives until it is killed, cut off, or done.
pub(crate) fn live(dir: &Path, life: Life) -> io::Result<()> {
    let store = match options(life.seed, life.life).open(dir) {
        Ok(store) => store,
        Err(error) => return say(&format!("refused {:?}", error.kind())),
    };
    let number = store.snapshot().len();
    say(&format!("open {number}"))?;
    let mut living = Living {
        dir,
        life,
        store: Some(store),
        number,
        draws: Draws::of(life.seed, &[u64::from(life.life), 1]),
    };
    for _ in 0..life.calls_max.min(LIFE_EVENTS_MAX) {
        match living.call() {
            Ok(()) => {}
            Err(End::Refused(error)) => say(&format!("refused {:?}", error.kind()))?,
            Err(End::Stopped(error)) => {
                say(&format!("stopped {:?}", error.kind()))?;
                return living.is_stopped();
            }
            Err(End::Wrong(what)) => return say(&format!("wrong {what}")),
            Err(End::Alone) => return Ok(()),
        }
    }
    match living.store.take().map(Store::close) {
        Some(Ok(())) => say(&format!("synced {}", living.number)),
        Some(Err(error)) => say(&format!("refused {:?}", error.kind())),
        None => Ok(()),
    }
}

struct Living<'a> {
    dir: &'a Path,
    life: Life,
    store: Option<Store>,
    /// The next event's number, which is its sequence.
    number: u64,
    draws: Draws,
}

impl Living<'_> {
    fn store(&self) -> Result<&Store, End> {
        let gone = || End::Wrong("no store is open".to_owned());
        self.store.as_ref().ok_or_else(gone)
    }

    /// One call of the store, chosen by chance.
    fn call(&mut self) -> Result<(), End> {
        if self.store.is_none() {
            return self.reopen();
        }
        match self.draws.below(100) {
            0..40 => self.append(1, Durability::Synced),
            40..68 => self.append(1, Durability::Written),
            68..74 => {
                let members = 2 + self.draws.below(5);
                self.append(members, Durability::Synced)
            }
            74..82 => {
                let members = 2 + self.draws.below(5);
                self.append(members, Durability::Written)
            }
            82..90 => self.submit(),
            90..94 => {
                self.store()?.sync()?;
                Ok(say(&format!("synced {}", self.number))?)
            }
            94..97 => {
                self.store()?.checkpoint()?;
                Ok(say(&format!("synced {}", self.number))?)
            }
            _ => self.reopen(),
        }
    }

    fn content(&self, first: u64, count: u64, number: u64) -> Content {
        Content {
            life: self.life.life,
            first,
            count,
            number,
        }
    }

    fn append(&mut self, count: u64, durability: Durability) -> Result<(), End> {
        let asked = if self.life.lies {
            Durability::Written
        } else {
            durability
        };
        let options = AppendOptions::new().durability(asked);
        let first = self.number;
        let (seed, store) = (self.life.seed, self.store()?);
        if count == 1 {
            let content = self.content(first, 1, first);
            let event = content.event(seed);
            store.append_with(&content.coordinate(), event, options)?;
        } else {
            let mut batch = Batch::new();
            for number in first..first + count {
                let content = self.content(first, count, number);
                batch.add(&content.coordinate(), content.event(seed));
            }
            store.append_batch_with(batch, options)?;
        }
        self.number += count;
        let how = match durability {
            Durability::Synced => "synced",
            Durability::Written => "written",
            Durability::Replicated => "replicated",
        };
        Ok(say(&format!("{how} {}", self.number))?)
    }

    /// Several appends of which each waits for its sync only once all are written.
    fn submit(&mut self) -> Result<(), End> {
        let mut tickets = Vec::new();
        for _ in 0..2 + self.draws.below(12) {
            let number = self.number;
            let content = self.content(number, 1, number);
            let event = content.event(self.life.seed);
            let ticket = self.store()?.submit(&content.coordinate(), event)?;
            self.number += 1;
            say(&format!("written {}", self.number))?;
            tickets.push((self.number, ticket));
        }
        for (number, ticket) in tickets {
            let receipt = ticket.wait()?;
            if receipt.sequence.get() + 1 != number {
                let (has, should) = (receipt.sequence, number - 1);
                return Err(End::Wrong(format!("sequence {has} and not {should}")));
            }
            say(&format!("synced {number}"))?;
        }
        Ok(())
    }

    /// Closes the store, or leaves it, and opens it again.
    fn reopen(&mut self) -> Result<(), End> {
        if let Some(store) = self.store.take()
            && self.draws.chance(1, 2)
        {
            store.close()?;
            say(&format!("synced {}", self.number))?;
        }
        let store = self.open_again()?;
        let found = store.snapshot().len();
        self.store = Some(store);
        if found != self.number {
            let message = format!("{found} events are there, and {} were", self.number);
            return Err(End::Wrong(message));
        }
        Ok(())
    }

    fn open_again(&self) -> Result<Store, Error> {
        let open = || options(self.life.seed, self.life.life).open(self.dir);
        let mut opened = open();
        // Whoever tries whether the store is locked may have it for a moment.
        for _ in 0..12_000 {
            if !matches!(&opened, Err(error) if error.kind() == ErrorKind::Locked) {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
            opened = open();
        }
        opened
    }

    /// A store that stopped says so on every call.
    fn is_stopped(&self) -> io::Result<()> {
        let Some(store) = &self.store else {
            return Ok(());
        };
        let content = self.content(self.number, 1, self.number);
        let event = || content.event(self.life.seed);
        let written = AppendOptions::new().durability(Durability::Written);
        let at = content.coordinate();
        let answers = [
            store.append(&at, event()).map(drop),
            store.append_with(&at, event(), written).map(drop),
            store.submit(&at, event()).map(drop),
            store.sync(),
            store.checkpoint().map(drop),
        ];
        for answer in answers {
            if !matches!(&answer, Err(error) if error.kind() == ErrorKind::Poisoned) {
                return say(&format!("wrong after it stopped a call gave {answer:?}"));
            }
        }
        Ok(())
    }
}
