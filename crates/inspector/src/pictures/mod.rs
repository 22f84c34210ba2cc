//! Pictures as SVG, drawn where the page is made: shapes alone, which stretch; what is to be read stands beside them as
//! text. Knows numbers, and no store. Colours are the style sheet's, by classes.

mod bars;
mod heat;
mod line;
mod share;
mod span;
mod stack;

pub(crate) use bars::{Bar, bars};
pub(crate) use heat::heat;
pub(crate) use line::line;
pub(crate) use share::share_bar;
pub(crate) use span::{Mark, span_line};
pub(crate) use stack::{Part, stack};
