//! Appends of every sort, those that are refused too.

use super::model::{Entry, Redacted};
use super::state::{Done, Machine, unexpected};
use crate::verdict::Violation;
use strandline::{
    AppendCondition, AppendOptions, Batch, Durability, Error, ErrorKind, EventId, ExpectedVersion,
    Region, Sequence,
};

const fn durability(how: u8) -> Durability {
    if how & 64 == 0 {
        Durability::Written
    } else {
        Durability::Synced
    }
}

/// Checks that a call was refused, and so.
fn refused<T>(answer: Result<T, Error>, kind: ErrorKind) -> Done {
    match answer {
        Err(error) if error.kind() == kind => Ok(()),
        Err(error) => Err(unexpected(&error)),
        Ok(_) => Err(Violation::new(format!(
            "it succeeded, and not with {kind:?}"
        ))),
    }
}

impl Machine {
    pub(super) fn append(&mut self, with: [u8; 3]) -> Done {
        let [_, _, how] = with;
        let draft = self.model.draft(with);
        let entity = draft.coordinate.entity();
        let mut event = draft.event();
        if how & 8 != 0 {
            event = event.expecting(ExpectedVersion::of(self.model.newest(entity)));
        }
        if how & 16 != 0 {
            // An id that no other event has.
            event = event.with_id(self.new_id());
        }
        let options = AppendOptions::new().durability(durability(how));
        let receipt = self.store()?.append_with(&draft.coordinate, event, options);
        let receipt = receipt.map_err(|error| unexpected(&error))?;
        self.model.commit(vec![draft], &[receipt])
    }

    /// An append on a disk with little room is refused and leaves nothing, or goes through.
    pub(super) fn disk_full(&mut self, [who, room, how]: [u8; 3]) -> Done {
        self.fs.limit_growth(Some(usize::from(room) * 8));
        let appended = (0..3).try_for_each(|member| {
            let draft = self.model.draft([who.wrapping_add(member), 100, how]);
            let options = AppendOptions::new().durability(Durability::Written);
            let event = draft.event();
            match self.store()?.append_with(&draft.coordinate, event, options) {
                Ok(receipt) => self.model.commit(vec![draft], &[receipt]),
                Err(error) if error.kind() == ErrorKind::NotWritten => Ok(()),
                Err(error) => Err(unexpected(&error)),
            }
        });
        self.fs.limit_growth(None);
        appended?;
        self.append([who, 10, how])
    }

    fn new_id(&mut self) -> EventId {
        self.copies += 1;
        EventId::from_u128((7 << 120) + u128::from(self.copies))
    }

    pub(super) fn batch(&mut self, [who, size, how]: [u8; 3]) -> Done {
        let mut drafts: Vec<Entry> = Vec::new();
        let mut batch = Batch::new();
        for member in 0..1 + how % 5 {
            let draft = self
                .model
                .draft([who.wrapping_add(7 * member), size / 2, how]);
            batch.add(&draft.coordinate, draft.event());
            drafts.push(draft);
        }
        let options = AppendOptions::new().durability(durability(how));
        let receipts = self.store()?.append_batch_with(batch, options);
        let receipts = receipts.map_err(|error| unexpected(&error))?;
        self.model.commit(drafts, &receipts)
    }

    pub(super) fn submit(&mut self, [who, size, how]: [u8; 3]) -> Done {
        let mut tickets = Vec::new();
        for member in 0..1 + how % 4 {
            let draft = self.model.draft([who.wrapping_add(member), size, how]);
            let ticket = self.store()?.submit(&draft.coordinate, draft.event());
            tickets.push((draft, ticket.map_err(|error| unexpected(&error))?));
        }
        for (draft, ticket) in tickets {
            let receipt = ticket.wait().map_err(|error| unexpected(&error))?;
            self.model.commit(vec![draft], &[receipt])?;
        }
        Ok(())
    }

