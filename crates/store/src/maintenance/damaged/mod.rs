//! `DamagedStore`: a directory as it is, for what reads a store that may not open: which file of each segment
//! counts, what shows how far it was durable, and the names of its entities.
//!
//! Opens no store, judges no event and changes nothing. Knows what is made of a log (checkpoint, footer), and
//! nothing of maintenance.

mod durable;
mod evidence;
mod examine;
mod names;
mod segment_files;

pub(super) use durable::Durable;
pub(super) use evidence::Evidence;
pub(super) use examine::{entries, examiner};
pub(super) use names::Names;
pub(super) use segment_files::{SegmentFiles, all_left_over, is_called_as_one, left_over};

use crate::open::refuse_elsewhere;
use crate::{Error, ErrorKind, Sequence};
use examine::is_blank;
use std::path::Path;
use strandline_core::fs::Fs;
use strandline_segment::{Examiner, LogIdentity, Manifest, SegmentInfo};

/// What there is of a store that may be damaged.
pub(super) struct DamagedStore<'a> {
    pub(super) fs: &'a dyn Fs,
    pub(super) dir: &'a Path,
    /// Its segments, and those that are not read.
    pub(super) files: SegmentFiles,
    pub(super) identity: Option<LogIdentity>,
    pub(super) evidence: Evidence,
}

impl<'a> DamagedStore<'a> {
    /// Looks at a directory.
    ///
    /// # Errors
    ///
    /// `NotFound` if nothing of a store is in it, `Io`.
    pub(super) fn find(fs: &'a dyn Fs, dir: &'a Path) -> Result<Self, Error> {
        entries(fs, dir)?;
        refuse_elsewhere(fs, dir)?;
        let mut files = SegmentFiles::choose(fs, dir)?;
        let mut evidence = Evidence::of(fs, dir)?;
        let identity = match &evidence.manifest {
            Some(manifest) => Some(*manifest.identity()),
            None => first_identity(fs, dir, &files),
        };
        evidence.take_checkpoints(fs, dir, identity.as_ref())?;
        if files.chosen.is_empty()
            && evidence.manifest.is_none()
            && evidence.durable.before == Sequence::ZERO
        {
            let message = format!("there is no store in {}", dir.display());
            return Err(Error::new(ErrorKind::NotFound, message));
        }
        files.pass_over_others(fs, dir, identity.as_ref());
        Ok(Self {
            fs,
            dir,
            files,
            identity,
            evidence,
        })
    }

    /// The segments that the MANIFEST lists and no file is there of.
    pub(super) fn absent(&self) -> impl Iterator<Item = &SegmentInfo> {
        let listed = self.evidence.manifest.as_ref();
        let listed = listed.map_or(&[][..], Manifest::segments);
        listed
            .iter()
            .filter(|info| self.files.of(info.id()).is_none())
    }

    /// Opens a segment; `None` for one that was made ahead and holds nothing.
    pub(super) fn examiner(&self, name: &str) -> Result<Option<Examiner>, Error> {
        match examiner(self.fs, self.dir, name) {
            Ok(examiner) => Ok(Some(examiner)),
            Err(_) if is_blank(self.fs, &self.dir.join(name)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The identity of the first segment whose header can be read.
fn first_identity(fs: &dyn Fs, dir: &Path, files: &SegmentFiles) -> Option<LogIdentity> {
    let examiners = files.chosen.iter().map(|name| examiner(fs, dir, name));
    let mut readable = examiners.filter_map(Result::ok);
    readable.next().map(|examiner| examiner.header().identity)
}
