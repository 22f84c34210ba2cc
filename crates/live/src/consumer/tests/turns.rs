//! Two workers in every order of their steps on the file system, without threads.
//!
//! What a worker does next follows from what it was told by the steps before. So it is run anew for each step: the
//! steps that it has made are answered as they were, one more is made, and what follows fails and is not looked at.
//! What a worker does with a temporary file of its own is no step, and the other one does not see that: it makes no
//! difference but to what is removed as left over, and very many orders.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::Path;
use std::sync::Arc;
use strandline_core::fs::{
    DirName, FileIdentity, FileLock, Fs, FsFile, FsLayer, MemFs, OpenMode, TEMPORARY_SUFFIX,
};
use strandline_core::sync::Mutex;

const WORKERS: usize = 2;

/// The file system of one worker.
#[derive(Debug, Clone)]
pub(super) struct TurnFs {
    fs: MemFs,
    turn: Arc<Mutex<Turn>>,
    worker: usize,
}

#[derive(Debug)]
struct Turn {
    /// What the steps of the worker were answered.
    answers: Vec<Answer>,
    /// How many of them were given out in this run.
    given: usize,
    /// Whether one more step may be made.
    may_step: bool,
    /// Whether one was wanted after that: the worker is to be stopped.
    is_over: bool,
    /// All that the worker was told, as one number.
    told: u64,
    /// Which files are locked, and by which worker.
    locks: BTreeMap<u64, usize>,
}

#[derive(Debug, Clone)]
enum Answer {
    Failed(io::ErrorKind),
    Done,
    File(Arc<dyn FsFile>),
    Names(Vec<DirName>),
    Number(u64),
    None,
}

/// The lock of a file, by its number.
#[derive(Debug)]
struct TurnLock {
    fs: TurnFs,
    number: u64,
}

impl TurnFs {
    /// Whether the run is over, and what the worker does now is not to be looked at.
    pub(super) fn is_over(&self) -> bool {
        self.turn.lock().is_over
    }

    fn step(
        &self,
        what: (&str, &Path),
        step: impl FnOnce(&MemFs, &mut BTreeMap<u64, usize>) -> io::Result<Answer>,
    ) -> io::Result<Answer> {
        let mut turn = self.turn.lock();
        let over = || io::Error::other("the run is over");
        if turn.is_over {
            return Err(over());
        }
        if let Some(answer) = turn.answers.get(turn.given).cloned() {
            turn.given += 1;
            return answer.given();
        }
        if !is_temporary(what.1) {
            if !turn.may_step {
                turn.is_over = true;
                return Err(over());
            }
            turn.may_step = false;
        }
        let answer = step(&self.fs, &mut turn.locks);
        let answer = answer.unwrap_or_else(|error| Answer::Failed(error.kind()));
        turn.told = hash(&(turn.told, what, answer.told()));
        turn.answers.push(answer.clone());
        turn.given += 1;
        answer.given()
    }
}

impl Answer {
    fn given(self) -> io::Result<Self> {
        match self {
            Self::Failed(kind) => Err(kind.into()),
            answer => Ok(answer),
        }
    }

    fn told(&self) -> u64 {
        match self {
            Self::Failed(kind) => hash(&(0, kind)),
            // What is in a file follows from what who wrote it was told.
            Self::Done | Self::File(_) => 1,
            Self::Names(names) => hash(&(2, names_of(names))),
            Self::Number(number) => hash(&(3, number)),
            Self::None => 4,
        }
    }
}

impl FsLayer for TurnFs {
    fn below(&self) -> &dyn Fs {
        &self.fs
    }

    fn identity(&self, path: &Path) -> io::Result<FileIdentity> {
        let answer = self.step(("identity", path), |fs, _| {
            fs.identity(path)
                .map(|identity| Answer::Number(identity.inode))
        })?;
        match answer {
            Answer::Number(number) => Ok(identity(number)),
            answer => panic!("{answer:?}"),
        }
    }

    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn FsFile>> {
        let answer = self.step(("open", path), |fs, _| {
            fs.open(path, mode).map(Answer::File)
        })?;
        match answer {
            Answer::File(file) => Ok(file),
            answer => panic!("{answer:?}"),
        }
    }

    fn list_names(&self, path: &Path) -> io::Result<Vec<DirName>> {
        let answer = self.step(("list", path), |fs, _| {
            let mut names = fs.list_names(path)?;
            names.retain(|name| !is_temporary(Path::new(&name.name)));
            Ok(Answer::Names(names))
        })?;
        match answer {
            Answer::Names(names) => Ok(names),
            answer => panic!("{answer:?}"),
        }
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let renamed = self.step(("rename", to), |fs, _| {
            fs.rename(from, to).map(|()| Answer::Done)
        });
        renamed.map(drop)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        let renamed = self.step(("rename new", to), |fs, _| {
            fs.rename_new(from, to).map(|()| Answer::Done)
        });
        renamed.map(drop)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let removed = self.step(("remove", path), |fs, _| {
            fs.remove_file(path).map(|()| Answer::Done)
        });
        removed.map(drop)
    }

    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn FileLock>>> {
        let answer = self.step(("lock", path), |fs, locks| {
            // Made where it is missing. A fork of the files has no lock, so those of the workers are kept beside.
            drop(fs.try_lock(path)?);
            let number = fs.identity(path)?.inode;
            if locks.contains_key(&number) {
                return Ok(Answer::None);
            }
            locks.insert(number, self.worker);
            Ok(Answer::Number(number))
        })?;
        Ok(match answer {
            Answer::Number(number) => Some(Box::new(TurnLock {
                fs: self.clone(),
                number,
            })),
            _ => None,
        })
    }
}

