//! `Inventory`: the files of a store's directory, in a damaged store too. Opens no store.

use crate::maintenance::damaged::{entries, is_called_as_one, left_over};
use crate::model::{IndexFileName, MARKER, is_staging};
use crate::open::refuse_elsewhere;
use crate::rows::merged::MergedHead;
use crate::rows::merged_file::no_merged_file;
use crate::{Epoch, Error, Sequence};
use std::path::Path;
use strandline_core::fs::{EntryKind, Fs, OpenMode};
use strandline_segment::{Examiner, FooterFound, Manifest, QUARANTINE_DIR, SegmentInfo, is_unused};

/// A file and its length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts {
    /// Its name, from the store's directory.
    pub name: String,
    /// Its length in bytes.
    pub bytes: u64,
}

/// The block of rows that a sealed segment may have after its frames.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FooterState {
    /// None: the segment is active, or it was not written yet.
    None,
    /// It is right, and has so many bytes.
    Whole(u64),
    /// It is not, and is passed over.
    Damaged(String),
}

/// A segment as the manifest and its file have it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SegmentFacts {
    /// Name of the file.
    pub name: String,
    /// Number.
    pub number: u32,
    /// How often it was rewritten.
    pub generation: u32,
    /// Sequence of its first event.
    pub first_sequence: Sequence,
    /// The sequence after its last; `None` while it is active.
    pub end_sequence: Option<Sequence>,
    /// Bytes of its frames, header included; `None` while it is active.
    pub frame_bytes: Option<u64>,
    /// Length of the file; `None` if it is missing.
    pub file_bytes: Option<u64>,
    /// Its footer.
    pub footer: FooterState,
}

/// A merged file of the index, which holds the rows of several sealed segments.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MergedFacts {
    /// Name of the file.
    pub name: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// How many segments it was made of.
    pub segments: usize,
    /// How many of these are what they were: the rows of the others are taken from their footers.
    pub current: usize,
    /// How many rows it has.
    pub rows: u64,
    /// Why it cannot be used, if it cannot.
    pub damage: Option<String>,
}

/// What files there are, and what is wrong with them as far as a look shows it: frames are not
/// read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inventory {
    /// Number of the manifest; `None` if there is none that can be read.
    pub manifest_number: Option<u64>,
    /// Which course of the log this is, as the manifest says; see [`Store::epoch`](crate::Store::epoch).
    pub epoch: Option<Epoch>,
    /// Removals before this sequence are not recorded in the log, as the manifest says; 0 if all are.
    /// `None` if none is, or there is no manifest.
    pub unrecorded_before: Option<Sequence>,
    /// Segments of the manifest, oldest first.
    pub segments: Vec<SegmentFacts>,
    /// Checkpoints, newest first.
    pub checkpoints: Vec<FileFacts>,
    /// Merged files of the index, by the segments that they were made of.
    pub merged: Vec<MergedFacts>,
    /// Files of the directory that are none of these, the manifest, or the lock.
    pub others: Vec<FileFacts>,
    /// What opening kept aside.
    pub quarantine: Vec<FileFacts>,
    /// What is no problem: files of segments that do not count any more, or not yet, which an opening to write
    /// removes.
    pub notices: Vec<String>,
    /// What is wrong.
    pub problems: Vec<String>,
}

impl Inventory {
    /// Looks at the directory of a store. Changes nothing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) if there is no directory,
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if sealed segments of it are in a bucket,
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if it cannot be listed.
    pub fn of(fs: &dyn Fs, dir: &Path) -> Result<Self, Error> {
        refuse_elsewhere(fs, dir)?;
        let (files, no_files): (Vec<_>, Vec<_>) = entries(fs, dir)?
            .into_iter()
            .partition(|entry| entry.kind == EntryKind::File);
        let files: Vec<_> = files
            .into_iter()
            .map(|entry| FileFacts {
                name: entry.name,
                bytes: entry.bytes,
            })
            .collect();
        let is_merged = |name: &str| IndexFileName::parse(name).is_some();
        let no_files = no_files.iter().filter(|entry| is_merged(&entry.name));
        let mut problems: Vec<_> = no_files
            .map(|entry| format!("{} is {}", entry.name, no_merged_file(entry.kind)))
            .collect();
        let manifest = Manifest::read(fs, dir).unwrap_or_else(|error| {
            problems.push(error.to_string());
            None
        });
        let infos = manifest.as_ref().map_or(&[][..], Manifest::segments);
        let segments = infos
            .iter()
            .map(|info| segment(fs, dir, info, &files, &mut problems))
            .collect();
        let listed: Vec<_> = infos.iter().map(SegmentInfo::file_name).collect();
        let (mut checkpoints, others): (Vec<_>, Vec<_>) = files
            .into_iter()
            .filter(|file| !listed.contains(&file.name) && !is_fixed(&file.name))
            .partition(|file| strandline_checkpoint::is_file_name(&file.name));
        checkpoints.reverse();
        let (merged, others): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|file| is_merged(&file.name));
        let merged: Vec<_> = merged
            .into_iter()
            .map(|file| merged_facts(fs, dir, file, manifest.as_ref()))
            .collect();
        for facts in &merged {
            if let Some(damage) = &facts.damage {
                problems.push(format!("{}: {damage}", facts.name));
            }
        }
        let notices = notices_of(fs, dir, (manifest.as_ref(), &others), &mut problems);
        Ok(Self {
            manifest_number: manifest.as_ref().map(Manifest::number),
            epoch: manifest.as_ref().map(Manifest::epoch),
            unrecorded_before: manifest.as_ref().and_then(Manifest::unrecorded_before),
            segments,
            checkpoints,
            merged,
            others,
            quarantine: quarantined(fs, dir),
            notices,
            problems,
        })
    }
}

