//! Standard output and standard error: the one place that writes to them, and decides what it means if they
//! cannot be written.
//!
//! What a command does is never left undone because of them. A reader that went away has seen enough, and
//! the command is as well as it is without one. Any other failure is told on standard error, and the exit
//! code is 1; a failure of standard error is told to nobody.
//!
//! Lays nothing out: how things look is `terminal`'s. Knows no other room.

use console::{Style, colors_enabled_stderr};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fstat, major, minor};
use std::borrow::Cow;
use std::fmt;
use std::io::{self, ErrorKind, StdoutLock, Write};
use std::time::Duration;

/// Prints a line on standard error, if anybody can be told.
pub fn note(text: impl fmt::Display) {
    let text = text.to_string();
    let text = marked(&text, colors_enabled_stderr());
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// A line in which what says that something is wrong, or what to do, is marked by a colour, if there are colours.
pub(crate) fn marked(line: &str, has_colors: bool) -> Cow<'_, str> {
    let red = || Style::new().red().bold().force_styling(true);
    let marks = [
        ("!! ", red()),
        ("error:", red()),
        ("  also:", red()),
        ("  next:", Style::new().green().force_styling(true)),
    ];
    let mark = marks.into_iter().find(|(mark, _)| line.starts_with(mark));
    match mark.filter(|_| has_colors) {
        Some((mark, style)) => {
            let rest = line.get(mark.len()..).unwrap_or_default();
            Cow::Owned(format!("{}{rest}", style.apply_to(mark)))
        }
        None => Cow::Borrowed(line),
    }
}

/// Prints text on standard output. That nobody reads it is no failure.
///
/// # Errors
///
/// Why it could not be written.
pub fn print(text: &str) -> io::Result<()> {
    let mut out = Standard::new();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// An output that could not be written.
#[derive(Debug)]
pub(crate) struct OutputFailed {
    /// What it is called.
    what: String,
    error: io::Error,
}

impl OutputFailed {
    pub(crate) fn new(what: impl Into<String>, error: io::Error) -> Self {
        let what = what.into();
        Self { what, error }
    }

    /// Whether the one who read it went away.
    pub(crate) fn is_unread(&self) -> bool {
        self.error.kind() == ErrorKind::BrokenPipe
    }

    /// The failure that is in an error, if it is one.
    pub(crate) fn of(error: &anyhow::Error) -> Option<&Self> {
        error.downcast_ref::<Self>().or_else(|| {
            let error = error.downcast_ref::<io::Error>()?;
            error.get_ref()?.downcast_ref()
        })
    }
}

impl fmt::Display for OutputFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cannot be written: {}", self.what, self.error)
    }
}

impl std::error::Error for OutputFailed {}

/// Standard output. Writing where nobody reads any more is no failure, and remembered.
pub(crate) struct Standard {
    out: StdoutLock<'static>,
    is_unread: bool,
}

impl Standard {
    pub(crate) fn new() -> Self {
        Self {
            out: io::stdout().lock(),
            is_unread: false,
        }
    }

    /// Whether the reader went away, so that nothing more has to be made.
    pub(crate) const fn is_unread(&self) -> bool {
        self.is_unread
    }

    fn outcome<T>(&mut self, written: io::Result<T>, unread: T) -> io::Result<T> {
        written.or_else(|error| match error.kind() {
            ErrorKind::BrokenPipe => {
                self.is_unread = true;
                Ok(unread)
            }
            ErrorKind::Interrupted => Err(error),
            kind => Err(io::Error::new(
                kind,
                OutputFailed::new("standard output", error),
            )),
        })
    }
}

impl Write for Standard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_unread {
            return Ok(bytes.len());
        }
        let written = self.out.write(bytes);
        self.outcome(written, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.is_unread {
            return Ok(());
        }
        let flushed = self.out.flush();
        self.outcome(flushed, ())
    }
}

/// Waits, but not for longer than there may be a reader of standard output. `false` if there is none: a pipe
/// whose other end is closed, a terminal that is gone, or nothing at all.
pub(crate) fn wait_while_read(time: Duration) -> bool {
    let stdout = io::stdout();
    if is_nothing() {
        return false;
    }
    let gone = PollFlags::ERR | PollFlags::HUP;
    let timeout = Timespec {
        tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: time.subsec_nanos().into(),
    };
    // Asks for no event: what is gone is told of unasked.
    let mut fds = [PollFd::new(&stdout, PollFlags::empty())];
    match poll(&mut fds, Some(&timeout)) {
        Ok(0) => true,
        Ok(_) if fds.iter().any(|fd| fd.revents().intersects(gone)) => false,
        _ => {
            std::thread::sleep(time);
            true
        }
    }
}

/// Whether standard output was closed when the program began: its run-time opens the null device in its
/// place, to read and write, which hardly anybody does who names that device.
fn is_nothing() -> bool {
    let stdout = io::stdout();
    let is_null = fstat(&stdout).is_ok_and(|stat| {
        (major(stat.st_rdev), minor(stat.st_rdev)) == (1, 3)
            && stat.st_mode & 0o170_000 == 0o020_000
    });
    is_null && fcntl_getfl(&stdout).is_ok_and(|flags| flags & OFlags::RWMODE == OFlags::RDWR)
}
