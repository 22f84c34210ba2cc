//! Putting together what a store is made of, once its log was read.

use super::lock::Held;
use super::log::Replayed;
use super::steps::Steps;
use crate::engine::group_sync::GroupSync;
use crate::engine::push::Hub;
use crate::engine::writer::{CommitLock, KindsWritten, Writer};
use crate::engine::{Caches, Follower, MergedFiles, Shared};
use crate::meter::Metrics;
use crate::model::{Kinds, Sources};
use crate::rows::{LogSlot, Sealed};
use crate::trace;
use crate::{OpenReport, StoreOptions};
use std::path::Path;
use std::sync::Arc;
use strandline_core::sync::{Condvar, Mutex, RwLock};
use strandline_core::{Epoch, Random, Sequence};
use strandline_index::{IndexReader, IndexWriter};
use strandline_segment::{LogIdentity, LogPosition, LogWriter};
use tracing::Level;

/// What an opening has before the log is read.
pub(super) struct Parts {
    pub(super) identity: LogIdentity,
    /// The epoch as it was read: to write, another one may have begun.
    pub(super) read_epoch: Epoch,
    pub(super) unrecorded_before: Option<Sequence>,
    pub(super) random: Random,
    pub(super) report: OpenReport,
    pub(super) index: IndexWriter,
    pub(super) index_reader: IndexReader,
    /// By which merged files make anew what is damaged of them.
    pub(super) slot: LogSlot,
    pub(super) caches: Caches,
}

/// What a store is made of, which takes what it is held by; and the sealed segments that want their
/// footers.
pub(super) fn assemble(
    dir: &Path,
    options: &StoreOptions,
    held: &mut Held,
    steps: &Steps,
    (parts, replayed): (Parts, Replayed),
) -> (Shared, Vec<Sealed>) {
    let Parts {
        identity,
        read_epoch,
        unrecorded_before,
        random,
        mut report,
        index,
        index_reader,
        slot,
        caches,
    } = parts;
    let position = replayed.end;
    let metrics = Metrics::of(dir);
    let group = match &replayed.writer {
        Some(writer) => GroupSync::new(
            Some(writer.active()),
            position.sequence,
            index.gate().clone(),
        ),
        // Nothing is ever written, so nothing is ever synced.
        None => GroupSync::new(None, report.proven_durable, index.gate().clone()),
    };
    let group = Arc::new(group.telling(metrics.clone()));
    if let Some(ours) = &held.ours {
        ours.stops(&group);
    }
    let epoch = replayed
        .writer
        .as_ref()
        .map_or(read_epoch, LogWriter::epoch);
    let drift_ms_max = options.drift_ms_max();
    report.note_clock(replayed.hlc.last(), options.clock.now_ms(), drift_ms_max);
    (report.times, report.duration) = steps.end();
    tell(&report, index_reader.snapshot().len(), position);
    let kinds = Arc::new(Kinds::new(replayed.table.clone()));
    let sources = Arc::new(Sources::default());
    let positions = replayed.positions.iter();
    let positions = positions.map(|(source, position, at)| (&**source, position, at));
    sources.note(positions, || position.sequence);
    let (writer, follower) = match (replayed.writer, replayed.follower) {
        (Some(log), _) => {
            let written = KindsWritten::new(replayed.table, replayed.summary.kinds);
            let mut writer = Writer::new(
                log,
                index,
                replayed.hlc,
                replayed.names,
                written,
                &random,
                &caches,
            );
            writer.removed = replayed.removed;
            writer.positions = replayed.summary.positions;
            (Some(CommitLock::new(writer)), None)
        }
        (None, Some(log)) => {
            let said = (kinds.clone(), sources.clone());
            let news = group.news().clone();
            let follower = Follower::new(log, index, replayed.names, said, replayed.hlc, news);
            (None, Some(Mutex::new(follower)))
        }
        (None, None) => (None, None),
    };
    let shared = Shared {
        dir: dir.to_path_buf(),
        options: options.clone(),
        identity,
        epoch,
        writer,
        follower,
        hub: Arc::new(Hub::new(group.news().clone(), group.calls().clone())),
        group,
        index: index_reader,
        caches,
        kinds,
        sources,
        log: replayed.reader,
        positions: Arc::new(RwLock::new(())),
        redacted: Arc::default(),
        trees: Arc::default(),
        rewriting: Mutex::default(),
        rewriter: Mutex::default(),
        random,
        metrics,
        unrecorded_before,
        report,
        opened_at: position,
        is_open: Arc::new(RwLock::new(true)),
        checkpointed: Mutex::new(replayed.checkpointed),
        footers: Mutex::default(),
        merged: Mutex::new(MergedFiles::new(replayed.merged.used, slot)),
        merge_ended: Condvar::new(),
        segment_problems: Mutex::default(),
        ours: held.ours.take(),
        _lock: held.lock.take(),
    };
    (shared, replayed.without_footer)
}

/// Emits what opening found and did.
fn tell(report: &OpenReport, events: u64, end: LogPosition) {
    for notice in &report.notices {
        let notice = notice.clone();
        trace::tell(Level::WARN, move || tracing::warn!(notice, "opening"));
    }
    let report = report.clone();
    trace::tell(Level::INFO, move || {
        tracing::info!(
            path = ?report.path,
            reason = report.reason,
            events,
            from_log = report.events_from_log,
            visible = end.sequence.get(),
            duration_us = report.duration.as_micros(),
            "opened"
        );
    });
}
