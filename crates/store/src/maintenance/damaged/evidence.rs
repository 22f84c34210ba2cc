//! `Evidence`: how far a damaged store was durable, by everything in it that says so.

use super::durable::Durable;
use crate::rows::checkpoint::{self, Restored};
use crate::{Error, Sequence};
use std::path::Path;
use strandline_core::fs::Fs;
use strandline_segment::{LogIdentity, MANIFEST_FILE, Manifest};

/// What a store had, as its own files show.
#[derive(Debug, Default)]
pub(in crate::maintenance) struct Evidence {
    /// How far it was durable.
    pub(in crate::maintenance) durable: Durable,
    /// Whether a manifest or a checkpoint that is whole was there to say it.
    pub(in crate::maintenance) is_proven: bool,
    /// Which segments count.
    pub(in crate::maintenance) manifest: Option<Manifest>,
    /// The newest checkpoint that is whole.
    pub(in crate::maintenance) checkpoint: Option<Restored>,
    /// What is wrong with manifest and checkpoints.
    pub(in crate::maintenance) notices: Vec<String>,
}

impl Evidence {
    /// What manifest and checkpoints of a directory say. Frames are added as they are read.
    ///
    /// # Errors
    ///
    /// `Io` if the directory cannot be listed.
    pub(in crate::maintenance) fn of(fs: &dyn Fs, dir: &Path) -> Result<Self, Error> {
        let mut evidence = Self::default();
        match Manifest::read(fs, dir) {
            Ok(Some(manifest)) => evidence.take_manifest(manifest),
            Ok(None) => evidence.notices.push(format!(
                "the {MANIFEST_FILE} is missing: the segments that are there were read"
            )),
            Err(error) => evidence.notices.push(format!(
                "the {MANIFEST_FILE} says nothing, the segments that are there were read: {error}"
            )),
        }
        Ok(evidence)
    }

    fn take_manifest(&mut self, manifest: Manifest) {
        let ends = manifest.segments().iter().map(|info| match info.end() {
            Some(end) => end.sequence,
            None => info.start().sequence,
        });
        let synced = manifest.synced().map(|synced| synced.sequence);
        if let Some(end) = ends.chain(synced).max() {
            self.durable.take(end, MANIFEST_FILE);
        }
        self.is_proven = true;
        self.manifest = Some(manifest);
    }

    /// Takes what the checkpoints say, which are to be of the log with this identity. Of one that is
    /// damaged its name is left, which it got once it was whole.
    ///
    /// # Errors
    ///
    /// `Io` if the directory cannot be listed.
    pub(in crate::maintenance) fn take_checkpoints(
        &mut self,
        fs: &dyn Fs,
        dir: &Path,
        identity: Option<&LogIdentity>,
    ) -> Result<(), Error> {
        let newest = strandline_checkpoint::newest(fs, dir)?;
        for discarded in newest.discarded {
            let file = &discarded.file_name;
            self.notices
                .push(format!("{file} is damaged: {}", discarded.reason));
            if let Some(number) = discarded.number() {
                self.durable.take(Sequence::new(number), file);
            }
        }
        let (Some(found), Some(identity)) = (newest.checkpoint, identity) else {
            return Ok(());
        };
        let file = strandline_checkpoint::file_name(found.number());
        match checkpoint::restore(found, identity) {
            Ok(restored) => {
                self.durable
                    .take(restored.allocated.max(restored.position.sequence), &file);
                self.is_proven = true;
                self.checkpoint = Some(restored);
            }
            Err(error) => self.notices.push(format!("{file} says nothing: {error}")),
        }
        Ok(())
    }
}
