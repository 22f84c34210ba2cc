//! `Append`: events, a condition and a position in a source, in one commit of the store.
//!
//! The wait for the disk has no thread: all appends that wait, of whatever connection, are served by one sync.

use super::context::Context;
use super::record::Record;
use crate::wire::{AppendRequest, AppendResponse, condition_of, event_of, status_of, tracking_of};
use tonic::{Response, Status};
use umadb_dcb::{DcbError, DcbResult};

/// Appends, and gives the position of the last event once it is as durable as the store's appends are.
pub(super) async fn append(
    context: &Context,
    record: &Record,
    request: AppendRequest,
) -> Result<Response<AppendResponse>, Status> {
    let count = request.events.len();
    let events: DcbResult<Vec<_>> = request.events.into_iter().map(event_of).collect();
    let events = events.map_err(|error| status_of(&error))?;
    let condition = request.condition.map(condition_of);
    let tracking = request.tracking_info.map(tracking_of);
    match context.dcb.append_async(events, condition, tracking).await {
        Ok(position) => {
            record.add_events(count);
            Ok(Response::new(AppendResponse { position }))
        }
        Err(error) => {
            if matches!(error, DcbError::InternalError(_) | DcbError::Unknown(_)) {
                tracing::error!(%error, "the store takes no more appends");
                context.broken.send_replace(true);
            }
            Err(status_of(&error))
        }
    }
}
