//! The names of a block as they are kept: the bytes of all, and where each ends. Searches none.

use super::packed::Packed;
use super::section::ALIGNMENT;
use crate::model::BlockError;
use strandline_core::check_name;
use strandline_core::codec::{DecodeError, DecodeProblem};

/// Checks that there are `count` names, allowed ones, strictly ascending.
pub(crate) fn check_names(ends: &Packed<'_>, names: &[u8], count: u32) -> Result<(), BlockError> {
    let invalid = |reason| {
        BlockError::Malformed(DecodeError {
            offset: 0,
            what: "names",
            problem: DecodeProblem::Invalid(reason),
        })
    };
    let mut before: &[u8] = &[];
    let mut start = 0;
    for at in 0..count as usize {
        let end = usize::try_from(ends.get(at).unwrap_or(0)).unwrap_or(usize::MAX);
        let bytes = names.get(start..end);
        let bytes = bytes.ok_or_else(|| invalid("not within their section"))?;
        if bytes <= before {
            return Err(invalid("not ascending"));
        }
        let name = std::str::from_utf8(bytes).map_err(|_| invalid("not UTF-8"))?;
        check_name("name", name)?;
        (before, start) = (bytes, end);
    }
    let rest = names.get(start..).unwrap_or_default();
    if rest.len() < ALIGNMENT && rest.iter().all(|byte| *byte == 0) {
        Ok(())
    } else {
        Err(invalid("not all of their section"))
    }
}
