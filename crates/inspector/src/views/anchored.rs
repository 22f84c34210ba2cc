//! `Anchored`: the log held against heads that are kept elsewhere: what is proved by whom, what is not, and what is not as
//! it was signed.

use serde::Serialize;
use std::collections::BTreeMap;
use strandline_anchor::{HeadsReport, HeldHead, HeldState};

/// How many findings, heads and signers are given.
const GIVEN: usize = 200;
const SIGNERS_MAX: usize = 32;
/// How many places heads are drawn at: more would not be told apart.
const MARKS_MAX: u64 = 500;

/// A part of the log, from an event to before another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Part {
    pub(crate) first: u64,
    pub(crate) end: u64,
    /// `proved`: as it was when a head over it was signed. `open`: no head is over it. `contradicted`: a head was signed
    /// over other events, the first of which is in this part. `missing`: a head was signed over it, and it is not there.
    pub(crate) state: &'static str,
}

/// Somebody who has signed heads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct SignerSeen {
    pub(crate) name: String,
    /// `log`, or `witness`: somebody else, who has seen the log grow.
    pub(crate) role: &'static str,
    pub(crate) heads: u64,
    /// Events with sequences below it are as they were when this one signed a head over them.
    pub(crate) proved: u64,
    /// When a witness signed the last head, by its clock, in seconds since 1970.
    pub(crate) last_seconds: Option<u64>,
}

/// A head that counts.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct HeadSeen {
    pub(crate) size: u64,
    pub(crate) root: String,
    pub(crate) state: &'static str,
    pub(crate) signers: Vec<String>,
}

/// Something that is to be said of the heads.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct FindingSeen {
    /// `manipulation`, `gap` or `notice`.
    pub(crate) kind: &'static str,
    pub(crate) message: String,
}

/// The log held against heads that are kept elsewhere.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Anchored {
    pub(crate) is_sound: bool,
    pub(crate) log_size: u64,
    pub(crate) anchored: u64,
    pub(crate) heads: u64,
    pub(crate) counted: u64,
    /// Where the line ends: with the log, or the head over most events.
    pub(crate) end: u64,
    /// The line from the first event to its end, without gap.
    pub(crate) parts: Vec<Part>,
    /// Sizes of heads, and what the log is to them; of many that are close together, one.
    pub(crate) marks: Vec<(u64, &'static str)>,
    pub(crate) signers: Vec<SignerSeen>,
    /// The heads over most events, those first.
    pub(crate) newest: Vec<HeadSeen>,
    pub(crate) findings: Vec<FindingSeen>,
    pub(crate) finding_count: usize,
}

const fn name(state: HeldState) -> &'static str {
    match state {
        HeldState::Proved => "proved",
        HeldState::Contradicted => "contradicted",
        HeldState::Missing => "missing",
        HeldState::Forgotten => "forgotten",
    }
}

impl Anchored {
    /// As a report has it.
    pub(super) fn of(report: &HeadsReport) -> Self {
        let parts = parts(report);
        let end = parts.last().map_or(report.log_size, |part| part.end);
        let newest = report.held.iter().rev().take(GIVEN);
        let findings = report.findings.iter().take(GIVEN);
        Self {
            is_sound: report.is_sound(),
            log_size: report.log_size,
            anchored: report.anchored,
            heads: report.heads,
            counted: report.counted,
            end,
            marks: marks(&report.held, end),
            signers: signers(&report.held),
            newest: newest.map(head).collect(),
            findings: findings
                .map(|finding| FindingSeen {
                    kind: finding.kind.name(),
                    message: finding.message.clone(),
                })
                .collect(),
            finding_count: report.findings.len(),
            parts,
        }
    }
}

fn head(held: &HeldHead) -> HeadSeen {
    let log = held
        .log_keys
        .iter()
        .map(|(name, id)| format!("{name}+{id}"));
    let witnesses = held.witnesses.iter().map(|one| one.name.to_string());
    HeadSeen {
        size: held.head.size,
        root: held.head.root.to_string(),
        state: name(held.state),
        signers: log.chain(witnesses).collect(),
    }
}

/// The line in parts. What is proved by a later head is proved, whatever an earlier one says: that is of another log.
fn parts(report: &HeadsReport) -> Vec<Part> {
    let most = |state: HeldState| {
        let sizes = report.held.iter().filter(|held| held.state == state);
        sizes.map(|held| held.head.size).max().unwrap_or_default()
    };
    let ends = [
        (report.anchored, "proved"),
        (most(HeldState::Contradicted), "contradicted"),
        (report.log_size, "open"),
        (most(HeldState::Missing), "missing"),
    ];
    let mut parts = Vec::new();
    let mut first = 0;
    for (end, state) in ends {
        if end > first {
            parts.push(Part { first, end, state });
            first = end;
        }
    }
    parts
}

/// Where heads are drawn: those that say something against the log rather than others at the same place.
fn marks(held: &[HeldHead], end: u64) -> Vec<(u64, &'static str)> {
    let mut places = BTreeMap::<u64, (u64, HeldState)>::new();
    for held in held {
        let size = held.head.size;
        let place = u128::from(size) * u128::from(MARKS_MAX) / u128::from(end.max(1));
        let place = u64::try_from(place).unwrap_or(MARKS_MAX);
        let own = places.entry(place).or_insert((size, held.state));
        if own.1 == HeldState::Proved {
            *own = (size, held.state);
        }
    }
    let marks = places.into_values();
    marks.map(|(size, state)| (size, name(state))).collect()
}

fn signers(held: &[HeldHead]) -> Vec<SignerSeen> {
    let mut all = BTreeMap::<(&'static str, String), SignerSeen>::new();
    for held in held {
        let log = held.log_keys.iter();
        let log = log.map(|(name, id)| ("log", format!("{name}+{id}"), None));
        let witnesses = held.witnesses.iter();
        let witnesses = witnesses.map(|one| ("witness", one.name.to_string(), one.seconds));
        for (role, name, seconds) in log.chain(witnesses) {
            if all.len() >= SIGNERS_MAX && !all.contains_key(&(role, name.clone())) {
                continue;
            }
            let own = all
                .entry((role, name.clone()))
                .or_insert_with(|| SignerSeen {
                    name,
                    role,
                    heads: 0,
                    proved: 0,
                    last_seconds: None,
                });
            own.heads += 1;
            own.last_seconds = own.last_seconds.max(seconds);
            if held.state == HeldState::Proved {
                own.proved = own.proved.max(held.head.size);
            }
        }
    }
    all.into_values().collect()
}
