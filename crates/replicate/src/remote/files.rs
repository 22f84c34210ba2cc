//! `Files`: which files a bucket has now, and their bytes. Knows no directory.

use super::block::{BlockKey, blocks_of};
use super::blocks::{Blocks, Kept};
use super::catalog::{Catalog, RemoteFile};
use super::looks::{Look, Looks};
use super::options::{RemoteOptions, RemoteStats};
use super::transfer::Transfer;
use super::whole::{WholeFiles, is_kept_whole};
use std::collections::{HashMap, HashSet};
use std::io;
use std::ops::Range;
use std::sync::Arc;
use strandline_core::fs::FsFile;
use strandline_core::sync::Mutex;

/// Most that one call reads, in bytes: what it holds in memory beside the caller's buffer.
pub(super) const READ_BYTES_MAX: u64 = 16 << 20;

/// The files of a bucket.
#[derive(Debug)]
pub(super) struct Files {
    blocks: Blocks,
    whole: WholeFiles,
    listed: Mutex<Listed>,
    /// Taken after `listed`, by who takes both.
    looks: Mutex<Looks>,
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
            looks: Mutex::default(),
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

    /// What is listed, removed files included.
    pub(super) fn catalog(&self) -> Arc<Catalog> {
        self.listed.lock().catalog.clone()
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

    /// Removes the name of a file, and says whether it had one. What is kept of objects that no file has any more is
    /// gone when this returns: it may have been rewritten because something in it was to go. O(objects, and blocks that
    /// are kept).
    pub(super) fn remove(&self, name: &str) -> bool {
        let mut listed = self.listed.lock();
        let Some(file) = listed.catalog.get(name).cloned() else {
            return false;
        };
        if listed.removed.insert(name.to_owned(), file.clone()) == Some(file) {
            return false;
        }
        let mut left = Catalog::clone(&listed.catalog);
        left.retain(|name| listed.removed.get(name) != listed.catalog.get(name));
        if is_kept_whole(name) {
            self.whole.keep(&left);
        }
        // Under the lock: what is listed meanwhile is kept.
        self.keep(objects_of(&left));
        true
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
        self.keep(objects);
        drop(listed);
    }

    fn keep(&self, objects: Kept) {
        self.looks.lock().keep(&objects.objects);
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
        if let Some(read) = self.read_looked_at(file, buffer, &range) {
            return Ok(read);
        }
        let blocks: Vec<_> = blocks_of(file, &range, self.block_bytes).collect();
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

    /// Reads a range that was looked at, if it was.
    fn read_looked_at(
        &self,
        file: &RemoteFile,
        buffer: &mut [u8],
        range: &Range<u64>,
    ) -> Option<usize> {
        let (object, within) = place_in_object(file, range)?;
        let looks = self.looks.lock();
        let bytes = looks.find(&object, &within)?;
        buffer.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(bytes.len())
    }

    /// Fetches short ranges of files, as many at once as may be, and keeps them for who reads them or what is in them;
    /// not on the disk. Makes the copies of files that are kept whole with them.
    pub(super) fn look_at(
        &self,
        ranges: &[(String, RemoteFile, Range<u64>)],
        whole: &[(String, RemoteFile)],
    ) -> io::Result<()> {
        let (mut looks, mut transfers) = (Vec::new(), Vec::new());
        for (name, file, range) in ranges {
            let Some((object, within)) = place_in_object(file, range) else {
                continue;
            };
            if self.looks.lock().find(&object, &within).is_some() {
                continue;
            }
            let look = Arc::new(Look::default());
            transfers.push(Transfer {
                object: object.clone(),
                range: within.clone(),
                to: look.clone(),
                at: 0,
            });
            looks.push((name, file, object, within.start, look));
        }
        let whole = whole.iter().map(|(name, file)| (name.as_str(), file));
        let whole: Vec<_> = whole.collect();
        self.whole.make(&whole, transfers, &self.blocks)?;
        let listed = self.listed.lock();
        let mut kept = self.looks.lock();
        for (name, file, object, start, look) in looks {
            let is_listed = listed.catalog.get(name) == Some(file);
            if let Some(bytes) = look.take().filter(|_| is_listed) {
                kept.add(object, start, bytes);
            }
        }
        Ok(())
    }

    /// Has a range of a file fetched that somebody is going to read.
    pub(super) fn ask_for(&self, file: &RemoteFile, range: Range<u64>) {
        let blocks = blocks_of(file, &range, self.block_bytes);
        let keys: Vec<_> = blocks.map(|block| block.key).collect();
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
                    self.blocks.fetch(&together)?;
                    together.clear();
                    bytes = 0;
                }
            }
        }
        self.blocks.fetch(&together)
    }

    /// Makes the copies of files that are kept whole, of all at once.
    pub(super) fn fetch_whole(&self, files: &[(String, RemoteFile)]) -> io::Result<()> {
        let files = files.iter().map(|(name, file)| (name.as_str(), file));
        let files: Vec<_> = files.collect();
        self.whole.make(&files, Vec::new(), &self.blocks)
    }

    /// The copy on the disk of a file that is kept whole, which is made if it is not there; none if it is another
    /// file, or there is no place for it.
    pub(super) fn whole(
        &self,
        name: &str,
        file: &RemoteFile,
    ) -> io::Result<Option<Arc<dyn FsFile>>> {
        if !is_kept_whole(name) {
            return Ok(None);
        }
        self.whole.make(&[(name, file)], Vec::new(), &self.blocks)?;
        Ok(self.whole.opened(file))
    }

    /// Removes the copy of a file that is kept whole, and says whether there was one.
    pub(super) fn discard_whole(&self, name: &str) -> bool {
        let file = self.get(name).filter(|_| is_kept_whole(name));
        file.is_some_and(|file| self.whole.discard(&file))
    }

    pub(super) fn stats(&self) -> RemoteStats {
        let stats = self.blocks.stats();
        RemoteStats {
            disk_bytes: stats.disk_bytes.saturating_add(self.whole.bytes()),
            ..stats
        }
    }
}

/// The objects that files are in. A file that is kept whole is on the disk as that.
pub(super) fn objects_of(catalog: &Catalog) -> Kept {
    let mut kept = Kept::default();
    for (name, file) in catalog.files() {
        let keys = file.parts().iter().map(|part| part.key.clone());
        kept.objects.extend(keys.clone());
        match is_kept_whole(name) {
            true => kept.whole_bytes = kept.whole_bytes.saturating_add(file.bytes()),
            false => kept.on_disk.extend(keys),
        }
    }
    kept
}

/// The object that has all of a range of a file, and where; none if there are several, or it is empty.
fn place_in_object(file: &RemoteFile, range: &Range<u64>) -> Option<(Arc<str>, Range<u64>)> {
    let [part] = file.parts_of(range) else {
        return None;
    };
    let within = |at: u64| part.offset.saturating_add(at.saturating_sub(part.from));
    let is_all = range.start >= part.from && range.end <= part.end();
    is_all.then(|| (part.key.clone(), within(range.start)..within(range.end)))
}

fn usize_of(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
