//! `check_apart`: whether two directories are one, or one lies in the other, whatever paths lead to them.
//!
//! Whoever reads one directory and writes another asks before anything is made: a path says little, with
//! links, `.`, `..`, mounts and relative paths. And whether a directory is free for a store. Looks only, and makes
//! nothing.

use crate::model::{LOCK_FILE, STAGING_WITHIN, is_of_store};
use crate::{Error, ErrorKind};
use std::ffi::OsString;
use std::io;
use std::path::{Component, Path, PathBuf};
use strandline_core::fs::{FileIdentity, Fs};

/// What a file system has in a directory that is empty otherwise.
pub(super) const LOST_AND_FOUND: &str = "lost+found";
/// Most directories that a path is looked up through; longer paths are none.
const DEPTH_MAX: usize = 4096;

/// Refuses a target that is the source, lies in it, or holds it.
///
/// Directories that are there are told apart by what the file system knows them by, so through links and
/// mounts too; where it knows none of that ([`Fs::identity`]), and for what is not there yet, by
/// their paths, made absolute. Costs a look at each directory above the two.
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`] if they are not apart, or the target is something else than a directory;
/// [`ErrorKind::Io`] if it cannot be looked up.
pub(super) fn check_apart(fs: &dyn Fs, source: &Path, target: &Path) -> Result<(), Error> {
    check_apart_on((fs, source), (fs, target))
}

/// As [`check_apart`], each with the file system that it is on.
pub(super) fn check_apart_on(
    (source_fs, source): (&dyn Fs, &Path),
    (target_fs, target): (&dyn Fs, &Path),
) -> Result<(), Error> {
    let (from, to) = (Place::of(source_fs, source)?, Place::of(target_fs, target)?);
    let refused = match from.relation(&to) {
        Relation::Apart => return Ok(()),
        Relation::Same if source == target => format!("{} is both", source.display()),
        Relation::Same => format!(
            "{} and {} are one directory",
            source.display(),
            target.display()
        ),
        Relation::OtherInside => format!("{} lies in {}", target.display(), source.display()),
        Relation::InsideOther => format!("{} lies in {}", source.display(), target.display()),
    };
    let message = format!("what is read and what is written must lie apart: {refused}");
    Err(Error::new(ErrorKind::InvalidInput, message))
}

/// Whether a new store is to be made in a directory: nothing is there, or nothing but what every directory of a
/// file system may have. `false` if a store is there, or what is left of one. Looks at names alone, and makes
/// nothing.
///
/// # Errors
///
/// [`ErrorKind::InvalidInput`] if something else is there, among which a store would be lost; [`ErrorKind::Io`].
pub fn is_vacant(fs: &dyn Fs, dir: &Path) -> Result<bool, Error> {
    let listed = match fs.list_names(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        listed => listed.map_err(|error| Error::io("list", dir, error))?,
    };
    let names = || listed.iter().map(|entry| entry.name.as_str());
    let is_nothing = |name: &str| [LOCK_FILE, LOST_AND_FOUND].contains(&name);
    if names().all(is_nothing) {
        return Ok(true);
    }
    let is_of_store = |name: &str| !is_nothing(name) && is_of_store(name);
    if names().any(|name| is_of_store(name) || name == STAGING_WITHIN) {
        return Ok(false);
    }
    let other = names().find(|name| !is_nothing(name)).unwrap_or_default();
    let message = format!(
        "{} is no store, and is not empty: {other} is in it",
        dir.display()
    );
    Err(Error::new(ErrorKind::InvalidInput, message))
}

/// How two places lie to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    Apart,
    Same,
    /// The other place is in this one.
    OtherInside,
    /// This one is in the other.
    InsideOther,
}

/// Where a directory is, or would be made.
#[derive(Debug)]
pub(super) struct Place {
    /// The deepest directory of the path that is there, and those above it up to the root; none where
    /// directories are known by their paths alone.
    above: Vec<FileIdentity>,
    /// What is not there yet; without directories above, the whole path.
    missing: Vec<OsString>,
}

impl Place {
    /// Looks a path up.
    ///
    /// # Errors
    ///
    /// As [`check_apart`].
    pub(super) fn of(fs: &dyn Fs, path: &Path) -> Result<Self, Error> {
        let wrong = |error: io::Error| match error.kind() {
            io::ErrorKind::NotADirectory => Error::new(
                ErrorKind::InvalidInput,
                format!("{} is no directory", path.display()),
            ),
            _ => Error::io("look up", path, error),
        };
        let whole = std::path::absolute(path).map_err(wrong)?;
        let mut there = PathBuf::new();
        let mut missing = Vec::new();
        let mut by_path = false;
        for part in whole.components() {
            match part {
                Component::CurDir => {}
                // What is missing is made as directories, and no link leads elsewhere.
                Component::ParentDir if missing.pop().is_some() => {}
                Component::Normal(name) if by_path || !missing.is_empty() => {
                    missing.push(name.to_owned());
                }
                Component::Normal(name) => match identity(fs, &there.join(name)) {
                    Ok(_) => there.push(name),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        missing.push(name.to_owned());
                    }
                    Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                        by_path = true;
                        missing.push(name.to_owned());
                    }
                    Err(error) => return Err(wrong(error)),
                },
                Component::Prefix(_) | Component::RootDir | Component::ParentDir if by_path => {}
                other => there.push(other),
            }
        }
        let above = match by_path {
            true => Vec::new(),
            false => above(fs, there),
        };
        Ok(Self { above, missing })
    }

    /// How another place lies to this one.
    pub(super) fn relation(&self, other: &Self) -> Relation {
        let here = self.above.first().filter(|_| self.missing.is_empty());
        let there = other.above.first().filter(|_| other.missing.is_empty());
        if here.is_some() && here == there {
            return Relation::Same;
        }
        if here.is_some_and(|here| other.above.contains(here)) {
            return Relation::OtherInside;
        }
        if there.is_some_and(|there| self.above.contains(there)) {
            return Relation::InsideOther;
        }
        if self.above.first() != other.above.first() {
            return Relation::Apart;
        }
        match (
            other.missing.starts_with(&self.missing),
            self.missing.starts_with(&other.missing),
        ) {
            (true, true) => Relation::Same,
            (true, false) => Relation::OtherInside,
            (false, true) => Relation::InsideOther,
            (false, false) => Relation::Apart,
        }
    }
}

/// Which directory a path leads to, links followed.
fn identity(fs: &dyn Fs, path: &Path) -> io::Result<FileIdentity> {
    let found = fs.identity(&path.join("."));
    match found {
        // A link to nothing has the name, and nothing can be made there.
        Err(error) if error.kind() == io::ErrorKind::NotFound && fs.identity(path).is_ok() => {
            Err(io::ErrorKind::NotADirectory.into())
        }
        found => found,
    }
}

/// A directory and those above it, up to the root or to the first that may not be looked at.
fn above(fs: &dyn Fs, mut path: PathBuf) -> Vec<FileIdentity> {
    let mut found: Vec<FileIdentity> = Vec::new();
    while let Ok(id) = identity(fs, &path)
        && found.last() != Some(&id)
        && found.len() < DEPTH_MAX
    {
        found.push(id);
        // What has no links need not know of `..`.
        if identity(fs, &path.join("..")).is_ok() {
            path.push("..");
        } else if !path.pop() {
            break;
        }
    }
    found
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use strandline_core::fs::{MemFs, OsFs};

    fn relation(fs: &dyn Fs, one: &Path, other: &Path) -> Relation {
        let there = Place::of(fs, other).unwrap();
        let relation = Place::of(fs, one).unwrap().relation(&there);
        let refused = check_apart(fs, one, other).map_err(|error| error.kind());
        let apart = relation == Relation::Apart;
        assert_eq!(refused.is_ok(), apart, "{one:?} {other:?}");
        assert!(apart || refused == Err(ErrorKind::InvalidInput));
        relation
    }

    /// Paths were compared as texts, so a link or a `.` in one led a copy into what it was made of.
    #[test]
    fn a_directory_is_itself_under_every_name() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        OsFs.create_dir_all(&root.join("s/in/deep")).unwrap();
        OsFs.create_dir_all(&root.join("t")).unwrap();
        symlink(root.join("s"), root.join("link")).unwrap();
        symlink(root.join("s/in"), root.join("t/into")).unwrap();
        let s = root.join("s");
        for same in [
            "s",
            "./s",
            "s/../s",
            "link",
            "s/in/..",
            "link/.",
            "t/into/..",
            "t/../link",
        ] {
            assert_eq!(
                relation(&OsFs, &s, &root.join(same)),
                Relation::Same,
                "{same}"
            );
        }
        for inside in [
            "s/in",
            "s/new",
            "link/new/er",
            "t/into",
            "t/into/new",
            "none/../s/in",
        ] {
            let other = root.join(inside);
            assert_eq!(
                relation(&OsFs, &s, &other),
                Relation::OtherInside,
                "{inside}"
            );
            assert_eq!(
                relation(&OsFs, &other, &s),
                Relation::InsideOther,
                "{inside}"
            );
        }
        for apart in ["t", "t/new", "s2", "s.new", "s/../t", "link/../u"] {
            assert_eq!(
                relation(&OsFs, &s, &root.join(apart)),
                Relation::Apart,
                "{apart}"
            );
        }
        for (one, other, expected) in [
            ("new", "new", Relation::Same),
            ("new", "t/../new/x/..", Relation::Same),
            ("new", "new/er", Relation::OtherInside),
            ("new", "newer", Relation::Apart),
            ("new/er", "./new", Relation::InsideOther),
        ] {
            let found = relation(&OsFs, &root.join(one), &root.join(other));
            assert_eq!(found, expected, "{one} {other}");
        }
    }

    #[test]
    fn what_is_no_directory_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        OsFs.open(&file, strandline_core::fs::OpenMode::Create)
            .unwrap();
        let dangling = dir.path().join("dangling");
        symlink(dir.path().join("nothing"), &dangling).unwrap();
        for path in [file.clone(), file.join("under"), dangling] {
            let error = check_apart(&OsFs, dir.path(), &path).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
            assert!(error.to_string().contains("is no directory"), "{error}");
        }
    }

    #[test]
    fn what_is_not_there_is_told_by_its_path() {
        let fs = MemFs::new();
        let cases = [
            ("/s", "/s", Relation::Same),
            ("/s", "/./x/../s/", Relation::Same),
            ("/s", "/s/new", Relation::OtherInside),
            ("/s/new", "/s", Relation::InsideOther),
            ("/s", "/s2", Relation::Apart),
            ("/", "/s2", Relation::OtherInside),
        ];
        for (one, other, expected) in cases {
            let found = relation(&fs, Path::new(one), Path::new(other));
            assert_eq!(found, expected, "{one} {other}");
        }
    }
}
