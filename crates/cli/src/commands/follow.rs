//! `follow`: a bucket followed into a directory, which is a store to read only.

use crate::args::{Access, BucketArgs, refused_bucket, store_dir};
use crate::interrupt::Interrupt;
use crate::outcome::{Hinted, Outcome};
use crate::output::note;
use crate::terminal::{Screen, count, duration, number};
use serde_json::{Value, json};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use strandline::{Clock, SystemClock};
use strandline_replicate::{
    Bucket, FollowError, RemoteOptions, Replica, ReplicaActivity, ReplicaOptions, ReplicaStatus,
};

/// How often it is looked how far it is.
const LOOK: Duration = Duration::from_millis(100);
/// How often a change is told.
const TELL_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    bucket: BucketArgs,
    /// Directory of the replica: a new one, or that of an earlier one, which goes on. A copy of the log, which
    /// every command that only reads takes as a store, also meanwhile.
    #[arg(value_name = "DIR", value_parser = store_dir())]
    dir: PathBuf,
    /// End once everything that is acknowledged is there.
    #[arg(long)]
    once: bool,
    /// With --once, give up if that takes longer, in seconds.
    #[arg(long, value_name = "SECONDS", requires = "once",
        value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: Option<u64>,
    /// How often to look for more, in milliseconds. Each look costs two requests.
    #[arg(long, value_name = "MS", default_value_t = 1000,
        value_parser = clap::value_parser!(u64).range(10..=3_600_000))]
    interval_ms: u64,
    /// Leave sealed segments in the bucket, fetch them when they are read, and keep so many bytes of them beside the
    /// directory, in DIR.cache. Only programs that know the bucket read the directory then; `take-over` goes on with it.
    #[arg(long, value_name = "BYTES")]
    cache_bytes: Option<u64>,
    /// Print JSON, for programs: a line for each change.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let bucket = args.bucket.open(Access::Read)?;
    let interrupt = Interrupt::new()?;
    let interval = Duration::from_millis(args.interval_ms);
    let mut options = ReplicaOptions::new().poll_interval(interval);
    if let Some(bytes) = args.cache_bytes {
        options = options.lazy(RemoteOptions::default().disk_bytes_max(bytes));
    }
    let Some(replica) = open(&bucket, args, options, &interrupt)? else {
        return Ok(Outcome::Fine);
    };
    let mut shown = Shown::new(args);
    let clock = SystemClock::default();
    let limit = args.timeout.map_or(Duration::MAX, Duration::from_secs);
    let error = loop {
        let status = replica.status();
        let is_reached =
            status.reached_ago.is_some() && matches!(status.activity, ReplicaActivity::Reached);
        shown.show(&status, clock.elapsed())?;
        if let ReplicaActivity::Failed(error) = status.activity {
            break Some(failed(&error, args));
        }
        if args.once && is_reached {
            break None;
        }
        if clock.elapsed() >= limit {
            break Some(late(&status, args));
        }
        if interrupt.wait(LOOK) {
            break None;
        }
    };
    let status = replica.status();
    // Makes durable what came.
    drop(replica);
    shown.end(&status)?;
    match error {
        Some(error) => Err(error),
        None => Ok(Outcome::Fine),
    }
}

/// Opens the replica, which fetches all that there is into a new directory; none if it was interrupted.
fn open(
    bucket: &Bucket,
    args: &Args,
    options: ReplicaOptions,
    interrupt: &Interrupt,
) -> anyhow::Result<Option<Replica>> {
    let (send, opened) = std::sync::mpsc::channel();
    let (of, dir) = (bucket.clone(), args.dir.clone());
    let thread = std::thread::Builder::new().name("strandline-open".to_owned());
    thread.spawn(move || {
        // Nobody waits for it once it is interrupted; what was fetched then is fetched again.
        let _ = send.send(Replica::open(of, dir, options));
    })?;
    let clock = SystemClock::default();
    let mut told_at = TELL_INTERVAL;
    loop {
        if let Ok(opened) = opened.try_recv() {
            let opened = opened.map_err(|error| failed(&Arc::new(error), args))?;
            return Ok(Some(opened));
        }
        if clock.elapsed() >= told_at {
            told_at = clock.elapsed() + 5 * TELL_INTERVAL;
            let received = bucket.requests().total().bytes_received;
            note(format_args!(
                "fetching: {} so far",
                crate::terminal::size(received)
            ));
        }
        let limit = args.timeout.map_or(Duration::MAX, Duration::from_secs);
        if clock.elapsed() >= limit {
            let seconds = args.timeout.unwrap_or_default();
            let error = anyhow::anyhow!(
                "nothing to follow after {seconds} s: the bucket has not answered, or not all of it is here"
            );
            let next = "check the network and the endpoint; give the command again to go on with what is here".to_owned();
            let is_usage = false;
            return Err(Hinted {
                error,
                next,
                is_usage,
            }
            .into());
        }
        if interrupt.wait(LOOK) {
            note("interrupted; give the command again to go on");
            return Ok(None);
        }
    }
}

/// What was shown last.
struct Shown<'a> {
    args: &'a Args,
    screen: Screen,
    last: Option<(u64, String)>,
    next_at: Duration,
}

impl<'a> Shown<'a> {
    fn new(args: &'a Args) -> Self {
        Self {
            args,
            screen: Screen::new(),
            last: None,
            next_at: Duration::ZERO,
        }
    }

