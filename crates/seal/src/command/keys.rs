//! `CommandKeys`: keys that a program has, and for a while those that it gave.

use super::protocol::{Answer, Of, Question};
use super::run::ask;
use crate::crypto::Key;
use crate::keys::{Found, KeyStore, was_forgotten};
use crate::subject::{Per, Subject};
use std::collections::HashMap;
use std::ffi::OsString;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use strandline::{Clock, Error, ErrorKind, SealKeyId, SystemClock};
use strandline_core::sync::RwLock;

/// How long a program may take, and what it gave is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CommandLimits {
    /// How long an answer may take; then the program is killed. Default: 10 seconds.
    pub answer_time_max: Duration,
    /// How long a key is used before the program is asked again: so long may one that was forgotten elsewhere be used
    /// here. Default: 60 seconds.
    pub kept_time_max: Duration,
    /// How many keys are kept at most; where there are more, all are let go. Default: 10,000.
    pub kept_keys_max: usize,
}

impl Default for CommandLimits {
    fn default() -> Self {
        Self {
            answer_time_max: Duration::from_secs(10),
            kept_time_max: Duration::from_secs(60),
            kept_keys_max: 10_000,
        }
    }
}

/// Keys that a program of the operator's has: the client of a vault or of an HSM, a script.
///
/// The program is started for each question, reads an object of JSON on its standard input, and writes its answer on
/// its standard output:
///
/// | question | answer |
/// |---|---|
/// | `{"ask":"current","entity":"customer:7"}`, or with `scope` | the key; `{}` if there never was one; `{"forgotten":true}` |
/// | `{"ask":"create","entity":"customer:7"}` | the key, made if there is none |
/// | `{"ask":"find","id":"<32 hex digits>"}` | the key; `{}`; `{"forgotten_ms":1700000000000}` |
/// | `{"ask":"forget","entity":"customer:7"}` | `{"forgotten":true}`; `{}` if there is none |
///
/// A key is `{"id":"<32 hex digits>","key":"<64 hex digits>"}`, both random. An exit status that is not 0, another
/// answer, or none in time is an [`ErrorKind::Io`].
#[derive(Debug)]
pub struct CommandKeys {
    program: OsString,
    arguments: Vec<OsString>,
    limits: CommandLimits,
    clock: Arc<dyn Clock>,
    kept: RwLock<Kept>,
}

/// Keys that were given, and when.
#[derive(Debug, Default)]
struct Kept {
    by_id: HashMap<SealKeyId, (Arc<Key>, Duration)>,
    ids: HashMap<(Per, Box<str>), SealKeyId>,
}

impl CommandKeys {
    /// The keys of a program, with its arguments.
    #[must_use]
    pub fn new(
        program: impl Into<OsString>,
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
        limits: CommandLimits,
    ) -> Self {
        Self::with_clock(program, arguments, limits, Arc::new(SystemClock::default()))
    }

    /// The keys of a program, and a clock that says how long they are kept.
    #[must_use]
    pub fn with_clock(
        program: impl Into<OsString>,
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
        limits: CommandLimits,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            program: program.into(),
            arguments: arguments.into_iter().map(Into::into).collect(),
            limits,
            clock,
            kept: RwLock::new(Kept::default()),
        }
    }

    fn ask(&self, question: &Question<'_>) -> Result<Answer, Error> {
        let failed = |why: &str| {
            let program = self.program.display();
            Error::new(
                ErrorKind::Io,
                format!("the program of keys {program} {why}"),
            )
        };
        let mut text = serde_json::to_vec(question)
            .map_err(|error| failed("cannot be asked").with_source(error))?;
        text.push(b'\n');
        let mut program = Command::new(&self.program);
        let answer = ask(
            program.args(&self.arguments),
            text,
            self.limits.answer_time_max,
        )
        .map_err(|error| failed("gave no answer").with_source(error))?;
        Answer::parse(&answer).ok_or_else(|| failed("gave an answer that is none"))
    }

    /// The key of an id that was given not too long ago.
    fn kept(&self, id: SealKeyId) -> Option<Arc<Key>> {
        let now = self.clock.elapsed();
        let kept = self.kept.read();
        let (key, since) = kept.by_id.get(&id)?;
        let is_new = now.saturating_sub(*since) < self.limits.kept_time_max;
        is_new.then(|| key.clone())
    }

    fn keep(&self, subject: Option<Subject<'_>>, key: Key) -> Arc<Key> {
        let key = Arc::new(key);
        let now = self.clock.elapsed();
        let mut kept = self.kept.write();
        if kept.by_id.len() >= self.limits.kept_keys_max {
            *kept = Kept::default();
        }
        kept.by_id.insert(key.id(), (key.clone(), now));
        if let Some(subject) = subject {
            kept.ids
                .insert((subject.per(), subject.name().into()), key.id());
        }
        key
    }
}

impl KeyStore for CommandKeys {
    fn current(&self, subject: Subject<'_>) -> Result<Option<Arc<Key>>, Error> {
        let name = (subject.per(), Box::from(subject.name()));
        let id = self.kept.read().ids.get(&name).copied();
        if let Some(key) = id.and_then(|id| self.kept(id)) {
            return Ok(Some(key));
        }
        match self.ask(&Question::Current(Of::from(subject)))? {
            Answer::Key(key) => Ok(Some(self.keep(Some(subject), key))),
            Answer::Nothing => Ok(None),
            Answer::Forgotten(_) => Err(was_forgotten(subject)),
        }
    }

    fn create(&self, subject: Subject<'_>) -> Result<Arc<Key>, Error> {
        match self.ask(&Question::Create(Of::from(subject)))? {
            Answer::Key(key) => Ok(self.keep(Some(subject), key)),
            Answer::Nothing | Answer::Forgotten(_) => {
                let message = format!("the program of keys made no key of {subject}");
                Err(Error::new(ErrorKind::Io, message))
            }
        }
    }

    fn find(&self, id: SealKeyId) -> Result<Found, Error> {
        if let Some(key) = self.kept(id) {
            return Ok(Found::Key(key));
        }
        match self.ask(&Question::Find { id: id.to_string() })? {
            Answer::Key(key) if key.id() == id => Ok(Found::Key(self.keep(None, key))),
            Answer::Key(key) => {
                let message = format!(
                    "the program of keys was asked for key {id} and gave {}",
                    key.id()
                );
                Err(Error::new(ErrorKind::Io, message))
            }
            Answer::Forgotten(at_ms) => Ok(Found::Forgotten { at_ms }),
            Answer::Nothing => Ok(Found::Unknown),
        }
    }

    fn forget(&self, subject: Subject<'_>) -> Result<bool, Error> {
        // Whatever the program says, what is kept of it is not used any more.
        *self.kept.write() = Kept::default();
        let answer = self.ask(&Question::Forget(Of::from(subject)))?;
        *self.kept.write() = Kept::default();
        match answer {
            Answer::Forgotten(_) => Ok(true),
            Answer::Nothing => Ok(false),
            Answer::Key(_) => {
                let message = format!("the program of keys did not forget the key of {subject}");
                Err(Error::new(ErrorKind::Io, message))
            }
        }
    }
}
