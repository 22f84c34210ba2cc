//! The bytes of an event, a frame or a file, each with what it means.

use super::args::Args;
use crate::outcome::{Outcome, WrongUsage};
use crate::output::note;
use crate::terminal::{Screen, column};
use std::fmt::Write;
use std::ops::ControlFlow;
use strandline::ErrorKind;
use strandline::fs::OsFs;
use strandline::maintenance::{Annotation, annotate_event, annotate_file, annotate_frame};

/// Columns of the bytes: 16 of them, two digits each, in groups of four.
const BYTES_COLUMNS: usize = 35;
/// Terminals narrower than this show fewer bytes of a part.
const WIDE: usize = 100;

/// Prints annotations, until enough are printed.
struct Printer<'a> {
    screen: Screen,
    args: &'a Args,
    printed: usize,
    /// Where what was not printed begins, once enough was.
    more_from: Option<u64>,
    is_damaged: bool,
    failure: Option<std::io::Error>,
}

impl Printer<'_> {
    /// Prints an annotation if there is room for it.
    fn take(&mut self, annotation: &Annotation) -> ControlFlow<()> {
        // Headings that a page begins in stand before its offset, and are no use to go on from.
        let is_new = annotation.offset > self.args.from || self.args.from == 0;
        if self.args.file.is_some() && self.printed >= self.args.limit && is_new {
            self.more_from = Some(annotation.offset);
            return ControlFlow::Break(());
        }
        self.is_damaged |= annotation.problem.is_some();
        self.printed += 1;
        if let Err(error) = self.print(annotation) {
            self.failure = Some(error);
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    fn print(&mut self, annotation: &Annotation) -> std::io::Result<()> {
        let Annotation {
            offset,
            length,
            depth,
            name,
            value,
            problem,
            ..
        } = annotation;
        if self.args.store.json {
            let json = serde_json::json!({
                "offset": offset,
                "length": length,
                "depth": depth,
                "name": name,
                "value": value,
                "bytes": hex(&annotation.bytes, usize::MAX).replace(' ', ""),
                "problem": problem,
            });
            return self.screen.json(&json);
        }
        let indent = usize::from(*depth) * 2;
        let wide = self.screen.width().is_none_or(|width| width >= WIDE);
        let shown = if wide { 16 } else { 4 };
        let columns = if wide { BYTES_COLUMNS } else { 9 };
        let mut line = format!("{offset:>10} {length:>8}  ");
        if annotation.bytes.is_empty() {
            let _ = write!(line, "{:indent$}{name}", "");
        } else {
            let more = *length > shown as u64;
            let bytes = hex(&annotation.bytes, shown) + if more { "…" } else { "" };
            let name = format!("{:indent$}{name}", "");
            let name = column(&name, if wide { 24 } else { 18 });
            line += &format!("{name} {}", column(&bytes, columns + 1));
        }
        if !value.is_empty() {
            let _ = write!(line, " {value}");
        }
        self.screen.line(line.trim_end())?;
        match problem {
            Some(problem) => self
                .screen
                .text(&format!("{:>19}  {:indent$}!! {problem}", "", "")),
            None => Ok(()),
        }
    }
}

/// Digits of at most `most` bytes, in groups of four bytes.
fn hex(bytes: &[u8], most: usize) -> String {
    let mut text = String::new();
    for (number, byte) in bytes.iter().take(most).enumerate() {
        if number > 0 && number % 4 == 0 {
            text.push(' ');
        }
        let _ = write!(text, "{byte:02x}");
    }
    text
}

pub(super) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let dir = &args.store.dir;
    let mut printer = Printer {
        screen: Screen::new(),
        args,
        printed: 0,
        more_from: None,
        is_damaged: false,
        failure: None,
    };
    let mut emit = |annotation: Annotation| printer.take(&annotation);
    let mut missing = None;
    let walked = if let Some(id) = args.event() {
        let found = annotate_event(&OsFs, dir, id, &mut emit);
        if let Ok(None) = found {
            missing = Some(format!("no record in {} has the id {id}", dir.display()));
        }
        found
    } else if let Some((segment, offset)) = args.frame {
        annotate_frame(&OsFs, dir, segment, offset, &mut emit).map(|()| None)
    } else if let Some(name) = &args.file {
        annotate_file(&OsFs, dir, name, args.from, &mut emit).map(|()| None)
    } else {
        Ok(None)
    };
    if let Some(failure) = printer.failure {
        return Err(failure.into());
    }
    if let Ok(Some((segment, offset))) = &walked
        && !args.store.json
    {
        let place = format!("segment {segment}, offset {offset}");
        printer.screen.line(&place)?;
    }
    printer.screen.flush()?;
    if let Some(from) = printer.more_from {
        note(format_args!("there is more: go on with --from {from}"));
    }
    match walked {
        Err(error) if error.kind() == ErrorKind::Cancelled => Ok(match printer.is_damaged {
            true => Outcome::ProblemFound,
            false => Outcome::Fine,
        }),
        Err(error) if error.kind() == ErrorKind::InvalidInput => {
            Err(WrongUsage(error.to_string()).into())
        }
        // The directory is right, what was asked for in it is not.
        Err(error) if error.kind() == ErrorKind::NotFound && dir.is_dir() => {
            Err(WrongUsage(error.to_string()).into())
        }
        Err(error) => Err(error.into()),
        Ok(_) => match missing {
            Some(missing) => Err(anyhow::anyhow!(missing)),
            None if printer.is_damaged => Ok(Outcome::ProblemFound),
            None => Ok(Outcome::Fine),
        },
    }
}
