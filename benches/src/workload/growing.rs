//! `Growing`: the events of the work that shows growth, in no order that an index could lean on.

use super::regular::{KINDS, RARE_EVENTS, RARE_KIND, SCOPES};
use super::shape::Shape;
use crate::engine::NewEvent;

/// Bytes of a payload.
const PAYLOAD_BYTES: usize = 300;
/// How many different payloads there are; each is used again.
const PAYLOADS: usize = 4096;
/// Most entities of the shapes with many.
const MANY: u64 = 2_000_000;
/// Entities of the work in short segments.
const ENTITIES: u64 = 200_000;
/// About as many events as fill a segment of 1 MiB, in batches of 100.
pub(crate) const EVENTS_PER_SEGMENT: u64 = 2_200;
/// Entities that no event has, for work that appends to new ones.
pub(crate) const SPARE_ENTITIES: u64 = 4_096;
/// Entities with [`PROBE_EVENTS`] each, evenly spread over all events, however many these are: what
/// is read of them is as much in a large store as in a small one.
const PROBES: u64 = 200;
/// Events of a probe.
pub(crate) const PROBE_EVENTS: u64 = 10;
/// A prefix that ten probes have.
pub(crate) const PREFIX: &str = "probe:01";
/// Events that [`PREFIX`] takes.
pub(crate) const PREFIX_EVENTS: u64 = 10 * PROBE_EVENTS;
/// What every choice by chance follows from.
const SEED: u64 = 0x5EED_0F57_2A4D_1E5D;

/// Bytes of a name: `cart:000000042`, `probe:017`.
const NAME_BYTES: usize = 14;
const PROBE_NAME_BYTES: usize = 9;

/// The events of a run that shows growth, all decided by their shape and number.
///
/// Scopes and kinds are as in [`Workload`](super::Workload).
#[derive(Debug)]
pub struct Growing {
    events: u64,
    entities: u64,
    probes: u64,
    zipf: Option<Zipf>,
    /// The names of all entities, spare ones and probes: one text, so that it takes little of the
    /// memory of a process that is measured.
    names: String,
    probe_names: String,
    scopes: Vec<String>,
    payloads: Vec<u8>,
}

impl Growing {
    /// `events` events of a shape: of at most two entities for each event.
    #[must_use]
    pub fn new(shape: Shape, events: u64) -> Self {
        let (entities, probes) = match shape {
            Shape::Segments => (ENTITIES, PROBES),
            _ => (MANY.min(events * 2).max(1), 0),
        };
        let mut state = SEED;
        let mut payloads = Vec::with_capacity(PAYLOADS * PAYLOAD_BYTES + 8);
        while payloads.len() < PAYLOADS * PAYLOAD_BYTES {
            state = mixed(state);
            payloads.extend_from_slice(&state.to_le_bytes());
        }
        let mut names = String::with_capacity((entities + SPARE_ENTITIES) as usize * NAME_BYTES);
        for number in 0..entities + SPARE_ENTITIES {
            names.push_str(&format!("cart:{number:09}"));
        }
        Self {
            events,
            entities,
            probes,
            zipf: (shape == Shape::ManyZipf).then(|| Zipf::new(entities, 0.99)),
            names,
            probe_names: (0..probes).map(|n| format!("probe:{n:03}")).collect(),
            scopes: (0..SCOPES).map(|n| format!("region-{n}")).collect(),
            payloads,
        }
    }

    /// How many events there are.
    #[must_use]
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// Event `number`, from 0; numbers past the end are events too.
    #[must_use]
    pub fn event(&self, number: u64) -> NewEvent<'_> {
        let entity = match self.probe_of(number) {
            Some(probe) => self.entities + SPARE_ENTITIES + probe,
            None => self.chosen(number),
        };
        self.event_of(entity, number)
    }

    /// An event of spare entity `spare`, which no other event has, below [`SPARE_ENTITIES`].
    pub(crate) fn of_spare(&self, spare: u64, number: u64) -> NewEvent<'_> {
        self.event_of(self.entities + spare % SPARE_ENTITIES, number)
    }

    /// An event of the same entity as event `like`.
    pub(crate) fn of_same(&self, like: u64, number: u64) -> NewEvent<'_> {
        self.event_of(u64::from(self.event(like).entity_number), number)
    }

    /// The name of a probe, chosen by `number`.
    pub(crate) fn probe(&self, number: u64) -> &str {
        let probe = mixed(number) % self.probes.max(1);
        self.name(self.entities + SPARE_ENTITIES + probe)
    }

    /// The probe that event `number` belongs to, if it does to one.
    fn probe_of(&self, number: u64) -> Option<u64> {
        let all = self.probes * PROBE_EVENTS;
        let every = (self.events / all.max(1)).max(1);
        let at = number / every;
        (number.is_multiple_of(every) && at < all).then(|| at % self.probes)
    }

    /// The entity of event `number`, by chance.
    fn chosen(&self, number: u64) -> u64 {
        let chance = mixed(SEED ^ mixed(number));
        match &self.zipf {
            None => chance % self.entities,
            // The likely ones are not neighbours by name: a prime larger than their number spreads
            // the ranks over all of them.
            Some(zipf) => (zipf.rank(chance) * 2_147_483_647) % self.entities,
        }
    }

    fn event_of(&self, entity: u64, number: u64) -> NewEvent<'_> {
        let every = (self.events / RARE_EVENTS).max(1);
        let is_rare = number < self.events && number % every == every / 2;
        let kind = (number / self.entities + entity) % u64::from(KINDS);
        let payload = (number % PAYLOADS as u64) as usize * PAYLOAD_BYTES;
        NewEvent {
            entity_number: entity as u32,
            entity: self.name(entity),
            scope: &self.scopes[(entity % u64::from(SCOPES)) as usize],
            kind: if is_rare { RARE_KIND } else { kind as u16 },
            payload: &self.payloads[payload..payload + PAYLOAD_BYTES],
        }
    }

    fn name(&self, entity: u64) -> &str {
        match entity.checked_sub(self.entities + SPARE_ENTITIES) {
            Some(probe) => {
                let at = probe as usize * PROBE_NAME_BYTES;
                &self.probe_names[at..at + PROBE_NAME_BYTES]
            }
            None => {
                let at = entity as usize * NAME_BYTES;
                &self.names[at..at + NAME_BYTES]
            }
        }
    }
}

