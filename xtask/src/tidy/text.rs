//! Rules for the text of one file.

/// Most lines of a file.
const LINES_MAX: usize = 500;

/// Rules for one Rust file: path from the root, text, and what is wrong.
const FILE_RULES: &[fn(&str, &str) -> Vec<String>] = &[
    opens_with_docs,
    is_not_too_long,
    has_no_absolute_path,
    keeps_to_the_sync_seam,
    writes_over_no_file,
];

/// What is wrong with a Rust file: `path` is from the root of the repository.
pub(super) fn of_rust(path: &str, text: &str) -> Vec<String> {
    FILE_RULES
        .iter()
        .flat_map(|rule| rule(path, text))
        .collect()
}

/// What is wrong with any other file.
pub(super) fn of_any(path: &str, text: &str) -> Vec<String> {
    has_no_absolute_path(path, text)
}

fn opens_with_docs(path: &str, text: &str) -> Vec<String> {
    if text.starts_with("//!") {
        return Vec::new();
    }
    vec![format!(
        "{path}:1: begins with `//!`: what the file holds and what it does not"
    )]
}

fn is_not_too_long(path: &str, text: &str) -> Vec<String> {
    let lines = text.lines().count();
    if lines <= LINES_MAX {
        return Vec::new();
    }
    vec![format!(
        "{path}:{LINES_MAX}: has {lines} lines; find the two things that it holds"
    )]
}

fn has_no_absolute_path(path: &str, text: &str) -> Vec<String> {
    // Put together here, so that the rule does not find itself.
    let homes = ["home", "root", "Users", "work"].map(|top| format!("/{top}/"));
    let mut findings = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let is_path = |home: &String| {
            line.match_indices(home.as_str()).any(|(at, _)| {
                let before = line.get(..at).and_then(|before| before.chars().next_back());
                before.is_none_or(|c| !c.is_alphanumeric() && c != '.' && c != '}')
            })
        };
        if homes.iter().any(is_path) {
            findings.push(format!("{path}:{}: has an absolute path", number + 1));
        }
    }
    findings
}

fn keeps_to_the_sync_seam(path: &str, text: &str) -> Vec<String> {
    let layers = [
        "crates/segment/src",
        "crates/index/src",
        "crates/checkpoint/src",
        "crates/store/src",
    ];
    if !layers.iter().any(|layer| path.starts_with(layer)) {
        return Vec::new();
    }
    // Put together here, so that the rule does not find itself.
    let outside = [
        "sync::atomic",
        "sync::Mutex",
        "sync::RwLock",
        "thread::spawn",
    ]
    .map(|n| format!("std::{n}"));
    let shipped = text.split("#[cfg(test)]\nmod").next().unwrap_or_default();
    let shipped = shipped.split("mod tests {").next().unwrap_or_default();
    shipped
        .lines()
        .enumerate()
        // What documentation shows is a caller's code.
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .filter(|(_, line)| outside.iter().any(|name| line.contains(name.as_str())))
        .map(|(number, _)| format!("{path}:{}: take it from strandline_core::sync", number + 1))
        .collect()
}

/// Where a file is appended to, beside the log. Who holds a lease makes its file under a name of his own, has it locked
/// before anybody sees it, and adds to it. Heads are kept in a file of no store, in which none that is there may be
/// replaced, by a name least of all. Keys are added to a file of no store under its lock, and not where it has another name.
const APPENDING: [&str; 3] = [
    "crates/live/src/consumer/claim.rs",
    "crates/anchor/src/sink/file.rs",
    "crates/seal/src/file/disk.rs",
];

/// Anyone may have a file mapped or linked: it is appended to by the log alone, which knows where what
/// others may have of it ends, and by who holds a lease or keeps heads.
fn writes_over_no_file(path: &str, text: &str) -> Vec<String> {
    let is_shipped = path.starts_with("crates/") && path.contains("/src/");
    if !is_shipped || path.starts_with("crates/core/src/fs/") || APPENDING.contains(&path) {
        return Vec::new();
    }
    let shipped = text.split("#[cfg(test)]\nmod").next().unwrap_or_default();
    let is_log = path.starts_with("crates/segment/src/");
    shipped
        .lines()
        .enumerate()
        .filter(|(_, line)| {
            line.contains("OpenMode::Append") && !is_log || line.contains("{ end: 0 }")
        })
        .map(|(number, _)| {
            format!(
                "{path}:{}: a file that exists is not written over: make a new one, and rename it",
                number + 1
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_finds_what_breaks_it() {
        assert_eq!(opens_with_docs("a.rs", "use x;").len(), 1);
        assert!(opens_with_docs("a.rs", "//! Docs.").is_empty());
        assert_eq!(is_not_too_long("a.rs", &"x\n".repeat(501)).len(), 1);
        assert!(is_not_too_long("a.rs", &"x\n".repeat(500)).is_empty());
        let home = format!("see /{}/someone/x", "home");
        assert_eq!(has_no_absolute_path("a.md", &home).len(), 1);
        assert!(has_no_absolute_path("a.md", &format!("docs/{}/x", "work")).is_empty());
        let atomic = format!("use std::{};", "sync::atomic::AtomicU64");
        assert_eq!(
            keeps_to_the_sync_seam("crates/index/src/a.rs", &atomic).len(),
            1
        );
        assert!(keeps_to_the_sync_seam("xtask/src/a.rs", &atomic).is_empty());
        let append = format!("{}::Append {{ end }}", "OpenMode");
        assert_eq!(
            writes_over_no_file("crates/store/src/a.rs", &append).len(),
            1
        );
        assert!(writes_over_no_file("crates/segment/src/a.rs", &append).is_empty());
        let over = append.replace("end", "end: 0");
        assert_eq!(
            writes_over_no_file("crates/segment/src/a.rs", &over).len(),
            1
        );
    }
}
