//! Addresses of pages: a path, and what is asked in the query string.

use form_urlencoded::Serializer;

/// The address of a page that is asked something, without a host.
pub(crate) fn address<'a>(
    path: &str,
    asked: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> String {
    let mut query = Serializer::new(String::new());
    query.extend_pairs(asked);
    match query.finish() {
        query if query.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_cannot_leave_its_place() {
        let asked = [("name", "a&b=c#<\"é\u{202e} /?")];
        let address = address("/entity", asked);
        assert_eq!(
            address,
            "/entity?name=a%26b%3Dc%23%3C%22%C3%A9%E2%80%AE+%2F%3F"
        );
        let query = address.split_once('?').unwrap().1;
        let parsed: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
        assert_eq!(parsed, [("name".into(), asked[0].1.into())]);
    }
}
