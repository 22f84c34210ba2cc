//! `Bar`: progress, as a bar on a terminal and as a line now and then elsewhere. On standard error,
//! so that it is never among the results.

use super::text::number;
use crate::output::note;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use std::fmt::Write;
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
                            "{}: {} of {} {unit}",
                            self.what,
                            number(progress.done),
                            number(total)
                        ));
                    }
                    None => note(format_args!(
                        "{}: {} {unit}",
                        self.what,
                        number(progress.done)
                    )),
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

/// Whole events a second.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate is above zero, and no one reads more than its digits"
)]
fn rate(per_second: f64) -> String {
    format!("{} events/s", number(per_second.round() as u64))
}

fn draw(bar: &ProgressBar, what: &'static str, progress: Progress) {
    if bar.position() == 0 {
        let template = match (progress.unit, progress.total) {
            (ProgressUnit::Bytes, Some(_)) => {
                "{msg} {wide_bar} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left"
            }
            (ProgressUnit::Bytes, None) => "{msg} {bytes}, {bytes_per_sec}",
            (_, Some(_)) => "{msg} {wide_bar} {human_pos}/{human_len} events, {rate}, {eta} left",
            (_, None) => "{msg} {human_pos} events, {rate}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(
                style.with_key("rate", |state: &ProgressState, text: &mut dyn Write| {
                    // A bar that cannot be drawn is not missed.
                    let _ = text.write_str(&rate(state.per_sec()));
                }),
            );
        }
        bar.set_message(what);
        if let Some(total) = progress.total {
            bar.set_length(total);
        }
    }
    bar.set_position(progress.done);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// It was `234,120.2783/s`.
    #[test]
    fn a_rate_is_of_whole_events() {
        for (rate_given, text) in [
            (0.0, "0 events/s"),
            (0.6, "1 events/s"),
            (234_120.278_3, "234,120 events/s"),
            (f64::INFINITY, "18,446,744,073,709,551,615 events/s"),
            (f64::NAN, "0 events/s"),
        ] {
            assert_eq!(rate(rate_given), text);
        }
    }
}
