//! From what was prepared through the commit lock to what has to become durable.

use crate::engine::Shared;
use crate::engine::group_sync::{Cause, PoisonOnPanic, Reach, fate_unknown};
use crate::engine::writer::{Asked, Committing, Prepared, look_ahead, rotate_span};
use crate::trace::{self, Span};
use crate::upkeep::Running;
use crate::{AppendOptions, Durability, Error, ErrorKind, Receipt};
use strandline_core::Sequence;
use tracing::Level;

/// What is to be done beside the appends, by how much was written.
#[derive(Default, Clone, Copy)]
struct Wanted {
    sync: bool,
    checkpoint: bool,
}

/// Events that were written, up to a sequence, and what their append asked for.
#[must_use = "what was written is promised only once it was waited for"]
#[derive(Clone, Copy)]
pub(super) struct Written {
    end: Sequence,
    durability: Durability,
}

/// What to do when as much is in flight as may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// The append is waited for, so it is not in flight.
    Never,
    Wait,
    Refuse,
}

/// Writes events and gives their receipts, which hold once what this returns was waited for. If they
/// are refused because of an event, the caller waits for that too.
pub(super) fn commit(
    running: &Running,
    prepared: &[Prepared<'_>],
    options: &AppendOptions<'_>,
    full: Full,
    give: &mut dyn FnMut(Receipt),
) -> Result<Written, Error> {
    let shared = &*running.shared;
    shared.check_poison()?;
    let durability = options.durability.unwrap_or(shared.options.durability);
    check_replicates(shared, durability)?;
    let condition = options.condition;
    let condition =
        condition.map(|condition| look_ahead((&shared.index, &shared.kinds), condition, prepared));
    let asked = Asked {
        durability,
        condition: condition.transpose()?,
        tracking: options.tracking,
    };
    let mut wanted = Wanted::default();
    let (committed, sealed, next) = {
        let (_span, mut writer, now_ms) = lock_to_commit(shared, prepared, durability, full)?;
        // It may have ended while this thread waited.
        check_replicates(shared, durability)?;
        let guard = PoisonOnPanic(&shared.group);
        let mut context = shared.context(now_ms);
        if options.takes_any_time {
            context.drift_ms_max = u64::MAX;
        }
        let committed = writer.commit(prepared, asked, context, give);
        if let (Ok(end), Some(reach), Full::Wait | Full::Refuse) =
            (&committed, reach_of(durability), full)
        {
            shared.group.submitted(reach, *end);
        }
        if let Err(error) = &committed
            && durability != Durability::Replicated
        {
            shared.group.wish_unreplicated(error.decided_by());
        }
        guard.finish();
        wanted.sync = writer.should_sync_ahead();
        wanted.checkpoint = writer.should_checkpoint(shared.options.checkpoint_interval_bytes);
        let next = writer.next_to_prepare();
        (committed, writer.sealed.take(), next)
    };
    if durability == Durability::Written {
        // Not under the lock, which those who are woken may want.
        shared.group.news().moved();
        shared.group.publish_wished();
    }
    if let Some(background) = &running.background {
        if let Some(next) = next {
            background.prepare(next);
        }
        if let Some(sealed) = sealed {
            background.write_footer(shared, sealed);
        }
        if wanted.sync {
            background.sync_soon();
        }
        if wanted.checkpoint {
            background.checkpoint_soon();
        }
    }
    committed.map(|end| Written { end, durability })
}

/// Fails where an append asks for a replication that there is not.
fn check_replicates(shared: &Shared, durability: Durability) -> Result<(), Error> {
    if durability != Durability::Replicated || shared.group.is_replicating() {
        return Ok(());
    }
    let message = "there is no replication of this store (Store::replication); nothing was written";
    Err(Error::new(ErrorKind::NotReplicated, message))
}

/// Whether as many submits are in flight as may be.
pub(super) fn is_full(shared: &Shared) -> Result<bool, Error> {
    shared.check_poison()?;
    shared.writer()?;
    let most = shared.options.in_flight_max;
    Ok(shared.group.oldest_if_full(most).is_some())
}

/// What an append waits for; nothing if it waits for no more than to be written.
const fn reach_of(durability: Durability) -> Option<Reach> {
    match durability {
        Durability::Written => None,
        Durability::Synced => Some(Reach::Published),
        Durability::Replicated => Some(Reach::Replicated),
    }
}

/// Up to where what was written has to come, and to what, for its promise to hold; asks for the
/// sync of the rest.
pub(super) fn unmet(running: &Running, written: Written) -> (Reach, Sequence) {
    let Written { end, durability } = written;
    let shared = &running.shared;
    if let Some(reach) = reach_of(durability) {
        return (reach, end);
    }
    if end > shared.index.gate().visible() {
        return (Reach::Published, end);
    }
    if let (Some(_), Some(background)) = (shared.options.sync_interval, &running.background) {
        background.sync_soon();
    }
    (Reach::Published, Sequence::ZERO)
}

/// Whether everything below `end` is visible.
pub(super) fn is_visible(shared: &Shared, end: Sequence) -> bool {
    end <= shared.index.gate().visible()
}

/// The commit lock, as [`lock_with_room`] gives it, and the span of a rotation if there
/// will be one: opened before the lock is taken, and to be dropped after it. Where what is written is to be
/// replicated, a rotation waits for what is there already, and not under the lock, where all others would
/// wait too.
fn lock_to_commit<'a>(
    shared: &'a Shared,
    prepared: &[Prepared<'_>],
    durability: Durability,
    full: Full,
) -> Result<(Option<Span>, Committing<'a>, u64), Error> {
    let replicates = durability == Durability::Replicated;
    let mut span = None;
    loop {
        let (mut writer, now_ms) = lock_with_room(shared, full)?;
        let opens = span.is_none() && trace::wants(Level::INFO);
        if !(opens || replicates) || !writer.would_rotate(prepared) {
            return Ok((span, writer, now_ms));
        }
        let allocated = writer.index.gate().allocated();
        let held = shared.group.held(allocated).filter(|_| replicates);
        let segment = writer.log.position().segment.get();
        if held.is_none() && !opens {
            return Ok((span, writer, now_ms));
        }
        drop(writer);
        match held {
            Some(end) if full == Full::Refuse => return Err(segment_is_held(end)),
            Some(end) => shared.group.wait(end)?,
            None => span = Some(rotate_span(segment)),
        }
    }
}

/// The refusal of whoever does not wait until what is below `end`, which is the bound that it is decided by, can be
/// sealed.
fn segment_is_held(end: Sequence) -> Error {
    let message = "the next segment waits until what is in this one is replicated";
    let last = Sequence::new(end.get().saturating_sub(1));
    Error::new(ErrorKind::Busy, message).because_of(last)
}

/// The commit lock, once there is room for what is submitted, and the time just before it.
fn lock_with_room(shared: &Shared, full: Full) -> Result<(Committing<'_>, u64), Error> {
    let most = shared.options.in_flight_max;
    loop {
        // A clock may be the caller's, so it is not asked under the lock. Times do not go back all
        // the same.
        let now_ms = shared.options.clock.now_ms();
        let writer = shared.writer_here()?.lock();
        // Writing may have stopped while this thread waited for the lock.
        shared.check_poison()?;
        if full == Full::Never {
            return Ok((writer, now_ms));
        }
        let Some((reach, oldest)) = shared.group.oldest_if_full(most) else {
            return Ok((writer, now_ms));
        };
        drop(writer);
        if full == Full::Refuse {
            let message =
                format!("{most} submitted appends are not done yet (StoreOptions::in_flight_max)");
            return Err(Error::new(ErrorKind::Busy, message));
        }
        match shared.group.wait_for(reach, oldest) {
            // What was in flight is not any more, and is none of this append's.
            Err(poison) if poison.cause == Cause::NotReplicated => {}
            waited => waited.map_err(fate_unknown)?,
        }
    }
}
