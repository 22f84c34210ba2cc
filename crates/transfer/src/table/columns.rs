//! `Columns`: the values of a row group, before they are written.

use crate::format::{encoding_text, seal_of, write_object};
use crate::text::json::is_one_line_of_json;
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, FixedLenByteArray, FixedLenByteArrayType,
    Int32Type, Int64Type,
};
use parquet::errors::Result;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use std::io::Write;
use strandline::{EventId, EventRef, PayloadEncoding};

/// A column of which each row has a value or none.
#[derive(Default)]
struct Optional<T> {
    values: Vec<T>,
    /// 1 where there is one.
    levels: Vec<i16>,
}

impl<T> Optional<T> {
    fn push(&mut self, value: Option<T>) {
        self.levels.push(i16::from(value.is_some()));
        self.values.extend(value);
    }
}

/// Lists of texts, one a row.
#[derive(Default)]
struct Texts {
    values: Vec<ByteArray>,
    /// 1 where there is a text.
    levels: Vec<i16>,
    /// 0 where a row begins.
    repetitions: Vec<i16>,
}

/// The values of a row group.
#[derive(Default)]
pub(super) struct Columns {
    sequence: Vec<i64>,
    id: Vec<FixedLenByteArray>,
    entity: Vec<ByteArray>,
    scope: Vec<ByteArray>,
    kind: Vec<i32>,
    kind_name: Optional<ByteArray>,
    clock: Vec<i32>,
    time: Vec<i64>,
    counter: Vec<i32>,
    correlation: Vec<FixedLenByteArray>,
    causation: Optional<FixedLenByteArray>,
    version: Vec<i32>,
    tags: Texts,
    attributes: Optional<ByteArray>,
    encoding: Vec<ByteArray>,
    payload: Optional<ByteArray>,
    payload_bytes: Optional<ByteArray>,
    seal: Optional<ByteArray>,
    redacted: Vec<bool>,
    hash: Vec<FixedLenByteArray>,
    bytes: usize,
}

impl Columns {
    /// How many rows there are.
    pub(super) const fn rows(&self) -> usize {
        self.sequence.len()
    }

    /// How many bytes they take, about.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds an event.
    pub(super) fn push(&mut self, event: &EventRef<'_>) {
        /// What a row takes without names and contents.
        const ROW_BYTES: usize = 600;
        let at = event.coordinate();
        self.sequence.push(event.sequence().get().cast_signed());
        self.id.push(fixed(event.id()));
        self.entity.push(at.entity().into());
        self.scope.push(at.scope().into());
        self.kind.push(i32::from(event.kind().bits()));
        let name = event.kind_name();
        self.kind_name.push(name.map(|name| (&*name).into()));
        self.clock.push(event.clock().cast_signed());
        self.time.push(event.hlc().wall_ms().cast_signed());
        self.counter.push(event.hlc().counter().cast_signed());
        self.correlation.push(fixed(event.correlation()));
        self.causation.push(event.causation().map(fixed));
        self.version.push(i32::from(event.version()));
        let extensions = event.extensions();
        self.push_tags(extensions.tags());
        let attributes = extensions.attributes();
        let mut text = Vec::new();
        if !attributes.is_empty() {
            write_object(&mut text, &attributes);
        }
        self.bytes += ROW_BYTES + at.entity().len() + at.scope().len() + text.len();
        let text = (!text.is_empty()).then(|| text.into());
        self.attributes.push(text);
        self.encoding
            .push((&*encoding_text(event.encoding())).into());
        self.push_payload(event);
        self.redacted.push(event.is_redacted());
        let hash = ByteArray::from(event.hash().as_bytes().to_vec());
        self.hash.push(hash.into());
    }

