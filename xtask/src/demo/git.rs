//! The repository: whether it can be used, and git commands in it that no configuration changes.

use anyhow::{Context, bail};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A repository with its whole history.
pub(super) struct Repository {
    path: PathBuf,
    pub(super) head: String,
    /// Commits along first parents.
    pub(super) commits: u64,
    /// Commits that can be reached, merged branches included.
    pub(super) commits_reachable: u64,
}

impl Repository {
    /// Checks that there is a repository with commits, and that it is not shallow.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let mut repository = Self {
            path: path.to_path_buf(),
            head: String::new(),
            commits: 0,
            commits_reachable: 0,
        };
        let shown = path.display();
        if !path.exists() {
            bail!("there is nothing at {shown}; give the path of a clone with --repo");
        }
        repository
            .text(&["rev-parse", "--git-dir"])
            .with_context(|| {
                format!("{shown} is no git repository; give the path of a clone with --repo")
            })?;
        let head = repository.text(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]);
        repository.head = match head {
            Ok(head) => head,
            Err(_) => bail!("{shown} has no commits yet, so there is nothing to read"),
        };
        if repository.text(&["rev-parse", "--is-shallow-repository"])? == "true" {
            bail!(
                "{shown} is a shallow clone: its history is cut off; \
                 run `git fetch --unshallow` there, or give a full clone with --repo"
            );
        }
        let count = |arguments: &[&str]| -> anyhow::Result<u64> {
            let count = repository.text(arguments)?;
            count.parse().context("git counted no commits")
        };
        let commits = count(&["rev-list", "--count", "--first-parent", "HEAD"])?;
        let commits_reachable = count(&["rev-list", "--count", "HEAD"])?;
        repository.commits = commits;
        repository.commits_reachable = commits_reachable;
        Ok(repository)
    }

    /// A git command in the repository, the same whatever the user has configured.
    pub(super) fn git(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command
            .arg("-C")
            .arg(&self.path)
            .args([
                "-c",
                "core.quotePath=false",
                "-c",
                "log.showSignature=false",
            ])
            .args([
                "-c",
                "log.showRoot=true",
                "-c",
                "diff.ignoreSubmodules=none",
            ])
            .args(arguments)
            .env("LC_ALL", "C")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .stdin(Stdio::null());
        command
    }

    /// What a git command prints, without the last line break.
    fn text(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self
            .git(arguments)
            .output()
            .context("cannot start git; install it, or put it on the PATH")?;
        if !output.status.success() {
            bail!(
                "git says: {}",
                String::from_utf8_lossy(&output.stderr).trim()
            );
        }
        Ok(String::from_utf8_lossy(&output.stdout)
            .trim_end()
            .to_owned())
    }

    /// How the repository is called in the report.
    pub(super) fn name(&self) -> String {
        let full = self
            .path
            .canonicalize()
            .unwrap_or_else(|_| self.path.clone());
        // A bare clone is often a folder called so inside of one that says what it is.
        let plain = |name: &&OsStr| !["repo", ".git"].iter().any(|plain| *name == *plain);
        let names = full.ancestors().filter_map(Path::file_name);
        let name = names.into_iter().find(plain).unwrap_or_default();
        name.to_string_lossy().into_owned()
    }
}
