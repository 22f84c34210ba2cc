//! Writing, with the rule broken that is to be; and what a store that stopped says to it.

use super::state::{Driver, Outcome};
use crate::disk::Defect;
use crate::expect::{EventSpec, Shape};
use crate::verdict::Violation;
use strandline::{AppendOptions, Batch, Durability, Error, ErrorKind, Store};

impl Driver {
    pub(super) fn write(
        &self,
        store: &Store,
        specs: &[EventSpec],
        durability: Durability,
    ) -> Result<(), Error> {
        let defect = self.setup.defect;
        let durability = match defect {
            Some(Defect::AcknowledgedBeforeSync) => Durability::Written,
            _ => durability,
        };
        let plain = AppendOptions::new().durability(durability);
        let tracking = specs.first().and_then(EventSpec::tracking);
        let mut options = match &tracking {
            Some((source, position)) => plain.tracking(source, *position),
            None => plain,
        };
        if let [spec] = specs {
            let appended = store.append_with(&spec.coordinate(), spec.event(), options);
            return appended.map(drop);
        }
        let whole = if defect == Some(Defect::SplitBatch) {
            1
        } else {
            specs.len()
        };
        for part in specs.chunks(whole) {
            let mut batch = Batch::new();
            for spec in part {
                batch.add(&spec.coordinate(), spec.event());
            }
            store.append_batch_with(batch, options)?;
            // It was of the first part, and does not rise.
            options = plain;
        }
        Ok(())
    }

    /// A store that stopped says so on every call.
    pub(super) fn check_poisoned(&mut self) -> Outcome {
        let store = self.store()?;
        let spec = EventSpec {
            number: u32::MAX,
            commit: u32::MAX,
            bytes: 1,
            shape: Shape::Noise,
        };
        let durable = store.snapshot().visible();
        let answers = [
            self.write(&store, &[spec], Durability::Written),
            self.write(&store, &[spec, spec], Durability::Synced),
            store.sync(),
            store.checkpoint().map(drop),
        ];
        for answer in answers {
            match answer {
                Err(error) if error.kind() == ErrorKind::Poisoned => {}
                answer => {
                    return Err(Violation::new(format!(
                        "after a failure that is final a call gave {answer:?}"
                    )));
                }
            }
        }
        if store.snapshot().visible() != durable {
            return Err(Violation::new("events became visible after the failure"));
        }
        Ok(())
    }
}
