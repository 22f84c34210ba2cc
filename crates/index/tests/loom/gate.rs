//! The gate alone.

use crate::*;
use std::sync::Arc;
use strandline_core::sync::atomic::{AtomicU64, Ordering};
use strandline_index::SequenceGate;

#[test]
fn a_frozen_gate_never_moves_though_an_advance_races() {
    model(|| {
        let gate = Arc::new(SequenceGate::new());
        gate.reserve(2).unwrap();
        let threads = [1, 2].map(|up_to| {
            let gate = gate.clone();
            thread::spawn(move || {
                let up_to = Sequence::new(up_to);
                let moved = gate.advance_to(up_to);
                assert!(!moved || gate.visible() >= up_to);
                moved
            })
        });
        gate.freeze();
        let frozen_at = gate.visible();
        let [first, second] = threads.map(|thread| thread.join().unwrap());
        assert_eq!(gate.visible(), frozen_at);
        assert!(!first || frozen_at.get() >= 1);
        assert_eq!(second, frozen_at.get() == 2);
    });
}

#[test]
fn advances_by_maximum_carry_what_was_filled() {
    model(|| {
        let gate = Arc::new(SequenceGate::new());
        gate.reserve(2).unwrap();
        let cells = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
        let reading = {
            let (gate, cells) = (gate.clone(), cells.clone());
            thread::spawn(move || {
                let visible = gate.visible();
                for cell in cells.iter().take(visible.get() as usize) {
                    assert_eq!(cell.load(Ordering::Relaxed), 1);
                }
            })
        };
        for (cell, up_to) in cells.iter().zip(1..) {
            cell.store(1, Ordering::Relaxed);
            gate.advance_to(Sequence::new(up_to));
        }
        reading.join().unwrap();
    });
}