/// A random id that a caller gives event `number`, in the layout of UUID version 4.
pub(crate) fn own_id(number: u64) -> u128 {
    const VERSION: u128 = 0xF << 76;
    const VARIANT: u128 = 0b11 << 62;
    let high = mixed(SEED ^ mixed(!number));
    let bits = (u128::from(high) << 64) | u128::from(mixed(high ^ number));
    (bits & !VERSION & !VARIANT) | (0x4 << 76) | (0b10 << 62)
}

/// `SplitMix64` (Steele, Lea and Flood, 2014): a number that looks like chance for each number.
const fn mixed(number: u64) -> u64 {
    let sum = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mixed = (sum ^ (sum >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// Ranks by Zipf's law, each in constant time (Gray et al., "Quickly generating billion-record
/// synthetic databases", 1994).
#[derive(Debug)]
struct Zipf {
    count: f64,
    alpha: f64,
    eta: f64,
    zeta: f64,
    second: f64,
}

impl Zipf {
    fn new(count: u64, exponent: f64) -> Self {
        let zeta = |count: u64| -> f64 { (1..=count).map(|n| (n as f64).powf(-exponent)).sum() };
        let (all, two) = (zeta(count), zeta(2));
        let count = count as f64;
        Self {
            count,
            alpha: 1.0 / (1.0 - exponent),
            eta: (1.0 - (2.0 / count).powf(1.0 - exponent)) / (1.0 - two / all),
            zeta: all,
            second: two,
        }
    }

    /// A rank from 0, the most likely, below the count.
    fn rank(&self, chance: u64) -> u64 {
        let part = (chance >> 11) as f64 / (1_u64 << 53) as f64;
        let place = part * self.zeta;
        if place < 1.0 {
            return 0;
        }
        if place < self.second {
            return 1;
        }
        let rank = self.count * (self.eta * part - self.eta + 1.0).powf(self.alpha);
        (rank as u64).min(self.count as u64 - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{HashMap, HashSet};

    fn counts(work: &Growing) -> HashMap<&str, u64> {
        let mut counts = HashMap::new();
        for number in 0..work.events() {
            *counts.entry(work.event(number).entity).or_default() += 1;
        }
        counts
    }

    #[test]
    fn events_follow_from_their_number() {
        let (one, two) = [(); 2].map(|()| Growing::new(Shape::Many, 1_000)).into();
        for number in [0, 7, 999, 5_000] {
            let (a, b) = (one.event(number), two.event(number));
            assert_eq!((a.entity, a.kind, a.payload), (b.entity, b.kind, b.payload));
            assert_eq!(a.payload.len(), 300);
            assert_eq!(a.entity, format!("cart:{:09}", a.entity_number));
        }
        assert!(one.of_spare(3, 0).entity > "cart:000001999");
        assert_eq!(one.of_same(7, 1).entity, one.event(7).entity);
    }

    #[test]
    fn probes_and_rare_events_are_as_many_in_stores_of_any_size() {
        for segments in [4, 10] {
            let work = Growing::new(Shape::Segments, segments * EVENTS_PER_SEGMENT);
            let counts = counts(&work);
            let probes = counts.iter().filter(|(name, _)| name.starts_with("probe:"));
            assert!(probes.clone().all(|(_, count)| *count == PROBE_EVENTS));
            assert_eq!(probes.count() as u64, PROBES);
            let prefixed = counts.iter().filter(|(name, _)| name.starts_with(PREFIX));
            assert_eq!(prefixed.map(|(_, count)| count).sum::<u64>(), PREFIX_EVENTS);
            let rare = (0..work.events()).filter(|n| work.event(*n).kind == RARE_KIND);
            assert_eq!(rare.count() as u64, RARE_EVENTS);
        }
    }

    #[test]
    fn a_few_entities_have_many_events_by_zipf_and_none_has_otherwise() {
        let most = |shape| {
            let work = Growing::new(shape, 20_000);
            counts(&work).into_values().max().unwrap()
        };
        // The first of 40,000 has one in 11 of the events.
        assert!((1_500..2_200).contains(&most(Shape::ManyZipf)));
        assert!(most(Shape::Many) < 12);
    }

    #[test]
    fn ids_of_callers_differ_and_are_random_uuids() {
        let ids: HashSet<_> = (0..1_000).map(own_id).collect();
        assert_eq!(ids.len(), 1_000);
        let is_version_4 = |id: &u128| (id >> 76) & 0xF == 4 && (id >> 62) & 0b11 == 0b10;
        assert!(ids.iter().all(is_version_4));
    }
}
