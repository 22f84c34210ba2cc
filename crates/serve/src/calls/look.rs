//! `Head` and `GetTrackingInfo`: two looks, which wait for nothing.

use super::context::Context;
use crate::wire::{HeadResponse, TrackingRequest, TrackingResponse, status_of};
use tonic::{Response, Status};
use umadb_dcb::DcbEventStoreSync;

/// The position of the last event that is visible.
pub(super) fn head(context: &Context) -> Result<Response<HeadResponse>, Status> {
    let position = context.dcb.head().map_err(|error| status_of(&error))?;
    Ok(Response::new(HeadResponse { position }))
}

/// The newest position in a source that an append had.
pub(super) fn tracking(
    context: &Context,
    request: &TrackingRequest,
) -> Result<Response<TrackingResponse>, Status> {
    let position = context.dcb.get_tracking_info(&request.source);
    let position = position.map_err(|error| status_of(&error))?;
    Ok(Response::new(TrackingResponse { position }))
}
