//! `EventArgs`: one event, by its own id or by that which another program gave it.

use clap::ArgAction;
use strandline::{Error, EventId, Snapshot};
use strandline_transfer::cloud_event_id;

/// One event.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct EventArgs {
    /// Only the event with this id.
    #[arg(long, value_name = "ID", value_parser = parse_event_id, conflicts_with = "event_of")]
    id: Option<EventId>,
    /// Only the event that another program calls so: the `source` and the `id` of its CloudEvents event.
    /// Example: --event-of https://example.com/shop A234-1234
    #[arg(long, value_names = ["SOURCE", "ID"], num_args = 2, action = ArgAction::Set)]
    event_of: Option<Vec<String>>,
}

impl EventArgs {
    /// The same, or what stands outside if there is nothing here.
    pub(super) fn or(&self, outside: &Self) -> Self {
        match self.id() {
            Some(_) => self.clone(),
            None => outside.clone(),
        }
    }

    /// The id that is asked for, if one is.
    pub(crate) fn id(&self) -> Option<EventId> {
        self.id
            .or_else(|| foreign_event_id(self.event_of.as_deref()?))
    }

    /// The sequence of the event that is asked for: none if none is, and in it none if it is not there.
    pub(super) fn sequence(&self, now: &Snapshot) -> Result<Option<Option<u64>>, Error> {
        let found = self
            .id()
            .map(|id| now.get_with(id, |event| event.sequence().get()));
        found.transpose()
    }
}

/// The id of the event that another program calls by a source and an id.
pub(crate) fn foreign_event_id(of: &[String]) -> Option<EventId> {
    match of {
        [source, id] => Some(cloud_event_id(source, id)),
        _ => None,
    }
}

/// Reads an event's own id.
pub(crate) fn parse_event_id(text: &str) -> Result<EventId, String> {
    text.parse::<EventId>().map_err(|error| {
        format!(
            "{error}; an event that another program gave this id is found by its source too: \
             --event-of SOURCE {text}"
        )
    })
}
