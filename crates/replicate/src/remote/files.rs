//! `Files`: which files a bucket has now, and their bytes. Knows no directory.

use super::block::{BlockKey, blocks_of};
use super::blocks::Blocks;
use super::catalog::{Catalog, RemoteFile};
use super::options::{RemoteOptions, RemoteStats};
use super::whole::WholeFiles;
use std::collections::{HashMap, HashSet};
use std::io;
use std::ops::Range;
use std::sync::Arc;
use strandline_core::fs::Mapping;
use strandline_core::sync::Mutex;

/// Most that one call reads, in bytes: what it holds in memory beside the caller's buffer.
const READ_BYTES_MAX: u64 = 16 << 20;

/// The files of a bucket.
#[derive(Debug)]
pub(super) struct Files {
    blocks: Blocks,
    whole: WholeFiles,
    listed: Mutex<Listed>,
    block_bytes: u64,
    pub(super) ahead_bytes_max: u64,
}

#[derive(Debug)]
struct Listed {
    catalog: Arc<Catalog>,
    /// Files that are listed and were removed here.
    removed: HashMap<String, RemoteFile>,
}

impl Files {
    pub(super) fn new(
        blocks: Blocks,
        whole: WholeFiles,
        catalog: Catalog,
        options: &RemoteOptions,
    ) -> Self {
        whole.keep(&catalog);
        let listed = Listed {
            catalog: Arc::new(catalog),
            removed: HashMap::new(),
        };
        Self {
            blocks,
            whole,
            listed: Mutex::new(listed),
            block_bytes: options.block_bytes,
            ahead_bytes_max: options.ahead_bytes_max,
        }
    }

    /// The file with a name, if it is listed and was not removed.
    pub(super) fn get(&self, name: &str) -> Option<RemoteFile> {
        let listed = self.listed.lock();
        let file = listed.catalog.get(name)?;
        (listed.removed.get(name) != Some(file)).then(|| file.clone())
    }

    /// All of them with their lengths, sorted by name.
    pub(super) fn list(&self) -> Vec<(String, u64)> {
        let listed = self.listed.lock();
        let files = listed.catalog.files();
        let files = files.filter(|(name, file)| listed.removed.get(*name) != Some(*file));
        files
            .map(|(name, file)| (name.to_owned(), file.bytes()))
            .collect()
    }

    /// Removes the name of a file, and says whether it had one.
    pub(super) fn remove(&self, name: &str) -> bool {
        let mut listed = self.listed.lock();
        let Some(file) = listed.catalog.get(name).cloned() else {
            return false;
        };
        listed.removed.insert(name.to_owned(), file.clone()) != Some(file)
    }

    /// Lists other files from now on. What is kept of objects that no file has any more is gone when this returns.
    pub(super) fn replace(&self, catalog: Catalog) {
        let objects = objects_of(&catalog);
        self.whole.keep(&catalog);
        let mut listed = self.listed.lock();
        listed
            .removed
            .retain(|name, file| catalog.get(name) == Some(file));
        listed.catalog = Arc::new(catalog);
        drop(listed);
        self.blocks.keep(objects);
    }

    /// Reads some of a file from `offset` on, and says how many bytes; 0 at its end.
    pub(super) fn read(
        &self,
        file: &RemoteFile,
        buffer: &mut [u8],
        offset: u64,
    ) -> io::Result<usize> {
        let wanted = u64::try_from(buffer.len()).unwrap_or(u64::MAX);
        let left = file.bytes().saturating_sub(offset);
        let count = wanted.min(left).min(READ_BYTES_MAX);
        let range = offset..offset.saturating_add(count);
        let blocks = blocks_of(file, &range, self.block_bytes);
        let keys: Vec<BlockKey> = blocks.iter().map(|block| block.key.clone()).collect();
        let bytes = self.blocks.get(&keys)?;
        let mut rest = buffer;
        let mut read = 0;
        for (block, bytes) in blocks.iter().zip(&bytes) {
            let skipped = usize_of(offset.saturating_sub(block.from));
            let most = usize_of(range.end.saturating_sub(block.from)).min(bytes.len());
            let bytes = bytes.get(skipped..most).unwrap_or_default();
            let Some((to, after)) = rest.split_at_mut_checked(bytes.len()) else {
                break;
            };
            to.copy_from_slice(bytes);
            read += bytes.len();
            rest = after;
        }
        Ok(read)
    }

    /// Has a range of a file fetched that somebody is going to read.
    pub(super) fn ask_for(&self, file: &RemoteFile, range: Range<u64>) {
        let blocks = blocks_of(file, &range, self.block_bytes);
        let keys: Vec<_> = blocks.into_iter().map(|block| block.key).collect();
        self.blocks.ask_for(&keys);
    }

    /// Fetches ranges of files, as many at once as may be, so that they are kept when this returns.
    pub(super) fn fetch(&self, ranges: &[(RemoteFile, Range<u64>)]) -> io::Result<()> {
        let mut seen = HashSet::new();
        let mut together = Vec::new();
        let mut bytes = 0_u64;
        for (file, range) in ranges {
            for block in blocks_of(file, range, self.block_bytes) {
                if !seen.insert(block.key.clone()) {
                    continue;
                }
                bytes = bytes.saturating_add(block.key.bytes);
                together.push(block.key);
                if bytes >= READ_BYTES_MAX {
                    self.blocks.get(&together)?;
                    together.clear();
                    bytes = 0;
                }
            }
        }
        self.blocks.get(&together).map(drop)
    }

    /// Maps a file that an opening reads from one end to the other; none if it is another file, or there is no place
    /// for it.
    pub(super) fn map(&self, name: &str, file: &RemoteFile, bytes: u64) -> Option<Mapping> {
        self.whole.map(name, file, bytes, |buffer, offset| {
            self.read(file, buffer, offset)
        })
    }

    pub(super) fn stats(&self) -> RemoteStats {
        self.blocks.stats()
    }
}

/// Keys of the objects that files are in.
pub(super) fn objects_of(catalog: &Catalog) -> HashSet<Arc<str>> {
    let parts = catalog.files().flat_map(|(_, file)| file.parts());
    parts.map(|part| part.key.clone()).collect()
}

fn usize_of(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
