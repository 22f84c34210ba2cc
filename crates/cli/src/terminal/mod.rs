//! How things look: the screen and its width, progress, an event, plots, numbers.
//!
//! Knows no command and opens no store. Writes through [`output`](crate::output) alone, the one room that it
//! may know.

mod bar;
mod fit;
mod json;
pub mod plot;
mod screen;
pub(crate) mod show;
mod table;
mod text;

pub(crate) use bar::Bar;
pub(crate) use fit::column;
pub(crate) use screen::Screen;
pub(crate) use text::{count, duration, number, size};
