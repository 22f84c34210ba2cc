//! What a process takes of memory, a thread of the processors, and a directory of the disk.

use anyhow::Context;
use std::path::Path;
use std::time::Duration;

/// Resident bytes of this process.
pub(super) fn resident_bytes() -> anyhow::Result<u64> {
    status_bytes("VmRSS:")
}

/// Those of them that are of no file: what the process took for itself.
pub(super) fn anonymous_bytes() -> anyhow::Result<u64> {
    status_bytes("RssAnon:")
}

fn status_bytes(name: &str) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status").context("read /proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix("kB"));
    let kibibytes = kibibytes.with_context(|| format!("/proc/self/status has no {name}"))?;
    Ok(kibibytes.trim().parse::<u64>()? * 1024)
}

/// How long this thread has had a processor, in the system's calls too.
pub(super) fn processor_time() -> anyhow::Result<Duration> {
    let path = "/proc/thread-self/schedstat";
    let text = std::fs::read_to_string(path).with_context(|| format!("read {path}"))?;
    let nanos = text.split_whitespace().next();
    let nanos = nanos.with_context(|| format!("{path} is empty"))?;
    Ok(Duration::from_nanos(nanos.parse()?))
}

/// Length of all files in a directory and those below it.
#[expect(
    clippy::disallowed_methods,
    reason = "measures files, whoever wrote them"
)]
pub(super) fn disk_bytes(dir: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    let entries = std::fs::read_dir(dir).with_context(|| format!("list {}", dir.display()))?;
    for entry in entries {
        let entry = entry?;
        bytes += if entry.file_type()?.is_dir() {
            disk_bytes(&entry.path())?
        } else {
            entry.metadata()?.len()
        };
    }
    Ok(bytes)
}
