//! Which address is answered by which view.

use super::answer::{Form, answer, fault, refused, view};
use super::assets::ASSETS;
use super::desk::Desk;
use super::{downloads, stream};
use crate::asked::{Asked, FILTER};
use crate::pages;
use crate::text::address;
use crate::views::{self, Context, Fault, View};
use axum::Router;
use axum::body::Body;
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::IntoResponse;
use axum::routing::get;
use maud::Markup;
use std::sync::Arc;
use std::time::Duration;

/// How long a request waits for its turn.
const TURN: Duration = Duration::from_secs(5);

/// Answers a query string, in a form.
type Handler = fn(&Context, &str, Form) -> Response<Body>;

/// The views: the path of the page, what it is called under `/api`, and what answers.
const VIEWS: &[(&str, &str, Handler)] = &[
    ("/", "/overview", |context, query, form| {
        let known = &[FILTER, views::OVERVIEW];
        respond(
            context,
            ("/", query),
            known,
            form,
            views::overview,
            pages::overview,
        )
    }),
    ("/events", "/events", |context, query, form| {
        let known = &[FILTER, views::EVENTS];
        respond(
            context,
            ("/events", query),
            known,
            form,
            views::events,
            pages::events,
        )
    }),
    ("/event", "/event", |context, query, form| {
        respond(
            context,
            ("/event", query),
            &[views::EVENT],
            form,
            views::event,
            pages::event,
        )
    }),
    ("/bytes", "/bytes", |context, query, form| {
        respond(
            context,
            ("/bytes", query),
            &[views::BYTES],
            form,
            views::bytes,
            pages::bytes,
        )
    }),
    ("/entity", "/entity", |context, query, form| {
        respond(
            context,
            ("/entity", query),
            &[views::ENTITY],
            form,
            views::entity,
            pages::entity,
        )
    }),
    ("/names", "/names", |context, query, form| {
        respond(
            context,
            ("/names", query),
            &[views::NAMES],
            form,
            views::names,
            pages::names,
        )
    }),
    ("/tree", "/tree", |context, query, form| {
        respond(
            context,
            ("/tree", query),
            &[views::TREE],
            form,
            views::tree,
            pages::tree,
        )
    }),
    ("/consumers", "/consumers", |context, query, form| {
        respond(
            context,
            ("/consumers", query),
            &[views::CONSUMERS],
            form,
            views::consumers,
            pages::consumers,
        )
    }),
    ("/files", "/files", |context, query, form| {
        respond(
            context,
            ("/files", query),
            &[views::FILES],
            form,
            views::files,
            pages::files,
        )
    }),
    ("/integrity", "/integrity", |context, query, form| {
        respond(
            context,
            ("/integrity", query),
            &[views::INTEGRITY],
            form,
            views::integrity,
            pages::integrity,
        )
    }),
    ("/search", "/search", |context, query, form| {
        respond(
            context,
            ("/search", query),
            &[FILTER, views::SEARCH],
            form,
            views::search,
            pages::search,
        )
    }),
    ("/export", "/exports", |context, query, form| {
        respond(
            context,
            ("/export", query),
            &[FILTER, views::EXPORT],
            form,
            views::export,
            pages::export,
        )
    }),
];

/// Every address that is answered.
pub(super) fn routes(desk: &Arc<Desk>) -> Router {
    let mut router = Router::new();
    for (path, name, handler) in VIEWS {
        let forms = [
            ((*path).to_owned(), Form::Page),
            (format!("/api{name}"), Form::Json),
            (format!("/api{name}.csv"), Form::Csv),
        ];
        for (path, form) in forms {
            let answer = move |State(desk): State<Arc<Desk>>, RawQuery(query): RawQuery| {
                in_turn(desk, *handler, query.unwrap_or_default(), form)
            };
            router = router.route(&path, get(answer));
        }
    }
    for (path, content_type, text) in ASSETS {
        router = router.route(
            path,
            get(move || async move { answer(StatusCode::OK, content_type, text) }),
        );
    }
    router
        .route("/api/events/stream", get(stream::events))
        .route("/api/event/payload", get(downloads::payload))
        .route("/api/event/proof", get(downloads::proof))
        .route("/api/event/signed-proof", get(downloads::signed_proof))
        .route("/api/export", get(downloads::events))
        .fallback(|| async { refused(StatusCode::NOT_FOUND, "nothing is here") })
        .layer(from_fn_with_state(desk.clone(), guard))
        .with_state(desk.clone())
}

/// Lets in who may ask, and has a browser keep the token of the printed address.
async fn guard(State(desk): State<Arc<Desk>>, request: Request, next: Next) -> Response<Body> {
    if let Err((status, why)) = desk.access.check(request.method(), request.headers()) {
        return refused(status, why);
    }
    let query = request.uri().query().unwrap_or_default();
    let mut pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    let has_token = pairs
        .iter()
        .any(|(name, value)| name == "token" && desk.access.is_token(value));
    if has_token {
        pairs.retain(|(name, _)| name != "token");
        let pairs = pairs.iter().map(|(name, value)| (&**name, &**value));
        // A path that begins with two slashes would lead to another host.
        let own = request.uri().path();
        let own = format!("/{}", own.trim_start_matches('/'));
        let path = address(&own, pairs);
        let mut answer = answer(
            StatusCode::SEE_OTHER,
            "text/plain; charset=utf-8",
            Body::empty(),
        );
        let headers = answer.headers_mut();
        headers.extend(
            HeaderValue::from_str(&path)
                .ok()
                .map(|path| (header::LOCATION, path)),
        );
        headers.extend(
            desk.access
                .cookie()
                .map(|cookie| (header::SET_COOKIE, cookie)),
        );
        return answer;
    }
    if !desk.access.has_token(request.headers()) {
        let why = "open the address that `strandline ui` has printed: it has the token";
        return refused(StatusCode::UNAUTHORIZED, why);
    }
    next.run(request).await.into_response()
}

async fn in_turn(desk: Arc<Desk>, handler: Handler, query: String, form: Form) -> Response<Body> {
    let busy = |desk: &Desk| fault(&desk.context, ("", &Asked::default()), form, &Fault::Busy);
    let Ok(Ok(_turn)) = tokio::time::timeout(TURN, desk.turns.acquire()).await else {
        return busy(&desk);
    };
    let context = desk.context.clone();
    let answered = tokio::task::spawn_blocking(move || handler(&context, &query, form)).await;
    answered.unwrap_or_else(|_| refused(StatusCode::INTERNAL_SERVER_ERROR, "this view has failed"))
}

fn respond<V: View>(
    context: &Context,
    (path, query): (&'static str, &str),
    known: &[&[&str]],
    form: Form,
    of: impl FnOnce(&Context, &Asked) -> Result<V, Fault>,
    page: impl FnOnce(&V, &Asked) -> Markup,
) -> Response<Body> {
    let asked = match Asked::parse(query, known) {
        Ok(asked) => asked,
        Err(wrong) => return fault(context, (path, &Asked::default()), form, &wrong.into()),
    };
    match of(context, &asked) {
        Ok(made) => view(context, (path, &asked), form, &made, page),
        Err(error) => fault(context, (path, &asked), form, &error),
    }
}
