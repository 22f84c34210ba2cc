//! `DcbEventStoreSync` of the crate `umadb-dcb` on a Strandline store. Nothing is here yet.

#![forbid(unsafe_code)]
