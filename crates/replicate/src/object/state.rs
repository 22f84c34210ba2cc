//! `State`: what is in the bucket, listed, after so many chunks of a term.
//!
//! | field | bytes |
//! |---|---|
//! | magic `STRNDSTA` | 8 |
//! | version | 4 |
//! | identity of the log | 16 |
//! | term | 8 |
//! | number | 8 |
//! | owner | 16 |
//! | term before that counts, and how many of its chunks count; zeros for none | 8 + 8 |
//! | where the log ends that it covers: a log position | 52 |
//! | length of the manifest | 4 |
//! | the manifest, as a file of that name has it | any |
//! | number of files | 4 |
//! | for each, names ascending: length of the name (1), name, length (8), number of parts (4) | 14 to 141 |
//! | — for each part: where it begins in the file, its length | 8 + 8 |
//! | — — length of the key (1), the key; where it begins in that object (8) | 30 to 190 |
//! | BLAKE3 hash of everything before | 32 |

use super::error::ObjectError;
use super::file::{FileParts, Part};
use super::key::{Key, Term};
use super::sealed::Format;
use super::term::Owner;
use strandline_core::codec::{Reader, Writer};
use strandline_segment::{LogIdentity, LogPosition, Manifest};

const STATE: Format = Format {
    what: "state",
    magic: b"STRNDSTA",
    version: 1,
};
/// Longest state, in bytes: whoever reads one has to have it in memory, and reads 128 MiB at most by default. So many are
/// the files of hundreds of thousands of segments.
pub const STATE_BYTES_MAX: usize = 64 << 20;
/// Shortest that a file is written as: a name of one byte and one part.
const FILE_BYTES_LEAST: usize = 1 + 1 + 8 + 4;
/// Shortest that a part is written as.
const PART_BYTES_LEAST: usize = 8 + 8 + 1 + 26 + 8;

/// What of the term before a term takes along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Predecessor {
    /// The last term before that began.
    pub term: Term,
    /// Its chunks below this number count, later ones do not.
    pub chunks: u64,
}

/// What is in the bucket after so many chunks of a term: the log up to a position, and the files that it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The term.
    pub term: Term,
    /// The chunks of the term below it are covered.
    pub number: u64,
    /// Who wrote it.
    pub owner: Owner,
    /// What the term took along; none where nothing was there before.
    pub predecessor: Option<Predecessor>,
    /// Where the log ends that it covers: in the active segment of the manifest.
    pub end: LogPosition,
    /// Which segments count.
    pub manifest: Manifest,
    /// The files, by name: each segment of the manifest, of the active one what is before the end, and merged files.
    pub files: Vec<FileParts>,
}

impl State {
    /// Its key.
    #[must_use]
    pub const fn key(&self) -> Key {
        Key::State {
            term: self.term,
            number: self.number,
        }
    }

    /// Identity of the log.
    #[must_use]
    pub const fn identity(&self) -> &LogIdentity {
        self.manifest.identity()
    }

    /// The file of this name, if it lists one. O(log files).
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&FileParts> {
        let files = &self.files;
        let found = files.binary_search_by(|file| file.name.as_str().cmp(name));
        files.get(found.ok()?)
    }

