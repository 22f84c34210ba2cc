//! `Dcb`: the service, from a request to its answer.

use super::append::append;
use super::asked::Call;
use super::context::Context;
use super::look::{head, tracking};
use super::read::read;
use super::record::Record;
use super::room::Roomed;
use super::subscribe::subscribe;
use crate::net::Peer;
use crate::wire::{HeadRequest, SERVICE, SERVICE_OLDER, not_allowed, unauthenticated};
use futures::future::BoxFuture;
use http::header::AUTHORIZATION;
use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::task::Poll;
use tonic::body::Body;
use tonic::server::{Grpc, NamedService, ServerStreamingService, UnaryService};
use tonic::{Code, Request, Response, Status};
use tonic_prost::ProstCodec;
use tower_service::Service;

type Asked = http::Request<Body>;
type Answer = http::Response<Body>;

/// The service `umadb.v1.DCB`.
#[derive(Debug, Clone)]
pub(crate) struct Dcb(pub(crate) Arc<Context>);

/// The same under its older name.
#[derive(Debug, Clone)]
pub(crate) struct Older(pub(crate) Arc<Context>);

impl NamedService for Dcb {
    const NAME: &'static str = SERVICE;
}

impl NamedService for Older {
    const NAME: &'static str = SERVICE_OLDER;
}

impl Service<Asked> for Dcb {
    type Response = Answer;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Answer, Infallible>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Asked) -> Self::Future {
        let context = Arc::clone(&self.0);
        Box::pin(async move { Ok(answer(&context, request).await) })
    }
}

impl Service<Asked> for Older {
    type Response = Answer;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Answer, Infallible>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Asked) -> Self::Future {
        Dcb(Arc::clone(&self.0)).call(request)
    }
}

/// A function of a request, as tonic takes it.
struct Function<F>(Option<F>);

impl<M, R, F, Called> UnaryService<M> for Function<F>
where
    F: FnOnce(M) -> Called,
    Called: Future<Output = Result<Response<R>, Status>>,
{
    type Response = R;
    type Future = futures::future::Either<Called, futures::future::Ready<Called::Output>>;

    fn call(&mut self, request: Request<M>) -> Self::Future {
        self.once(request)
    }
}

impl<M, S, R, F, Called> ServerStreamingService<M> for Function<F>
where
    F: FnOnce(M) -> Called,
    Called: Future<Output = Result<Response<S>, Status>>,
    S: futures::Stream<Item = Result<R, Status>>,
{
    type Response = R;
    type ResponseStream = S;
    type Future = futures::future::Either<Called, futures::future::Ready<Called::Output>>;

    fn call(&mut self, request: Request<M>) -> Self::Future {
        self.once(request)
    }
}

impl<F> Function<F> {
    fn once<M, T, Called>(
        &mut self,
        request: Request<M>,
    ) -> futures::future::Either<Called, futures::future::Ready<Called::Output>>
    where
        F: FnOnce(M) -> Called,
        Called: Future<Output = Result<T, Status>>,
    {
        use futures::future::{Either, ready};
        match self.0.take() {
            Some(function) => Either::Left(function(request.into_inner())),
            // A request is one message.
            None => Either::Right(ready(Err(Status::internal("called twice")))),
        }
    }
}

async fn answer(context: &Arc<Context>, request: Asked) -> Answer {
    let name = request.uri().path().rsplit('/').next();
    let Some(call) = name.and_then(Call::named) else {
        return Status::unimplemented("there is no such call").into_http();
    };
    let peer = request.extensions().get::<Peer>().copied();
    let (who, refused) = match allowed(context, call, &request) {
        Ok(who) => (who, None),
        Err((who, status)) => (who, Some(status)),
    };
    let record = Record::new(call, peer, who);
    if let Some(status) = refused {
        record.end(status.code());
        return status.into_http();
    }
    let limits = &context.limits;
    let (parts, body) = request.into_parts();
    let (bytes_max, time) = (limits.request_bytes, limits.request_time);
    let (body, held) = Roomed::new(body, &context.room, bytes_max, time);
    let request = http::Request::from_parts(parts, Body::new(body));
    let answer = dispatch(context, &record, call, request).await;
    drop(held);
    let status = Status::from_header_map(answer.headers());
    match (status, call) {
        (Some(status), _) => record.end(status.code()),
        // They say so themselves at their end.
        (None, Call::Read | Call::Subscribe) => {}
        (None, _) => record.end(Code::Ok),
    }
    answer
}

async fn dispatch(
    context: &Arc<Context>,
    record: &Arc<Record>,
    call: Call,
    request: Asked,
) -> Answer {
    /// With what every call has: the codec of its messages, and their limit.
    macro_rules! grpc {
        () => {
            Grpc::new(ProstCodec::default())
                .max_decoding_message_size(context.limits.request_bytes)
                .max_encoding_message_size(usize::MAX)
        };
    }
    let (context, record) = (Arc::clone(context), Arc::clone(record));
    match call {
        Call::Append => {
            let function = |message| async move { append(&context, &record, message).await };
            grpc!().unary(Function(Some(function)), request).await
        }
        Call::Head => {
            let function = |HeadRequest {}| async move { head(&context) };
            grpc!().unary(Function(Some(function)), request).await
        }
        Call::GetTrackingInfo => {
            let function = |message| async move { tracking(&context, &message) };
            grpc!().unary(Function(Some(function)), request).await
        }
        Call::Read => {
            let function = |message| async move { read(&context, record, message) };
            grpc!()
                .server_streaming(Function(Some(function)), request)
                .await
        }
        Call::Subscribe => {
            let function = |message| async move { subscribe(&context, record, message) };
            grpc!()
                .server_streaming(Function(Some(function)), request)
                .await
        }
    }
}

type Name = Option<Arc<str>>;

/// The name of who calls; or why they may not, and their name if they have one.
fn allowed(context: &Context, call: Call, request: &Asked) -> Result<Name, (Name, Status)> {
    let Some(tokens) = &context.tokens else {
        return Ok(None);
    };
    let Some(header) = request.headers().get(AUTHORIZATION) else {
        let status = unauthenticated("a token is needed: `authorization: Bearer TOKEN`");
        return Err((None, status));
    };
    let Some((role, name)) = tokens.find(header.as_bytes()) else {
        return Err((None, unauthenticated("the token is not known")));
    };
    match role >= call.role() {
        true => Ok(Some(name)),
        false => {
            let status = not_allowed("the token is for reading alone");
            Err((Some(name), status))
        }
    }
}
