//! Events as a table in a file of Apache Parquet, and back: with the feature `parquet`.
//!
//! Holds the columns, which `docs/export.md` lists, how events fill them, and how rows become the lines that an import
//! reads. Reads no line and appends no event. May know `export` and what is below it.

mod cells;
mod columns;
mod error;
mod export;
mod lines;
mod pages;
mod row;
mod schema;
mod source;

#[cfg(test)]
#[cfg(not(strandline_loom))]
mod tests;

pub use error::ParquetError;
pub use export::export_parquet;
pub use lines::ParquetLines;
