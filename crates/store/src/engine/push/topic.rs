//! `Topic`: what subscribers may share, once for all who ask for the same.

use crate::engine::news::Mark;
use std::collections::HashMap;
use std::sync::Arc;
use strandline_core::Query;

/// What subscribers may share: the query, and up to which watermark.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct FeedKey {
    pub(crate) query: Arc<Query>,
    pub(crate) mark: Mark,
}

/// What some subscribers are given.
#[derive(Debug)]
pub(super) struct Topic {
    /// Never given again.
    pub(super) number: u64,
    pub(super) key: FeedKey,
}

/// The topics of all subscribers.
#[derive(Debug, Default)]
pub(super) struct Topics {
    known: HashMap<FeedKey, Arc<Topic>>,
    next: u64,
}

impl Topics {
    /// That of subscribers who ask for this, and whether it is new.
    pub(super) fn get(&mut self, key: FeedKey) -> (Arc<Topic>, bool) {
        if let Some(topic) = self.known.get(&key) {
            return (topic.clone(), false);
        }
        let number = self.next;
        self.next += 1;
        let topic = Arc::new(Topic {
            number,
            key: key.clone(),
        });
        self.known.insert(key, topic.clone());
        (topic, true)
    }

    /// Forgets those that nobody has any more.
    pub(super) fn sweep(&mut self) {
        self.known.retain(|_, topic| Arc::strong_count(topic) > 1);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Topic> {
        self.known.values().map(|topic| &**topic)
    }
}
