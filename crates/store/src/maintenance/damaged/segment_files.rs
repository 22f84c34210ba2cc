//! `SegmentFiles`: which file of each segment counts, where a crash has left several generations.
//!
//! For tools that read a directory as it is. Removes nothing: an opening to write does that.

use super::examine::examiner;
use crate::{Error, ErrorKind};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use strandline_core::fs::Fs;
use strandline_segment::{FooterFound, LogIdentity, Manifest, SegmentId};

/// The segment files of a directory, listed by the manifest or not.
#[derive(Debug, Default)]
pub(in crate::maintenance) struct SegmentFiles {
    /// One file of each segment, by number.
    pub(in crate::maintenance) chosen: Vec<String>,
    /// The others: superseded or unfinished generations by number, then names that no segment has.
    pub(in crate::maintenance) passed_over: Vec<String>,
}

impl SegmentFiles {
    /// Takes the file that the manifest lists, and none of segments that were merged into others. Where that does not tell, takes the newest generation
    /// whose footer is whole: it is the last to be written, and an older one may hold what was
    /// redacted. Where none has one, takes the oldest: the others were not finished.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`].
    pub(in crate::maintenance) fn choose(fs: &dyn Fs, dir: &Path) -> Result<Self, Error> {
        let entries = fs
            .list(dir)
            .map_err(|error| Error::io("list", dir, error))?;
        let mut segments: BTreeMap<SegmentId, BTreeMap<u32, String>> = BTreeMap::new();
        let mut unknown = Vec::new();
        for name in entries.into_iter().map(|entry| entry.name) {
            if let Some((id, generation)) = SegmentId::parse_file_name(&name) {
                segments.entry(id).or_default().insert(generation, name);
            } else if is_called_as_one(&name) {
                unknown.push(name);
            }
        }
        let manifest = Manifest::read(fs, dir).ok().flatten();
        let listed = |id: SegmentId| {
            let infos = manifest.as_ref().map_or(&[][..], Manifest::segments);
            infos
                .iter()
                .find(|info| info.id() == id)
                .map(|info| info.header().generation)
        };
        // Merged into another one, of which the file that counts is there.
        let is_merged = |id: &SegmentId| {
            let holder = manifest.as_ref().and_then(|one| one.merged_into(*id));
            let files = holder.and_then(|holder| Some((holder, segments.get(&holder.id())?)));
            files.is_some_and(|(holder, files)| files.contains_key(&holder.header().generation))
        };
        let merged: BTreeSet<_> = segments.keys().copied().filter(is_merged).collect();
        let mut files = Self::default();
        for (id, mut generations) in segments {
            if merged.contains(&id) {
                files.passed_over.extend(generations.into_values());
                continue;
            }
            let chosen = match listed(id).filter(|listed| generations.contains_key(listed)) {
                Some(listed) => Some(listed),
                None => newest_whole(fs, dir, &generations)?,
            };
            let name = match chosen {
                Some(chosen) => generations.remove(&chosen),
                None => generations.pop_first().map(|(_, name)| name),
            };
            files.chosen.extend(name);
            files.passed_over.extend(generations.into_values());
        }
        unknown.sort_unstable();
        files.passed_over.append(&mut unknown);
        Ok(files)
    }

    /// The file of a segment that counts.
    pub(in crate::maintenance) fn of(&self, id: SegmentId) -> Option<&str> {
        let is_own =
            |name: &&String| SegmentId::parse_file_name(name).is_some_and(|(own, _)| own == id);
        self.chosen.iter().find(is_own).map(String::as_str)
    }

    /// Passes over the files of segments that are of another log than the one with this identity. What has
    /// no header that can be read stays.
    pub(super) fn pass_over_others(
        &mut self,
        fs: &dyn Fs,
        dir: &Path,
        identity: Option<&LogIdentity>,
    ) {
        for name in std::mem::take(&mut self.chosen) {
            let is_other = match examiner(fs, dir, &name) {
                Ok(examiner) => Some(&examiner.header().identity) != identity,
                // Whoever reads it finds out why.
                Err(_) => false,
            };
            match is_other {
                true => self.passed_over.push(name),
                false => self.chosen.push(name),
            }
        }
    }
}

/// What a file is that another one has taken the place of, or is to: of a segment that the manifest lists in
/// another generation, or that was merged into another one. An interrupted rewriting leaves it, and that is no damage:
/// an opening to write removes it.
pub(in crate::maintenance) fn left_over(manifest: &Manifest, name: &str) -> Option<String> {
    let (id, generation) = SegmentId::parse_file_name(name)?;
    let listed = manifest.segments().iter().find(|info| info.id() == id);
    let is_left_over = match listed {
        Some(info) => {
            let counts = info.header().generation;
            generation != counts && (info.is_sealed() || generation < counts)
        }
        None => manifest.merged_into(id).is_some(),
    };
    is_left_over.then(|| {
        format!(
            "{name} is not the file that counts for its segment, and may hold what was removed or redacted: \
             a rewriting was interrupted, or is at work; opening the store to write removes it"
        )
    })
}

/// The sentences of [`left_over`] on the files of a directory, as far as they can be listed.
pub(in crate::maintenance) fn all_left_over(fs: &dyn Fs, dir: &Path) -> Vec<String> {
    let entries = fs.list_names(dir).unwrap_or_default();
    let Ok(Some(manifest)) = Manifest::read(fs, dir) else {
        return Vec::new();
    };
    let names = entries.iter().map(|entry| entry.name.as_str());
    names
        .filter_map(|name| left_over(&manifest, name))
        .collect()
}

/// Whether a file is called as those of segments are, whether or not there can be one of that name.
pub(in crate::maintenance) fn is_called_as_one(name: &str) -> bool {
    name.starts_with("segment-") && name.ends_with(".log")
}

/// The newest of several generations whose footer is whole.
fn newest_whole(
    fs: &dyn Fs,
    dir: &Path,
    generations: &BTreeMap<u32, String>,
) -> Result<Option<u32>, Error> {
    if generations.len() < 2 {
        return Ok(None);
    }
    for (generation, name) in generations.iter().rev() {
        match examiner(fs, dir, name) {
            Ok(examiner) if matches!(examiner.footer(), FooterFound::Whole { .. }) => {
                return Ok(Some(*generation));
            }
            Err(error) if error.kind() == ErrorKind::Io => return Err(error),
            // Without its header nothing of it can be checked.
            Ok(_) | Err(_) => {}
        }
    }
    Ok(None)
}
