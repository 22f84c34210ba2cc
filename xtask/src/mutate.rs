//! A copy of the workspace in which one line is changed, to see that a check notices.
//!
//! The copy stays under `target/`, so that only what a change touches is built again.
//!
//! It judges no outcome: whoever changes a line says what must notice. It knows `run`.

use crate::run::root;
use anyhow::{Context, bail, ensure};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use strandline_core::fs::{Fs, OsFs, read_file, replace_file};

/// Longest file that is copied, in bytes.
const BYTES_MAX: u64 = 64 << 20;

/// A change of the code that must be noticed.
#[derive(Debug)]
pub(crate) struct Mutation {
    /// The rule that it breaks.
    pub(crate) name: &'static str,
    /// File, from the root.
    pub(crate) file: &'static str,
    /// Text that is in the file exactly once.
    pub(crate) find: &'static str,
    /// What takes its place.
    pub(crate) replace: &'static str,
    /// Options of the program that must notice.
    pub(crate) options: &'static str,
}

/// A copy of the workspace.
#[derive(Debug)]
pub(crate) struct Workspace {
    from: PathBuf,
    to: PathBuf,
}

impl Workspace {
    /// A copy of that name, brought up to date by its first mutation.
    pub(crate) fn new(name: &str) -> anyhow::Result<Self> {
        let from = root()?;
        let to = from.join("target/mutants").join(name);
        Ok(Self { from, to })
    }

    /// The folder of the copy.
    pub(crate) fn folder(&self) -> String {
        self.to.display().to_string()
    }

    /// Makes the copy equal to the workspace but for the mutation.
    pub(crate) fn apply(&self, mutation: &Mutation) -> anyhow::Result<()> {
        let mut found = false;
        let files = self.files()?;
        self.forget_all_but(&files)?;
        for path in files {
            let Ok(mut bytes) = read_file(&OsFs, &self.from.join(&path), BYTES_MAX) else {
                continue;
            };
            if path == mutation.file {
                found = true;
                bytes = mutated(&bytes, mutation)?;
            }
            self.put(&path, &bytes)?;
        }
        ensure!(found, "{}: there is no {}", mutation.name, mutation.file);
        Ok(())
    }

    /// Files that git knows or would add.
    fn files(&self) -> anyhow::Result<Vec<String>> {
        let listed = Command::new("git")
            .args("ls-files -z --cached --others --exclude-standard".split(' '))
            .current_dir(&self.from)
            .output()
            .context("git says which files to copy")?;
        let list = String::from_utf8_lossy(&listed.stdout).into_owned();
        let names = list.split('\0').filter(|path| !path.is_empty());
        Ok(names.map(str::to_owned).collect())
    }

    /// Removes what an earlier copy had and the workspace has not any more.
    fn forget_all_but(&self, files: &[String]) -> anyhow::Result<()> {
        let list = self.to.join("target/copied");
        let earlier = read_file(&OsFs, &list, BYTES_MAX).unwrap_or_default();
        for path in String::from_utf8_lossy(&earlier).lines() {
            if !files.iter().any(|file| file == path) {
                // It may be gone with a copy that somebody removed.
                let _ = OsFs.remove_file(&self.to.join(path));
            }
        }
        self.put("target/copied", files.join("\n").as_bytes())
    }

    /// Writes a file of the copy unless it is so already: what is older than its build stays so.
    fn put(&self, path: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let path = self.to.join(path);
        if read_file(&OsFs, &path, BYTES_MAX).is_ok_and(|old| old == bytes) {
            return Ok(());
        }
        let parent = path.parent().unwrap_or(Path::new("."));
        OsFs.create_dir_all(parent)?;
        replace_file(&OsFs, &path, bytes).with_context(|| format!("write {}", path.display()))
    }

    /// Builds packages of the copy.
    pub(crate) fn build(&self, packages: &str) -> anyhow::Result<()> {
        let built = self.cargo(&format!("build --quiet {packages}")).output()?;
        if !built.status.success() {
            bail!(
                "it does not build:\n{}",
                String::from_utf8_lossy(&built.stderr)
            );
        }
        Ok(())
    }

    /// A cargo command in the copy.
    pub(crate) fn cargo(&self, arguments: &str) -> Command {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command
            .args(arguments.split_whitespace())
            .env("CARGO_TARGET_DIR", self.to.join("target"))
            .env("CARGO_PROFILE_DEV_OPT_LEVEL", "1")
            .env("CARGO_PROFILE_DEV_DEBUG", "none")
            .env("RUSTFLAGS", "-Awarnings")
            .current_dir(&self.to);
        command
    }

    /// Takes a program that was built away, so that the next can be built while it runs. There is one at a time.
    pub(crate) fn take(&self, program: &str) -> anyhow::Result<PathBuf> {
        let built = self.to.join("target/debug").join(program);
        let taken = built.with_extension("taken");
        OsFs.rename(&built, &taken)
            .with_context(|| format!("take {}", built.display()))?;
        Ok(taken)
    }

    /// Runs a program that was taken.
    pub(crate) fn output(&self, program: &Path, arguments: &str) -> anyhow::Result<Output> {
        Command::new(program)
            .args(arguments.split_whitespace())
            .current_dir(&self.to)
            .output()
            .with_context(|| format!("cannot start {}", program.display()))
    }
}

/// The text with the mutation made.
fn mutated(bytes: &[u8], mutation: &Mutation) -> anyhow::Result<Vec<u8>> {
    let text = std::str::from_utf8(bytes)?;
    let count = text.matches(mutation.find).count();
    ensure!(
        count == 1,
        "{}: the text to change is {count} times in {}, and not once; bring the table up to date",
        mutation.name,
        mutation.file
    );
    Ok(text.replace(mutation.find, mutation.replace).into_bytes())
}

/// What of a table has no place in the code, so that whoever changes the code learns of it before
/// the runs.
pub(crate) fn misplaced(
    mutations: impl IntoIterator<Item = &'static Mutation>,
) -> anyhow::Result<Vec<String>> {
    let root = root()?;
    let finding = |mutation: &Mutation| {
        let bytes = read_file(&OsFs, &root.join(mutation.file), BYTES_MAX);
        let changed = bytes
            .with_context(|| format!("{}: {}", mutation.name, mutation.file))
            .and_then(|bytes| mutated(&bytes, mutation));
        changed.err().map(|error| format!("{error:#}"))
    };
    Ok(mutations.into_iter().filter_map(finding).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_not_there_once_is_refused() {
        let mutation = Mutation {
            name: "n",
            file: "f",
            find: "a",
            replace: "b",
            options: "",
        };
        assert_eq!(mutated(b"xax", &mutation).unwrap(), b"xbx");
        assert!(mutated(b"xx", &mutation).is_err());
        assert!(mutated(b"aa", &mutation).is_err());
    }
}
