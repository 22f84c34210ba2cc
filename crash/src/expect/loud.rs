//! Whether an opening that dropped bytes kept and reported them.

use crate::verdict::Violation;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use strandline::OpenReport;

/// Bytes of files, by path.
pub(crate) type Files<'a> = BTreeMap<PathBuf, &'a [u8]>;

/// Length of a segment's header.
const HEADER_BYTES: usize = 128;

/// Whatever an opening cut off the active segment, and every segment that it took away but for other
/// generations of one that counts, and those that were merged into one, must be in the quarantine byte for byte, and in the report; and what
/// earlier ones put there, still. Gives what is newly there.
pub(crate) fn expect_loud(
    before: &Files<'_>,
    left: &Files<'_>,
    report: &OpenReport,
    earlier: &[Vec<u8>],
) -> Result<Vec<Vec<u8>>, Violation> {
    let is_kept = |bytes: &[u8]| {
        left.iter()
            .any(|(path, kept)| is_quarantined(path) && *kept == bytes)
    };
    if let Some(gone) = earlier.iter().find(|bytes| !is_kept(bytes)) {
        let message = format!("{} bytes are gone from the quarantine", gone.len());
        return Err(Violation::new(message));
    }
    let mut fresh = Vec::new();
    let active = left.keys().filter(|path| is_segment(path)).max();
    for (path, bytes) in before {
        if !is_segment(path) {
            continue;
        }
        // Of a copy that was not finished another one may have taken the name.
        let header = |bytes: &[u8]| bytes.get(..HEADER_BYTES).map(<[u8]>::to_vec);
        let same = left.get(path).filter(|left| header(left) == header(bytes));
        let dropped = match same {
            // Made ahead for a rotation that did not come: it has a header at most, and no frame.
            None if bytes.iter().skip(HEADER_BYTES).all(|byte| *byte == 0) => continue,
            // Another generation of it counts: what was cut short or has been replaced is no data.
            None if left_of(path, left).is_some() => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let is_told = report.removed.iter().any(|removed| *removed == name);
                if report.is_clean() && !is_told {
                    let message = format!("{} was removed in silence", path.display());
                    return Err(Violation::new(message));
                }
                match left_of(path, left) {
                    // The active one was carried into a new file, as far as it was whole.
                    Some((other, carried))
                        if Some(other) == active && generation(path) < generation(other) =>
                    {
                        bytes.get(carried.len()..).unwrap_or_default()
                    }
                    _ => continue,
                }
            }
            None => *bytes,
            Some(left) if Some(path) == active => bytes.get(left.len()..).unwrap_or_default(),
            Some(_) => continue,
        };
        if dropped.iter().all(|byte| *byte == 0) {
            continue;
        }
        let what = format!("{} bytes of {}", dropped.len(), path.display());
        if !is_kept(dropped) {
            return Err(Violation::new(format!("{what} were dropped and not kept")));
        }
        if report.is_clean() {
            return Err(Violation::new(format!("{what} were dropped in silence")));
        }
        fresh.push(dropped.to_vec());
    }
    Ok(fresh)
}

/// The file of the same segment that is left, or where later ones are and this is not, of the one that it
/// was merged into.
fn left_of<'a, 'b>(path: &Path, left: &'a Files<'b>) -> Option<(&'a PathBuf, &'a &'b [u8])> {
    const NUMBERED: usize = "segment-0000000001".len();
    let number = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.get(..NUMBERED).map(str::to_owned)
    };
    let segments = || left.iter().filter(|(other, _)| is_segment(other));
    let own = number(path);
    let same = segments().find(|(other, _)| number(other) == own);
    let is_followed = segments().any(|(other, _)| number(other) > own);
    let before = segments().rfind(|(other, _)| number(other) < own);
    same.or(before.filter(|(other, _)| is_followed && generation(other) > 0))
}

/// The generation in a segment's name.
fn generation(path: &Path) -> u32 {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let digits = name.get("segment-0000000001-".len()..).unwrap_or_default();
    let digits = digits.trim_end_matches(".log");
    digits.parse().unwrap_or(0)
}

fn is_quarantined(path: &Path) -> bool {
    path.iter().any(|part| part == "quarantine")
}

fn is_segment(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("segment-") && name.ends_with(".log") && !is_quarantined(path)
}
