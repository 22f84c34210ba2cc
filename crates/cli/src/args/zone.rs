//! `ZoneArgs`: the zone of times.

use crate::outcome::WrongUsage;
use crate::times::{Moment, Zone};
use strandline::{Clock, SystemClock};

/// In which zone times are shown and read.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ZoneArgs {
    /// Show times in the zone of this machine, and read those in it that have none. Default: UTC.
    #[arg(long, global = true)]
    local: bool,
}

impl ZoneArgs {
    /// Whether it is that of this machine.
    pub(super) const fn is_local(&self) -> bool {
        self.local
    }

    /// The zone that is asked for.
    pub(crate) fn zone(&self) -> Zone {
        Zone::new(self.local)
    }

    /// Milliseconds since 1970 of a time that was given for an argument.
    ///
    /// # Errors
    ///
    /// `WrongUsage` if there is no such time.
    pub(crate) fn resolve(
        &self,
        name: &str,
        moment: Option<Moment>,
    ) -> Result<Option<u64>, WrongUsage> {
        let now_ms = SystemClock::default().now_ms();
        let resolved = moment.map(|moment| moment.resolve(now_ms, &self.zone()));
        let resolved = resolved.transpose();
        resolved.map_err(|error| WrongUsage(format!("{name}: {error}")))
    }
}
