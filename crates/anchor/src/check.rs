//! `check`: a store held against heads that were kept.

use crate::kept::KeptHeads;
use std::collections::BTreeMap;
use std::fmt;
use strandline::{Error, ErrorKind, Snapshot};
use strandline_proof::{
    CheckpointError, KeyId, KeyName, LogPolicy, NoteError, TreeHead, VerifiedCheckpoint, Witnessed,
};

/// What a store is, held against heads that were kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct HeadsReport {
    /// What was found.
    pub findings: Vec<Finding>,
    /// How many events the log has.
    pub log_size: u64,
    /// Events with sequences below it are as they were when a head over them was signed.
    pub anchored: u64,
    /// How many of the heads count: they are of this log, and signed as is asked for.
    pub counted: u64,
    /// How many there are.
    pub heads: u64,
    /// Those that count, by their sizes, each different one once.
    pub held: Vec<HeldHead>,
}

/// A head that counts, held against the log.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeldHead {
    /// Of how many events it is, and the root over them.
    pub head: TreeHead,
    /// What the log is to it.
    pub state: HeldState,
    /// By which keys of the log it is signed.
    pub log_keys: Vec<(KeyName, KeyId)>,
    /// Which known witnesses have signed it too, each with the last time that it says.
    pub witnesses: Vec<Witnessed>,
}

/// What a log is to a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HeldState {
    /// It begins with the events of the head.
    Proved,
    /// As many of its events are others.
    Contradicted,
    /// It has fewer events.
    Missing,
    /// It ends in a run of removed events, of which the digests were forgotten: the log is neither proved nor contradicted
    /// by it.
    Forgotten,
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub kind: FindingKind,
    /// Of how many events the head is.
    pub size: Option<u64>,
    /// What is to be said of it.
    pub message: String,
}

/// What something is that was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FindingKind {
    /// The log had a head once that it has not now: its events are others. Or somebody has changed a head.
    Manipulation,
    /// The log has fewer events than a head that was signed: it is an earlier one, or has lost some.
    Gap,
    /// The log cannot be held against the newest head, as the digests that it ends in were forgotten, nor is a later one
    /// there that is proved.
    Forgotten,
    /// Something that says nothing against the log.
    Notice,
}

impl FindingKind {
    /// Its name, for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Manipulation => "manipulation",
            Self::Gap => "gap",
            Self::Forgotten => "forgotten",
            Self::Notice => "notice",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.name(), self.message)
    }
}

impl HeadsReport {
    /// Whether the log is all that the heads say, and any head says something.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let is_notice = |finding: &Finding| finding.kind == FindingKind::Notice;
        self.counted > 0 && self.findings.iter().all(is_notice)
    }

    fn find(&mut self, kind: FindingKind, size: impl Into<Option<u64>>, message: String) {
        let size = size.into();
        self.findings.push(Finding {
            kind,
            size,
            message,
        });
    }
}

/// Holds a log against heads that were kept: those count that are of the log of `policy` and signed as that asks.
///
/// What the heads of others say, or keys that are not known, counts for nothing, for the log or against it. Cost: 50 µs a
/// signature, and O(log events) nodes a head; where one is not the log's, a reading of the log.
///
/// # Errors
///
/// If the log cannot be read.
pub fn check(now: &Snapshot, kept: &KeptHeads, policy: &LogPolicy) -> Result<HeadsReport, Error> {
    let tree = now.tree();
    let mut report = HeadsReport {
        log_size: tree.size(),
        heads: kept.heads.len() as u64,
        ..HeadsReport::default()
    };
    for unreadable in &kept.unreadable {
        let message = format!(
            "what begins in line {} is no head: {}",
            unreadable.line, unreadable.reason
        );
        report.find(FindingKind::Notice, None, message);
    }
    let mut sizes: BTreeMap<u64, Vec<HeldHead>> = BTreeMap::new();
    for head in &kept.heads {
        let size = head.unverified().head().size;
        match head.verify(policy) {
            Ok(verified) => {
                report.counted += 1;
                take(sizes.entry(size).or_default(), &verified);
            }
            Err(CheckpointError::Note(error @ NoteError::WrongSignature { .. })) => {
                let message =
                    format!("the head of {size} events was changed since it was signed: {error}");
                report.find(FindingKind::Manipulation, size, message);
            }
            Err(error) => {
                let message = format!("the head of {size} events does not count: {error}");
                report.find(FindingKind::Notice, size, message);
            }
        }
    }
    let mut was_read = false;
    for (size, heads) in sizes {
        if let [_, _, ..] = heads.as_slice() {
            let message = format!("two logs of {size} events were signed");
            report.find(FindingKind::Manipulation, size, message);
        }
        for mut held in heads {
            held.state = held_against(&mut report, now, &held.head, &mut was_read)?;
            report.held.push(held);
        }
    }
    tell_forgotten(&mut report);
    if report.counted == 0 {
        let message = "no head counts, so nothing is said of the log".to_owned();
        report.find(FindingKind::Notice, None, message);
    } else if report.anchored < report.log_size {
        let message = format!(
            "no head is over the {} events from sequence {} on",
            report.log_size - report.anchored,
            report.anchored
        );
        report.find(FindingKind::Notice, None, message);
    }
    Ok(report)
}

