//! `Checkpoint`: what is signed of a log.

use super::error::CheckpointError;
use crate::text;
use crate::tree::{Hash, TREE_SIZE_MAX, TreeHead};
use std::fmt;
use std::str::FromStr;

/// What is signed of a log: which one it is, how many events it has and the root over them.
///
/// ```
/// use strandline_proof::{Checkpoint, TreeHead};
///
/// let checkpoint = Checkpoint::new("example.org/orders", TreeHead::EMPTY)?;
/// let text = "example.org/orders\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";
/// assert_eq!(checkpoint.to_string(), text);
/// assert_eq!(text.parse::<Checkpoint>()?, checkpoint);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    head: TreeHead,
    extensions: Vec<String>,
}

impl Checkpoint {
    /// A checkpoint of the log that is called `origin`, by custom as its key.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Line`] if `origin` is no line, `head` is of more than
    /// [`TREE_SIZE_MAX`](crate::TREE_SIZE_MAX) leaves, or is of none and not [`TreeHead::EMPTY`].
    pub fn new(origin: &str, head: TreeHead) -> Result<Self, CheckpointError> {
        check_line(1, origin)?;
        check_head(&head)?;
        Ok(Self {
            origin: origin.to_owned(),
            head,
            extensions: Vec::new(),
        })
    }

    /// With one more line, whose meaning is the log's own. It is signed, and nobody else checks it.
    ///
    /// # Errors
    ///
    /// [`CheckpointError::Line`] if it is empty or has a control character.
    pub fn extension(mut self, line: &str) -> Result<Self, CheckpointError> {
        check_line(4 + self.extensions.len(), line)?;
        self.extensions.push(line.to_owned());
        Ok(self)
    }

    /// Which log it is.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How many events it has, and the root over them.
    #[must_use]
    pub const fn head(&self) -> &TreeHead {
        &self.head
    }

    /// The other lines.
    #[must_use]
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }
}

impl fmt::Display for Checkpoint {
    /// Writes the text that is signed, its last newline included.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = self.head.root.to_base64();
        writeln!(f, "{}\n{}\n{root}", self.origin, self.head.size)?;
        let mut lines = self.extensions.iter();
        lines.try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl FromStr for Checkpoint {
    type Err = CheckpointError;

    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        let wrong = |number, reason| CheckpointError::Line { number, reason };
        let lines = text
            .strip_suffix('\n')
            .ok_or(wrong(1, "does not end with a newline"))?;
        let mut lines = lines.split('\n');
        let origin = lines.next().unwrap_or_default();
        let size = lines.next().and_then(text::decimal);
        let size = size.ok_or(wrong(2, "is no number of leaves"))?;
        let root = lines.next().and_then(Hash::from_base64);
        let root = root.ok_or(wrong(3, "is not base64 of a root of 32 bytes"))?;
        lines.try_fold(Self::new(origin, TreeHead { size, root })?, Self::extension)
    }
}

fn check_line(number: usize, line: &str) -> Result<(), CheckpointError> {
    let reason = match line {
        "" => "is empty",
        _ if line.contains(char::is_control) => "has a control character",
        _ => return Ok(()),
    };
    Err(CheckpointError::Line { number, reason })
}

fn check_head(head: &TreeHead) -> Result<(), CheckpointError> {
    let (number, reason) = match head.size {
        0 if head.root != Hash::EMPTY => (3, "is not the root of no leaves"),
        size if size > TREE_SIZE_MAX => (2, "is more leaves than there can be"),
        _ => return Ok(()),
    };
    Err(CheckpointError::Line { number, reason })
}
