//! `LockHolder`: who has a store open to write, as its LOCK says. Opens no file and locks none.
//!
//! What is in LOCK is for people. Whether somebody has the store open is for the lock of the file alone: what a
//! process that was killed left in it says nothing, and neither does what anybody else wrote there.

use std::fmt;
use strandline_core::rfc3339;

/// The longest text that is read.
pub(crate) const HOLDER_BYTES_MAX: u64 = 128;
/// What the text begins with.
const HEAD: &str = "strandline lock 1";

/// A process that has a store open to write, or had: who is refused a lock reads this beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LockHolder {
    /// The number of the process, on the machine, or in the container, that it runs in.
    pub process: u32,
    /// When it opened the store, in milliseconds since 1970 by the clock of the store.
    pub since_ms: u64,
}

impl LockHolder {
    pub(crate) const fn new(process: u32, since_ms: u64) -> Self {
        Self { process, since_ms }
    }

    /// The text that is in LOCK.
    pub(crate) fn text(&self) -> String {
        format!(
            "{HEAD}\nprocess {}\nsince {}\n",
            self.process, self.since_ms
        )
    }

    /// Who wrote what is in LOCK; nothing if it is no such text.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut lines = text.lines();
        if lines.next() != Some(HEAD) {
            return None;
        }
        let process = lines.next()?.strip_prefix("process ")?.parse().ok()?;
        let since_ms = lines.next()?.strip_prefix("since ")?.parse().ok()?;
        let holder = Self { process, since_ms };
        (holder.text() == text).then_some(holder)
    }
}

impl fmt::Display for LockHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (process, since) = (self.process, rfc3339(self.since_ms));
        write!(f, "process {process}, since {since}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_as_it_was_written_and_no_other_is() {
        for holder in [LockHolder::new(0, 0), LockHolder::new(u32::MAX, u64::MAX)] {
            let text = holder.text();
            assert!(text.len() as u64 <= HOLDER_BYTES_MAX);
            assert_eq!(LockHolder::parse(text.as_bytes()), Some(holder));
            for cut in 0..text.len() {
                assert_eq!(LockHolder::parse(&text.as_bytes()[..cut]), None);
            }
        }
        for wrong in [
            "",
            "4711\n",
            "strandline lock 2\nprocess 1\nsince 2\n",
            "strandline lock 1\nprocess -1\nsince 2\n",
            "strandline lock 1\nprocess +1\nsince 2\n",
            "strandline lock 1\nprocess 01\nsince 2\n",
            "strandline lock 1\nprocess 4294967296\nsince 2\n",
            "strandline lock 1\nprocess 1\nsince 2\nhost x\n",
            "strandline lock 1\r\nprocess 1\r\nsince 2\r\n",
        ] {
            assert_eq!(LockHolder::parse(wrong.as_bytes()), None, "{wrong:?}");
        }
        assert_eq!(LockHolder::parse(&[0xff; 40]), None);
        let holder = LockHolder::new(7, 1_700_000_000_000);
        assert_eq!(
            holder.to_string(),
            "process 7, since 2023-11-14T22:13:20.000Z"
        );
        assert!(!LockHolder::new(7, u64::MAX).to_string().is_empty());
    }
}
