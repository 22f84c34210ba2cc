//! What others do between two steps of a claim or a save.

use super::{Claimant, Claimed, claim, claimant, place};
use crate::consumer::Place;
use crate::{ErrorKind, PartitionState};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use strandline_core::fs::{
    DirName, Fs, FsFile, FsLayer, MemFs, OpenMode, TEMPORARY_SUFFIX, read_file,
};
use strandline_core::sync::Mutex;

type Meddling = Box<dyn FnOnce(&Path) + Send>;

/// A file system in which something is done once, before a call of one kind whose path has a text in it.
struct BetweenFs {
    fs: MemFs,
    before: Mutex<Option<(&'static str, &'static str, Meddling)>>,
}

impl fmt::Debug for BetweenFs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BetweenFs")
    }
}

impl BetweenFs {
    fn over(fs: &MemFs) -> Arc<Self> {
        Arc::new(Self {
            fs: fs.clone(),
            before: Mutex::new(None),
        })
    }

    fn before(
        &self,
        call: &'static str,
        text: &'static str,
        meddle: impl FnOnce(&Path) + Send + 'static,
    ) {
        *self.before.lock() = Some((call, text, Box::new(meddle)));
    }

    fn was_met(&self) -> bool {
        self.before.lock().is_none()
    }

    fn come(&self, call: &str, path: &Path) {
        let mut before = self.before.lock();
        let is_meant = before.as_ref().is_some_and(|(meant, text, _)| {
            call == *meant && path.to_string_lossy().contains(text)
        });
        let met = if is_meant { before.take() } else { None };
        drop(before);
        if let Some((_, _, meddle)) = met {
            meddle(path);
        }
    }
}

impl FsLayer for BetweenFs {
    fn below(&self) -> &dyn Fs {
        &self.fs
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn FsFile>> {
        self.come("open", path);
        self.fs.open(path, mode)
    }

    fn list_names(&self, path: &Path) -> io::Result<Vec<DirName>> {
        self.come("list", path);
        self.fs.list_names(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.come("rename", from);
        self.fs.rename(from, to)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.come("rename_new", to);
        self.fs.rename_new(from, to)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        self.come("sync_dir", path);
        self.fs.sync_dir(path)
    }
}

/// Somebody else on the same files.
fn other(fs: &MemFs) -> Place {
    place(Arc::new(fs.clone()), 77)
}

/// Takes over and saves once more than there was; lives on if that is said, with the lease in a place of its own.
fn take_over(fs: &MemFs) -> PartitionState {
    let (mut lease, mut state) = claim(&other(fs)).unwrap().unwrap();
    state.counters.handled += 1;
    lease.save(&mut state).unwrap();
    state
}

fn files(fs: &MemFs, dir: &Path) -> Vec<String> {
    let names = fs.list_names(dir).unwrap();
    names.into_iter().map(|entry| entry.name).collect()
}

#[test]
fn a_claim_that_others_are_faster_than_says_that_it_is_held() {
    // In each case twice: so the one that is late finds the next token free again where it looks for it.
    for (call, text) in [
        ("rename_new", "lease-"),
        ("open", "claim-"),
        ("sync_dir", "/v1/0"),
        ("list", "/v1/0"),
        ("open", "checkpoint-00000000"),
        ("rename", ".ckpt.tmp"),
    ] {
        let fs = MemFs::new();
        take_over(&fs);
        let between = BetweenFs::over(&fs);
        let late = claimant(&place(between.clone(), 5)).unwrap();
        // What is done first with a partition is to list it, so that comes before the claim looks.
        let is_first = call == "list";
        let meddling = fs.clone();
        between.before(call, text, move |_| {
            take_over(&meddling);
            take_over(&meddling);
        });
        let claimed = late.try_claim().unwrap();
        assert!(between.was_met(), "{call} {text}");
        let is_taken = matches!(claimed, Claimed::Taken(..));
        assert_eq!(is_taken, is_first, "{call} {text}: {claimed:?}");
        if !is_taken {
            assert!(matches!(claimed, Claimed::Held(None)), "{claimed:?}");
        }
        drop(claimed);
        let (mut lease, mut state) = claim(&other(&fs)).unwrap().unwrap();
        assert_eq!(state.counters.handled, 3, "{call} {text}");
        lease.save(&mut state).unwrap();
        assert_eq!(files(&fs, lease.partition().dir()).len(), 3);
    }
}

/// Cause: whoever claims removes what is left over, and looks whether a claim is locked: one that is made in this moment
/// was not yet.
#[test]
fn a_claim_that_is_removed_before_it_is_locked_says_that_it_is_held() {
    let fs = MemFs::new();
    for (call, text) in [("open", "claim-"), ("rename_new", "lease-")] {
        let between = BetweenFs::over(&fs);
        let late = claimant(&place(between.clone(), 5)).unwrap();
        let (meddling, dir) = (fs.clone(), late.partition().dir().to_path_buf());
        between.before(call, text, move |_| {
            for name in files(&meddling, &dir) {
                if name.starts_with("claim-") {
                    meddling.remove_file(&dir.join(name)).unwrap();
                }
            }
        });
        let claimed = late.try_claim().unwrap();
        assert!(between.was_met());
        assert!(matches!(claimed, Claimed::Held(None)), "{claimed:?}");
        assert!(matches!(late.try_claim().unwrap(), Claimed::Taken(..)));
    }
}

#[test]
fn a_save_beat_or_look_that_others_are_faster_than_is_fenced() {
    for (call, text) in [
        ("open", ".ckpt.tmp"),
        ("rename", ".ckpt.tmp"),
        ("sync_dir", "/v1/0"),
        ("list", "/v1/0"),
    ] {
        let fs = MemFs::new();
        let between = BetweenFs::over(&fs);
        let (mut lease, mut state) = claim(&place(between.clone(), 5)).unwrap().unwrap();
        let meddling = fs.clone();
        between.before(call, text, move |_| drop(take_over(&meddling)));
        state.counters.handled = 10;
        let error = lease.save(&mut state).unwrap_err();
        assert!(between.was_met());
        let asked = lease.requests(&state).map(drop);
        for error in [
            error,
            lease.beat().unwrap_err(),
            asked.unwrap_err(),
            lease.save(&mut state).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Fenced, "{error}");
            assert!(
                error.to_string().contains("another worker has taken over"),
                "{error}"
            );
        }
        let next = claim(&other(&fs)).unwrap().unwrap().1;
        // What was published before the other one read may count; what comes after that does not.
        assert!([1, 11].contains(&next.counters.handled), "{next:?}");
    }
}

fn empty(fs: &MemFs, dir: &Path) {
    for name in files(fs, dir) {
        fs.remove_file(&dir.join(name)).unwrap();
    }
}

/// Cause: a worker that went on in a directory which was removed and made anew published a state with its high token
/// there, and who had begun anew went on from a position that it had not come to.
#[test]
fn a_lease_whose_directory_was_removed_saves_nothing_in_the_one_that_is_there_then() {
    let fs = MemFs::new();
    for _ in 0..5 {
        take_over(&fs);
    }
    let (mut lease, mut state) = claim(&other(&fs)).unwrap().unwrap();
    let dir = lease.partition().dir().to_path_buf();
    empty(&fs, &dir);
    let gone = lease.save(&mut state).unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::Fenced, "{gone}");
    assert!(gone.to_string().contains("removed or replaced"), "{gone}");
    let (mut new, mut begun) = claim(&other(&fs)).unwrap().unwrap();
    assert_eq!((new.token(), begun.counters.handled), (1, 0));
    for error in [
        lease.save(&mut state),
        lease.beat(),
        new.beat().and(lease.beat()),
    ] {
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Fenced);
    }
    new.save(&mut begun).unwrap();
}

