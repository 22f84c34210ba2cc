//! `DisclosureError`: why a text is no disclosure.

/// Longest text, in bytes: one whose payload is as long as a commit can be is shorter.
pub const DISCLOSURE_BYTES_MAX: usize = 96 * 1024 * 1024;

/// Why a text is no disclosure.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DisclosureError {
    /// Longer than [`DISCLOSURE_BYTES_MAX`].
    #[error("a disclosure of {bytes} bytes: it can have {DISCLOSURE_BYTES_MAX}")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// It is no object of JSON, or has a field that is not known, twice, or of another type.
    #[error("the disclosure is not the JSON that it has to be")]
    Json(#[from] serde_json::Error),
    /// It is of another format or version.
    #[error("the disclosure is of the format {got:?}, which is not known here")]
    Format {
        /// What it says, shortened.
        got: String,
    },
    /// A field is not there.
    #[error("the disclosure has no `{0}`")]
    Missing(&'static str),
    /// A field is there that this one does not have.
    #[error("the disclosure has `{0}`, which does not go with its other fields")]
    Unexpected(&'static str),
    /// A field has a value that no event has.
    #[error("`{field}` {reason}")]
    Field {
        /// Which one.
        field: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
}
