//! Answers: a view in the form that is asked for, and faults in the same form.

use crate::asked::Asked;
use crate::pages::{self, Around, shell};
use crate::views::{Context, Fault, View};
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use maud::Markup;
use serde_json::json;

/// In which form an answer is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Page,
    Json,
    Csv,
}

/// What all answers say: nothing is loaded from elsewhere, run that is not a file of the page, framed, or kept.
const HEADERS: [(HeaderName, HeaderValue); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
             base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        ),
    ),
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// An answer of a type.
pub(super) fn answer(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Body>,
) -> Response<Body> {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.extend(HEADERS);
    answer
}

/// A text for whoever may not ask.
pub(super) fn refused(status: StatusCode, why: &'static str) -> Response<Body> {
    answer(status, "text/plain; charset=utf-8", format!("{why}\n"))
}

/// What a browser is to keep as a file.
pub(super) fn download(
    content_type: &'static str,
    name: &str,
    body: impl Into<Body>,
) -> Response<Body> {
    let mut answer = answer(StatusCode::OK, content_type, body);
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
    if let Ok(disposition) = disposition {
        answer
            .headers_mut()
            .insert(header::CONTENT_DISPOSITION, disposition);
    }
    answer
}

/// A view in a form.
pub(super) fn view<V: View>(
    context: &Context,
    (path, asked): (&'static str, &Asked),
    form: Form,
    view: &V,
    page: impl FnOnce(&V, &Asked) -> Markup,
) -> Response<Body> {
    match form {
        Form::Json => match serde_json::to_string_pretty(view) {
            Ok(json) => answer(StatusCode::OK, "application/json", json),
            Err(error) => fault(
                context,
                (path, asked),
                form,
                &Fault::Store(error.to_string()),
            ),
        },
        Form::Csv => answer(
            StatusCode::OK,
            "text/csv; charset=utf-8",
            view.table().csv(),
        ),
        Form::Page => {
            let closed = context.watch.now().err();
            let same = view.same();
            let around = Around {
                store: context.name(),
                path,
                asked,
                closed: closed.as_ref(),
                same: Some(&same),
            };
            let page = shell(&around, &view.title(), &page(view, asked));
            answer(StatusCode::OK, "text/html; charset=utf-8", page)
        }
    }
}

/// Why there is no answer, in the form that it was asked for.
pub(super) fn fault(
    context: &Context,
    (path, asked): (&'static str, &Asked),
    form: Form,
    fault: &Fault,
) -> Response<Body> {
    let (status, reason) = match fault {
        Fault::Wrong(wrong) => (StatusCode::BAD_REQUEST, wrong.to_string()),
        Fault::NotThere(what) => (StatusCode::NOT_FOUND, what.clone()),
        Fault::Closed(closed) => (StatusCode::SERVICE_UNAVAILABLE, closed.reason.clone()),
        Fault::Store(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.clone()),
        Fault::Busy => (
            StatusCode::TOO_MANY_REQUESTS,
            "too much is asked at once".to_owned(),
        ),
    };
    if form != Form::Page {
        return answer(
            status,
            "application/json",
            json!({ "error": reason }).to_string(),
        );
    }
    let closed = match fault {
        Fault::Closed(closed) => Some(closed),
        _ => None,
    };
    let (title, body) = pages::fault(fault);
    let around = Around {
        store: context.name(),
        path,
        asked,
        closed,
        same: None,
    };
    answer(
        status,
        "text/html; charset=utf-8",
        shell(&around, title, &body),
    )
}
