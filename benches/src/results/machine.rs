//! What the figures are measured on.

use super::row::Machine;
use std::path::Path;

/// This machine, and the file system of `dir`.
#[must_use]
pub(crate) fn machine(dir: &Path) -> Machine {
    let field = |file: &str, name: &str| {
        let text = read(file)?;
        let line = text.lines().find(|line| line.starts_with(name))?;
        let (_, value) = line.split_once(':')?;
        Some(value.trim().to_owned())
    };
    let memory = field("/proc/meminfo", "MemTotal").and_then(|text| {
        let kibibytes = text.strip_suffix("kB")?.trim().parse::<u64>().ok()?;
        Some(kibibytes * 1024)
    });
    let release = read("/proc/sys/kernel/osrelease").unwrap_or_default();
    Machine {
        processor: field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned()),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        memory_bytes: memory.unwrap_or(0),
        system: format!("{} {}", std::env::consts::OS, release.trim()),
        file_system: file_system(dir).unwrap_or_else(|| "unknown".to_owned()),
    }
}

/// The type of the mount that `dir` is on.
fn file_system(dir: &Path) -> Option<String> {
    let dir = dir.canonicalize().ok()?;
    let mounts = read("/proc/self/mounts")?;
    let mounts = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        Some((fields.next()?, fields.next()?))
    });
    mounts
        .filter(|(point, _)| dir.starts_with(point))
        .max_by_key(|(point, _)| point.len())
        .map(|(_, kind)| kind.to_owned())
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok()
}
