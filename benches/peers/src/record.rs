//! The bytes of an event for stores that keep values as bytes.

use strandline_benches::engine::{Failure, NewEvent};

/// Bytes of a record before entity, scope and payload: id, wall clock, clock, kind, and the lengths
/// of entity and scope.
const FIXED_BYTES: usize = 16 + 8 + 8 + 2 + 2 + 2;

/// Encodes an event, integers little-endian.
pub(crate) fn encode(
    id: u128,
    wall_ms: u64,
    clock: u64,
    event: &NewEvent<'_>,
    out: &mut Vec<u8>,
) -> Result<(), Failure> {
    out.clear();
    out.extend_from_slice(&id.to_le_bytes());
    out.extend_from_slice(&wall_ms.to_le_bytes());
    out.extend_from_slice(&clock.to_le_bytes());
    out.extend_from_slice(&event.kind.to_le_bytes());
    out.extend_from_slice(&u16::try_from(event.entity.len())?.to_le_bytes());
    out.extend_from_slice(&u16::try_from(event.scope.len())?.to_le_bytes());
    out.extend_from_slice(event.entity.as_bytes());
    out.extend_from_slice(event.scope.as_bytes());
    out.extend_from_slice(event.payload);
    Ok(())
}

/// The payload of an encoded event.
pub(crate) fn payload(record: &[u8]) -> Result<&[u8], Failure> {
    let lengths = record
        .first_chunk::<FIXED_BYTES>()
        .and_then(|fixed| fixed.last_chunk::<4>())
        .ok_or("a record is too short")?;
    let [e0, e1, s0, s1] = *lengths;
    let names =
        usize::from(u16::from_le_bytes([e0, e1])) + usize::from(u16::from_le_bytes([s0, s1]));
    Ok(record
        .get(FIXED_BYTES + names..)
        .ok_or("a record is too short")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_comes_back() {
        let event = NewEvent {
            entity_number: 0,
            entity: "order:1",
            scope: "eu",
            kind: 7,
            payload: b"payload",
        };
        let mut record = Vec::new();
        encode(1, 2, 3, &event, &mut record).unwrap();
        assert_eq!(payload(&record).unwrap(), b"payload");
        assert!(payload(&record[..FIXED_BYTES - 1]).is_err());
    }
}
