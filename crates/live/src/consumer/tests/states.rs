//! States of any bytes.

use super::{claim, claimant, place};
use crate::{ErrorKind, LastError, Parked, PartitionState};
use proptest::collection::vec;
use proptest::prelude::*;
use std::sync::Arc;
use strandline_checkpoint::{CheckpointWriter, file_name};
use strandline_core::Sequence;
use strandline_core::fs::{MemFs, read_file, replace_file};

fn full() -> PartitionState {
    let mut state = PartitionState::default();
    state.counters.handled = 7;
    state.waits_from = Some(Sequence::new(3));
    state.last_error = Some(LastError::new("no answer", 1_000));
    state.parked = (0..3)
        .map(|number| Parked::new(format!("e:{number}"), Sequence::new(number), "wrong", 1_000))
        .collect();
    state.state = Some(b"{}".to_vec());
    state
}

proptest! {
    #[test]
    fn sections_of_any_bytes_are_read_or_damaged(
        format in prop_oneof![3 => Just(1_u32), 1 => any::<u32>()],
        partition in vec(any::<u8>(), 0..80),
        parked in vec(any::<u8>(), 0..80),
    ) {
        let fs = MemFs::new();
        let place = place(Arc::new(fs.clone()), 1);
        let partition_there = claimant(&place).unwrap().partition().clone();
        let writer = CheckpointWriter::new()
            .metadata("format", &format).unwrap()
            .section("partition", partition).unwrap()
            .section("parked", parked).unwrap();
        writer.publish(&fs, partition_there.dir(), 1).unwrap();
        match partition_there.load() {
            Ok(loaded) => prop_assert!(loaded.state.is_some()),
            Err(error) => {
                let kind = if format == 1 { ErrorKind::Corrupt } else { ErrorKind::UnsupportedVersion };
                prop_assert_eq!(error.kind(), kind);
            }
        }
    }

    #[test]
    fn a_changed_byte_is_found_and_the_state_before_it_is_taken(at in any::<prop::sample::Index>(), by in 1..=u8::MAX) {
        let fs = MemFs::new();
        let place = place(Arc::new(fs.clone()), 1);
        let (mut lease, _) = claim(&place).unwrap().unwrap();
        let mut state = full();
        lease.save(&mut state).unwrap();
        let before = state.clone();
        state.counters.handled += 1;
        lease.save(&mut state).unwrap();
        let newest = lease.partition().load().unwrap().newest;
        let path = lease.partition().dir().join(file_name(newest));
        let mut bytes = read_file(&fs, &path, 1 << 20).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= by;
        replace_file(&fs, &path, &bytes).unwrap();
        let loaded = lease.partition().load();
        match loaded {
            Ok(loaded) => {
                prop_assert_eq!(loaded.damaged.len(), 1);
                prop_assert_eq!(loaded.state.unwrap(), before);
            }
            // Its version is another one, and it may be whole.
            Err(error) => prop_assert_eq!(error.kind(), ErrorKind::UnsupportedVersion),
        }
    }
}
