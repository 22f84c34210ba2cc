//! The history as git prints it, parsed into commits and file changes.

use crate::blobs::Blobs;
use crate::git::Repository;
use anyhow::{Context, bail};
use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

/// Mode of a submodule, which is no file of the repository.
const SUBMODULE: &str = "160000";
const HEADER: u8 = 0x01;
const FIELD: char = '\u{2}';

/// What a commit did to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    Added,
    Modified,
    Deleted,
}

/// A file change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) path: Vec<u8>,
    pub(crate) what: What,
    pub(crate) added: u64,
    pub(crate) deleted: u64,
}

/// A commit on the line of first parents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Commit {
    pub(crate) hash: String,
    /// Seconds since 1970.
    pub(crate) time: i64,
    pub(crate) author: String,
    pub(crate) subject: String,
    pub(crate) changes: Vec<Change>,
}

/// A line of `--raw`: modes and blobs before and after.
#[derive(Debug)]
struct Raw {
    path: Vec<u8>,
    modes: [String; 2],
    blobs: [String; 2],
    status: char,
    /// Lines added and deleted, where git counts them.
    counted: Option<(u64, u64)>,
}

/// Reads the whole history, oldest commit first, and hands each commit to `give` until that says
/// no.
pub(crate) fn read(
    repository: &Repository,
    mut give: impl FnMut(Commit) -> bool,
) -> anyhow::Result<()> {
    let format = "--format=%x01%H%x02%ct%x02%an%x02%s%x02";
    let mut child = repository
        .git(&[
            "log",
            "--first-parent",
            "--diff-merges=first-parent",
            "--reverse",
        ])
        .args([
            "--raw",
            "--numstat",
            "-z",
            "--no-renames",
            "--no-ext-diff",
            "--no-textconv",
            "-O/dev/null",
        ])
        .args([
            "--no-abbrev",
            "--no-color",
            "--no-decorate",
            "--no-notes",
            "--no-mailmap",
        ])
        .args(["--encoding=UTF-8", format, &repository.head, "--"])
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start git log")?;
    let output = child.stdout.take().context("git log has no output")?;
    let mut blobs = Blobs::start(repository)?;
    let mut lines = |hash: &str| blobs.lines(hash);
    let parsed = parse(
        BufReader::with_capacity(1 << 20, output),
        &mut lines,
        &mut give,
    );
    let stopped = matches!(parsed, Ok(false) | Err(_));
    if stopped {
        let _ = child.kill();
    }
    let status = child.wait().context("git log did not end")?;
    if parsed? && !status.success() {
        bail!("git log failed before the history was read");
    }
    Ok(())
}

/// Parses the output of git log. Gives whether all of it was taken.
fn parse(
    mut input: impl BufRead,
    lines: &mut impl FnMut(&str) -> anyhow::Result<u64>,
    give: &mut impl FnMut(Commit) -> bool,
) -> anyhow::Result<bool> {
    let mut commit: Option<(Commit, Vec<Raw>)> = None;
    let mut by_path: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut token = Vec::new();
    loop {
        token.clear();
        let read = input.by_ref().read_until(0, &mut token)?;
        if token.last() == Some(&0) {
            token.pop();
        }
        let start = token
            .iter()
            .position(|byte| *byte != b'\n')
            .unwrap_or(token.len());
        let text = token.get(start..).unwrap_or_default();
        let begins = text.first().copied();
        if read == 0 || begins == Some(HEADER) {
            if let Some((mut commit, raws)) = commit.take() {
                commit.changes = finish(raws, lines)?;
                if !give(commit) {
                    return Ok(false);
                }
            }
            if read == 0 {
                return Ok(true);
            }
            by_path.clear();
            commit = Some((parse_header(text)?, Vec::new()));
            continue;
        }
        let Some((_, raws)) = &mut commit else {
            bail!("git log begins with something else than a commit");
        };
        match begins {
            None => {}
            Some(b':') => {
                let mut raw = parse_raw(text)?;
                input.by_ref().read_until(0, &mut raw.path)?;
                raw.path.pop();
                by_path.insert(raw.path.clone(), raws.len());
                raws.push(raw);
            }
            Some(_) => {
                // A path may begin with a line break, so the token is taken as it is.
                let (counted, path) = parse_numstat(&token)?;
                let at = by_path.get(path).copied();
                if let Some(raw) = at.and_then(|at| raws.get_mut(at)) {
                    raw.counted = counted;
                }
            }
        }
    }
}

fn parse_header(text: &[u8]) -> anyhow::Result<Commit> {
    let text = String::from_utf8_lossy(text);
    let mut fields = text.trim_start_matches('\u{1}').splitn(4, FIELD);
    let mut next = || fields.next().context("a commit of git log lacks a field");
    let hash = next()?.to_owned();
    let time = next()?.parse().context("a commit of git log has no time")?;
    let author = next()?.to_owned();
    let subject = next()?.trim_end_matches(FIELD).to_owned();
    Ok(Commit {
        hash,
        time,
        author,
        subject,
        changes: Vec::new(),
    })
}

