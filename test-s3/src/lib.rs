//! An S3 server in memory, with faults on demand, for tests and benchmarks.
//!
//! Speaks enough of S3 for `object_store` and for older clients: objects, ranges, create-if-absent, listings in
//! pages in both versions, deletion of many, uploads in parts, over HTTP on the loopback interface with signatures (version 4) checked. All objects
//! are behind one mutex: each request is applied at one moment, whole. Not a server for anything but tests: it
//! forgets everything, and knows neither versions nor rights.
//!
//! ```
//! use strandline_test_s3::{Fault, Operation, TestS3, When};
//!
//! let server = TestS3::start()?;
//! // The first chunk is created, and the writer is not told.
//! let lost = server.inject(Fault::DoneThenLost, When::First(1), |request| {
//!     request.operation == Operation::Create && request.key.starts_with("log/")
//! });
//! assert_eq!(lost.met(), 0);
//! println!("{} at {}", server.url(), server.endpoint());
//! # Ok::<(), std::io::Error>(())
//! ```

#![forbid(unsafe_code)]

mod api;
mod fault;
mod objects;
mod rate;
mod request;
mod server;
#[cfg(test)]
mod tests;

pub use fault::{Fault, Injection, When};
pub use request::{Operation, Seen};
pub use server::{TestS3, TestS3Options};
