//! `first_event`: what it takes to know that lines are events, before a store is made for them.

use super::error::ImportError;
use super::imported::Imported;
use super::importer::{Importer, Sink};
use super::new_in_memory;
use super::options::ImportOptions;
use super::twins::Twins;
use std::io::{self, BufRead, Read};
use std::ops::ControlFlow;
use strandline::StoreOptions;
use strandline::maintenance::Meter;

/// Reads `input` up to the end of the line in which its first event ends, or its first record of a removal, and
/// gives what was read, so that it can be imported with the rest after it; and whether there was such a line.
/// Makes and changes nothing. So who makes a store for an import can look first whether anything is to be in it.
///
/// What was read is kept in memory: it is one line, or that much of an array over lines, and the empty lines before.
///
/// # Errors
///
/// [`ImportError`] if what comes first would be refused by an import into a new store with `store_options`.
pub fn first_event(
    store_options: &StoreOptions,
    input: &mut dyn BufRead,
    options: ImportOptions,
) -> Result<(Vec<u8>, bool), ImportError> {
    let unread = |error: strandline::Error| ImportError::new(error.into(), Imported::default());
    let store = new_in_memory(store_options).map_err(unread)?;
    let sink = Sink::Trial(Twins::default());
    let importer = Importer::new(&store, options.trial(), sink).map_err(unread)?;
    let mut importer = importer.ending_with_first();
    let mut kept = Kept {
        from: input,
        bytes: Vec::new(),
    };
    let mut go_on = |_| ControlFlow::Continue(());
    let read = importer.read(&mut kept, &mut Meter::bytes(None, &mut go_on));
    match read {
        // In the same line is another one before it.
        Err(failure) if !importer.has_any() => Err(ImportError::new(failure, importer.imported())),
        _ => Ok((kept.bytes, importer.has_any())),
    }
}

/// An input, and what was read of it.
struct Kept<'a> {
    from: &'a mut dyn BufRead,
    bytes: Vec<u8>,
}

impl Read for Kept<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Kept<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.from.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        // It is what was read just now, so nothing is waited for.
        if let Ok(read) = self.from.fill_buf() {
            self.bytes.extend(read.get(..count).unwrap_or(read));
        }
        self.from.consume(count);
    }
}

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests {
    use super::*;
    use crate::LineFormat;

    const LINE: &str = "{\"entity\":\"e\",\"scope\":\"s\"}\n";
    const CLOUD: &str = "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/a\",\"type\":\"t\"}";

    fn first(format: LineFormat, text: &str) -> Result<(String, String, bool), ImportError> {
        let mut rest = io::BufReader::with_capacity(7, text.as_bytes());
        let options = ImportOptions::new().format(format);
        let (read, found) = first_event(&StoreOptions::new(), &mut rest, options)?;
        let mut left = String::new();
        rest.read_to_string(&mut left).unwrap();
        Ok((String::from_utf8(read).unwrap(), left, found))
    }

    #[test]
    fn no_more_is_read_than_the_first_event_takes() {
        let lines = format!("\n{LINE}not read\n");
        let (read, left, found) = first(LineFormat::Lines, &lines).unwrap();
        assert_eq!(
            (&*read, &*left, found),
            (&*format!("\n{LINE}"), "not read\n", true)
        );
        let array = format!("[\n{CLOUD},\nnot read\n]");
        let (read, left, found) = first(LineFormat::CloudEvents, &array).unwrap();
        assert_eq!(
            (&*read, &*left, found),
            (&*format!("[\n{CLOUD},\n"), "not read\n]", true)
        );
        // What is wrong with the second is for the import to say.
        let array = format!("[{CLOUD},{{}}]");
        assert!(first(LineFormat::CloudEvents, &array).unwrap().2);
        for nothing in ["", "\n \n"] {
            let (read, left, found) = first(LineFormat::Lines, nothing).unwrap();
            assert_eq!((&*read, &*left, found), (nothing, "", false));
        }
        let error = first(LineFormat::Lines, "\nnot JSON\n").unwrap_err();
        assert_eq!((error.line, error.imported.lines), (Some(2), 2));
    }

    #[test]
    fn lines_of_the_other_format_are_known() {
        for (format, text, other) in [
            (LineFormat::Lines, CLOUD, Some(LineFormat::CloudEvents)),
            (LineFormat::Lines, "[\n", Some(LineFormat::CloudEvents)),
            (LineFormat::CloudEvents, LINE, Some(LineFormat::Lines)),
            (LineFormat::CloudEvents, "{}", None),
            (LineFormat::Lines, "{", None),
        ] {
            assert_eq!(first(format, text).unwrap_err().looks_like, other, "{text}");
        }
    }
}
