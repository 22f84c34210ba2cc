//! `TestS3`: the server, its threads, and what becomes of each request.

use crate::api::Api;
use crate::fault::{Fault, Injection, When};
use crate::objects::Objects;
use crate::rate::Rate;
use crate::request::Seen;
use bytes::Bytes;
use futures::StreamExt;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::http::request::Parts;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use s3s::Body;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use std::error::Error;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use strandline_core::{Clock, SystemClock};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Handle, Runtime};

const BUCKET: &str = "strandline-test";
const ACCESS_KEY: &str = "TESTACCESSKEY";
const SECRET_KEY: &str = "not-a-secret";

/// How a server is started.
#[derive(Debug, Clone)]
pub struct TestS3Options {
    clock: Arc<dyn Clock>,
    page_keys_max: usize,
    threads: usize,
}

impl Default for TestS3Options {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock::default()),
            page_keys_max: 1000,
            threads: 2,
        }
    }
}

impl TestS3Options {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Where the times of objects come from. The system's clock by default.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Keys that a page of a listing holds at most. 1,000 by default, as on S3.
    #[must_use]
    pub fn page_keys_max(mut self, keys: usize) -> Self {
        self.page_keys_max = keys.max(1);
        self
    }

    /// Threads that serve. 2 by default.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// Starts a server on a free port of the loopback interface.
    ///
    /// # Errors
    ///
    /// If the operating system gives no port or no threads.
    pub fn start(self) -> io::Result<TestS3> {
        let objects = Arc::new(Objects::new(Arc::clone(&self.clock)));
        let mut service = S3ServiceBuilder::new(Api {
            bucket: BUCKET.to_owned(),
            objects: Arc::clone(&objects),
            page_keys_max: self.page_keys_max,
        });
        service.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
        let shared = Arc::new(Shared {
            service: service.build(),
            objects,
            requests: Mutex::default(),
            injections: Mutex::default(),
            latency: Mutex::default(),
            rate: Mutex::default(),
            clock: self.clock,
        });
        let runtime = Builder::new_multi_thread()
            .worker_threads(self.threads)
            .thread_name("test-s3")
            .enable_all()
            .build()?;
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let listener = {
            let _guard = runtime.enter();
            TcpListener::from_std(listener)?
        };
        runtime.spawn(accept(listener, Arc::clone(&shared)));
        Ok(TestS3 {
            shared,
            address,
            runtime: Some(runtime),
        })
    }
}

/// An S3 server in memory, on the loopback interface, with one bucket. It stops when it is dropped: connections
/// are closed, and what is held or late is never applied.
#[derive(Debug)]
pub struct TestS3 {
    shared: Arc<Shared>,
    address: SocketAddr,
    runtime: Option<Runtime>,
}

#[derive(Debug)]
struct Shared {
    service: S3Service,
    objects: Arc<Objects>,
    requests: Mutex<Vec<Seen>>,
    injections: Mutex<Vec<Injection>>,
    latency: Mutex<Duration>,
    rate: Mutex<Option<Rate>>,
    clock: Arc<dyn Clock>,
}

impl TestS3 {
    /// Starts a server on a free port of the loopback interface.
    ///
    /// # Errors
    ///
    /// If the operating system gives no port or no threads.
    pub fn start() -> io::Result<Self> {
        TestS3Options::new().start()
    }

    /// The bucket, as `s3://BUCKET`. A prefix may be added.
    #[must_use]
    pub fn url(&self) -> String {
        format!("s3://{BUCKET}")
    }

    /// The name of the bucket.
    #[must_use]
    pub fn bucket(&self) -> &'static str {
        BUCKET
    }

    /// Where the server listens, as `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What a client has to know, by the names that `object_store` has for it: endpoint, region, credentials.
    #[must_use]
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("aws_endpoint", self.endpoint()),
            ("aws_region", "us-east-1".to_owned()),
            ("aws_access_key_id", ACCESS_KEY.to_owned()),
            ("aws_secret_access_key", SECRET_KEY.to_owned()),
            ("aws_allow_http", "true".to_owned()),
        ]
    }

    /// Has `fault` meet requests that `predicate` names, as often as `when` says. Of several that would meet a
    /// request, the one that was injected first does.
    pub fn inject(
        &self,
        fault: Fault,
        when: When,
        predicate: impl Fn(&Seen) -> bool + Send + Sync + 'static,
    ) -> Injection {
        let injection = Injection::new(fault, when, predicate);
        self.shared.injections.lock().push(injection.clone());
        injection
    }

    /// Ends all faults: further requests meet none, and what was held goes on.
    pub fn heal(&self) {
        for injection in self.shared.injections.lock().drain(..) {
            injection.stop();
            injection.release();
        }
    }

    /// How long each request waits before anything becomes of it. None by default.
    pub fn set_latency(&self, latency: Duration) {
        *self.shared.latency.lock() = latency;
    }

    /// How many requests a second are served, a second's worth of them at once; to further ones the answer is 503
    /// `SlowDown`. No limit by default.
    pub fn set_requests_per_second_max(&self, requests: Option<u32>) {
        let now = self.shared.clock.elapsed();
        *self.shared.rate.lock() = requests.map(|requests| Rate::new(requests, now));
    }

    /// Every request that arrived, in order of arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<Seen> {
        self.shared.requests.lock().clone()
    }

    /// How many requests arrived that `predicate` names.
    pub fn count(&self, mut predicate: impl FnMut(&Seen) -> bool) -> usize {
        let requests = self.shared.requests.lock();
        requests.iter().filter(|seen| predicate(seen)).count()
    }

    /// Forgets the requests that arrived.
    pub fn forget_requests(&self) {
        self.shared.requests.lock().clear();
    }

    /// The keys that begin with `prefix`, in order.
    #[must_use]
    pub fn keys(&self, prefix: &str) -> Vec<String> {
        self.shared.objects.keys(prefix)
    }

    /// An object as it is.
    #[must_use]
    pub fn object(&self, key: &str) -> Option<Bytes> {
        self.shared.objects.get(key).map(|object| object.content)
    }

    /// Writes an object, past all faults.
    pub fn put_object(&self, key: &str, content: impl Into<Bytes>) {
        self.shared.objects.put(key, content.into());
    }

    /// Deletes an object, past all faults. Whether it was there.
    pub fn delete_object(&self, key: &str) -> bool {
        self.shared.objects.delete(key)
    }

    /// How many uploads in parts were begun and neither finished nor taken back.
    #[must_use]
    pub fn uploads(&self) -> usize {
        self.shared.objects.uploads()
    }
}

