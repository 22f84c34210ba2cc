//! `OwnerFile`: which terms of the bucket are this directory's, in a file beside the store.
//!
//! Each try to take a term has an owner of its own, which is in the file before it is in the bucket: whatever
//! becomes of the request, it is known again. Of the tries before only the one that took a term is kept.
//!
//! It says too in which buckets that was, so that one of them which is empty is known for one that is lost, and which
//! of them may have objects that are to be deleted at once; and whether the log in the directory was taken along from a
//! bucket, and may have what its records say is gone.

use super::error::{ReplicateError, of_file};
use crate::object::Owner;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline_core::Sequence;
use strandline_core::fs::{Fs, read_file, replace_file};

/// What the file is called in the directory of the store.
pub(crate) const OWNER_FILE: &str = "replica-owner.json";
const FORMAT: &str = "strandline replica owner";
const VERSION: u32 = 1;
const BYTES_MAX: u64 = 64 << 10;
/// Most tries that are remembered; older ones are forgotten, but for the one that took a term.
const TRIES_MAX: usize = 256;
/// Most buckets that are remembered, the newest.
const BUCKETS_MAX: usize = 16;
/// Most bytes of the name of a bucket that are remembered.
const NAME_BYTES_MAX: usize = 1024;
/// What the name of a bucket in memory begins with. It is gone with its process, so that finding it empty says nothing.
const IN_MEMORY: &str = "memory:";

/// The owners that are this directory's.
#[derive(Debug)]
pub(crate) struct OwnerFile {
    fs: Arc<dyn Fs>,
    path: PathBuf,
    /// The bucket that is shipped to, as much of its name as is remembered.
    bucket: String,
    /// The one that took a term, if one did, then tries of which nothing is known.
    owners: Vec<Owner>,
    /// Where a term was taken, and by which owner last; the newest last. What is shipped to one bucket takes nothing from
    /// another.
    buckets: Vec<Taken>,
    /// Which may have what is to be deleted at once, the newest last. What one was rid of another may have still.
    owing: Vec<String>,
    /// Records from here on say what may be there, though it is gone.
    redo_from: Option<u64>,
}

/// What is in the file.
#[derive(Default)]
struct Read {
    owners: Vec<Owner>,
    buckets: Vec<Taken>,
    owing: Vec<String>,
    redo_from: Option<u64>,
}

/// A bucket in which a term is this directory's.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Taken {
    bucket: String,
    owner: Owner,
}

#[derive(Serialize, Deserialize)]
struct JsonTaken {
    bucket: String,
    owner: String,
}

#[derive(Serialize, Deserialize)]
struct Json {
    format: String,
    version: u32,
    owners: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    buckets: Vec<JsonTaken>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    deletes_in: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    redo_from: Option<u64>,
}