/// Says of heads that the log cannot be held against. A later one that is proved is over all that these are over.
fn tell_forgotten(report: &mut HeadsReport) {
    let forgotten = report.held.iter();
    let forgotten = forgotten.filter(|held| held.state == HeldState::Forgotten);
    let sizes: Vec<u64> = forgotten.map(|held| held.head.size).collect();
    for size in sizes {
        let what = format!(
            "the head of {size} events ends in a run of removed ones, of which a compaction was told to forget the digests"
        );
        let anchored = report.anchored;
        match size < anchored {
            true => {
                let message =
                    format!("{what}; the head of {anchored} events is over them, and is proved");
                report.find(FindingKind::Notice, size, message);
            }
            false => {
                let message = format!(
                    "{what}, and no later head is proved: nothing says that the events from sequence {anchored} on are \
                     those that were signed; sign a head of the log as it is"
                );
                report.find(FindingKind::Forgotten, size, message);
            }
        }
    }
}

/// Adds a head that counts to those of its size, or who has signed it to the one that is the same.
fn take(same_size: &mut Vec<HeldHead>, verified: &VerifiedCheckpoint<'_>) {
    let head = verified.head();
    let at = same_size.iter().position(|held| held.head == *head);
    let at = at.unwrap_or_else(|| {
        same_size.push(HeldHead {
            head: *head,
            // Until it is held against the log.
            state: HeldState::Missing,
            log_keys: Vec::new(),
            witnesses: Vec::new(),
        });
        same_size.len() - 1
    });
    let Some(held) = same_size.get_mut(at) else {
        return;
    };
    for key in verified.log_keys() {
        if !held.log_keys.contains(key) {
            held.log_keys.push(key.clone());
        }
    }
    for witness in verified.witnesses() {
        let own = held
            .witnesses
            .iter_mut()
            .find(|own| own.name == witness.name);
        match own {
            Some(own) => own.seconds = own.seconds.max(witness.seconds),
            None => held.witnesses.push(witness.clone()),
        }
    }
}

/// Holds a log against a head that counts.
fn held_against(
    report: &mut HeadsReport,
    now: &Snapshot,
    head: &TreeHead,
    was_read: &mut bool,
) -> Result<HeldState, Error> {
    let size = head.size;
    if size > report.log_size {
        let message = format!(
            "the log had {size} events once, and has {}: it is an earlier one, or has lost some",
            report.log_size
        );
        report.find(FindingKind::Gap, size, message);
        return Ok(HeldState::Missing);
    }
    let mut own = match now.tree_head_at(size) {
        Err(error) if error.kind() == ErrorKind::NoDigest => return Ok(HeldState::Forgotten),
        own => own?,
    };
    // Nodes in footers may be wrong, and the log not: it is read, once.
    if own.root != head.root && !std::mem::replace(was_read, true) {
        // What it says is in the nodes now, whether it is this head or not.
        let _ = now.prove_consistency(head);
        own = now.tree_head_at(size)?;
    }
    if own.root == head.root {
        report.anchored = report.anchored.max(size);
        return Ok(HeldState::Proved);
    }
    let message = format!(
        "the first {size} events are not those that were signed: the root is {}, and was {}",
        own.root, head.root
    );
    report.find(FindingKind::Manipulation, size, message);
    Ok(HeldState::Contradicted)
}
