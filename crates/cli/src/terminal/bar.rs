//! `Bar`: progress, as a bar on a terminal and as a line now and then elsewhere. On standard error,
//! so that it is never among the results.

use crate::output::note;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::time::Duration;
use strandline::maintenance::{Progress, ProgressUnit};
use strandline::{Clock, SystemClock};

/// How often a line is printed where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

pub(crate) struct Bar {
    what: &'static str,
    drawn: Option<ProgressBar>,
    clock: SystemClock,
    line_at: Duration,
}

impl Bar {
    pub(crate) fn new(what: &'static str) -> Self {
        Self {
            what,
            drawn: std::io::stderr().is_terminal().then(ProgressBar::no_length),
            clock: SystemClock::default(),
            line_at: LINE_INTERVAL,
        }
    }

    /// Shows how far a function is. Never asks it to stop: an interrupt ends the program, and every
    /// command can be called again.
    pub(crate) fn show(&mut self, progress: Progress) -> ControlFlow<()> {
        match &self.drawn {
            Some(bar) => draw(bar, self.what, progress),
            None if self.clock.elapsed() >= self.line_at => {
                self.line_at = self.clock.elapsed() + LINE_INTERVAL;
                let unit = match progress.unit {
                    ProgressUnit::Bytes => "bytes",
                    _ => "events",
                };
                match progress.total {
                    Some(total) => {
                        note(format_args!(
                            "{}: {} of {total} {unit}",
                            self.what, progress.done
                        ));
                    }
                    None => note(format_args!("{}: {} {unit}", self.what, progress.done)),
                }
            }
            None => {}
        }
        ControlFlow::Continue(())
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = &self.drawn {
            bar.finish_and_clear();
        }
    }
}

fn draw(bar: &ProgressBar, what: &'static str, progress: Progress) {
    if bar.position() == 0 {
        let template = match (progress.unit, progress.total) {
            (ProgressUnit::Bytes, Some(_)) => {
                "{msg} {wide_bar} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left"
            }
            (ProgressUnit::Bytes, None) => "{msg} {bytes}, {bytes_per_sec}",
            (_, Some(_)) => "{msg} {wide_bar} {human_pos}/{human_len}, {per_sec}, {eta} left",
            (_, None) => "{msg} {human_pos} events, {per_sec}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(what);
        if let Some(total) = progress.total {
            bar.set_length(total);
        }
    }
    bar.set_position(progress.done);
}