/// A copy has a lease of the same name, and it is another file.
#[test]
fn a_lease_whose_directory_was_replaced_by_a_copy_saves_nothing_there() {
    for is_late in [false, true] {
        let fs = MemFs::new();
        let between = BetweenFs::over(&fs);
        let (mut lease, mut state) = claim(&place(between.clone(), 5)).unwrap().unwrap();
        state.counters.handled = 4;
        lease.save(&mut state).unwrap();
        let dir: PathBuf = lease.partition().dir().to_path_buf();
        let meddling = fs.clone();
        let replace = move |_: &Path| {
            for name in files(&meddling, &dir) {
                if name.ends_with(TEMPORARY_SUFFIX) {
                    continue;
                }
                let path = dir.join(name);
                let bytes = read_file(&meddling, &path, 1 << 20).unwrap();
                meddling.remove_file(&path).unwrap();
                let file = meddling.open(&path, OpenMode::Create).unwrap();
                file.write_all_at(&bytes, 0).unwrap();
            }
        };
        match is_late {
            // Between its look and the state.
            true => between.before("rename", ".ckpt.tmp", replace),
            false => replace(Path::new("")),
        }
        state.counters.handled = 5;
        let gone = lease.save(&mut state).unwrap_err();
        assert!(between.was_met());
        assert_eq!(gone.kind(), ErrorKind::Fenced, "{gone}");
        assert_eq!(lease.beat().unwrap_err().kind(), ErrorKind::Fenced);
        let next = claim(&other(&fs)).unwrap().unwrap().1;
        assert_eq!(next.counters.handled, 4, "late: {is_late}");
    }
}

#[test]
fn a_claim_in_a_directory_that_is_gone_is_no_claim_that_is_late() {
    let dir = tempfile::tempdir().unwrap();
    let place = place(Arc::new(strandline_core::fs::OsFs), 1);
    let root = dir.path().join("shop.live");
    let info = crate::ConsumerInfo::new("a", crate::ConsumerKind::Position, 1).unwrap();
    let consumer = super::Consumer::open_or_create(&place, &root, &info, 1).unwrap();
    let claimant = Claimant::new(consumer.partition(1, 0).unwrap(), super::LEASE);
    let Claimed::Taken(mut lease, mut state) = claimant.try_claim().unwrap() else {
        panic!("nobody holds it");
    };
    lease.save(&mut state).unwrap();
    std::fs::remove_dir_all(&root).unwrap();
    let error = claimant.try_claim().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    let error = lease.save(&mut state).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fenced, "{error}");
    assert_eq!(lease.beat().unwrap_err().kind(), ErrorKind::Fenced);
}
