//! The way of one process to the bucket, on which requests are lost, refused, delayed, done late, or cut short.
//!
//! Which request fails how follows from the seed, the process, what is asked for and how often it was asked before: so
//! a seed repeats as far as the threads of the processes ask the same.

use super::sea::{Change, Due, Sea, Who};
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult,
    Result,
};
use std::fmt;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use strandline_core::fs::Draws;

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// It does not arrive.
    Lost,
    /// It is done, and the answer is lost.
    DoneThenLost,
    /// 500, and it is not done; or it is.
    Internal,
    DoneThenInternal,
    /// 409, and it is not done; or it is.
    Conflict,
    DoneThenConflict,
    /// 503 with a wish for fewer requests.
    Throttled,
    /// The credentials have expired for a moment.
    Denied,
    /// It fails, and is done later.
    Late,
    /// Nothing is answered until the process gives up. It is done at once, later, or never.
    Silent,
    /// It takes its time until it is done, or until it is answered.
    Slow,
    SlowAnswer,
    /// What is answered ends too early.
    Cut,
}

const OF_CHANGES: &[Fault] = &[
    Fault::Lost,
    Fault::DoneThenLost,
    Fault::Internal,
    Fault::DoneThenInternal,
    Fault::Conflict,
    Fault::DoneThenConflict,
    Fault::Throttled,
    Fault::Denied,
    Fault::Late,
    Fault::Late,
    Fault::Silent,
    Fault::Slow,
    Fault::SlowAnswer,
];

const OF_READS: &[Fault] = &[
    Fault::Lost,
    Fault::Internal,
    Fault::Throttled,
    Fault::Denied,
    Fault::Silent,
    Fault::Slow,
    Fault::SlowAnswer,
    Fault::Cut,
    Fault::Cut,
];

impl Fault {
    const fn name(self) -> &'static str {
        match self {
            Self::Lost => "a request is lost",
            Self::DoneThenLost => "an answer is lost",
            Self::Internal => "a 500",
            Self::DoneThenInternal => "a 500 for what is done",
            Self::Conflict => "a 409",
            Self::DoneThenConflict => "a 409 for what is done",
            Self::Throttled => "a 503",
            Self::Denied => "a refusal",
            Self::Late => "done late",
            Self::Silent => "no answer",
            Self::Slow => "a request takes its time",
            Self::SlowAnswer => "an answer takes its time",
            Self::Cut => "an answer is cut short",
        }
    }

    const fn is_done(self) -> bool {
        matches!(
            self,
            Self::DoneThenLost | Self::DoneThenInternal | Self::DoneThenConflict
        )
    }

    /// What is answered.
    fn error(self, path: &str) -> Error {
        let path = path.to_owned();
        match self {
            Self::Conflict | Self::DoneThenConflict => Error::AlreadyExists {
                path,
                source: "status code: 409, ConditionalRequestConflict".into(),
            },
            Self::Denied => Error::PermissionDenied {
                path,
                source: "ExpiredToken".into(),
            },
            Self::Throttled => generic("status code: 503, SlowDown"),
            Self::Internal | Self::DoneThenInternal => generic("status code: 500, InternalError"),
            _ => generic("the connection was closed"),
        }
    }
}

fn generic(text: &'static str) -> Error {
    Error::Generic {
        store: "faults",
        source: text.into(),
    }
}

/// The way of one process to the bucket. Clones are the same way.
#[derive(Debug, Clone)]
pub(crate) struct Line(Arc<Wire>);

impl Deref for Line {
    type Target = Wire;

    fn deref(&self) -> &Wire {
        &self.0
    }
}

#[derive(Debug)]
pub(crate) struct Wire {
    sea: Arc<Sea>,
    pub(crate) who: Who,
    seed: u64,
    /// How many of a thousand requests fail.
    in_thousand: u64,
    /// Requests after which the process is dead.
    left: AtomicU64,
    is_held: AtomicBool,
    /// Each PUT of this key fails, and is done with the next step of the story.
    late: Mutex<Option<String>>,
    /// Before a PUT of this key there is a step of the story.
    step_before: Mutex<Option<String>>,
}

impl Line {
    pub(crate) fn new(sea: &Arc<Sea>, who: Who, seed: u64, in_thousand: u64) -> Self {
        Self(Arc::new(Wire {
            sea: Arc::clone(sea),
            who,
            seed,
            in_thousand,
            left: AtomicU64::new(u64::MAX),
            is_held: AtomicBool::new(false),
            late: Mutex::default(),
            step_before: Mutex::default(),
        }))
    }
}

