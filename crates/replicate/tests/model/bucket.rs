//! A bucket: objects, and PUTs and DELETEs that are under way and may be done at any later moment, or never.

use std::collections::{BTreeMap, BTreeSet};
use strandline_replicate::protocol::{Answer, Listing, Request, Survey};
use strandline_replicate::{Key, Term};

/// An event; no two have the same number.
pub(crate) type Event = u8;
pub(crate) type Log = Vec<Event>;

/// What is in an object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Content {
    Term {
        owner: u8,
        /// No two beginnings have the same.
        beginning: u8,
    },
    Chunk(Event),
    State {
        log: Log,
        /// The objects without which the log cannot be read.
        parts: Vec<Key>,
    },
    Data(Log),
}

/// A request without an answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Late {
    Put {
        key: Key,
        content: Content,
        /// A GET has found nothing since.
        was_absent: bool,
    },
    Delete(Key),
}

/// How a PUT goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Fault {
    None,
    /// It is done, and nobody is told.
    LostReply,
    /// It is done later or never, and nobody knows.
    Late,
    /// It is done later or never, and "already exists" is answered: a 409 that somebody took for a 412.
    LateExists,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(crate) struct Bucket {
    pub(crate) objects: BTreeMap<Key, Content>,
    pub(crate) late: BTreeSet<Late>,
}

impl Bucket {
    pub(crate) fn put(&mut self, key: &Key, content: &Content, fault: Fault) -> Answer<Content> {
        let late = Late::Put {
            key: key.clone(),
            content: content.clone(),
            was_absent: false,
        };
        match fault {
            Fault::None => self.create(key, content),
            Fault::LostReply => {
                self.create(key, content);
                Answer::Unclear
            }
            Fault::Late => {
                self.late.insert(late);
                Answer::Unclear
            }
            Fault::LateExists => {
                self.late.insert(late);
                Answer::Exists
            }
        }
    }

    fn create(&mut self, key: &Key, content: &Content) -> Answer<Content> {
        if self.objects.contains_key(key) {
            return Answer::Exists;
        }
        self.objects.insert(key.clone(), content.clone());
        Answer::Created
    }

    pub(crate) fn look(&self, key: &Key) -> Answer<Content> {
        match self.objects.get(key) {
            Some(content) => Answer::Found(content.clone()),
            None => Answer::Absent,
        }
    }

    /// Looks, and has those who are late know that nothing was found.
    fn get(&mut self, key: &Key) -> Answer<Content> {
        if let Some(content) = self.objects.get(key) {
            return Answer::Found(content.clone());
        }
        self.late = std::mem::take(&mut self.late)
            .into_iter()
            .map(|late| match late {
                Late::Put {
                    key: of, content, ..
                } if of == *key => Late::Put {
                    key: of,
                    content,
                    was_absent: true,
                },
                late => late,
            })
            .collect();
        Answer::Absent
    }

    pub(crate) fn list(&self, listing: Listing) -> Vec<u64> {
        let number = |key: &Key| match (listing, key) {
            (Listing::Terms { from }, Key::Term(term)) => (*term >= from).then(|| term.get()),
            (Listing::Chunks { term, from }, Key::Chunk { term: of, number }) => {
                (term == *of && *number >= from).then_some(*number)
            }
            (Listing::States { term }, Key::State { term: of, number }) => {
                (term == *of).then_some(*number)
            }
            _ => None,
        };
        self.objects.keys().filter_map(number).collect()
    }

    pub(crate) fn answer(&mut self, request: &Request<Content>, fault: Fault) -> Answer<Content> {
        match request {
            Request::Put { key, content } => self.put(key, content, fault),
            Request::Get { key } => self.get(key),
            Request::List(listing) => Answer::Listed(self.list(*listing)),
        }
    }

    /// Forgets late PUTs that change nothing, where nothing is deleted.
    pub(crate) fn forget(&mut self) {
        let objects = &self.objects;
        self.late.retain(|late| match late {
            Late::Put { key, .. } => !objects.contains_key(key),
            Late::Delete(_) => true,
        });
    }

    /// A request that is late is done; says whether a PUT was, after a GET had found nothing.
    pub(crate) fn catch_up(&mut self, late: &Late) -> bool {
        self.late.remove(late);
        match late {
            Late::Put {
                key,
                content,
                was_absent,
            } => self.create(key, content) == Answer::Created && *was_absent,
            Late::Delete(key) => {
                self.objects.remove(key);
                false
            }
        }
    }

    /// The log of a state, and the objects it is in; `None` where one is not there.
    pub(crate) fn state(&self, content: &Content) -> Option<(Log, Vec<Key>)> {
        let Content::State { log, parts } = content else {
            return None;
        };
        let is_there = parts.iter().all(|part| self.objects.contains_key(part));
        is_there.then(|| (log.clone(), parts.clone()))
    }

    /// The log up to a chunk, and the objects it is in; `None` where one is not there.
    pub(crate) fn read(&self, term: Term, state: u64, below: u64) -> Option<(Log, Vec<Key>)> {
        let content = self.objects.get(&Key::State {
            term,
            number: state,
        })?;
        let (mut log, mut parts) = self.state(content)?;
        for number in state..below {
            let key = Key::Chunk { term, number };
            let Content::Chunk(event) = self.objects.get(&key)? else {
                return None;
            };
            log.push(*event);
            parts.push(key);
        }
        Some((log, parts))
    }

    /// What a writer that came now would go on from; `None` where an object is not there.
    pub(crate) fn left(&self) -> Option<Log> {
        let terms = self.list(Listing::Terms { from: Term::FIRST });
        let mut survey = Survey::new(terms.into_iter().max().and_then(Term::new));
        while let Some(request) = survey.request::<Content>() {
            let Request::List(listing) = request else {
                return None;
            };
            survey.answer::<Content>(Answer::Listed(self.list(listing)));
        }
        match survey.taken()? {
            None => Some(Log::new()),
            Some(taken) => Some(self.read(taken.term, taken.state, taken.below)?.0),
        }
    }
}
