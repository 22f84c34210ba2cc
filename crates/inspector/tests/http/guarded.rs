//! Who is answered: with the token, from this machine, from no other site, by GET; and what each answer forbids a browser.

use crate::client::Server;
use crate::sample::store;

#[test]
fn nobody_is_answered_without_the_token() {
    let dir = tempfile::tempdir().unwrap();
    let _store = store(&dir.path().join("orders.strand"));
    let server = Server::of(&dir.path().join("orders.strand"));
    let host = server.host();
    for path in [
        "/",
        "/api/overview",
        "/api/events.csv",
        "/assets/page.css",
        "/nothing",
        "/?token=wrong",
    ] {
        let answer = server.raw("GET", path, std::slice::from_ref(&host));
        assert_eq!(answer.status, 401, "{path}");
        assert!(!answer.text().contains("order"), "{path}");
    }
    let [half, longer] = [server.token[..16].to_owned(), format!("{}0", server.token)];
    for wrong in ["", "0", &"0".repeat(32), &half, &longer] {
        let bearer = format!("Authorization: Bearer {wrong}");
        assert_eq!(server.raw("GET", "/", &[host.clone(), bearer]).status, 401);
    }
    let entered = server.raw(
        "GET",
        &format!("/events?kind=order.paid&token={}", server.token),
        std::slice::from_ref(&host),
    );
    assert_eq!(entered.status, 303);
    assert!(
        entered
            .headers
            .contains("location: /events?kind=order.paid\r\n"),
        "{}",
        entered.headers
    );
    let path = format!("//attacker.example/?token={}", server.token);
    let elsewhere = server.raw("GET", &path, std::slice::from_ref(&host));
    assert!(
        elsewhere
            .headers
            .contains("location: /attacker.example/\r\n"),
        "{}",
        elsewhere.headers
    );
    let cookie = entered
        .headers
        .lines()
        .find_map(|line| line.strip_prefix("set-cookie: "))
        .unwrap();
    assert!(cookie.contains("httponly") && cookie.contains("samesite=strict"));
    let cookie = format!(
        "Cookie: other=1; strandline-{}={}",
        server.port, server.token
    );
    assert_eq!(server.raw("GET", "/events", &[host, cookie]).status, 200);
}

#[test]
fn other_hosts_and_sites_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let _store = store(&dir.path().join("orders.strand"));
    let server = Server::of(&dir.path().join("orders.strand"));
    let bearer = server.bearer();
    for host in [
        "Host: attacker.example",
        "Host: 127.0.0.1",
        "Host: 127.0.0.1:1",
        "X-Host: none",
    ] {
        assert!(
            matches!(
                server
                    .raw("GET", "/", &[host.to_owned(), bearer.clone()])
                    .status,
                400 | 421
            ),
            "{host}"
        );
    }
    let localhost = format!("Host: localhost:{}", server.port);
    assert_eq!(
        server.raw("GET", "/", &[localhost, bearer.clone()]).status,
        200
    );
    for line in [
        "Origin: http://attacker.example",
        "Origin: null",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
    ] {
        let lines = [server.host(), bearer.clone(), line.to_owned()];
        assert_eq!(server.raw("GET", "/", &lines).status, 403, "{line}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        assert_eq!(
            server
                .raw(method, "/", &[server.host(), bearer.clone()])
                .status,
            405,
            "{method}"
        );
    }
}

#[test]
fn each_answer_says_what_may_run_and_load() {
    let dir = tempfile::tempdir().unwrap();
    let _store = store(&dir.path().join("orders.strand"));
    let server = Server::of(&dir.path().join("orders.strand"));
    let without = server.raw("GET", "/", &[server.host()]);
    let answers = [
        "/",
        "/api/events",
        "/api/events.csv",
        "/assets/page.js",
        "/nothing",
        "/events?since=soon",
    ];
    for answer in answers
        .map(|path| server.get(path))
        .into_iter()
        .chain([without])
    {
        let headers = &answer.headers;
        assert!(
            headers.contains("content-security-policy: default-src 'none'; script-src 'self'"),
            "{headers}"
        );
        assert!(
            headers.contains("x-content-type-options: nosniff"),
            "{headers}"
        );
        assert!(!headers.contains("access-control-allow"), "{headers}");
        if !headers.contains("content-type: text/html") {
            continue;
        }
        let text = answer.text();
        assert!(
            !text.contains(" onclick=") && !text.contains("<script>") && !text.contains(" style="),
            "{text}"
        );
    }
}