impl Wire {
    /// Nothing of the process arrives any more, and it learns nothing true. So that its threads end, it is told that
    /// whatever it wants to put is there already, by somebody whom nobody can read.
    pub(crate) fn kill(&self) {
        self.left.store(0, Ordering::SeqCst);
    }

    /// Has the process die after so many more requests.
    pub(crate) fn dies_after(&self, requests: u64) {
        self.left.store(requests, Ordering::SeqCst);
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.left.load(Ordering::SeqCst) == 0
    }

    /// Lets no request through until it is told to go on.
    pub(crate) fn hold(&self, is_held: bool) {
        self.is_held.store(is_held, Ordering::SeqCst);
    }

    /// Has each PUT of a key fail, and be done with the next step of the story.
    pub(crate) fn put_late(&self, key: &str) {
        *self.late.lock().unwrap() = Some(key.to_owned());
    }

    /// Has a step of the story come right before a PUT of a key.
    pub(crate) fn step_before(&self, key: &str) {
        *self.step_before.lock().unwrap() = Some(key.to_owned());
    }

    /// A request arrives: whether the process lives, what becomes of the request, and further numbers.
    async fn arrives(
        &self,
        what: &str,
        path: &str,
        faults: &[Fault],
    ) -> (bool, Option<Fault>, Draws) {
        while self.is_held.load(Ordering::SeqCst) && !self.is_dead() && !self.sea.is_calm() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let left = |left: u64| match left {
            u64::MAX => None,
            left => Some(left.saturating_sub(1)),
        };
        let _ = self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, left);
        let what = format!("{what} {}", place(path));
        let mut draws = Draws::new(self.seed);
        for byte in what.bytes() {
            draws = Draws::of(draws.number(), &[u64::from(byte)]);
        }
        let time = self.sea.asks(self.who.process, what);
        let mut draws = Draws::of(draws.number(), &[self.who.process, time]);
        if self.is_dead() || self.sea.is_calm() || !draws.chance(self.in_thousand, 1000) {
            return (!self.is_dead(), None, draws);
        }
        let at = usize::try_from(draws.below(faults.len() as u64)).unwrap();
        let fault = faults[at];
        self.sea.count(fault.name());
        (true, Some(fault), draws)
    }

    async fn changes(&self, change: Change) -> Result<Option<PutResult>> {
        let (what, path) = match &change {
            Change::Put { path, .. } => ("put", path.to_string()),
            Change::Delete(path) => ("delete", path.to_string()),
        };
        let (lives, fault, mut draws) = self.arrives(what, &path, OF_CHANGES).await;
        if !lives {
            return Err(Error::AlreadyExists {
                path,
                source: "this process is dead".into(),
            });
        }
        if self.late.lock().unwrap().as_ref() == Some(&path) {
            self.sea.count("put late");
            self.sea.later(Due::Steps(1), change);
            return Err(Fault::Late.error(&path));
        }
        if self.step_before.lock().unwrap().as_ref() == Some(&path) {
            self.sea.step();
        }
        let due = match draws.below(4) {
            0 => Due::Steps(1 + draws.below(3)),
            1 => Due::Begun,
            _ => Due::Taken,
        };
        match fault {
            Some(Fault::Slow) => nap(&mut draws).await,
            Some(Fault::Late) => self.sea.later(due, change.clone()),
            Some(Fault::Silent) => {
                match draws.below(3) {
                    0 => drop(self.sea.change(change)),
                    1 => self.sea.later(due, change),
                    _ => {}
                }
                return std::future::pending().await;
            }
            _ => {}
        }
        if let Some(fault) = fault
            && !matches!(fault, Fault::Slow | Fault::SlowAnswer)
        {
            if fault.is_done() {
                let _ = self.sea.change(change);
            }
            return Err(fault.error(&path));
        }
        let done = self.sea.change(change);
        if fault == Some(Fault::SlowAnswer) {
            nap(&mut draws).await;
        }
        // What was done for a process that died meanwhile nobody learns.
        match self.is_dead() {
            true => Err(generic("this process is dead")),
            false => done,
        }
    }

    /// Waits or fails as a read is to, and says what is to become of its answer.
    async fn reads(&self, what: &str, path: &str) -> Result<(Option<Fault>, Draws)> {
        let (lives, fault, mut draws) = self.arrives(what, path, OF_READS).await;
        if !lives {
            return Err(generic("this process is dead"));
        }
        match fault {
            None | Some(Fault::Cut | Fault::SlowAnswer) => {}
            Some(Fault::Slow) => nap(&mut draws).await,
            Some(Fault::Silent) => std::future::pending().await,
            Some(fault) => return Err(fault.error(path)),
        }
        Ok((fault, draws))
    }
}