impl FileLock for TurnLock {
    fn identity(&self) -> Option<FileIdentity> {
        Some(identity(self.number))
    }
}

impl Drop for TurnLock {
    fn drop(&mut self) {
        let number = self.number;
        let _ = self.fs.step(("unlock", Path::new("")), |_, locks| {
            locks.remove(&number);
            Ok(Answer::Done)
        });
    }
}

/// A file by its number, which it keeps in a fork of the file system.
const fn identity(number: u64) -> FileIdentity {
    FileIdentity {
        device: 0,
        inode: number,
    }
}

fn is_temporary(path: &Path) -> bool {
    path.to_string_lossy().ends_with(TEMPORARY_SUFFIX)
}

fn names_of(names: &[DirName]) -> Vec<&str> {
    names.iter().map(|name| name.name.as_str()).collect()
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// The workers and what they share between two steps.
#[derive(Clone)]
struct Moment<T> {
    fs: MemFs,
    locks: BTreeMap<u64, usize>,
    workers: [Worker<T>; WORKERS],
}

#[derive(Clone)]
struct Worker<T> {
    answers: Vec<Answer>,
    told: u64,
    /// What it said of what it was told.
    said: T,
    is_going: bool,
    is_dead: bool,
}

impl<T: Clone + Default> Moment<T> {
    fn first(begun: &MemFs) -> Self {
        let worker = || Worker {
            answers: Vec::new(),
            told: 0,
            said: T::default(),
            is_going: true,
            is_dead: false,
        };
        Self {
            fs: begun.fork(),
            locks: BTreeMap::new(),
            workers: [worker(), worker()],
        }
    }

    /// After one more step of a worker.
    fn after(&self, number: usize, work: &impl Fn(&TurnFs, usize) -> T) -> Self {
        let mut next = Self {
            fs: self.fs.fork(),
            ..self.clone()
        };
        let worker = &mut next.workers[number];
        let turn = Turn {
            answers: std::mem::take(&mut worker.answers),
            given: 0,
            may_step: true,
            is_over: false,
            told: worker.told,
            locks: std::mem::take(&mut next.locks),
        };
        let fs = TurnFs {
            fs: next.fs.clone(),
            turn: Arc::new(Mutex::new(turn)),
            worker: number,
        };
        worker.said = work(&fs, number);
        let mut turn = fs.turn.lock();
        worker.answers = std::mem::take(&mut turn.answers);
        next.locks = std::mem::take(&mut turn.locks);
        (worker.told, worker.is_going) = (turn.told, turn.is_over);
        next
    }

    /// After the death of a worker, which has locked nothing any more.
    fn without(&self, number: usize) -> Self {
        let mut next = Self {
            fs: self.fs.fork(),
            ..self.clone()
        };
        next.locks.retain(|_, worker| *worker != number);
        let worker = &mut next.workers[number];
        (worker.is_going, worker.is_dead) = (false, true);
        next
    }

    /// Two moments with one number go on alike.
    fn number(&self, dir: &Path) -> u64 {
        let mut names = self.fs.list_names(dir).unwrap_or_default();
        names.retain(|name| !is_temporary(Path::new(&name.name)));
        let workers = self.workers.iter();
        let workers: Vec<_> = workers
            .map(|worker| (worker.told, worker.is_dead))
            .collect();
        hash(&(workers, &self.locks, names_of(&names)))
    }
}

/// Runs two workers on a directory in every order of their steps, the first one also as one that dies after each of
/// them. Gives how many moments there were.
///
/// The first one goes on alone until `is_begun` says of what it has said that it has begun.
///
/// `work` is what each does and gives what it says of that, so far; `check` looks at what both have said at each moment,
/// and `check_end` at what they leave.
pub(super) fn every_order<T: Clone + Default>(
    (begun, dir): (&MemFs, &Path),
    is_begun: impl Fn(&T) -> bool,
    work: impl Fn(&TurnFs, usize) -> T,
    check: impl Fn([&T; WORKERS]),
    check_end: impl Fn(&MemFs, [&T; WORKERS]),
) -> usize {
    let mut gone = HashSet::new();
    let mut first = Moment::<T>::first(begun);
    while !is_begun(&first.workers[0].said) {
        first = first.after(0, &work);
    }
    let mut open = vec![first];
    while let Some(moment) = open.pop() {
        if !gone.insert(moment.number(dir)) {
            continue;
        }
        let said = moment.workers.each_ref().map(|worker| &worker.said);
        check(said);
        if moment.workers.iter().all(|worker| !worker.is_going) {
            check_end(&moment.fs.fork(), said);
        }
        if moment.workers[0].is_going {
            open.push(moment.without(0));
        }
        for number in (0..WORKERS).filter(|number| moment.workers[*number].is_going) {
            open.push(moment.after(number, &work));
        }
    }
    gone.len()
}