/// Tells of files that are none of those that a store uses, and of a copy that is not in its place.
fn notices_of(
    fs: &dyn Fs,
    dir: &Path,
    (manifest, others): (Option<&Manifest>, &[FileFacts]),
    problems: &mut Vec<String>,
) -> Vec<String> {
    let mut notices = Vec::new();
    if others.iter().any(|file| file.name == MARKER) {
        match is_copy(fs, dir) {
            true => problems.push(format!(
                "{MARKER}: this is the copy that a restore was making, which was interrupted or is at work, and \
                 may not be whole; restore again to the directory that it was for, which makes the copy anew, or \
                 remove it"
            )),
            false => notices.push(format!(
                "{MARKER} is left of a restore that was interrupted once the store was in its place: remove it"
            )),
        }
    }
    for FileFacts { name, .. } in others {
        let left_over = manifest.and_then(|one| left_over(one, name));
        if let Some(notice) = left_over {
            notices.push(notice);
            continue;
        }
        // Beside a writer, and after one that was killed, there may be temporary files, and a segment that was
        // made ahead.
        let is_used = |manifest: &Manifest| {
            let unused = is_unused(fs, &dir.join(name), manifest.identity());
            !unused.unwrap_or(false)
        };
        if is_called_as_one(name) && manifest.is_some_and(is_used) {
            problems.push(format!(
                "{name} is a segment that the MANIFEST does not list"
            ));
        }
    }
    notices
}

/// Whether a directory has the name that a restore gives a copy, by whatever path it is called.
fn is_copy(fs: &dyn Fs, dir: &Path) -> bool {
    let dir = fs.canonical(dir).unwrap_or_else(|_| dir.to_path_buf());
    let name = dir.file_name().unwrap_or_default();
    is_staging(&name.to_string_lossy())
}

fn merged_facts(
    fs: &dyn Fs,
    dir: &Path,
    file: FileFacts,
    manifest: Option<&Manifest>,
) -> MergedFacts {
    let opened = fs.open(&dir.join(&file.name), OpenMode::Read);
    let opened = opened.map_err(|error| error.to_string());
    let read = opened.and_then(|file| MergedHead::read(&*file).map_err(|error| error.to_string()));
    let is_own = |head: &MergedHead| manifest.is_none_or(|one| *one.identity() == head.identity);
    let read = read.and_then(|(head, _)| match is_own(&head) {
        true => Ok(head),
        false => Err("it is of another log".to_owned()),
    });
    let infos = manifest.map_or(&[][..], Manifest::segments);
    let head = read.as_ref().ok();
    let current = head.map_or(0, |head| {
        let current = infos.iter().filter(|info| head.find(info).is_some());
        current.count()
    });
    MergedFacts {
        name: file.name,
        bytes: file.bytes,
        segments: head.map_or(0, |head| head.segments.len()),
        current,
        rows: head.map_or(0, MergedHead::rows),
        damage: read.err(),
    }
}

fn is_fixed(name: &str) -> bool {
    matches!(name, "MANIFEST" | "LOCK")
}

fn segment(
    fs: &dyn Fs,
    dir: &Path,
    info: &SegmentInfo,
    files: &[FileFacts],
    problems: &mut Vec<String>,
) -> SegmentFacts {
    let name = info.file_name();
    let file = files.iter().find(|file| file.name == name);
    let frame_bytes = info.end().map(|end| u64::from(end.offset));
    let mut footer = FooterState::None;
    match Examiner::open(fs, &dir.join(&name), Some(info)) {
        Err(error) => problems.push(error.to_string()),
        Ok(examiner) => {
            problems.extend(examiner.file_problem().map(ToString::to_string));
            footer = match examiner.footer() {
                FooterFound::None => FooterState::None,
                FooterFound::Whole { bytes, .. } => FooterState::Whole(bytes.len() as u64),
                FooterFound::Damaged { reason, .. } => {
                    problems.push(reason.clone());
                    FooterState::Damaged(reason.clone())
                }
            };
        }
    }
    SegmentFacts {
        number: info.id().get(),
        generation: info.header().generation,
        first_sequence: info.start().sequence,
        end_sequence: info.end().map(|end| end.sequence),
        frame_bytes,
        file_bytes: file.map(|file| file.bytes),
        footer,
        name,
    }
}

/// The files that openings have set aside in the store in `dir`: torn bytes, and segments out of place. None if they
/// cannot be listed.
pub fn quarantined(fs: &dyn Fs, dir: &Path) -> Vec<FileFacts> {
    let entries = fs.list(&dir.join(QUARANTINE_DIR)).unwrap_or_default();
    entries
        .into_iter()
        .map(|entry| FileFacts {
            name: format!("{QUARANTINE_DIR}/{}", entry.name),
            bytes: entry.bytes,
        })
        .collect()
}
