//! Events that are pushed to who looks at a list live: server-sent events, each with rows as they stand in the page and
//! as JSON.

use super::answer::Form;
use super::answer::fault;
use super::desk::Desk;
use crate::asked::{Asked, FILTER};
use crate::pages::row;
use crate::views::{EventRow, Fault, events_since};
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, Response, header};
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures::stream::unfold;
use serde_json::json;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;

/// How often it is looked for new events.
const INTERVAL: Duration = Duration::from_millis(250);

/// Where somebody is who looks.
struct Place {
    desk: Arc<Desk>,
    asked: Arc<Asked>,
    from: u64,
    _permit: OwnedSemaphorePermit,
}

/// The events of a filter that come from `after` on, as they come.
pub(super) async fn events(
    State(desk): State<Arc<Desk>>,
    RawQuery(query): RawQuery,
) -> Response<Body> {
    let parsed = Asked::parse(&query.unwrap_or_default(), &[FILTER, &["after"]]);
    let asked = parsed.and_then(|asked| Ok((asked.value::<u64>("after")?, asked)));
    let (from, asked) = match asked {
        Ok((from, asked)) => (from.unwrap_or_default(), asked),
        Err(wrong) => {
            return fault(
                &desk.context,
                ("", &Asked::default()),
                Form::Json,
                &wrong.into(),
            );
        }
    };
    let Ok(permit) = desk.streams.clone().try_acquire_owned() else {
        return fault(&desk.context, ("", &asked), Form::Json, &Fault::Busy);
    };
    let place = Place {
        desk,
        asked: Arc::new(asked),
        from,
        _permit: permit,
    };
    let pushed = unfold(place, |place| async move { Some(next(place).await) });
    let sse = Sse::new(pushed).keep_alive(KeepAlive::default());
    let mut answer = sse.into_response();
    answer
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// Waits until there is something to say.
async fn next(mut place: Place) -> (Result<Event, Infallible>, Place) {
    loop {
        tokio::time::sleep(INTERVAL).await;
        let (desk, asked, from) = (place.desk.clone(), place.asked.clone(), place.from);
        let looked =
            tokio::task::spawn_blocking(move || events_since(&desk.context, &asked, from)).await;
        let event = match looked {
            Ok(Ok((_, end))) if end == place.from => continue,
            Ok(Ok((rows, end))) => {
                place.from = end;
                Event::default().event("events").data(as_text(&rows, end))
            }
            Ok(Err(Fault::Closed(closed))) => {
                // It is looked again, less often.
                tokio::time::sleep(INTERVAL * 8).await;
                Event::default()
                    .event("closed")
                    .data(json!({ "error": closed.reason }).to_string())
            }
            _ => Event::default()
                .event("closed")
                .data(json!({ "error": "the events cannot be read" }).to_string()),
        };
        return (Ok(event), place);
    }
}

fn as_text(rows: &[EventRow], visible: u64) -> String {
    let html: String = rows.iter().map(|event| row(event).into_string()).collect();
    json!({ "visible": visible, "events": rows, "html": html }).to_string()
}