    /// Tells of a status if it is another one: what it does at once, and how far it is now and then.
    fn show(&mut self, status: &ReplicaStatus, now: Duration) -> io::Result<()> {
        if self.args.once {
            return Ok(());
        }
        let doing = match &status.activity {
            // It goes from one to the other with each event.
            ReplicaActivity::Reading | ReplicaActivity::Reached => String::new(),
            activity => told(activity),
        };
        let new = (status.visible.get(), doing);
        let is_other = self.last.as_ref().is_none_or(|(_, doing)| *doing != new.1);
        let has_more = self
            .last
            .as_ref()
            .is_none_or(|(visible, _)| *visible != new.0);
        let is_due = is_other || has_more && now >= self.next_at;
        if !is_due {
            return Ok(());
        }
        self.last = Some(new);
        self.next_at = now + TELL_INTERVAL;
        self.print(status)
    }

    fn print(&mut self, status: &ReplicaStatus) -> io::Result<()> {
        match self.args.json {
            true => self.screen.json(&as_json(status))?,
            false => self.screen.text(&line(status))?,
        }
        self.screen.flush()
    }

    /// Tells how far it came.
    fn end(&mut self, status: &ReplicaStatus) -> io::Result<()> {
        if self.args.json {
            return self.print(status);
        }
        self.screen.text(&format!(
            "{} has everything before sequence {}",
            self.args.dir.display(),
            number(status.visible.get())
        ))?;
        self.screen.flush()
    }
}

fn told(activity: &ReplicaActivity) -> String {
    match activity {
        ReplicaActivity::Reading => "reading on".to_owned(),
        ReplicaActivity::Reached => "up to date".to_owned(),
        ReplicaActivity::WaitingFor { term, record } => {
            let by = record.as_ref();
            let by = by.map_or_else(String::new, |record| format!(" by {}", record.host));
            format!("waiting: term {term} was taken{by} and has not begun")
        }
        ReplicaActivity::Retrying(error) => format!("trying again: {error}"),
        ReplicaActivity::Failed(error) => format!("stopped: {error}"),
        _ => "at work".to_owned(),
    }
}

/// A status in a line, for people.
fn line(status: &ReplicaStatus) -> String {
    let term = status.term.map_or(0, |term| term.get());
    let mut line = format!(
        "sequence {}, term {term}, {}",
        number(status.visible.get()),
        told(&status.activity)
    );
    if status.events_behind > 0 {
        line += &format!(", {} behind", count(status.events_behind, "event"));
    }
    if let Some(ago) = status.reached_ago.filter(|ago| ago.as_secs() > 0) {
        line += &format!(", up to date {} ago", duration(ago));
    }
    line
}

fn as_json(status: &ReplicaStatus) -> Value {
    let activity = match &status.activity {
        ReplicaActivity::Reading => "reading",
        ReplicaActivity::Reached => "reached",
        ReplicaActivity::WaitingFor { .. } => "waiting",
        ReplicaActivity::Retrying(_) => "retrying",
        ReplicaActivity::Failed(_) => "failed",
        _ => "other",
    };
    let error = match &status.activity {
        ReplicaActivity::Retrying(error) | ReplicaActivity::Failed(error) => {
            Some(error.to_string())
        }
        _ => None,
    };
    let waits_for = match &status.activity {
        ReplicaActivity::WaitingFor { term, .. } => Some(term.get()),
        _ => None,
    };
    json!({
        "visible": status.visible,
        "term": status.term.map(|term| term.get()),
        "next_chunk": status.next_chunk,
        "events_behind": status.events_behind,
        "reached_ms_ago": status.reached_ago.map(|ago| u64::try_from(ago.as_millis()).unwrap_or(u64::MAX)),
        "unsynced_bytes": status.unsynced_bytes,
        "activity": activity,
        "waits_for_term": waits_for,
        "error": error,
    })
}

/// Why it was not up to date in time.
fn late(status: &ReplicaStatus, args: &Args) -> anyhow::Error {
    let seconds = args.timeout.unwrap_or_default();
    let message = format!(
        "not up to date after {seconds} s: {}",
        told(&status.activity)
    );
    anyhow::Error::msg(message)
}

/// A failure to follow, with what to do about it.
fn failed(error: &Arc<FollowError>, args: &Args) -> anyhow::Error {
    let (dir, url) = (args.dir.display(), &args.bucket.url);
    let next = match &**error {
        FollowError::Bucket(error) => return refused_bucket(error.clone()),
        FollowError::Empty => format!(
            "check the prefix of the URL: `strandline replicas {url}`; a writer that is started with it begins the log"
        ),
        FollowError::Diverged { .. } => format!(
            "check the URL, and that its disk is mounted. If both are right: nothing more is taken into {dir}, which has \
             what it had; keep it until it is known which log is right, and follow the bucket into another directory"
        ),
        FollowError::TermLost { .. } => format!(
            "`strandline replicas {url}` shows what is there and what is lacking"
        ),
        FollowError::Io { source, .. } if source.kind() == io::ErrorKind::AlreadyExists => {
            "a replica has its directory to itself; nothing was changed".to_owned()
        }
        FollowError::Io { .. } => {
            "mend what is in the way, as a disk that is full, and give the command again: it goes on with what is there"
                .to_owned()
        }
        _ => return anyhow::Error::new(Arc::clone(error)),
    };
    let is_usage = matches!(**error, FollowError::Empty);
    let error = anyhow::Error::new(Arc::clone(error));
    Hinted {
        error,
        next,
        is_usage,
    }
    .into()
}
