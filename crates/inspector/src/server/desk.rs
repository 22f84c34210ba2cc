//! `Desk`: what all requests share.

use super::access::Access;
use crate::views::Context;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// How many requests are answered at once.
const AT_ONCE: usize = 8;
/// How many lists are looked at live, and how many downloads are made, at once.
const STREAMS: usize = 16;

/// What all requests share.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) context: Arc<Context>,
    pub(super) access: Access,
    pub(super) turns: Semaphore,
    pub(super) streams: Arc<Semaphore>,
}

impl Desk {
    pub(super) fn new(context: Arc<Context>, access: Access) -> Self {
        Self {
            context,
            access,
            turns: Semaphore::new(AT_ONCE),
            streams: Arc::new(Semaphore::new(STREAMS)),
        }
    }
}
