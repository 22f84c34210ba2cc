//! An S3 server in memory, with faults on demand, for tests and benchmarks.

#![forbid(unsafe_code)]
