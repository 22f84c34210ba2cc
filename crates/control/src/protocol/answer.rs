//! What requests come to, as it is said: of what the store gives a value of its own, that, both ways.

use super::removal::{MissingTold, RemovalTold};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use strandline::maintenance::{
    self, Compacted, CompactionPlan, Redacted, RedactionPlan, RuleEffect,
};
use strandline::{EventId, Hash, Sequence};

/// A checkpoint that was saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checkpointed {
    pub(crate) sequence: Sequence,
}

/// What was asked to stop; nothing if nothing was at work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cancelled {
    pub(crate) cancelled: Option<String>,
}

/// A [`RuleEffect`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct RuleEffectTold {
    rule: String,
    events: u64,
    events_decided: u64,
    events_removed: u64,
    payloads_removed: u64,
}

impl From<&RuleEffect> for RuleEffectTold {
    fn from(effect: &RuleEffect) -> Self {
        Self {
            rule: effect.name.clone(),
            events: effect.matching,
            events_decided: effect.decided,
            events_removed: effect.events,
            payloads_removed: effect.headers,
        }
    }
}

impl From<RuleEffectTold> for RuleEffect {
    fn from(told: RuleEffectTold) -> Self {
        let mut effect = Self::default();
        effect.name = told.rule;
        effect.matching = told.events;
        effect.decided = told.events_decided;
        effect.events = told.events_removed;
        effect.headers = told.payloads_removed;
        effect
    }
}

/// A [`Compacted`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CompactedTold {
    events_removed: u64,
    payloads_removed: u64,
    segments_rewritten: usize,
    bytes_before: u64,
    bytes_after: u64,
    segments_merged: usize,
    missing: MissingTold,
    #[serde(default)]
    rules: Vec<RuleEffectTold>,
    records: Vec<RemovalTold>,
}

impl From<&Compacted> for CompactedTold {
    fn from(done: &Compacted) -> Self {
        Self {
            events_removed: done.events,
            payloads_removed: done.headers,
            segments_rewritten: done.segments,
            bytes_before: done.bytes_before,
            bytes_after: done.bytes_after,
            segments_merged: done.merged,
            missing: (&done.missing).into(),
            rules: done.rules.iter().map(Into::into).collect(),
            records: done.records.iter().map(Into::into).collect(),
        }
    }
}

impl TryFrom<CompactedTold> for Compacted {
    type Error = String;

    fn try_from(told: CompactedTold) -> Result<Self, String> {
        let mut done = Self::default();
        done.events = told.events_removed;
        done.headers = told.payloads_removed;
        done.segments = told.segments_rewritten;
        done.bytes_before = told.bytes_before;
        done.bytes_after = told.bytes_after;
        done.merged = told.segments_merged;
        done.missing = told.missing.into();
        done.rules = told.rules.into_iter().map(Into::into).collect();
        let records = told.records.into_iter().map(RemovalTold::removal);
        done.records = records.collect::<Result<_, _>>()?;
        Ok(done)
    }
}

/// A [`CompactionPlan`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CompactionPlanTold {
    events_to_remove: u64,
    payloads_to_remove: u64,
    segments_to_rewrite: usize,
    #[serde(default)]
    events_kept: u64,
    #[serde(default)]
    rules: Vec<RuleEffectTold>,
    missing: MissingTold,
}

impl From<&CompactionPlan> for CompactionPlanTold {
    fn from(plan: &CompactionPlan) -> Self {
        Self {
            events_to_remove: plan.events,
            payloads_to_remove: plan.headers,
            segments_to_rewrite: plan.segments,
            events_kept: plan.kept,
            rules: plan.rules.iter().map(Into::into).collect(),
            missing: (&plan.missing).into(),
        }
    }
}

impl From<CompactionPlanTold> for CompactionPlan {
    fn from(told: CompactionPlanTold) -> Self {
        let mut plan = Self::default();
        plan.events = told.events_to_remove;
        plan.headers = told.payloads_to_remove;
        plan.segments = told.segments_to_rewrite;
        plan.kept = told.events_kept;
        plan.rules = told.rules.into_iter().map(Into::into).collect();
        plan.missing = told.missing.into();
        plan
    }
}

/// A [`Redacted`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RedactedTold {
    events_redacted: u64,
    redacted_before: u64,
    segments_rewritten: usize,
    missing: MissingTold,
    record: Option<RemovalTold>,
    quarantine_removed: Vec<String>,
    quarantine_kept: Vec<String>,
}

impl From<&Redacted> for RedactedTold {
    fn from(done: &Redacted) -> Self {
        Self {
            events_redacted: done.events,
            redacted_before: done.already,
            segments_rewritten: done.segments,
            missing: (&done.missing).into(),
            record: done.record.as_ref().map(Into::into),
            quarantine_removed: done.quarantine_removed.clone(),
            quarantine_kept: done.quarantine_kept.clone(),
        }
    }
}

