//! `KeptHeads`: heads as they are kept, one after the other. Read, and not checked.

use std::io;
use std::path::Path;
use strandline::fs::{EntryKind, Fs, read_file};
use strandline_proof::{SignedCheckpoint, TreeHead};

/// Most bytes of heads that are read.
pub const HEADS_BYTES_MAX: u64 = 256 << 20;

/// Most pieces of what is no head that are told.
const UNREADABLE_MAX: usize = 100;

/// What begins the line of a signature.
const SIGNATURE: &[u8] = "— ".as_bytes();

/// Heads that were kept: signed notes, one after the other, each with an empty line after it. Read, and not checked:
/// [`check`](crate::check()) does that.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeptHeads {
    /// The heads, in their order.
    pub heads: Vec<SignedCheckpoint>,
    /// What is no head; of many pieces the first hundred.
    pub unreadable: Vec<Unreadable>,
    /// Whether the last one is not whole, as a crash leaves it.
    pub is_torn: bool,
}

/// Bytes that are no head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The line where they begin, from 1.
    pub line: usize,
    /// Why they are none.
    pub reason: String,
}

impl KeptHeads {
    /// The heads in a text. Linear in its length. Never fails: what is no head is told.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        let mut kept = Self::default();
        let mut note = Note::default();
        for (line, number) in bytes.split_inclusive(|byte| *byte == b'\n').zip(1..) {
            let is_signature = note.has_text && line.starts_with(SIGNATURE);
            if note.has_text && !is_signature {
                kept.take(&mut note);
            }
            if line == b"\n" {
                // Between heads, or after a text.
                note.has_text = !note.bytes.is_empty();
                note.bytes
                    .extend_from_slice(if note.has_text { line } else { b"" });
                continue;
            }
            if note.bytes.is_empty() {
                note.line = number;
            }
            note.bytes.extend_from_slice(line);
        }
        let is_whole =
            note.has_text && note.bytes.ends_with(b"\n") && !note.bytes.ends_with(b"\n\n");
        kept.is_torn = !note.bytes.is_empty() && !is_whole;
        kept.take(&mut note);
        kept
    }

    /// The heads in a file, or in all files of a directory that end in `.checkpoint`.
    ///
    /// # Errors
    ///
    /// What the file system says; `FileTooLarge` past [`HEADS_BYTES_MAX`].
    pub fn read(fs: &dyn Fs, path: &Path) -> io::Result<Self> {
        // A path that is no directory is a file, or not there, which its opening says.
        let Ok(entries) = fs.list(path) else {
            return Ok(Self::parse(&read_bytes(fs, path)?));
        };
        let mut names: Vec<_> = entries
            .into_iter()
            .filter(|entry| entry.kind == EntryKind::File && entry.name.ends_with(".checkpoint"))
            .map(|entry| entry.name)
            .collect();
        names.sort();
        let mut all = Self::default();
        let mut left = HEADS_BYTES_MAX;
        for name in names {
            let bytes = read_file(fs, &path.join(name), left)?;
            left = left.saturating_sub(bytes.len() as u64);
            all.add(Self::parse(&bytes));
        }
        Ok(all)
    }

    /// Adds what another place has kept.
    pub fn add(&mut self, other: Self) {
        self.heads.extend(other.heads);
        let room = UNREADABLE_MAX.saturating_sub(self.unreadable.len());
        self.unreadable
            .extend(other.unreadable.into_iter().take(room));
    }

    /// The head of the log `origin` that is over most events, of those that were read.
    #[must_use]
    pub fn newest(&self, origin: &str) -> Option<TreeHead> {
        let own = self.heads.iter().map(SignedCheckpoint::unverified);
        let own = own.filter(|checkpoint| checkpoint.origin() == origin);
        own.map(|checkpoint| *checkpoint.head())
            .max_by_key(|head| head.size)
    }

    fn take(&mut self, note: &mut Note) {
        let Note { bytes, line, .. } = std::mem::take(note);
        if bytes.is_empty() {
            return;
        }
        match SignedCheckpoint::parse(&bytes) {
            Ok(head) => self.heads.push(head),
            Err(_) if self.unreadable.len() >= UNREADABLE_MAX => {}
            Err(error) => {
                let has_other_ends = bytes.windows(2).any(|two| two == b"\r\n");
                let reason = match has_other_ends {
                    true => "its lines end in CR LF: a program that changes texts has changed it, and heads count \
                             as they were signed alone"
                        .to_owned(),
                    false => error.to_string(),
                };
                self.unreadable.push(Unreadable { line, reason });
            }
        }
    }
}

