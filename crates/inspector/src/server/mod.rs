//! The server: addresses, who may ask, and answers in each form. Loopback alone, and reads alone.

mod access;
mod answer;
mod assets;
mod desk;
mod downloads;
mod inspector;
mod routes;
mod sampling;
mod stream;

pub use inspector::{Error, Inspector, PORT_DEFAULT};
