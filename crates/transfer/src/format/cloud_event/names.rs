//! What attributes are called, and how those of an export begin.

pub(super) const SPECVERSION: &str = "specversion";
pub(super) const ID: &str = "id";
pub(super) const SOURCE: &str = "source";
pub(super) const TYPE: &str = "type";
pub(super) const SUBJECT: &str = "subject";
pub(super) const TIME: &str = "time";
pub(super) const CONTENT_TYPE: &str = "datacontenttype";
pub(super) const DATA: &str = "data";
/// Also a mark among the attributes of an event: its payload came in this member, though the form of the
/// payload says another; or, as `null`, the member was there and said nothing. No attribute of CloudEvents can have the name, for its underscore.
pub(super) const DATA_BASE64: &str = "data_base64";

/// The number of a kind whose type is a name.
pub(super) const KIND: &str = "strandkind";
pub(super) const SOURCE_PREFIX: &str = "strandline:";
pub(super) const TYPE_PREFIX: &str = "strandline.kind.";

/// What an event of another program keeps beside its attributes proper.
pub(super) const KEPT_APART: [&str; 3] = [ID, SUBJECT, DATA_BASE64];
