//! TLS and tokens.

use super::Served;
use super::client::{Client, event};
use crate::wire::{ErrorResponse, ErrorType, ReadRequest, SubscribeRequest};
use crate::{Error, Limits, Server, Tls, TlsError, Tokens};
use prost::Message;
use std::net::SocketAddr;
use std::time::Duration;
use strandline::Store;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};
use tonic::{Code, Status};

/// Made with `openssl req -x509`, for `localhost`, for a hundred years, and trusted by nobody but these tests.
const CERTIFICATE: &[u8] = include_bytes!("certificate.pem");
const KEY: &[u8] = include_bytes!("key.pem");
const TOKENS: &str = "read reports 0123456789abcdefghij\nappend orders klmnopqrstuvwxyz0123";

fn is_refused(status: &Status, code: Code) {
    assert_eq!(status.code(), code, "{status}");
    let details = ErrorResponse::decode(status.details()).unwrap();
    assert_eq!(details.error_type, i32::from(ErrorType::Authentication));
}

async fn encrypted(address: SocketAddr) -> Client {
    let trusted = Certificate::from_pem(CERTIFICATE);
    let tls = ClientTlsConfig::new()
        .ca_certificate(trusted)
        .domain_name("localhost");
    let endpoint = Endpoint::from_shared(format!("https://{address}")).unwrap();
    Client::over(endpoint.tls_config(tls).unwrap().connect().await.unwrap())
}

#[test]
fn a_token_is_asked_for_and_may_what_its_role_says() {
    let served = Served::with(|server| server.tokens(Tokens::parse(TOKENS).unwrap()));
    let mut client = served.client();
    served.runtime.block_on(async {
        let append = |client: &Client| {
            let client = client.clone();
            async move { client.append_all(vec![event("Paid", &[], 1)]).await }
        };
        for token in [None, Some("klmnopqrstuvwxyz012"), Some("orders")] {
            client.token = token.map(str::to_owned);
            is_refused(&append(&client).await.unwrap_err(), Code::Unauthenticated);
            is_refused(&client.head().await.unwrap_err(), Code::Unauthenticated);
            is_refused(
                &client.tracking("a").await.unwrap_err(),
                Code::Unauthenticated,
            );
            let read = client.read(ReadRequest::default()).await;
            is_refused(&read.unwrap_err(), Code::Unauthenticated);
            let subscribed = client.subscribe(SubscribeRequest::default()).await;
            is_refused(&subscribed.unwrap_err(), Code::Unauthenticated);
        }
        client.token = Some("0123456789abcdefghij".to_owned());
        is_refused(&append(&client).await.unwrap_err(), Code::PermissionDenied);
        assert_eq!(client.head().await.unwrap(), None);
        client.token = Some("klmnopqrstuvwxyz0123".to_owned());
        assert_eq!(append(&client).await.unwrap(), 1);
        let (events, ..) = client.read_all(ReadRequest::default()).await.unwrap();
        assert_eq!(events.len(), 1);
    });
}

#[test]
fn connections_are_encrypted_if_that_is_asked_for() {
    let served = Served::with(|server| server.tls(Tls::from_pem(CERTIFICATE, KEY).unwrap()));
    served.runtime.block_on(async {
        let client = encrypted(served.address()).await;
        let events = (0..10).map(|_| event("Paid", &["a"], 10_000));
        assert_eq!(client.append_all(events.collect()).await.unwrap(), 10);
        let (events, ..) = client.read_all(ReadRequest::default()).await.unwrap();
        assert_eq!(events.len(), 10);
        // Who does not encrypt is not answered.
        if let Ok(plain) = Client::connect(served.address()).await {
            plain.head().await.unwrap_err();
        }
    });
}

#[test]
fn what_is_no_certificate_or_no_key_is_refused() {
    let refused = |certificate, key| Tls::from_pem(certificate, key).unwrap_err();
    assert!(matches!(refused(KEY, KEY), TlsError::Certificate(_)));
    assert!(matches!(refused(b"", KEY), TlsError::Certificate(_)));
    assert!(matches!(
        refused(CERTIFICATE, CERTIFICATE),
        TlsError::Key(_)
    ));
    // The last letters of the key: it is none any more, or another's.
    let cut = KEY.len() / 2;
    assert!(Tls::from_pem(CERTIFICATE, &KEY[..cut]).is_err());
}

#[test]
fn an_address_that_others_reach_needs_both_or_a_safe_network() {
    let dir = tempfile::tempdir().unwrap();
    let store = std::sync::Arc::new(Store::open(dir.path().join("a.strand")).unwrap());
    let bind = |change: &dyn Fn(Server) -> Server| {
        let server = change(Server::new(store.clone()));
        server.bind("0.0.0.0:0".parse().unwrap())
    };
    let tls = |server: Server| server.tls(Tls::from_pem(CERTIFICATE, KEY).unwrap());
    let tokens = |server: Server| server.tokens(Tokens::parse(TOKENS).unwrap());
    let missing = |bound: Result<_, Error>| match bound {
        Err(Error::Open { missing, .. }) => missing,
        _ => "",
    };
    assert_eq!(missing(bind(&|server| server)), "TLS and no token");
    assert_eq!(missing(bind(&tls)), "token");
    assert_eq!(missing(bind(&tokens)), "TLS");
    assert!(bind(&|server| tls(tokens(server))).is_ok());
    assert!(bind(&Server::on_a_safe_network).is_ok());
}

/// A connection that says nothing, before TLS or after it, is closed.
#[test]
fn a_connection_that_does_not_begin_is_closed() {
    use std::io::Read;
    let limits = Limits::new().request_time(Duration::from_millis(100));
    let plain = Served::limited(limits.clone());
    let tls = Tls::from_pem(CERTIFICATE, KEY).unwrap();
    let encrypted = Served::with(|server| server.limits(limits).tls(tls));
    for served in [plain, encrypted] {
        let mut silent = std::net::TcpStream::connect(served.address()).unwrap();
        silent
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        // What the server says first, if it says anything, and then its end.
        let end = silent.read_to_end(&mut Vec::new());
        assert!(
            end.is_ok()
                || end.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset)
        );
    }
}
