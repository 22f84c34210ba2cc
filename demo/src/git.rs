//! The repository: whether it can be used, and git commands in it that no configuration changes.

use anyhow::{Context, bail};
use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Variables that point git at another repository than the one it is started in, as they do for
/// whatever runs in a hook, or that hide a part of one.
const POINT_ELSEWHERE: [&str; 9] = [
    "GIT_DIR",
    "GIT_COMMON_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_SHALLOW_FILE",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
];

/// Settings under which git prints the whole history as it is.
const SETTINGS: [&str; 5] = [
    "core.quotePath=false",
    "log.showSignature=false",
    "log.showRoot=true",
    "diff.ignoreSubmodules=none",
    "diff.relative=false",
];

/// The command was called wrongly: nothing is broken, and other arguments are needed.
#[derive(Debug)]
pub(crate) struct WrongUsage(pub(crate) String);

impl fmt::Display for WrongUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for WrongUsage {}

/// A git command that works on the repository of the folder it is started in, whatever the
/// environment says.
pub(crate) fn git() -> Command {
    let mut command = Command::new("git");
    for variable in POINT_ELSEWHERE {
        command.env_remove(variable);
    }
    command
}

/// A repository with its whole history.
#[derive(Debug)]
pub(crate) struct Repository {
    path: PathBuf,
    pub(crate) head: String,
    /// Commits along first parents.
    pub(crate) commits: u64,
    /// Commits that can be reached, merged branches included.
    pub(crate) commits_reachable: u64,
}

impl Repository {
    /// Checks that there is a repository with commits, and that it is not shallow.
    ///
    /// # Errors
    ///
    /// [`WrongUsage`] where there is no repository.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let mut repository = Self {
            path: path.to_path_buf(),
            head: String::new(),
            commits: 0,
            commits_reachable: 0,
        };
        let shown = path.display();
        let advice = "give the path of a clone with --repo";
        if !path.exists() {
            bail!(WrongUsage(format!("there is nothing at {shown}; {advice}")));
        }
        if !path.is_dir() {
            bail!(WrongUsage(format!("{shown} is no folder; {advice}")));
        }
        match repository.text(&["rev-parse", "--git-dir"])? {
            Ok(_) => {}
            Err(reason) if reason.contains("not a git repository") => {
                bail!(WrongUsage(format!(
                    "{shown} is no git repository; {advice}"
                )));
            }
            Err(reason) => bail!("git does not read {shown}: {reason}"),
        }
        repository.head = repository.find_head()?;
        if repository.ask(&["rev-parse", "--is-shallow-repository"])? == "true" {
            bail!(
                "{shown} is a shallow clone: its history is cut off; \
                 run `git fetch --unshallow` there, or give a full clone with --repo"
            );
        }
        let count = |arguments: &[&str]| -> anyhow::Result<u64> {
            let arguments = [&["rev-list", "--count"], arguments, &[&repository.head]].concat();
            let count = repository.ask(&arguments)?;
            count.parse().context("git counted no commits")
        };
        let commits = count(&["--first-parent"])?;
        let commits_reachable = count(&[])?;
        repository.commits = commits;
        repository.commits_reachable = commits_reachable;
        Ok(repository)
    }

    /// The hash of the commit that is checked out, or would be.
    fn find_head(&self) -> anyhow::Result<String> {
        let head = self.text(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])?;
        if let Ok(head) = head {
            return Ok(head);
        }
        let shown = self.path.display();
        if self.ask(&["for-each-ref", "--count=1"])?.is_empty() {
            bail!("{shown} has no commits yet, so there is nothing to read; commit something first")
        }
        bail!(
            "HEAD of {shown} names no commit, though there are branches or tags; \
             name one with `git symbolic-ref HEAD refs/heads/<branch>`"
        )
    }

    /// A git command in the repository, the same whatever the user has configured.
    pub(crate) fn git(&self, arguments: &[&str]) -> Command {
        let mut command = git();
        command.arg("-C").arg(&self.path);
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        command
            .args(arguments)
            .env("LC_ALL", "C")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            // No file has this name, so none is read.
            .env("GIT_GRAFT_FILE", "")
            .stdin(Stdio::null());
        command
    }

    fn output(&self, arguments: &[&str]) -> anyhow::Result<Output> {
        self.git(arguments)
            .output()
            .context("cannot start git; install it, or put it on the PATH")
    }

    /// What a git command prints, without the last line break, or why it fails.
    fn text(&self, arguments: &[&str]) -> anyhow::Result<Result<String, String>> {
        let output = self.output(arguments)?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        Ok(if output.status.success() {
            Ok(text(&output.stdout))
        } else {
            Err(text(&output.stderr))
        })
    }

    /// What a git command prints that has no reason to fail.
    fn ask(&self, arguments: &[&str]) -> anyhow::Result<String> {
        self.text(arguments)?
            .map_err(|reason| anyhow::anyhow!("git says: {reason}"))
    }

    /// How the repository is called in the report.
    pub(crate) fn name(&self) -> String {
        // In a folder of the work tree, the name is that of the whole; a bare clone has none.
        let top = match self.text(&["rev-parse", "--show-toplevel"]) {
            Ok(Ok(top)) => PathBuf::from(top),
            _ => self.path.clone(),
        };
        let full = top.canonicalize().unwrap_or(top);
        // A bare clone is often a folder called so inside of one that says what it is.
        let plain = |name: &&OsStr| !["repo", ".git"].iter().any(|plain| *name == *plain);
        let names = full.ancestors().filter_map(Path::file_name);
        let name = names.into_iter().find(plain).unwrap_or_default();
        name.to_string_lossy().into_owned()
    }
}