impl Drop for TestS3 {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else {
            return;
        };
        if Handle::try_current().is_ok() {
            // A task of another runtime must not wait.
            runtime.shutdown_background();
        } else {
            runtime.shutdown_timeout(Duration::from_secs(10));
        }
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        // An error is that of one connection, or passes.
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        tokio::spawn(serve(stream, Arc::clone(&shared)));
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    // Without it answers wait for the client's acknowledgement of the packet before.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { shared.answer(request).await }
    });
    // An error is a client that went away, or an answer that was to be lost.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// Why a request has no answer: the connection is closed.
#[derive(Debug)]
struct NoAnswer(String);

impl NoAnswer {
    fn because(reason: impl ToString) -> Self {
        Self(reason.to_string())
    }
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for NoAnswer {}

impl Shared {
    async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, NoAnswer> {
        let (parts, body) = request.into_parts();
        let body = whole(body).await?;
        let seen = Seen::of(&parts, body.len());
        let number = {
            let mut requests = self.requests.lock();
            requests.push(seen.clone());
            requests.len() - 1
        };
        let latency = *self.latency.lock();
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        let now = self.clock.elapsed();
        let is_too_many = match self.rate.lock().as_mut() {
            Some(rate) => !rate.takes(now),
            None => false,
        };
        if is_too_many {
            return Ok(self.answered(number, refusal(503, "SlowDown")));
        }
        let injections = self.injections.lock().clone();
        let met = injections
            .into_iter()
            .find_map(|injection| Some((injection.meet(&seen)?, injection)));
        let answer = match met {
            None => self.apply(parts, body).await,
            Some((Fault::AnswerThenDone(status, code, after), injection)) => {
                let shared = Arc::clone(&self);
                tokio::spawn(async move {
                    match after {
                        Some(after) => tokio::time::sleep(after).await,
                        None => injection.released().await,
                    }
                    let _ = shared.apply(parts, body).await;
                    injection.done();
                });
                Ok(refusal(status, code))
            }
            Some((fault, injection)) => {
                let answer = self.meet(&fault, &injection, parts, body).await;
                injection.done();
                answer
            }
        };
        Ok(self.answered(number, answer?))
    }

    /// Notes the status that a request is answered with.
    fn answered(&self, number: usize, answer: Response<Body>) -> Response<Body> {
        if let Some(seen) = self.requests.lock().get_mut(number) {
            seen.status = Some(answer.status().as_u16());
        }
        answer
    }

    async fn meet(
        &self,
        fault: &Fault,
        injection: &Injection,
        parts: Parts,
        body: Bytes,
    ) -> Result<Response<Body>, NoAnswer> {
        match *fault {
            Fault::Answer(status, code) | Fault::AnswerThenDone(status, code, _) => {
                Ok(refusal(status, code))
            }
            Fault::DoneThenAnswer(status, code) => {
                self.apply(parts, body).await?;
                Ok(refusal(status, code))
            }
            Fault::Lost => Err(NoAnswer::because("lost on the way")),
            Fault::DoneThenLost => {
                self.apply(parts, body).await?;
                Err(NoAnswer::because("the answer was lost"))
            }
            Fault::Held => {
                injection.released().await;
                self.apply(parts, body).await
            }
            Fault::DoneThenHeld => {
                let answer = self.apply(parts, body).await;
                injection.released().await;
                answer
            }
            Fault::Cut => cut(self.apply(parts, body).await?).await,
        }
    }

    async fn apply(&self, parts: Parts, body: Bytes) -> Result<Response<Body>, NoAnswer> {
        let request = Request::from_parts(parts, Body::from(body));
        let answered = self.service.call(request).await;
        answered.map_err(|error| NoAnswer::because(Box::<dyn Error + Send + Sync>::from(error)))
    }
}

async fn whole<B>(body: B) -> Result<Bytes, NoAnswer>
where
    B: hyper::body::Body<Data = Bytes>,
    B::Error: ToString,
{
    let collected = BodyExt::collect(body).await;
    Ok(collected.map_err(NoAnswer::because)?.to_bytes())
}

fn refusal(status: u16, code: &str) -> Response<Body> {
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>injected</Message></Error>"
    );
    let mut response = Response::new(Body::from(text));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}

/// The answer with half of its body, behind which the connection breaks.
async fn cut(answer: Response<Body>) -> Result<Response<Body>, NoAnswer> {
    let (mut parts, body) = answer.into_parts();
    let content = whole(body).await?;
    let half = content.slice(..content.len() / 2);
    parts
        .headers
        .insert(hyper::header::CONTENT_LENGTH, content.len().into());
    let frames =
        futures::stream::iter([Ok(Frame::data(half))]).chain(futures::stream::once(async {
            // The half is on its way before the connection breaks.
            tokio::task::yield_now().await;
            Err(io::Error::other("cut"))
        }));
    Ok(Response::from_parts(
        parts,
        Body::http_body_unsync(StreamBody::new(frames)),
    ))
}
