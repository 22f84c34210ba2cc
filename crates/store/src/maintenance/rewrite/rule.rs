//! What was asked for as one line, as the log records it.

use std::fmt;

/// Writes the parts of a rule one after the other.
pub(super) fn write_rule(
    f: &mut fmt::Formatter<'_>,
    parts: impl Iterator<Item = String>,
) -> fmt::Result {
    for (number, part) in parts.enumerate() {
        f.write_str(if number == 0 { "" } else { ", " })?;
        f.write_str(&part)?;
    }
    Ok(())
}