    /// Its bytes, which nobody reads if they are more than [`STATE_BYTES_MAX`]. Files are written in the order in which
    /// they are, which [`check`](Self::check) wants to ascend by name.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let manifest = self.manifest.encode();
        let mut bytes = Vec::with_capacity(manifest.len() + 256 + self.files.len() * 160);
        STATE.begin(&mut bytes);
        let mut out = Writer::new(&mut bytes);
        out.bytes(self.manifest.identity());
        out.u64(self.term.get());
        out.u64(self.number);
        out.bytes(&self.owner.0);
        out.u64(self.predecessor.map_or(0, |before| before.term.get()));
        out.u64(self.predecessor.map_or(0, |before| before.chunks));
        self.end.encode(&mut bytes);
        let mut out = Writer::new(&mut bytes);
        out.u32(count(manifest.len()));
        out.bytes(&manifest);
        out.u32(count(self.files.len()));
        for file in &self.files {
            text(&mut out, file.name.as_str());
            out.u64(file.length);
            out.u32(count(file.parts.len()));
            for part in &file.parts {
                out.u64(part.from);
                out.u64(part.length);
                text(&mut out, &part.key.to_string());
                out.u64(part.offset);
            }
        }
        Format::seal(&mut bytes);
        bytes
    }

    /// Reads what [`encode`](Self::encode) wrote for the state `number` of `term`. Linear in the length of the bytes.
    ///
    /// # Errors
    ///
    /// [`ObjectError`] if they are damaged, of a later version, of another state, contradict themselves, or are more
    /// than [`STATE_BYTES_MAX`].
    pub fn decode(term: Term, number: u64, bytes: &[u8]) -> Result<Self, ObjectError> {
        if bytes.len() > STATE_BYTES_MAX {
            return Err(STATE.damaged("it is longer than any state"));
        }
        let value = STATE.value();
        let mut reader = STATE.open(bytes)?;
        let identity: LogIdentity = reader.array("identity").map_err(value)?;
        let of = (
            reader.u64("term").map_err(value)?,
            reader.u64("number").map_err(value)?,
        );
        if of != (term.get(), number) {
            return Err(ObjectError::Misplaced { what: STATE.what });
        }
        let owner = Owner(reader.array("owner").map_err(value)?);
        let before = reader.u64("term before").map_err(value)?;
        let chunks = reader.u64("chunks of the term before").map_err(value)?;
        let end = LogPosition::decode(&mut reader).map_err(value)?;
        let length = reader.u32("length of the manifest").map_err(value)?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let manifest = reader.bytes("manifest", length).map_err(value)?;
        let manifest = Manifest::decode(manifest).map_err(|source| ObjectError::Log {
            what: STATE.what,
            source: Box::new(source),
        })?;
        let files = decode_files(&mut reader)?;
        reader.finish("state").map_err(value)?;
        let predecessor = Term::new(before).map(|term| Predecessor { term, chunks });
        if identity != *manifest.identity() || predecessor.is_none() && chunks > 0 {
            return Err(STATE.contradicts("its log or the term before are not those that it says"));
        }
        let state = Self {
            term,
            number,
            owner,
            predecessor,
            end,
            manifest,
            files,
        };
        state.check()?;
        Ok(state)
    }

    /// Checks that what it says fits together: the end is in the active segment, files ascend by name and are
    /// complete, each segment is there, the active one up to the end, and no part is of a later term or chunk.
    /// [`decode`](Self::decode) does so by itself. O(files log files + parts).
    ///
    /// # Errors
    ///
    /// [`ObjectError::Contradicts`].
    pub fn check(&self) -> Result<(), ObjectError> {
        if self
            .predecessor
            .is_some_and(|before| before.term >= self.term)
        {
            return Err(STATE.contradicts("the term before it is a later one"));
        }
        let mut pairs = self.files.windows(2);
        if !pairs.all(|pair| matches!(pair, [left, right] if left.name < right.name)) {
            return Err(STATE.contradicts("its files are not in order"));
        }
        if !self.files.iter().all(FileParts::is_complete) {
            return Err(STATE.contradicts("parts of a file do not follow each other"));
        }
        let mut parts = self.files.iter().flat_map(|file| &file.parts);
        if !parts.all(|part| self.may_have(&part.key)) {
            return Err(STATE.contradicts("a part of a file lies where none can"));
        }
        let segments = self.manifest.segments();
        let active = segments.last().filter(|last| {
            let start = last.start();
            let end = &self.end;
            end.segment == last.id()
                && end.offset >= start.offset
                && end.sequence >= start.sequence
                && (end.offset > start.offset || *end == start)
        });
        if active.is_none() {
            return Err(STATE.contradicts("its end is not in its last segment"));
        }
        for segment in segments {
            let Some(file) = self.file(&segment.file_name()) else {
                return Err(STATE.contradicts("a segment has no file"));
            };
            let fits = match segment.end() {
                Some(end) => file.length >= u64::from(end.offset),
                None => file.length == u64::from(self.end.offset),
            };
            if !fits {
                return Err(STATE.contradicts("a file of a segment has not the length of that"));
            }
        }
        Ok(())
    }

    /// Whether a part of a file can lie in this object.
    fn may_have(&self, key: &Key) -> bool {
        match key {
            Key::Data { term, .. } => *term <= self.term,
            Key::Chunk { term, number } => {
                *term < self.term || *term == self.term && *number < self.number
            }
            Key::Term(_) | Key::State { .. } => false,
        }
    }
}

fn decode_files(reader: &mut Reader<'_>) -> Result<Vec<FileParts>, ObjectError> {
    let value = STATE.value();
    let count = reader.u32("number of files").map_err(value)?;
    let mut files = Vec::with_capacity(at_most(count, reader.left() / FILE_BYTES_LEAST));
    for _ in 0..count {
        let name = decode_text(reader, "name of a file")?;
        let name = name
            .parse()
            .map_err(|_| STATE.contradicts("a file has a name that no file has"))?;
        let length = reader.u64("length of a file").map_err(value)?;
        let count = reader.u32("number of parts").map_err(value)?;
        let mut parts = Vec::with_capacity(at_most(count, reader.left() / PART_BYTES_LEAST));
        for _ in 0..count {
            parts.push(decode_part(reader)?);
        }
        files.push(FileParts {
            name,
            length,
            parts,
        });
    }
    Ok(files)
}

fn decode_part(reader: &mut Reader<'_>) -> Result<Part, ObjectError> {
    let value = STATE.value();
    let from = reader.u64("start of a part").map_err(value)?;
    let length = reader.u64("length of a part").map_err(value)?;
    let key = decode_text(reader, "key of a part")?
        .parse()
        .map_err(|_| STATE.contradicts("a part lies under no key"))?;
    let offset = reader.u64("offset of a part").map_err(value)?;
    Ok(Part {
        from,
        length,
        key,
        offset,
    })
}

fn decode_text<'a>(reader: &mut Reader<'a>, what: &'static str) -> Result<&'a str, ObjectError> {
    let length = reader.u8(what).map_err(STATE.value())?;
    let bytes = reader
        .bytes(what, usize::from(length))
        .map_err(STATE.value())?;
    std::str::from_utf8(bytes).map_err(|_| STATE.contradicts("a name is no text"))
}

/// Appends a text of at most 255 bytes, as names of files and keys are.
fn text(out: &mut Writer<'_>, text: &str) {
    out.u8(u8::try_from(text.len()).unwrap_or(u8::MAX));
    out.bytes(text.as_bytes());
}

/// A number of things in memory, which is far below 32 bits.
fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// A number that is claimed, or the most that there are bytes for.
fn at_most(claimed: u32, most: usize) -> usize {
    usize::try_from(claimed).map_or(most, |claimed| claimed.min(most))
}
