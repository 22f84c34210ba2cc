//! `Client`: the five calls, as tonic makes them.

use crate::wire::{
    AppendRequest, AppendResponse, Event, HeadRequest, HeadResponse, ReadRequest, ReadResponse,
    SERVICE, SequencedEvent, SubscribeRequest, SubscribeResponse, TrackingRequest,
    TrackingResponse,
};
use http::uri::PathAndQuery;
use prost::Message;
use std::net::SocketAddr;
use tonic::client::Grpc;
use tonic::transport::{Channel, Endpoint, Error};
use tonic::{Request, Status, Streaming};
use tonic_prost::ProstCodec;

/// A connection, and what is said with each call.
#[derive(Clone)]
pub(super) struct Client {
    channel: Channel,
    pub(super) service: &'static str,
    pub(super) token: Option<String>,
}

impl Client {
    pub(super) async fn connect(address: SocketAddr) -> Result<Self, Error> {
        let endpoint = Endpoint::from_shared(format!("http://{address}"))?;
        Ok(Self::over(endpoint.connect().await?))
    }

    pub(super) fn over(channel: Channel) -> Self {
        Self {
            channel,
            service: SERVICE,
            token: None,
        }
    }

    fn request<M>(&self, message: M) -> Request<M> {
        let mut request = Request::new(message);
        if let Some(token) = &self.token {
            let header = format!("Bearer {token}").parse().unwrap();
            request.metadata_mut().insert("authorization", header);
        }
        request
    }

    fn path(&self, call: &str) -> PathAndQuery {
        format!("/{}/{call}", self.service).parse().unwrap()
    }

    async fn unary<M, R>(&self, call: &str, message: M) -> Result<R, Status>
    where
        M: Message + 'static,
        R: Message + Default + 'static,
    {
        let mut grpc = Grpc::new(self.channel.clone());
        grpc.ready()
            .await
            .map_err(|error| Status::unavailable(error.to_string()))?;
        let codec = ProstCodec::default();
        let answer = grpc
            .unary(self.request(message), self.path(call), codec)
            .await?;
        Ok(answer.into_inner())
    }

    async fn stream<M, R>(&self, call: &str, message: M) -> Result<Streaming<R>, Status>
    where
        M: Message + 'static,
        R: Message + Default + 'static,
    {
        let mut grpc = Grpc::new(self.channel.clone());
        grpc.ready()
            .await
            .map_err(|error| Status::unavailable(error.to_string()))?;
        let (request, path) = (self.request(message), self.path(call));
        let answer = grpc.server_streaming(request, path, ProstCodec::default());
        Ok(answer.await?.into_inner())
    }

    pub(super) async fn append(&self, request: AppendRequest) -> Result<u64, Status> {
        let answer: AppendResponse = self.unary("Append", request).await?;
        Ok(answer.position)
    }

    /// Appends events without a condition.
    pub(super) async fn append_all(&self, events: Vec<Event>) -> Result<u64, Status> {
        let request = AppendRequest {
            events,
            ..AppendRequest::default()
        };
        self.append(request).await
    }

    pub(super) async fn head(&self) -> Result<Option<u64>, Status> {
        let answer: HeadResponse = self.unary("Head", HeadRequest {}).await?;
        Ok(answer.position)
    }

    pub(super) async fn tracking(&self, source: &str) -> Result<Option<u64>, Status> {
        let source = source.to_owned();
        let answer: TrackingResponse = self
            .unary("GetTrackingInfo", TrackingRequest { source })
            .await?;
        Ok(answer.position)
    }

    pub(super) async fn read(
        &self,
        request: ReadRequest,
    ) -> Result<Streaming<ReadResponse>, Status> {
        self.stream("Read", request).await
    }

    /// All events of a read, its last head, and how many events each message had.
    pub(super) async fn read_all(
        &self,
        request: ReadRequest,
    ) -> Result<(Vec<SequencedEvent>, Option<u64>, Vec<usize>), Status> {
        let mut messages = self.read(request).await?;
        let (mut events, mut head, mut lengths) = (Vec::new(), None, Vec::new());
        while let Some(message) = messages.message().await? {
            head = message.head;
            lengths.push(message.events.len());
            events.extend(message.events);
        }
        Ok((events, head, lengths))
    }

    pub(super) async fn subscribe(
        &self,
        request: SubscribeRequest,
    ) -> Result<Streaming<SubscribeResponse>, Status> {
        self.stream("Subscribe", request).await
    }
}

/// An event with data of this length.
pub(super) fn event(event_type: &str, tags: &[&str], length: usize) -> Event {
    Event {
        event_type: event_type.to_owned(),
        tags: tags.iter().map(|&tag| tag.to_owned()).collect(),
        data: vec![7; length],
        ..Event::default()
    }
}
