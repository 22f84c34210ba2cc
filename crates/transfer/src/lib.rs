//! Events of a Strandline store as lines, and back: an object of JSON a line, or CloudEvents 1.0.
//!
//! [`export`] writes the events of a region, [`import`] appends those of lines, each once: a store that is made
//! by an import of an export has the same events in the same order, and the same import again appends
//! nothing. [`export_exact`] writes a whole log with everything that its hashes cover, and [`import_exact`] makes a copy
//! of it that has the same. [`try_import`] and [`check_exact`] say what an import would come to, and change nothing.
//! [`write_line`] and [`readable_json`] show single events.
//!
//! Stands on the public interface of `strandline` alone. Opens no file: lines come from a
//! [`BufRead`](std::io::BufRead) and go to a [`Write`](std::io::Write).
//!
//! ```
//! use std::ops::ControlFlow;
//! use strandline::{Coordinate, Event, EventKind, Region, Store};
//! use strandline_transfer::{ImportOptions, LineFormat, export, import};
//!
//! # let dir = tempfile::tempdir()?;
//! let orders = Store::open(dir.path().join("orders.strand"))?;
//! let order = Coordinate::new("order:1042", "eu/payments")?;
//! orders.append(&order, Event::json(EventKind::new(1, 1), &4200)?)?;
//!
//! let mut lines = Vec::new();
//! let mut go_on = |_| ControlFlow::Continue(());
//! let format = LineFormat::CloudEvents;
//! export(&orders.snapshot(), &Region::all(), format, &mut lines, &mut go_on)?;
//!
//! let copy = Store::open(dir.path().join("copy.strand"))?;
//! let options = ImportOptions::new().format(format);
//! assert_eq!(import(&copy, &mut &*lines, options, &mut go_on)?.events, 1);
//! let again = import(&copy, &mut &*lines, options, &mut go_on)?;
//! assert_eq!((again.events, again.repeated), (0, 1));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

mod export;
mod format;
mod import;
#[cfg(feature = "parquet")]
mod table;
mod text;

pub use export::{Exported, export, export_exact, export_opened};
pub use format::{LineFormat, PayloadForm, cloud_event_id, foreign_id_of, write_line};
pub use import::{
    ImportError, ImportOptions, Imported, ImportedExact, check_exact, first_event, import,
    import_exact, try_import,
};
#[cfg(feature = "parquet")]
pub use table::{ParquetError, ParquetLines, export_parquet};
pub use text::{base64_text, parse_rfc3339, readable_json};

/// The program in the README is compiled and run with the others.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
