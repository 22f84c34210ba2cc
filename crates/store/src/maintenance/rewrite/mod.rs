//! Rewriting segments while the store is used: [`compact()`] removes events, [`redact()`] their payloads, [`redo()`] takes
//! away again what was put back of either.
//!
//! Rules choose events (`retention` by `choosing`, `redaction`, as `marks`), and `segments` takes them out, for both. Which commits
//! become runs then, `fold_plan` says. What a
//! compaction leaves of segments, `merge` makes fewer of, as `runs` says. Lists no
//! removals, which `inspect` does. Knows the notes of removals that are written into the log, and no other verb
//! of maintenance.

mod choosing;
mod compact;
mod compacted;
mod fold_plan;
mod folded_records;
mod marks;
mod merge;
mod merged_records;
mod missing;
mod outlook;
mod quarantine;
mod redact;
mod redaction;
mod redaction_plan;
mod redo;
mod retention;
mod retention_rule;
mod rule;
mod rule_effect;
mod runs;
mod segments;

pub use compact::{CompactionPlan, compact};
#[cfg(not(strandline_loom))]
pub(super) use compact::{Limit, follow_rules};
pub use compacted::Compacted;
pub use missing::Missing;
#[cfg(not(strandline_loom))]
pub(super) use outlook::Outlook;
pub use redact::{Redacted, redact};
pub use redaction::Redaction;
pub use redaction_plan::RedactionPlan;
pub use redo::{Redone, put_back, redo};
pub use retention::Retention;
pub use retention_rule::RetentionRule;
pub use rule_effect::RuleEffect;