fn parse_raw(text: &[u8]) -> anyhow::Result<Raw> {
    let text = String::from_utf8_lossy(text);
    let mut words = text.trim_start_matches(':').split(' ').map(str::to_owned);
    let mut next = || words.next().context("a change of git log lacks a field");
    let (before, after) = (next()?, next()?);
    let (old, new) = (next()?, next()?);
    let status = next()?
        .chars()
        .next()
        .context("a change of git log has no status")?;
    Ok(Raw {
        path: Vec::new(),
        modes: [before, after],
        blobs: [old, new],
        status,
        counted: None,
    })
}

/// The counts and the path of a line of `--numstat`.
type Numstat<'a> = (Option<(u64, u64)>, &'a [u8]);

fn parse_numstat(text: &[u8]) -> anyhow::Result<Numstat<'_>> {
    let mut fields = text.splitn(3, |byte| *byte == b'\t');
    let mut number = || {
        let field = fields.next().unwrap_or_default();
        std::str::from_utf8(field)
            .ok()
            .map(str::trim)
            .map(str::to_owned)
    };
    let (added, deleted) = (number(), number());
    let path = fields.next().context("a count of git log lacks a field")?;
    let parse = |field: Option<String>| field.and_then(|field| field.parse().ok());
    Ok((parse(added).zip(parse(deleted)), path))
}

/// Turns raw changes into changes of files, and counts lines where git did not.
fn finish(
    raws: Vec<Raw>,
    lines: &mut impl FnMut(&str) -> anyhow::Result<u64>,
) -> anyhow::Result<Vec<Change>> {
    let mut changes = Vec::with_capacity(raws.len());
    for raw in raws {
        let absent = |mode: &str| mode == SUBMODULE || mode.bytes().all(|byte| byte == b'0');
        let [was_absent, is_absent] = raw.modes.each_ref().map(|mode| absent(mode));
        let what = match (was_absent, is_absent) {
            (true, true) => continue,
            (true, false) => What::Added,
            (false, true) => What::Deleted,
            (false, false) => What::Modified,
        };
        let submodule = raw.modes.iter().any(|mode| mode == SUBMODULE);
        let counted = raw.counted.filter(|_| !submodule && raw.status != 'T');
        let (added, deleted) = match counted {
            Some(counted) => counted,
            None => {
                let [old, new] = &raw.blobs;
                let added = if is_absent { 0 } else { lines(new)? };
                let deleted = if was_absent { 0 } else { lines(old)? };
                (added, deleted)
            }
        };
        changes.push(Change {
            path: raw.path,
            what,
            added,
            deleted,
        });
    }
    Ok(changes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_text(text: &[u8]) -> Vec<Commit> {
        let mut commits = Vec::new();
        let mut lines = |hash: &str| Ok(if hash.starts_with('5') { 5 } else { 3 });
        let mut give = |commit| {
            commits.push(commit);
            true
        };
        assert!(parse(text, &mut lines, &mut give).unwrap());
        commits
    }

    #[test]
    fn commits_and_changes_are_read_back() {
        let commits = parse_text(
            b"\x01aa11\x02100\x02A. Name\x02the subject\x02\0\
              \n:000000 100644 0000 1111 A\0src/a b\0:100644 000000 1111 0000 D\0\nodd\tname\0\
              7\t0\tsrc/a b\x000\t2\t\nodd\tname\0\
              \x01bb22\x02200\x02B\x02empty\x02\0\
              \x01cc33\x02300\x02C\x02binary\x02\0\n:100644 100644 3333 5555 M\0bin\0-\t-\tbin\0",
        );
        let paths = |commit: &Commit| {
            let changes = commit.changes.iter();
            changes
                .map(|c| (c.path.clone(), c.what, c.added, c.deleted))
                .collect::<Vec<_>>()
        };
        assert_eq!(commits.len(), 3);
        assert_eq!(
            (commits[0].time, commits[0].subject.as_str()),
            (100, "the subject")
        );
        assert_eq!(
            paths(&commits[0]),
            [
                (b"src/a b".to_vec(), What::Added, 7, 0),
                (b"\nodd\tname".to_vec(), What::Deleted, 0, 2)
            ]
        );
        assert!(commits[1].changes.is_empty());
        assert_eq!(
            paths(&commits[2]),
            [(b"bin".to_vec(), What::Modified, 5, 3)]
        );
    }

    #[test]
    fn submodules_are_no_files() {
        let commits = parse_text(
            b"\x01aa\x021\x02A\x02s\x02\0\n:000000 160000 0000 1111 A\0sub\0\
              :160000 100644 1111 5555 T\0was\x001\t0\tsub\x005\t1\twas\0",
        );
        let change = &commits[0].changes[0];
        assert_eq!(commits[0].changes.len(), 1);
        assert_eq!(
            (change.what, change.added, change.deleted),
            (What::Added, 5, 0)
        );
    }
}
