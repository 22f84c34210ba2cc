//! Whether an opening that dropped bytes kept and reported them.

use crate::Violation;
use std::collections::BTreeMap;
use std::path::PathBuf;
use strandline::OpenReport;
use strandline::fs::SimDisk;

/// Whatever an opening cut off the active segment, and every segment that it took away, must be in
/// the quarantine byte for byte, and in the report.
pub(crate) fn expect_loud(
    before: &SimDisk,
    after: &SimDisk,
    report: &OpenReport,
) -> Result<(), Violation> {
    let left: BTreeMap<PathBuf, &[u8]> = after.files().into_iter().collect();
    let active = left.keys().filter(|path| is_segment(path)).max();
    for (path, bytes) in before.files() {
        if !is_segment(&path) {
            continue;
        }
        let dropped = match left.get(&path) {
            None => bytes,
            Some(left) if Some(&path) == active => bytes.get(left.len()..).unwrap_or_default(),
            Some(_) => continue,
        };
        if dropped.iter().all(|byte| *byte == 0) && left.contains_key(&path) {
            continue;
        }
        let kept = left
            .iter()
            .any(|(path, kept)| is_quarantined(path) && *kept == dropped);
        let what = format!("{} bytes of {}", dropped.len(), path.display());
        if !kept {
            return Err(Violation::new(format!("{what} were dropped and not kept")));
        }
        if report.is_clean() {
            return Err(Violation::new(format!("{what} were dropped in silence")));
        }
    }
    Ok(())
}

fn is_quarantined(path: &std::path::Path) -> bool {
    path.iter().any(|part| part == "quarantine")
}

fn is_segment(path: &std::path::Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("segment-") && name.ends_with(".log") && !is_quarantined(path)
}
