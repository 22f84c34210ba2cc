//! A record of a key, with its secret as it is wrapped: its bytes, both ways.

use super::secret::Secret;
use crate::crypto::Wrapped;
use crate::keys::KeyRecord;
use crate::subject::{Per, Subject};
use strandline::{DecodeError, NAME_BYTES_MAX, SealKeyId};
use strandline_core::check_name;
use strandline_core::codec::{Reader, Writer};

const KEY: u8 = 1;
const FORGOTTEN: u8 = 2;
const ENTITY: u8 = 0;
const SCOPE: u8 = 1;

/// Fewest bytes of a record.
pub(super) const RECORD_BYTES_MIN: usize =
    1 + 1 + SealKeyId::BYTES + 8 + 8 + 1 + 1 + size_of::<Wrapped>();

/// Writes a record, with its secret as it is wrapped.
pub(super) fn write_record(out: &mut Writer<'_>, record: &KeyRecord, secret: &Secret) {
    out.u8(if record.forgotten_ms.is_some() {
        FORGOTTEN
    } else {
        KEY
    });
    out.u8(match record.per {
        Per::Entity => ENTITY,
        Per::Scope => SCOPE,
    });
    out.bytes(record.id.as_bytes());
    out.u64(record.created_ms);
    out.u64(record.forgotten_ms.unwrap_or_default());
    out.u8(u8::try_from(record.name.len()).unwrap_or(u8::MAX));
    out.bytes(record.name.as_bytes());
    out.bytes(&secret.wrapped);
}

/// Reads a record.
pub(super) fn read_record(reader: &mut Reader<'_>) -> Result<(KeyRecord, Secret), DecodeError> {
    let state = reader.u8("state of a key")?;
    let per = match reader.u8("sort of a subject")? {
        ENTITY => Per::Entity,
        SCOPE => Per::Scope,
        _ => return Err(reader.invalid("sort of a subject", "is not known")),
    };
    let id = SealKeyId::from_bytes(reader.array("id of a key")?);
    let created_ms = reader.u64("time of a key")?;
    let forgotten_ms = reader.u64("time of forgetting")?;
    let forgotten_ms = match (state, forgotten_ms) {
        (KEY, 0) => None,
        (FORGOTTEN, at_ms) => Some(at_ms),
        _ => return Err(reader.invalid("state of a key", "is none")),
    };
    let length = usize::from(reader.u8("length of a name")?);
    let name = std::str::from_utf8(reader.bytes("name", length)?);
    let name = name.map_err(|_| reader.invalid("name", "is no UTF-8"))?;
    if name.len() > NAME_BYTES_MAX || check_name("name", name).is_err() {
        return Err(reader.invalid("name", "breaks a rule for names"));
    }
    let mut record = KeyRecord::new(id, Subject::new(per, name), created_ms);
    record.forgotten_ms = forgotten_ms;
    Ok((record, Secret::read(reader.array("secret")?)))
}