impl TryFrom<RedactedTold> for Redacted {
    type Error = String;

    fn try_from(told: RedactedTold) -> Result<Self, String> {
        let mut done = Self::default();
        done.events = told.events_redacted;
        done.already = told.redacted_before;
        done.segments = told.segments_rewritten;
        done.missing = told.missing.into();
        done.record = told.record.map(RemovalTold::removal).transpose()?;
        done.quarantine_removed = told.quarantine_removed;
        done.quarantine_kept = told.quarantine_kept;
        Ok(done)
    }
}

/// A [`RedactionPlan`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RedactionPlanTold {
    events_to_redact: u64,
    redacted_before: u64,
    entities: u64,
    wall_ms: Option<[u64; 2]>,
    first_events: Vec<EventId>,
    segments_to_rewrite: usize,
    missing: MissingTold,
    rule: String,
}

impl From<&RedactionPlan> for RedactionPlanTold {
    fn from(plan: &RedactionPlan) -> Self {
        let times = plan.wall_ms.as_ref();
        Self {
            events_to_redact: plan.events,
            redacted_before: plan.already,
            entities: plan.entities,
            wall_ms: times.map(|times| [*times.start(), *times.end()]),
            first_events: plan.first_ids.clone(),
            segments_to_rewrite: plan.segments,
            missing: (&plan.missing).into(),
            rule: plan.rule.clone(),
        }
    }
}

impl From<RedactionPlanTold> for RedactionPlan {
    fn from(told: RedactionPlanTold) -> Self {
        let mut plan = Self::default();
        plan.events = told.events_to_redact;
        plan.already = told.redacted_before;
        plan.entities = told.entities;
        plan.wall_ms = told.wall_ms.map(|[first, last]| first..=last);
        plan.first_ids = told.first_events;
        plan.segments = told.segments_to_rewrite;
        plan.missing = told.missing.into();
        plan.rule = told.rule;
        plan
    }
}

/// What a backup brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BackedUp {
    /// The directory that it is in.
    pub target: PathBuf,
    /// The copy has the events with sequences below this one.
    pub end: Sequence,
    /// Segments that were copied.
    pub segments_copied: usize,
    /// Segments that share their bytes with the store.
    pub segments_linked: usize,
    /// Segments that an earlier backup had brought.
    pub segments_kept: usize,
    /// Bytes that were written.
    pub bytes: u64,
    /// What a verification found wrong with indexes, a sentence each: a rebuild of the store makes them anew.
    pub index_problems: Vec<String>,
}

impl BackedUp {
    pub(crate) fn new(target: PathBuf, done: &maintenance::BackedUp) -> Self {
        let problems = done.index_problems.iter();
        Self {
            target,
            end: done.end,
            segments_copied: done.copied,
            segments_linked: done.linked,
            segments_kept: done.kept,
            bytes: done.bytes,
            index_problems: problems.map(ToString::to_string).collect(),
        }
    }
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Verified {
    /// Whether nothing is wrong.
    pub intact: bool,
    /// Events whose checksum was right, and whose hash was checked.
    pub events: u64,
    /// Events that are not among them, as far as anything shows that they were there.
    pub unread: u64,
    /// Events that a compaction removed, and whose place in their chain was checked.
    pub removed: u64,
    /// Events whose payload was redacted, among the events.
    pub redacted: u64,
    /// Commits whose link in the log chain was checked.
    pub commits: u64,
    /// Entities that have an event.
    pub entities: u64,
    /// Hash of the log at its end: kept elsewhere, it shows later that nothing before was changed.
    pub log_hash: Hash,
    /// The sequence after the commit whose log hash is the head that was asked for, if it was found.
    pub head_at: Option<Sequence>,
    /// What is wrong, a sentence each.
    pub problems: Vec<String>,
    /// What differs from what was kept, a sentence each.
    pub mismatches: Vec<String>,
    /// What is no problem by itself, a sentence each.
    pub notices: Vec<String>,
}

impl From<&maintenance::Verified> for Verified {
    fn from(found: &maintenance::Verified) -> Self {
        let report = &found.report;
        Self {
            intact: found.is_intact(),
            events: report.events,
            unread: report.unread,
            removed: report.removed,
            redacted: report.redacted,
            commits: report.commits,
            entities: report.entities,
            log_hash: report.log_hash,
            head_at: found.head_at,
            problems: report.problems.iter().map(ToString::to_string).collect(),
            mismatches: found.mismatches.clone(),
            notices: found.notices.clone(),
        }
    }
}