async fn nap(draws: &mut Draws) {
    tokio::time::sleep(Duration::from_millis(1 + draws.below(12))).await;
}

/// What is asked for, as it is in each run: a log has random names.
fn place(path: &str) -> &str {
    match path.starts_with("data/") {
        true => path.rsplit_once('-').map_or(path, |(name, _)| name),
        false => path,
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("faults")
    }
}

/// What a dead process is given for an object.
fn nothing_true(path: &Path, options: &GetOptions) -> GetResult {
    let content = Bytes::from_static(b"this process is dead");
    let size = content.len() as u64;
    let meta = ObjectMeta {
        location: path.clone(),
        last_modified: std::time::UNIX_EPOCH.into(),
        size,
        e_tag: None,
        version: None,
    };
    let content = if options.head { Bytes::new() } else { content };
    GetResult {
        payload: GetResultPayload::Stream(stream::iter([Ok(content)]).boxed()),
        meta,
        range: 0..size,
        attributes: object_store::Attributes::default(),
        extensions: Default::default(),
    }
}

#[async_trait]
impl ObjectStore for Line {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let change = Change::Put {
            who: self.who,
            path: location.clone(),
            content: payload.into(),
            mode: match options.mode {
                PutMode::Create => PutMode::Create,
                _ => PutMode::Overwrite,
            },
        };
        let done = self.changes(change).await?;
        done.ok_or_else(|| generic("a PUT that is no PUT"))
    }

    async fn put_multipart_opts(
        &self,
        _: &Path,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Err(generic("status code: 500, no object here is that long"))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let what = match &options.range {
            Some(range) => format!("get {range}"),
            None => "get".to_owned(),
        };
        let (fault, mut draws) = match self.reads(&what, location.as_ref()).await {
            Err(_) if self.is_dead() => return Ok(nothing_true(location, &options)),
            reads => reads?,
        };
        let mut got = self.sea.objects().get_opts(location, options).await;
        if fault == Some(Fault::SlowAnswer) {
            nap(&mut draws).await;
        }
        if self.is_dead() {
            return Err(generic("this process is dead"));
        }
        if let (Ok(got), Some(Fault::Cut)) = (&mut got, fault) {
            let is_silent = draws.chance(1, 2);
            let payload = std::mem::replace(
                &mut got.payload,
                GetResultPayload::Stream(stream::empty().boxed()),
            );
            if let GetResultPayload::Stream(mut whole) = payload {
                let whole = whole.next().await.unwrap_or_else(|| Ok(Bytes::new()))?;
                let length = draws.below(whole.len() as u64);
                let part = whole.slice(..usize::try_from(length).unwrap());
                let end = (!is_silent).then(|| Err(generic("the connection was closed")));
                let pieces = [Ok(part)].into_iter().chain(end);
                got.payload = GetResultPayload::Stream(stream::iter(pieces).boxed());
            }
        }
        got
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let line = self.clone();
        locations
            .then(move |path| {
                let line = line.clone();
                async move {
                    let path = path?;
                    match line.changes(Change::Delete(path.clone())).await {
                        Err(error) if !line.is_dead() => Err(error),
                        _ => Ok(path),
                    }
                }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let line = self.clone();
        let under = prefix.cloned();
        let listed = async move {
            let path = under.clone().unwrap_or_default();
            let (fault, mut draws) = match line.reads("list", path.as_ref()).await {
                Err(_) if line.is_dead() => return Vec::new(),
                Err(error) => return vec![Err(error)],
                Ok(reads) => reads,
            };
            let listed = line.sea.objects().list(under.as_ref());
            let mut listed: Vec<_> = listed.collect().await;
            match fault {
                Some(Fault::SlowAnswer) => nap(&mut draws).await,
                Some(Fault::Cut) => {
                    let length = draws.below(listed.len() as u64 + 1);
                    listed.truncate(usize::try_from(length).unwrap());
                    listed.push(Err(generic("the connection was closed")));
                }
                _ => {}
            }
            listed
        };
        stream::once(listed).flat_map(stream::iter).boxed()
    }

    async fn list_with_delimiter(&self, _: Option<&Path>) -> Result<ListResult> {
        Err(generic("status code: 500, nobody asks for this"))
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        Err(generic("status code: 500, nobody asks for this"))
    }
}