/// What was read of a head.
#[derive(Default)]
struct Note {
    bytes: Vec<u8>,
    line: usize,
    /// Whether its text is read, with the empty line after it.
    has_text: bool,
}

/// All bytes of a file.
pub(crate) fn read_bytes(fs: &dyn Fs, path: &Path) -> io::Result<Vec<u8>> {
    read_file(fs, path, HEADS_BYTES_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use strandline_proof::{Checkpoint, SignerKey};

    fn head(size: u64) -> SignedCheckpoint {
        let key = SignerKey::from_seed("a.example".parse().unwrap(), [1; 32]);
        let root = strandline_proof::Hash::from_bytes([7; 32]);
        let checkpoint = Checkpoint::new("a.example", TreeHead { size, root }).unwrap();
        let mut signed = SignedCheckpoint::sign(checkpoint, &key).unwrap();
        let witness = SignerKey::witness_from_seed("w.example".parse().unwrap(), [2; 32]);
        signed.add_signature_of(&witness, 1).unwrap();
        signed
    }

    #[test]
    fn heads_are_read_with_and_without_empty_lines_between_them() {
        let heads = [head(1), head(2), head(3)];
        for between in ["", "\n", "\n\n"] {
            let text = heads.iter().map(|head| format!("{head}{between}"));
            let kept = KeptHeads::parse(text.collect::<String>().as_bytes());
            assert_eq!(kept.heads, heads, "{between:?}");
            assert!(kept.unreadable.is_empty() && !kept.is_torn);
            assert_eq!(kept.newest("a.example").map(|head| head.size), Some(3));
            assert_eq!(kept.newest("b.example"), None);
        }
    }

    /// Whatever a crash left of the last one, what is before it and after it is read.
    #[test]
    fn a_torn_head_is_told_and_spoils_no_other() {
        let (first, torn, last) = (head(1).to_string(), head(2).to_string(), head(3));
        for cut in 1..torn.len() {
            let mut bytes = format!("{first}\n").into_bytes();
            bytes.extend_from_slice(&torn.as_bytes()[..cut]);
            let kept = KeptHeads::parse(&bytes);
            assert_eq!(kept.heads.first(), Some(&head(1)), "{cut}");
            assert!(kept.is_torn || kept.heads.len() == 2, "{cut}");
            if kept.is_torn {
                bytes.extend_from_slice(b" (torn)\n\n");
                bytes.extend_from_slice(last.to_string().as_bytes());
                let kept = KeptHeads::parse(&bytes);
                // Of one whose own signature was whole, those of witnesses may be missing.
                let between = kept.heads.get(1..kept.heads.len() - 1).unwrap();
                let whole = head(2);
                let is_part = |part: &SignedCheckpoint| {
                    let (part, whole) = (part.note(), whole.note());
                    part.text() == whole.text() && whole.signatures().starts_with(part.signatures())
                };
                assert!(between.len() <= 1 && between.iter().all(is_part), "{cut}");
                assert_eq!(kept.heads.first(), Some(&head(1)), "{cut}");
                assert_eq!(kept.heads.last(), Some(&last), "{cut}");
                assert!(!kept.unreadable.is_empty(), "{cut}");
            }
        }
    }

    /// Cause: what is told of each piece was ten times as long as the piece, and there was no end to the pieces.
    #[test]
    fn of_much_that_is_no_head_the_first_is_told() {
        let bytes = "x\n\n".repeat(10_000);
        let mut kept = KeptHeads::parse(bytes.as_bytes());
        assert_eq!(kept.unreadable.len(), UNREADABLE_MAX);
        kept.add(kept.clone());
        assert_eq!(kept.unreadable.len(), UNREADABLE_MAX);
        let bytes = bytes + &head(4).to_string();
        assert_eq!(KeptHeads::parse(bytes.as_bytes()).heads, [head(4)]);
    }

    #[test]
    fn other_ends_of_lines_are_named() {
        let text = format!("{}\n{}", head(1), head(2)).replace('\n', "\r\n");
        let kept = KeptHeads::parse(text.as_bytes());
        assert!(kept.heads.is_empty());
        assert_eq!(kept.unreadable.len(), 1, "{kept:?}");
        assert!(kept.unreadable[0].reason.contains("CR LF"), "{kept:?}");
    }

    #[test]
    fn other_bytes_are_no_heads_and_no_panic() {
        for bytes in [
            &b""[..],
            b"\n",
            b"\n\n\n",
            b"x",
            b"\xff\n\n\xff",
            "— a b\n— a b".as_bytes(),
        ] {
            assert!(KeptHeads::parse(bytes).heads.is_empty());
        }
    }
}