    fn push_tags<'a>(&mut self, tags: impl Iterator<Item = &'a str>) {
        let tags_before = self.tags.values.len();
        for tag in tags {
            let is_first = self.tags.values.len() == tags_before;
            self.bytes += tag.len();
            self.tags.repetitions.push(i16::from(!is_first));
            self.tags.levels.push(1);
            self.tags.values.push(tag.into());
        }
        if self.tags.values.len() == tags_before {
            self.tags.repetitions.push(0);
            self.tags.levels.push(0);
        }
    }

    /// JSON as text, where a line would have it so too, and everything else as bytes.
    fn push_payload(&mut self, event: &EventRef<'_>) {
        let payload = event.payload().ok();
        self.bytes += payload.map_or(0, <[u8]>::len);
        let is_json = event.encoding() == PayloadEncoding::JSON;
        let is_text = payload.is_some_and(|payload| is_json && is_one_line_of_json(payload));
        let payload = payload.map(|payload| ByteArray::from(payload.to_vec()));
        let (text, bytes) = match is_text {
            true => (payload, None),
            false => (None, payload),
        };
        self.payload.push(text);
        self.payload_bytes.push(bytes);
        self.seal
            .push(seal_of(event).map(|seal| ByteArray::from(seal.into_bytes())));
    }

    /// Writes the rows as a row group, and takes them.
    pub(super) fn write<W: Write + Send>(
        &mut self,
        file: &mut SerializedFileWriter<W>,
    ) -> Result<()> {
        let columns = std::mem::take(self);
        let mut row_group = file.next_row_group()?;
        let group = &mut row_group;
        put::<Int64Type, _>(group, &columns.sequence, None, None)?;
        put::<FixedLenByteArrayType, _>(group, &columns.id, None, None)?;
        put::<ByteArrayType, _>(group, &columns.entity, None, None)?;
        put::<ByteArrayType, _>(group, &columns.scope, None, None)?;
        put::<Int32Type, _>(group, &columns.kind, None, None)?;
        put_optional::<ByteArrayType, _>(group, &columns.kind_name)?;
        put::<Int32Type, _>(group, &columns.clock, None, None)?;
        put::<Int64Type, _>(group, &columns.time, None, None)?;
        put::<Int32Type, _>(group, &columns.counter, None, None)?;
        put::<FixedLenByteArrayType, _>(group, &columns.correlation, None, None)?;
        put_optional::<FixedLenByteArrayType, _>(group, &columns.causation)?;
        put::<Int32Type, _>(group, &columns.version, None, None)?;
        let tags = &columns.tags;
        let (levels, repetitions) = (Some(&*tags.levels), Some(&*tags.repetitions));
        put::<ByteArrayType, _>(group, &tags.values, levels, repetitions)?;
        put_optional::<ByteArrayType, _>(group, &columns.attributes)?;
        put::<ByteArrayType, _>(group, &columns.encoding, None, None)?;
        put_optional::<ByteArrayType, _>(group, &columns.payload)?;
        put_optional::<ByteArrayType, _>(group, &columns.payload_bytes)?;
        put_optional::<ByteArrayType, _>(group, &columns.seal)?;
        put::<BoolType, _>(group, &columns.redacted, None, None)?;
        put::<FixedLenByteArrayType, _>(group, &columns.hash, None, None)?;
        row_group.close().map(drop)
    }
}

fn fixed(id: EventId) -> FixedLenByteArray {
    ByteArray::from(id.as_u128().to_be_bytes().to_vec()).into()
}

/// Writes the next column.
fn put<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: &[T::T],
    levels: Option<&[i16]>,
    repetitions: Option<&[i16]>,
) -> Result<()> {
    let next = group.next_column()?;
    let mut column = next.ok_or_else(|| {
        parquet::errors::ParquetError::General("there is no column left".to_owned())
    })?;
    column
        .typed::<T>()
        .write_batch(values, levels, repetitions)?;
    column.close()
}

fn put_optional<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    column: &Optional<T::T>,
) -> Result<()> {
    put::<T, W>(group, &column.values, Some(&column.levels), None)
}
