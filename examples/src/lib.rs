//! Runnable examples of Strandline; see the files beside `src`.
