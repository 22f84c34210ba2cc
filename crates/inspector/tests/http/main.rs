//! The inspector as a browser or a script sees it: over its port, and held against the store itself.

mod client;
mod damaged;
mod guarded;
mod looked_into;
mod sample;
mod views;
