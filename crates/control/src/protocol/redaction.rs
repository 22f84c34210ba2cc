//! `AskedRedaction`: whose payloads are to go, as it is said over the socket.

use super::region::{AskedRegion, kind_ranges};
use serde::{Deserialize, Serialize};
use strandline::maintenance::Redaction;
use strandline::{Error, ErrorKind, EventId, Region};

/// Most ranges of kinds in all regions of a redaction together.
const KIND_RANGES_MAX: usize = 1024;

/// Whose payloads are to be removed, as it is said: as in a [`Redaction`], by the same names.
///
/// ```
/// use strandline::maintenance::Redaction;
/// use strandline_control::AskedRedaction;
///
/// let asked = AskedRedaction::new().entity("user:7").all_or_nothing();
/// assert_eq!(asked.redaction()?, Redaction::new().entity("user:7").all_or_nothing());
/// # Ok::<(), strandline::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AskedRedaction {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    event: Vec<EventId>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    entity: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    entities: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    regions: Vec<AskedRegion>,
    all_or_nothing: bool,
}

impl AskedRedaction {
    /// Nobody's.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// As [`Redaction::event`].
    #[must_use]
    pub fn event(mut self, id: EventId) -> Self {
        self.event.push(id);
        self
    }

    /// As [`Redaction::entity`].
    #[must_use]
    pub fn entity(mut self, entity: impl Into<String>) -> Self {
        self.entity.push(entity.into());
        self
    }

    /// As [`Redaction::entities`].
    #[must_use]
    pub fn entities(mut self, prefix: impl Into<String>) -> Self {
        self.entities.push(prefix.into());
        self
    }

    /// As [`Redaction::query`] of one region.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for a region that names kinds, and does not know their numbers yet.
    pub fn region(mut self, region: &Region) -> Result<Self, Error> {
        self.regions.push(AskedRegion::try_from(region)?);
        Ok(self)
    }

    /// As [`Redaction::all_or_nothing`].
    #[must_use]
    pub const fn all_or_nothing(mut self) -> Self {
        self.all_or_nothing = true;
        self
    }

    /// The same for the store.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] for more than 1,024 ranges of kinds.
    pub fn redaction(&self) -> Result<Redaction, Error> {
        let ranges: usize = self.regions.iter().map(kind_ranges).sum();
        if ranges > KIND_RANGES_MAX {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                format!(
                    "the regions have {ranges} ranges of kinds, and may have {KIND_RANGES_MAX}"
                ),
            ));
        }
        let mut redaction = Redaction::new();
        if self.all_or_nothing {
            redaction = redaction.all_or_nothing();
        }
        redaction = self.event.iter().copied().fold(redaction, Redaction::event);
        redaction = self.entity.iter().fold(redaction, Redaction::entity);
        redaction = self.entities.iter().fold(redaction, Redaction::entities);
        let regions = self.regions.iter().map(Region::from);
        Ok(regions.fold(redaction, Redaction::query))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_payloads_go_arrives() {
        let id = EventId::from_u128(7);
        let region = Region::all().tag("customer:7").scope("eu");
        let asked = AskedRedaction::new()
            .event(id)
            .entity("user:7")
            .entities("test:")
            .region(&region)
            .unwrap()
            .all_or_nothing();
        let json = serde_json::to_string(&asked).unwrap();
        let told: AskedRedaction = serde_json::from_str(&json).unwrap();
        assert_eq!(told, asked);
        let expected = Redaction::new()
            .event(id)
            .entity("user:7")
            .entities("test:")
            .query(region)
            .all_or_nothing();
        assert_eq!(told.redaction().unwrap(), expected);
    }

    /// Each range is looked at for each of 65,536 kinds, so a request of 256 KiB could ask for minutes of work.
    #[test]
    fn ranges_of_kinds_are_counted() {
        let many =
            serde_json::json!({ "regions": [{ "kinds": vec![[1, 2]; KIND_RANGES_MAX + 1] }] });
        let asked: AskedRedaction = serde_json::from_value(many).unwrap();
        assert_eq!(
            asked.redaction().unwrap_err().kind(),
            ErrorKind::InvalidInput
        );
    }
}
