//! Commands by chance, through frameworks of every kind beside each other, while snapshots are lost, put back and torn and
//! the store is opened again: every load is the sum of the commands that succeeded.

use crate::common::{Add, Meeting, Place, Tally, bytes_of, overwrite};
use cqrs_es::persist::PersistedEventStore;
use cqrs_es::{CqrsFramework, EventStore};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use strandline::{Durability, Store};
use strandline_cqrs_es::StrandlineEventRepository;

const IDS: [&str; 3] = ["a", "b", "c"];
/// Ways to keep an aggregate: by events alone, by all of its states, and by a state after each few events.
const WAYS: usize = 4;

#[derive(Debug, Clone)]
enum Step {
    Execute {
        way: usize,
        id: usize,
        numbers: Vec<u64>,
    },
    /// All snapshots are noted.
    Note,
    /// Those that were noted are put in the place of what is there.
    PutBack,
    /// Each is cut to so many of 8 parts.
    Tear(usize),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let numbers = prop::collection::vec(1_u64..1000, 1..6);
    prop_oneof![
        8 => (0..WAYS, 0..IDS.len(), numbers)
            .prop_map(|(way, id, numbers)| Step::Execute { way, id, numbers }),
        1 => Just(Step::Note),
        1 => Just(Step::PutBack),
        1 => (0_usize..8).prop_map(Step::Tear),
        1 => Just(Step::Reopen),
    ]
}

fn kept_by(
    way: usize,
    store: &Arc<Store>,
) -> PersistedEventStore<StrandlineEventRepository, Tally> {
    let repository = StrandlineEventRepository::new(store).durability(Durability::Written);
    match way {
        0 => PersistedEventStore::new_event_store(repository),
        1 => PersistedEventStore::new_aggregate_store(repository),
        2 => PersistedEventStore::new_snapshot_store(repository, 1),
        _ => PersistedEventStore::new_snapshot_store(repository, 4),
    }
}

async fn run(steps: Vec<Step>) {
    let place = Place::new();
    let mut store = place.open();
    let mut expected = IDS.map(|_| Tally::default());
    let mut noted = BTreeMap::<PathBuf, Vec<u8>>::new();
    for step in steps {
        match &step {
            Step::Execute { way, id, numbers } => {
                let kept = kept_by(*way, &store);
                let framework = CqrsFramework::new(kept, Vec::new(), Meeting::default());
                framework
                    .execute(IDS[*id], Add(numbers.clone()))
                    .await
                    .unwrap();
                expected[*id].total += numbers.iter().sum::<u64>();
                expected[*id].events += numbers.len() as u64;
            }
            Step::Note => {
                let files = place.kept("snapshots").into_iter();
                noted = files.map(|file| (file.clone(), bytes_of(&file))).collect();
            }
            Step::PutBack => noted
                .iter()
                .for_each(|(file, bytes)| overwrite(file, bytes)),
            Step::Tear(eighths) => {
                for file in place.kept("snapshots") {
                    let bytes = bytes_of(&file);
                    overwrite(&file, &bytes[..bytes.len() * eighths / 8]);
                }
            }
            Step::Reopen => {
                drop(store);
                store = place.open();
            }
        }
        for (id, expected) in IDS.into_iter().zip(&expected) {
            for way in 0..WAYS {
                let context = kept_by(way, &store).load_aggregate(id).await.unwrap();
                assert_eq!(
                    &context.aggregate, expected,
                    "{id}, way {way}, after {step:?}"
                );
                assert_eq!(context.current_sequence as u64, expected.events);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn every_load_is_the_sum_of_the_commands(steps in prop::collection::vec(step(), 1..24)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(run(steps));
    }
}
