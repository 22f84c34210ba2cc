//! A replica: a follower, and the log that it shows.

use crate::bucket::{Bucket, Content, Log};
use strandline_replicate::Term;
use strandline_replicate::protocol::{Answer, Follower, Request, Told};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Replica {
    pub(crate) machine: Follower<Content>,
    pub(crate) shown: Log,
    /// A log was found that does not have what was shown.
    pub(crate) is_diverged: bool,
}

impl Replica {
    pub(crate) const fn new() -> Self {
        Self {
            machine: Follower::new(),
            shown: Log::new(),
            is_diverged: false,
        }
    }

    pub(crate) fn term(&self) -> Option<Term> {
        self.machine.place().map(|(term, _)| term)
    }

    /// Asks once; says whether it went from one term to a later one.
    pub(crate) fn step(&mut self, bucket: &Bucket, doubts: bool) -> bool {
        let before = self.term();
        let request = self.machine.request();
        let answer = match &request {
            Request::Put { .. } => Answer::Unclear,
            Request::Get { key } => bucket.look(key),
            Request::List(listing) => Answer::Listed(bucket.list(*listing)),
        };
        match self.machine.answer(answer) {
            Told::More => {}
            Told::Wait(_) if doubts => self.machine.doubt(),
            Told::Wait(_) => {}
            Told::Show { content, .. } => match content {
                Content::Chunk(event) => self.shown.push(event),
                _ => self.is_diverged = true,
            },
            Told::Moved { content, .. } => match bucket.state(&content) {
                None => self.machine.again(),
                Some((log, _)) if log.starts_with(&self.shown) => self.shown = log,
                Some(_) => self.is_diverged = true,
            },
        }
        before.is_some() && before < self.term()
    }
}
