//! `cargo xtask tidy`: what the compiler does not check.
//!
//! Each rule is a function from a file's path and text, or from the workspace, to findings.

use crate::run::root;
use anyhow::Context;
use cargo_metadata::MetadataCommand;
use std::path::Path;
use std::process::{Command, ExitCode};

/// Which workspace crates each one may depend on, its tests included.
const MAY_DEPEND_ON: &[(&str, &[&str])] = &[
    ("strandline-core", &[]),
    ("strandline-segment", &["strandline-core"]),
    ("strandline-index", &["strandline-core"]),
    ("strandline-checkpoint", &["strandline-core"]),
    ("strandline-derive", &[]),
    (
        "strandline",
        &[
            "strandline-core",
            "strandline-segment",
            "strandline-index",
            "strandline-checkpoint",
            "strandline-derive",
        ],
    ),
    ("strandline-transfer", &["strandline", "strandline-core"]),
    ("strandline-examples", &["strandline"]),
    (
        "strandline-tests",
        &[
            "strandline",
            "strandline-core",
            "strandline-segment",
            "strandline-index",
            "strandline-checkpoint",
            "strandline-transfer",
        ],
    ),
    (
        "strandline-crash",
        &[
            "strandline",
            "strandline-core",
            "strandline-segment",
            "strandline-index",
            "strandline-checkpoint",
            "strandline-transfer",
        ],
    ),
    (
        "strandline-benches",
        &[
            "strandline",
            "strandline-core",
            "strandline-segment",
            "strandline-index",
        ],
    ),
    ("strandline-cli", &["strandline", "strandline-transfer"]),
    (
        "xtask",
        &["strandline", "strandline-benches", "strandline-cli"],
    ),
];

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

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let findings = check()?;
    for finding in &findings {
        println!("{finding}");
    }
    if findings.is_empty() {
        println!("tidy: nothing found");
        return Ok(ExitCode::SUCCESS);
    }
    println!("tidy: {} findings", findings.len());
    Ok(ExitCode::FAILURE)
}

/// Everything that is wrong with this repository.
fn check() -> anyhow::Result<Vec<String>> {
    let root = root()?;
    let mut findings = dependencies(&root)?;
    for path in tracked_files(&root)? {
        let Ok(text) = std::fs::read_to_string(root.join(&path)) else {
            continue;
        };
        if path.ends_with(".rs") {
            findings.extend(FILE_RULES.iter().flat_map(|rule| rule(&path, &text)));
        } else {
            findings.extend(has_no_absolute_path(&path, &text));
        }
    }
    Ok(findings)
}

/// Files that git knows or would add.
fn tracked_files(root: &Path) -> anyhow::Result<Vec<String>> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root)
        .output()
        .context("tidy asks git which files there are")?;
    let list = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(list
        .split('\0')
        .filter(|path| !path.is_empty())
        .map(str::to_owned)
        .collect())
}

fn dependencies(root: &Path) -> anyhow::Result<Vec<String>> {
    let metadata = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .no_deps()
        .exec()
        .context("tidy asks cargo for the workspace")?;
    let names: Vec<_> = metadata
        .packages
        .iter()
        .map(|p| p.name.to_string())
        .collect();
    let mut findings = Vec::new();
    for package in &metadata.packages {
        let inside = package
            .dependencies
            .iter()
            .filter(|dependency| names.contains(&dependency.name))
            .map(|dependency| dependency.name.clone());
        findings.extend(wrong_directions(&package.name, inside));
    }
    Ok(findings)
}

fn wrong_directions(package: &str, dependencies: impl Iterator<Item = String>) -> Vec<String> {
    let rule = MAY_DEPEND_ON.iter().find(|(name, _)| *name == package);
    let Some((_, allowed)) = rule else {
        return vec![format!("{package}: say in tidy what it may depend on")];
    };
    dependencies
        .filter(|dependency| !allowed.contains(&dependency.as_str()))
        .map(|dependency| format!("{package}: must not depend on {dependency}"))
        .collect()
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
        .filter(|(_, line)| outside.iter().any(|name| line.contains(name.as_str())))
        .map(|(number, _)| format!("{path}:{}: take it from strandline_core::sync", number + 1))
        .collect()
}

/// Anyone may have a file mapped or linked: it is appended to by the log alone, which knows where what
/// others may have of it ends.
fn writes_over_no_file(path: &str, text: &str) -> Vec<String> {
    let is_shipped = path.starts_with("crates/") && path.contains("/src/");
    if !is_shipped || path.starts_with("crates/core/src/fs/") {
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
    fn the_repository_is_tidy() {
        assert_eq!(check().unwrap(), Vec::<String>::new());
    }

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

    #[test]
    fn siblings_must_not_know_each_other() {
        let found = wrong_directions(
            "strandline-index",
            ["strandline-segment".to_owned()].into_iter(),
        );
        assert_eq!(found.len(), 1);
        let fine = wrong_directions(
            "strandline-index",
            ["strandline-core".to_owned()].into_iter(),
        );
        assert!(fine.is_empty());
        assert_eq!(wrong_directions("new-crate", std::iter::empty()).len(), 1);
    }
}