impl OwnerFile {
    /// Reads the file in the directory of a store that is shipped to a bucket; one that is not there has no owners.
    pub(crate) fn open(fs: Arc<dyn Fs>, dir: &Path, bucket: &str) -> Result<Self, ReplicateError> {
        let path = dir.join(OWNER_FILE);
        let json = match read_file(&*fs, &path, BYTES_MAX) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(of_file(&path)(error)),
            Ok(bytes) => {
                let damaged =
                    || io::Error::new(io::ErrorKind::InvalidData, "it is no such file, or damaged");
                let json = parse(&bytes).ok_or_else(|| of_file(&path)(damaged()))?;
                Some(json)
            }
        };
        let Read {
            owners,
            buckets,
            owing,
            redo_from,
        } = json.unwrap_or_default();
        Ok(Self {
            fs,
            path,
            bucket: name_of(bucket),
            owners,
            buckets,
            owing,
            redo_from,
        })
    }

    /// From where on the records of the log say what may be there, though it is gone; `None` if nothing is.
    pub(crate) fn redo_from(&self) -> Option<Sequence> {
        self.redo_from.map(Sequence::new)
    }

    /// Notes that. Durable when it returns.
    pub(crate) fn set_redo_from(&mut self, from: Option<Sequence>) -> Result<(), ReplicateError> {
        let from = from.map(Sequence::get);
        if self.redo_from == from {
            return Ok(());
        }
        self.redo_from = from;
        self.write()
    }

    /// Whether a term of the bucket was this directory's. Never of one in memory.
    pub(crate) fn knows(&self) -> bool {
        self.buckets.iter().any(|taken| taken.bucket == self.bucket)
    }

    /// Whether the bucket may have objects that are to be deleted at once.
    pub(crate) fn is_owing(&self) -> bool {
        self.owing.contains(&self.bucket)
    }

    /// Notes whether the bucket may have them. Durable when it returns.
    pub(crate) fn owe(&mut self, is_owing: bool) -> Result<(), ReplicateError> {
        if self.is_owing() == is_owing {
            return Ok(());
        }
        match is_owing {
            true => push(&mut self.owing, self.bucket.clone(), |known| known),
            false => self.owing.retain(|owing| *owing != self.bucket),
        }
        self.write()
    }

    /// Whether a term of this owner is this directory's.
    pub(crate) fn has(&self, owner: Owner) -> bool {
        self.owners.contains(&owner) || self.buckets.iter().any(|taken| taken.owner == owner)
    }

    /// Notes an owner that will try to take a term. Durable when it returns.
    pub(crate) fn trying(&mut self, owner: Owner) -> Result<(), ReplicateError> {
        if self.owners.len() >= TRIES_MAX {
            self.owners.remove(1);
        }
        self.owners.push(owner);
        self.write()
    }

    /// Notes that an owner has taken a term of the bucket: none of the others will be the newest there again.
    pub(crate) fn took(&mut self, owner: Owner) -> Result<(), ReplicateError> {
        self.owners = vec![owner];
        if !self.bucket.starts_with(IN_MEMORY) {
            let bucket = self.bucket.clone();
            push(&mut self.buckets, Taken { bucket, owner }, |taken| {
                &taken.bucket
            });
        }
        self.write()
    }

    fn write(&self) -> Result<(), ReplicateError> {
        let json = Json {
            format: FORMAT.to_owned(),
            version: VERSION,
            owners: self.owners.iter().map(ToString::to_string).collect(),
            buckets: self.buckets.iter().map(JsonTaken::of).collect(),
            deletes_in: self.owing.clone(),
            redo_from: self.redo_from,
        };
        let bytes = serde_json::to_vec(&json).map_err(|error| of_file(&self.path)(error.into()))?;
        replace_file(&*self.fs, &self.path, &bytes).map_err(of_file(&self.path))
    }
}

impl JsonTaken {
    fn of(taken: &Taken) -> Self {
        Self {
            bucket: taken.bucket.clone(),
            owner: taken.owner.to_string(),
        }
    }

    fn taken(self) -> Option<Taken> {
        Some(Taken {
            owner: self.owner.parse().ok()?,
            bucket: name_of(&self.bucket),
        })
    }
}

fn parse(bytes: &[u8]) -> Option<Read> {
    let json: Json = serde_json::from_slice(bytes).ok()?;
    let is_one = json.format == FORMAT && json.version == VERSION;
    let owners = json.owners.iter().map(|owner| owner.parse().ok());
    let owners = owners.collect::<Option<Vec<_>>>().filter(|_| is_one)?;
    let buckets = json.buckets.into_iter().map(JsonTaken::taken);
    Some(Read {
        owners,
        buckets: buckets.collect::<Option<_>>()?,
        owing: json.deletes_in.iter().map(|name| name_of(name)).collect(),
        redo_from: json.redo_from,
    })
}

/// Remembers what is of a bucket as the newest, and as much of others as there is room for.
fn push<T>(all: &mut Vec<T>, new: T, bucket: impl Fn(&T) -> &String) {
    all.retain(|known| bucket(known) != bucket(&new));
    all.push(new);
    let more = all.len().saturating_sub(BUCKETS_MAX);
    all.drain(..more);
}

