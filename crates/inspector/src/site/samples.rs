//! `Samples`: how far named consumers were behind, over the time that somebody looks. In memory, and bounded.

use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// How many samples are kept of each consumer.
const SAMPLES_MAX: usize = 720;
/// Of how many consumers.
const CONSUMERS_MAX: usize = 64;

/// How far a consumer was behind at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Sample {
    pub(crate) at_ms: u64,
    pub(crate) behind: u64,
}

/// Samples by the names of consumers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Samples(Arc<Mutex<BTreeMap<String, VecDeque<Sample>>>>);

impl Samples {
    /// Takes a sample. Of more consumers than are kept it is forgotten.
    pub(crate) fn take(&self, name: &str, sample: Sample) {
        let mut all = self.0.lock();
        if !all.contains_key(name) && all.len() >= CONSUMERS_MAX {
            return;
        }
        let own = all.entry(name.to_owned()).or_default();
        if own.len() >= SAMPLES_MAX {
            own.pop_front();
        }
        own.push_back(sample);
    }

    /// The samples of a consumer, oldest first.
    pub(crate) fn of(&self, name: &str) -> Vec<Sample> {
        let all = self.0.lock();
        all.get(name)
            .map(|own| own.iter().copied().collect())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_bounded() {
        let samples = Samples::default();
        for at_ms in 0..2_000 {
            samples.take("a", Sample { at_ms, behind: 0 });
            samples.take(&format!("b{at_ms}"), Sample { at_ms, behind: 0 });
        }
        let own = samples.of("a");
        assert_eq!(
            (own.len(), own.last().map(|one| one.at_ms)),
            (SAMPLES_MAX, Some(1_999))
        );
        assert_eq!(samples.0.lock().len(), CONSUMERS_MAX);
    }
}
