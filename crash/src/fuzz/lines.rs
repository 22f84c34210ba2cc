//! Lines of an import: whatever is taken of them comes out of an export again, and goes in again as the
//! same.

use crate::verdict::Violation;
use std::ops::ControlFlow;
use std::sync::Arc;
use strandline::fs::MemFs;
use strandline::{ManualClock, Region, Store, StoreOptions};
use strandline_transfer::{
    ImportError, ImportOptions, Imported, LineFormat, PayloadForm, export, import, write_line,
};

fn open() -> Result<Store, Violation> {
    let options = StoreOptions::new()
        .fs(Arc::new(MemFs::new()))
        .clock(Arc::new(ManualClock::new(1_700_000_000_000)))
        .random_seed(5)
        .no_background_sync()
        .background_inline();
    let opened = options.open("/store");
    opened.map_err(|error| Violation::new(error.to_string()))
}

fn round(input: &[u8], format: LineFormat) -> Result<(), Violation> {
    let mut go_on = |_| ControlFlow::Continue(());
    // Any time that there is.
    let options = ImportOptions::new().format(format).allow_future();
    let (first, second) = (open()?, open()?);
    let tried = import(&first, &mut &*input, options.trial(), &mut go_on);
    // A wrong line ends an import; the lines before it are there.
    let imported = import(&first, &mut &*input, options, &mut go_on);
    let said = |done: &Result<Imported, ImportError>| match done {
        Ok(imported) => (*imported, String::new()),
        Err(error) => (error.imported, error.to_string()),
    };
    if said(&tried) != said(&imported) {
        return Err(Violation::new(format!(
            "a trial gave {tried:?}, the import {imported:?}"
        )));
    }
    let now = first.snapshot();
    let mut lines = Vec::new();
    let exported = export(&now, Region::all(), format, &mut lines, &mut go_on);
    exported.map_err(|error| Violation::new(format!("it cannot be exported: {error}")))?;
    import(&second, &mut &*lines, options, &mut go_on)
        .map_err(|error| Violation::new(format!("it cannot be imported again: {error}")))?;
    let mut again = Vec::new();
    let exported = export(
        &second.snapshot(),
        Region::all(),
        format,
        &mut again,
        &mut go_on,
    );
    exported.map_err(|error| Violation::new(format!("it cannot be exported again: {error}")))?;
    if format == LineFormat::CloudEvents && lines != again {
        return Err(Violation::new("lines differ after a second import"));
    }
    let (left, right) = (now.query(Region::all()), second.snapshot());
    for (left, right) in left.zip(right.query(Region::all())) {
        let (Ok(left), Ok(right)) = (left, right) else {
            return Err(Violation::new("an event cannot be read"));
        };
        let same = (left.id, &left.coordinate, left.kind, left.hlc)
            == (right.id, &right.coordinate, right.kind, right.hlc)
            && left.payload().ok() == right.payload().ok();
        if !same {
            return Err(Violation::new(format!("{left:?} came back as {right:?}")));
        }
    }
    if now.len() != second.snapshot().len() {
        return Err(Violation::new("events are missing after a second import"));
    }
    let mut events = now.query(Region::all());
    while let Some(Ok(event)) = events.next_ref() {
        write_line(&mut Vec::new(), &event, PayloadForm::Readable);
    }
    Ok(())
}

pub(super) fn lines(input: &[u8]) -> Result<(), Violation> {
    round(input, LineFormat::Lines)
}

pub(super) fn cloud_events(input: &[u8]) -> Result<(), Violation> {
    round(input, LineFormat::CloudEvents)
}
