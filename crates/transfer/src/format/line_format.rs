//! `LineFormat`: which of the two formats lines have.

/// What lines look like. Both are in `docs/export.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum LineFormat {
    /// An object of JSON with the fields of an event.
    #[default]
    Lines,
    /// A [CloudEvents 1.0](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md)
    /// object of JSON.
    CloudEvents,
}