/// As much of a bucket's name as is remembered: one for all the ways in which its URL may be written. The host is the
/// name of a bucket there, and buckets that differ by case alone are none of today's.
fn name_of(bucket: &str) -> String {
    let name = match bucket.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            let (scheme, host) = (scheme.to_ascii_lowercase(), host.to_ascii_lowercase());
            let parts = path.split('/');
            let parts = parts.filter(|part| !part.is_empty() && *part != ".");
            let parts: Vec<_> = parts.collect();
            format!("{scheme}://{host}/{}", parts.join("/"))
        }
        None => bucket.to_owned(),
    };
    let mut ends = (0..=NAME_BYTES_MAX.min(name.len())).rev();
    let kept = ends.find_map(|end| name.get(..end));
    kept.unwrap_or_default().to_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use strandline_core::fs::MemFs;

    #[test]
    fn tries_are_known_again_until_one_took_a_term() {
        let (fs, dir): (Arc<dyn Fs>, _) = (Arc::new(MemFs::new()), Path::new("/store"));
        fs.create_dir_all(dir).unwrap();
        let open = || OwnerFile::open(fs.clone(), dir, "memory:").unwrap();
        let [first, second, third] = [1, 2, 3].map(|byte| Owner([byte; 16]));
        assert!(!open().has(first));
        open().trying(first).unwrap();
        open().trying(second).unwrap();
        assert!(open().has(first) && open().has(second) && !open().has(third));
        open().took(first).unwrap();
        open().trying(third).unwrap();
        assert!(open().has(first) && !open().has(second) && open().has(third));
    }

    #[test]
    fn a_bucket_is_known_however_its_url_is_written() {
        let ways = [
            ["s3://logs/orders", "s3://logs/orders/", "s3://Logs//orders"],
            ["s3://logs", "s3://logs/", "S3://logs"],
            ["file:///a/b", "file:///a/b/", "file:///a/./b//"],
        ];
        for urls in ways {
            for (wrote, reads) in urls.iter().flat_map(|one| urls.map(|other| (one, other))) {
                let (fs, dir): (Arc<dyn Fs>, _) = (Arc::new(MemFs::new()), Path::new("/store"));
                fs.create_dir_all(dir).unwrap();
                let mut owners = OwnerFile::open(fs.clone(), dir, wrote).unwrap();
                owners.took(Owner([1; 16])).unwrap();
                owners.owe(true).unwrap();
                let mut owners = OwnerFile::open(fs.clone(), dir, reads).unwrap();
                assert!(owners.knows() && owners.is_owing(), "{wrote} {reads}");
                owners.owe(false).unwrap();
                let owners = OwnerFile::open(fs.clone(), dir, wrote).unwrap();
                assert!(owners.knows() && !owners.is_owing());
            }
        }
        let (fs, dir): (Arc<dyn Fs>, _) = (Arc::new(MemFs::new()), Path::new("/store"));
        fs.create_dir_all(dir).unwrap();
        let mut owners = OwnerFile::open(fs.clone(), dir, "s3://logs/orders").unwrap();
        owners.took(Owner([1; 16])).unwrap();
        for other in ["s3://logs/Orders", "s3://logs", "gs://logs/orders"] {
            assert!(!OwnerFile::open(fs.clone(), dir, other).unwrap().knows());
        }
    }

    /// A file that was written before URLs were compared so has them as they were given.
    #[test]
    fn names_in_a_file_are_compared_as_those_that_are_given() {
        let owner = Owner([1; 16]);
        let json = format!(
            r#"{{"format":"{FORMAT}","version":1,"owners":[],"buckets":[{{"bucket":"s3://logs/a/","owner":"{owner}"}}],"deletes_in":["s3://logs/a/"]}}"#
        );
        let (fs, dir): (Arc<dyn Fs>, _) = (Arc::new(MemFs::new()), Path::new("/store"));
        fs.create_dir_all(dir).unwrap();
        replace_file(&*fs, &dir.join(OWNER_FILE), json.as_bytes()).unwrap();
        let owners = OwnerFile::open(fs, dir, "s3://logs/a").unwrap();
        assert!(owners.knows() && owners.is_owing());
    }

    #[test]
    fn the_owner_of_a_term_is_not_forgotten_for_tries() {
        let (fs, dir): (Arc<dyn Fs>, _) = (Arc::new(MemFs::new()), Path::new("/store"));
        fs.create_dir_all(dir).unwrap();
        let mut file = OwnerFile::open(fs, dir, "memory:").unwrap();
        file.took(Owner([7; 16])).unwrap();
        for number in 0..1000_u128 {
            file.trying(Owner(number.to_le_bytes())).unwrap();
        }
        assert!(file.has(Owner([7; 16])) && file.has(Owner(999_u128.to_le_bytes())));
        assert!(file.owners.len() <= TRIES_MAX);
    }

    #[test]
    fn buckets_are_known_again_but_for_those_in_memory() {
        let (fs, dir): (Arc<dyn Fs>, _) = (Arc::new(MemFs::new()), Path::new("/store"));
        fs.create_dir_all(dir).unwrap();
        let open = |bucket: &str| OwnerFile::open(fs.clone(), dir, bucket).unwrap();
        let name = |number: usize| format!("s3://logs/{}{number}", "x".repeat(number * 50));
        assert!(!open(&name(0)).knows());
        for number in 0..BUCKETS_MAX {
            open(&name(number)).took(Owner([1; 16])).unwrap();
        }
        open("memory:").took(Owner([2; 16])).unwrap();
        open(&name(0)).took(Owner([2; 16])).unwrap();
        open(&name(3)).trying(Owner([3; 16])).unwrap();
        assert!((0..BUCKETS_MAX).all(|number| open(&name(number)).knows()));
        assert!(!open("memory:").knows() && !open("s3://logs/").knows());
        open("file:///new").took(Owner([2; 16])).unwrap();
        assert!(open("file:///new").knows() && open(&name(0)).knows() && !open(&name(1)).knows());
    }

    #[test]
    fn the_term_of_one_bucket_is_not_forgotten_for_another() {
        let (fs, dir): (Arc<dyn Fs>, _) = (Arc::new(MemFs::new()), Path::new("/store"));
        fs.create_dir_all(dir).unwrap();
        let open = |bucket: &str| OwnerFile::open(fs.clone(), dir, bucket).unwrap();
        let [first, second, third] = [1, 2, 3].map(|byte| Owner([byte; 16]));
        open("s3://logs/a").took(first).unwrap();
        open("s3://logs/b").took(second).unwrap();
        assert!(open("s3://logs/a").has(first) && open("s3://logs/b").has(second));
        open("s3://logs/a").took(third).unwrap();
        assert!(!open("s3://logs/a").has(first) && open("s3://logs/b").has(second));
    }

    #[test]
    fn what_one_bucket_owes_another_does_not_pay() {
        let (fs, dir): (Arc<dyn Fs>, _) = (Arc::new(MemFs::new()), Path::new("/store"));
        fs.create_dir_all(dir).unwrap();
        let open = |bucket: &str| OwnerFile::open(fs.clone(), dir, bucket).unwrap();
        for bucket in ["s3://logs/a", "memory:"] {
            assert!(!open(bucket).is_owing());
            open(bucket).owe(true).unwrap();
        }
        assert!(open("s3://logs/a").is_owing() && !open("s3://logs/b").is_owing());
        open("s3://logs/b").took(Owner([1; 16])).unwrap();
        open("s3://logs/b").owe(true).unwrap();
        open("s3://logs/b").owe(false).unwrap();
        assert!(open("s3://logs/a").is_owing() && open("memory:").is_owing());
        open("s3://logs/a").owe(false).unwrap();
        assert!(!open("s3://logs/a").is_owing() && open("memory:").is_owing());
    }

    #[test]
    fn a_file_of_an_earlier_version_of_the_program_is_read() {
        let (fs, dir): (Arc<dyn Fs>, _) = (Arc::new(MemFs::new()), Path::new("/store"));
        fs.create_dir_all(dir).unwrap();
        let owner = Owner([7; 16]);
        let text = format!("{{\"format\":\"{FORMAT}\",\"version\":1,\"owners\":[\"{owner}\"]}}");
        replace_file(&*fs, &dir.join(OWNER_FILE), text.as_bytes()).unwrap();
        let file = OwnerFile::open(fs, dir, "s3://logs/a").unwrap();
        assert!(file.has(owner) && !file.is_owing() && !file.knows());
    }

    #[test]
    fn a_file_that_is_damaged_is_an_error_and_no_stranger() {
        let (fs, dir): (Arc<dyn Fs>, _) = (Arc::new(MemFs::new()), Path::new("/store"));
        fs.create_dir_all(dir).unwrap();
        replace_file(&*fs, &dir.join(OWNER_FILE), b"{}").unwrap();
        assert!(matches!(
            OwnerFile::open(fs, dir, "memory:"),
            Err(ReplicateError::File { .. })
        ));
    }
}
