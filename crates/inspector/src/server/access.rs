//! Who may ask: whoever has the token, at an address of this machine, from no page of another site.

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};

/// Who may ask.
#[derive(Debug)]
pub(super) struct Access {
    port: u16,
    token: String,
}

impl Access {
    /// Whoever has a new token, which the system's random bytes make.
    pub(super) fn new(port: u16) -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        let token = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { port, token })
    }

    /// The address that is printed, with the token.
    pub(super) fn address(&self) -> String {
        format!("http://127.0.0.1:{}/?token={}", self.port, self.token)
    }

    /// Whether a text is the token. Takes as long for a wrong one as for another.
    pub(super) fn is_token(&self, text: &str) -> bool {
        let differs = self
            .token
            .bytes()
            .zip(text.bytes())
            .fold(0, |all, (own, other)| all | (own ^ other));
        text.len() == self.token.len() && differs == 0
    }

    /// What has a browser ask with the token from now on. Its name has the port, as cookies do not know ports.
    pub(super) fn cookie(&self) -> Option<HeaderValue> {
        let cookie = format!(
            "{}={}; Path=/; HttpOnly; SameSite=Strict",
            self.cookie_name(),
            self.token
        );
        HeaderValue::from_str(&cookie).ok()
    }

    fn cookie_name(&self) -> String {
        format!("strandline-{}", self.port)
    }

    /// Whether a request is one that may be answered, but for its token.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(super) fn check(
        &self,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<(), (StatusCode, &'static str)> {
        if method != Method::GET && method != Method::HEAD {
            return Err((
                StatusCode::METHOD_NOT_ALLOWED,
                "everything here is read, by GET",
            ));
        }
        let text = |name| {
            headers
                .get(name)
                .and_then(|value: &HeaderValue| value.to_str().ok())
        };
        let names = ["127.0.0.1", "localhost"].map(|name| format!("{name}:{}", self.port));
        let is_own = |host: &str| names.iter().any(|name| name.eq_ignore_ascii_case(host));
        // A name that leads here is another site to a browser.
        if !text(header::HOST).is_some_and(is_own) {
            return Err((
                StatusCode::MISDIRECTED_REQUEST,
                "this host is not served here",
            ));
        }
        let origin = headers.get(header::ORIGIN).map(|_| text(header::ORIGIN));
        let is_foreign = origin.is_some_and(|origin| {
            let host = origin.and_then(|origin| origin.strip_prefix("http://"));
            !host.is_some_and(is_own)
        });
        let site = headers
            .get("sec-fetch-site")
            .and_then(|site| site.to_str().ok());
        if is_foreign || matches!(site, Some("cross-site" | "same-site")) {
            return Err((
                StatusCode::FORBIDDEN,
                "pages of other sites may not ask here",
            ));
        }
        Ok(())
    }

    /// Whether a request has the token: in its cookie, or as a bearer.
    pub(super) fn has_token(&self, headers: &HeaderMap) -> bool {
        let bearer = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        if let Some(token) = bearer.and_then(|value| value.strip_prefix("Bearer ")) {
            return self.is_token(token);
        }
        let name = self.cookie_name();
        let cookies = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok());
        let mut pairs = cookies
            .flat_map(|cookies| cookies.split(';'))
            .filter_map(|pair| pair.trim().split_once('='));
        pairs.any(|(own, token)| own == name && self.is_token(token))
    }
}