    /// Events of one commit or two under the same ids once more, in another grouping: those that are
    /// there are repeats, redacted or not, and those that a compaction took are new.
    pub(super) fn repeat(&mut self, [which, _, how]: [u8; 3]) -> Done {
        let Some(commit) = self.model.any(which).map(|entry| entry.commit) else {
            return Ok(());
        };
        let first = commit.saturating_sub(usize::from(how >> 1 & 1));
        let entries = self.model.entries.iter();
        let entries = entries.filter(|entry| (first..=commit).contains(&entry.commit));
        let mut asked: Vec<Entry> = Vec::new();
        for entry in entries.cloned() {
            if asked.iter().all(|other| other.id != entry.id) {
                asked.push(entry);
            }
        }
        if how & 4 != 0 {
            asked.reverse();
        }
        if how & 8 != 0 {
            asked.truncate(1 + usize::from(which) % asked.len());
        }
        let mut batch = Batch::new();
        let mut drafts = Vec::new();
        for entry in &mut asked {
            let left = self
                .model
                .entries
                .iter()
                .find(|own| own.id == entry.id && !own.is_removed);
            let mut event = entry.event().with_id(entry.id);
            match left {
                Some(left) => {
                    *entry = left.clone();
                    if how & 1 == 0 {
                        // A repeat is one whatever it expects.
                        event = event.expecting(ExpectedVersion::NoStream);
                    }
                }
                None => drafts.push(Entry {
                    is_removed: false,
                    redacted: Redacted::No,
                    ..entry.clone()
                }),
            }
            batch.add(&entry.coordinate, event);
        }
        let options = AppendOptions::new().durability(durability(how));
        let receipts = self.store()?.append_batch_with(batch, options);
        let receipts = receipts.map_err(|error| unexpected(&error))?;
        let mut new = Vec::new();
        for (entry, receipt) in asked.iter().zip(&receipts) {
            if entry.is_removed {
                new.push(*receipt);
                continue;
            }
            let told = (receipt.repeated, receipt.id, receipt.clock, receipt.hash);
            if told != (true, entry.id, entry.clock, entry.hash) {
                return Err(Violation::new(format!("a repeat gave {receipt:?}")));
            }
        }
        if drafts.is_empty() && new.is_empty() {
            return Ok(());
        }
        self.model.commit(drafts, &new)
    }

    /// Another event under an id that is taken.
    pub(super) fn taken_id(&mut self, with: [u8; 3]) -> Done {
        let Some(entry) = self.model.any(with[0]).cloned() else {
            return Ok(());
        };
        let draft = self.model.draft(with);
        let event = draft.event().with_id(entry.id);
        let answer = self.store()?.append(&draft.coordinate, event);
        match answer {
            // A redacted event has no payload that another could be told from.
            Ok(receipt) if receipt.repeated && entry.redacted != Redacted::No => Ok(()),
            answer => refused(answer, ErrorKind::Conflict),
        }
    }

    pub(super) fn wrong_version(&mut self, with: [u8; 3]) -> Done {
        let draft = self.model.draft(with);
        let newest = self.model.newest(draft.coordinate.entity());
        let wrong = match newest {
            None => ExpectedVersion::StreamExists,
            Some(_) if with[2] & 1 == 0 => ExpectedVersion::NoStream,
            Some(clock) => ExpectedVersion::Exactly(clock + 1),
        };
        let event = draft.event().expecting(wrong);
        let answer = self.store()?.append(&draft.coordinate, event);
        refused(answer, ErrorKind::WrongExpectedVersion)
    }

    /// An append that depends on what was appended since some sequence.
    pub(super) fn condition(&mut self, with: [u8; 3]) -> Done {
        let [who, size, how] = with;
        let draft = self.model.draft(with);
        let since = usize::from(size)
            .checked_rem(self.model.len() + 1)
            .unwrap_or(0);
        let entity = format!("entity:{}", how % 6);
        let tag = format!("tag:{}", who % 4);
        let by_entity = how & 1 == 0;
        let region = if by_entity {
            Region::all().entity(&*entity)
        } else {
            Region::all().tag(&*tag)
        };
        let is_in = |entry: &Entry| {
            if by_entity {
                entry.coordinate.entity() == entity
            } else {
                entry.tags.contains(&tag)
            }
        };
        let condition = AppendCondition::since(Sequence::new(since as u64)).none_in(region);
        let mut after = self.model.entries.iter().skip(since);
        let holds = !after.any(|entry| !entry.is_removed && is_in(entry));
        let options = AppendOptions::new()
            .durability(durability(how))
            .condition(&condition);
        let event = draft.event();
        let answer = self.store()?.append_with(&draft.coordinate, event, options);
        if holds {
            let receipt = answer.map_err(|error| unexpected(&error))?;
            self.model.commit(vec![draft], &[receipt])
        } else {
            refused(answer, ErrorKind::ConditionFailed)
        }
    }

    pub(super) fn sync(&mut self, _: [u8; 3]) -> Done {
        self.store()?.sync().map_err(|error| unexpected(&error))?;
        self.model.all_durable();
        Ok(())
    }

    pub(super) fn checkpoint(&mut self, _: [u8; 3]) -> Done {
        let end = self
            .store()?
            .checkpoint()
            .map_err(|error| unexpected(&error))?;
        if end.get() != self.model.len() as u64 {
            return Err(Violation::new(format!("the checkpoint ends at {end}")));
        }
        self.model.all_durable();
        Ok(())
    }
}
