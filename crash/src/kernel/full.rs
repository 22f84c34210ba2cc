//! A disk that is full: a tmpfs with room for so many pages, from none to more than two segments; then
//! there is room again.

use super::content::Content;
use super::outcome::Outcome;
use super::plan::{OnProgress, Part, Plan, remove};
use super::sandbox::Tmpfs;
use super::story::options;
use crate::verdict::{Violation, expect_whole};
use std::path::Path;
use strandline::{AppendOptions, Batch, Durability, Error, ErrorKind, Region, Store};
use strandline_core::fs::Draws;

/// What a tmpfs takes and gives at once, in bytes.
const PAGE: u64 = 4096;
/// Room that is enough for everything.
const ENOUGH: u64 = 8 << 20;
/// Pages of three segments of 64 KiB, a checkpoint, a manifest.
const PAGES: u64 = 64;
/// Calls that are made on the full disk. Nothing is mapped: of a file that is too short the process
/// would get a signal, and not an error.
const CALLS: u32 = 90;

pub(super) fn run(
    plan: &Plan,
    outcome: &mut Outcome,
    progress: OnProgress<'_>,
) -> anyhow::Result<()> {
    let disk = Tmpfs::new(&plan.folder.join("full"), ENOUGH)?;
    let dir = disk.root.join("store");
    let rounds = plan.count.div_ceil(100);
    let (mut refused, mut unopened) = (0, 0);
    for round in 0..rounds {
        // A store that is there already, one that has a torn tail, and one that is yet to be made.
        for pages in 0..=PAGES {
            if outcome.is_hopeless() {
                return Ok(());
            }
            let seed = Draws::of(plan.seed, &[round, pages]).number();
            let mut trial = Trial {
                dir: &dir,
                seed,
                draws: Draws::new(seed),
                number: 0,
                refused: 0,
                unopened: 0,
            };
            disk.resize(ENOUGH)?;
            remove(&dir)?;
            let tried = trial.run(&disk, pages * PAGE);
            refused += trial.refused;
            unopened += trial.unopened;
            outcome.totals.full_disks += 1;
            if let Err(violation) = tried? {
                let context = format!("{pages} pages of room, round {round}");
                outcome.fail(plan, Part::Full, context, violation);
            }
            progress(
                Part::Full,
                round * (PAGES + 1) + pages + 1,
                rounds * (PAGES + 1),
            );
        }
    }
    let note = format!(
        "full disks refused {refused} appends, and {unopened} openings until there was room"
    );
    outcome.notes.push(note);
    Ok(())
}

struct Trial<'a> {
    dir: &'a Path,
    seed: u64,
    draws: Draws,
    /// The next event's number. Nothing is lost here but by a mistake: the power stays on.
    number: u64,
    refused: u64,
    unopened: u64,
}

type Judged = Result<(), Violation>;

impl Trial<'_> {
    fn run(&mut self, disk: &Tmpfs, room: u64) -> anyhow::Result<Judged> {
        let mut store = None;
        if self.draws.chance(2, 3) {
            store = match self.made() {
                Ok(store) => Some(store),
                Err(violation) => return Ok(Err(violation)),
            };
        }
        disk.resize((disk.used()? + room).max(PAGE))?;
        let on_full = self.on_full_disk(&mut store);
        disk.resize(ENOUGH)?;
        Ok(on_full.and_then(|()| self.with_room_again(store)))
    }

    /// A store with some events.
    fn made(&mut self) -> Result<Store, Violation> {
        let store = options(self.seed, 0)
            .no_mapped_reads()
            .open(self.dir)
            .map_err(unexpected)?;
        for _ in 0..self.draws.below(12) {
            self.append(&store, 1, Durability::Written)?;
        }
        if self.refused > 0 {
            return Err(Violation::new("an append was refused and there was room"));
        }
        Ok(store)
    }

    /// Calls of which some are refused; each refusal says that nothing was written.
    fn on_full_disk(&mut self, store: &mut Option<Store>) -> Judged {
        for call in 0..CALLS {
            let Some(open) = &*store else {
                match options(self.seed, 0).no_mapped_reads().open(self.dir) {
                    Ok(opened) => *store = Some(opened),
                    Err(error) if may_refuse(&error) => self.unopened += 1,
                    Err(error) => return Err(unexpected(error)),
                }
                continue;
            };
            match self.draws.below(20) {
                0..10 => self.append(open, 1, Durability::Written)?,
                10..13 => self.append(open, 1, Durability::Synced)?,
                13..16 => {
                    let members = 2 + self.draws.below(4);
                    self.append(open, members, Durability::Written)?;
                }
                16 => open.sync().map_err(unexpected)?,
                17 => match open.checkpoint() {
                    Err(error) if !may_refuse(&error) => return Err(unexpected(error)),
                    _ => {}
                },
                18 if call > CALLS / 2 => *store = None,
                _ => self.holds(open)?,
            }
        }
        Ok(())
    }

    fn with_room_again(&mut self, store: Option<Store>) -> Judged {
        if let Some(store) = store {
            // The same store goes on.
            let refused = self.refused;
            self.append(&store, 2, Durability::Synced)?;
            if self.refused > refused {
                return Err(Violation::new(
                    "an append is refused though there is room again",
                ));
            }
            self.holds(&store)?;
            if self.draws.chance(1, 2) {
                store.close().map_err(unexpected)?;
            }
        }
        for _ in 0..2 {
            let store = options(self.seed, 0)
                .no_mapped_reads()
                .open(self.dir)
                .map_err(unexpected)?;
            self.holds(&store)?;
            self.append(&store, 1, Durability::Synced)?;
            expect_whole(&store)?;
        }
        Ok(())
    }

    fn append(&mut self, store: &Store, count: u64, durability: Durability) -> Judged {
        let first = self.number;
        let mut batch = Batch::new();
        for number in first..first + count {
            let content = content(first, count, number);
            batch.add(&content.coordinate(), content.event(self.seed));
        }
        let options = AppendOptions::new().durability(durability);
        match store.append_batch_with(batch, options) {
            Ok(_) => self.number += count,
            Err(error) if may_refuse(&error) => self.refused += 1,
            Err(error) => return Err(unexpected(error)),
        }
        Ok(())
    }

    /// Exactly what was acknowledged is there.
    fn holds(&self, store: &Store) -> Judged {
        let now = store.snapshot();
        let mut found = 0;
        for event in now.query(Region::all()) {
            let event = event.map_err(unexpected)?;
            let payload = event.payload().unwrap_or_default();
            let content = Content::of(payload).filter(|content| content.number == found);
            if content.is_none_or(|content| payload != content.payload(self.seed)) {
                return Err(Violation::new(format!("event {found} is a wrong one")));
            }
            found += 1;
        }
        if found != self.number {
            let lost = self.number.saturating_sub(found);
            let message = format!("{found} events are there of {}", self.number);
            return Err(Violation::lost(message, lost));
        }
        Ok(())
    }
}

const fn content(first: u64, count: u64, number: u64) -> Content {
    Content {
        life: 0,
        first,
        count,
        number,
    }
}

/// Whether an error says that nothing was written, and that it may be tried again.
fn may_refuse(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotWritten | ErrorKind::Io)
}

fn unexpected(error: Error) -> Violation {
    Violation::new(format!("a call gave {error:?}"))
}
