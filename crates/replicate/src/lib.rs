//! A Strandline store on object storage.

#![forbid(unsafe_code)]
