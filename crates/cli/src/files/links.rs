//! Where the links of a path lead, and which descriptor of this process it names. Opens nothing.

use std::fs;
use std::path::{Component, Path, PathBuf};

/// How many links are followed, as by the kernel.
const LINKS_MAX: usize = 40;

/// Where the links of a path that names nothing lead.
pub(super) fn followed(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..LINKS_MAX {
        match fs::read_link(&path) {
            Ok(target) => path = path.parent().unwrap_or(Path::new("")).join(target),
            Err(_) => break,
        }
    }
    path
}

/// The descriptor of this process that a path names, also by links: `/dev/stdout` is 1, and so is
/// `/proc/self/fd/1`.
pub(super) fn descriptor(path: &Path) -> Option<u32> {
    let mut path = path.to_owned();
    for _ in 0..LINKS_MAX {
        if let Some(number) = descriptor_named(&path) {
            return Some(number);
        }
        let target = fs::read_link(&path).ok()?;
        path = path.parent().unwrap_or(Path::new("")).join(target);
    }
    None
}

fn descriptor_named(path: &Path) -> Option<u32> {
    let parts: Vec<_> = path
        .components()
        .filter(|part| !matches!(part, Component::RootDir))
        .map(|part| part.as_os_str().to_str())
        .collect::<Option<_>>()?;
    if !path.is_absolute() {
        return None;
    }
    let process = std::process::id().to_string();
    match parts.as_slice() {
        ["dev", "stdin"] => Some(0),
        ["dev", "stdout"] => Some(1),
        ["dev", "stderr"] => Some(2),
        ["dev", "fd", number] => number.parse().ok(),
        ["proc", of, "fd", number] if *of == "self" || *of == process => number.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_open_files_are_known() {
        for (path, number) in [
            ("/dev/stdin", Some(0)),
            ("/dev/stdout", Some(1)),
            ("/dev/fd/7", Some(7)),
            ("/proc/self/fd/2", Some(2)),
            ("dev/stdout", None),
            ("/dev/null", None),
            ("/dev/fd", None),
            ("/dev/shm/stdout", None),
        ] {
            assert_eq!(descriptor_named(Path::new(path)), number, "{path}");
        }
    }
}
