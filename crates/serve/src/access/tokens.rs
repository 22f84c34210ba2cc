//! `Tokens`: the tokens that are known, by what they may.

use super::role::Role;
use std::sync::Arc;

/// Least bytes of a token, so that nobody finds one by trying.
pub const TOKEN_LENGTH_MIN: usize = 20;

/// What a header of a token begins with; the case of its letters says nothing.
const SCHEME: &str = "bearer ";

/// The tokens that are known, each with a role and a name.
///
/// Kept as hashes alone. To look one up takes as long whether it is known or not, and whichever it is.
///
/// ```
/// use strandline_serve::Tokens;
///
/// let tokens = Tokens::parse("# role, name, token\nappend billing 5p8GpW1JmyVeOJZ6ZbQJ0w\n")?;
/// assert!(Tokens::parse("append billing short").is_err());
/// # Ok::<(), strandline_serve::TokensError>(())
/// ```
#[derive(Clone)]
pub struct Tokens(Arc<[Token]>);

struct Token {
    role: Role,
    name: Arc<str>,
    hash: blake3::Hash,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.0.iter().map(|token| (&token.name, token.role));
        f.debug_map().entries(names).finish()
    }
}

/// Why a text is no list of tokens. It never has a token in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokensError {
    /// A line that is not a role, a name and a token.
    #[error("line {line} is not a role, a name and a token, with spaces between them")]
    Line {
        /// Which line, from 1.
        line: usize,
    },
    /// A role that there is not.
    #[error("line {line} has the role {role:?}; the roles are `read` and `append`")]
    Role {
        /// Which line, from 1.
        line: usize,
        /// What stands there.
        role: String,
    },
    /// A token that could be found by trying, or that no header can have.
    #[error(
        "the token of line {line} has to be {TOKEN_LENGTH_MIN} characters of ASCII or more; `openssl rand -hex 16` makes one"
    )]
    Token {
        /// Which line, from 1.
        line: usize,
    },
    /// The same token twice: what it may would depend on which line counts.
    #[error("the tokens of lines {first} and {line} are the same; each needs its own")]
    Twice {
        /// The first line, from 1.
        first: usize,
        /// The second line.
        line: usize,
    },
    /// No token: nobody could do anything.
    #[error("there is no token in it")]
    None,
}

impl Tokens {
    /// The tokens of a text: a line has a role, a name that the access log shows, and the token. Empty lines and lines
    /// that begin with `#` say nothing.
    ///
    /// # Errors
    ///
    /// [`TokensError`] says which line is not right.
    pub fn parse(text: &str) -> Result<Self, TokensError> {
        let mut tokens: Vec<(usize, Token)> = Vec::new();
        for (line, text) in (1..).zip(text.lines()) {
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let mut words = text.split_whitespace();
            let (Some(role), Some(name), Some(token), None) =
                (words.next(), words.next(), words.next(), words.next())
            else {
                return Err(TokensError::Line { line });
            };
            let role = Role::named(role).ok_or_else(|| TokensError::Role {
                line,
                role: role.to_owned(),
            })?;
            if token.len() < TOKEN_LENGTH_MIN || !token.bytes().all(|byte| byte.is_ascii_graphic())
            {
                return Err(TokensError::Token { line });
            }
            let hash = blake3::hash(token.as_bytes());
            if let Some((first, _)) = tokens.iter().find(|(_, token)| token.hash == hash) {
                let first = *first;
                return Err(TokensError::Twice { first, line });
            }
            let name = name.into();
            tokens.push((line, Token { role, name, hash }));
        }
        match tokens.is_empty() {
            true => Err(TokensError::None),
            false => Ok(Self(tokens.into_iter().map(|(_, token)| token).collect())),
        }
    }

    /// The role and the name of the token in the value of a header; none if it is not known.
    pub(crate) fn find(&self, header: &[u8]) -> Option<(Role, Arc<str>)> {
        let (scheme, token) = header.split_at_checked(SCHEME.len())?;
        let is_scheme = scheme.eq_ignore_ascii_case(SCHEME.as_bytes());
        let given = blake3::hash(token);
        // Each is compared, and hashes are in constant time.
        let found = self.0.iter().fold(None, |found, token| {
            let is_it = token.hash == given;
            if is_it { Some(token) } else { found }
        });
        found
            .filter(|_| is_scheme)
            .map(|token| (token.role, Arc::clone(&token.name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "
        # of the shop
        read   reports 0123456789abcdefghij
        append orders  klmnopqrstuvwxyz0123
    ";

    #[test]
    fn a_token_is_found_whole_or_not_at_all() {
        let tokens = Tokens::parse(FILE).unwrap();
        let found = |header: &str| {
            tokens
                .find(header.as_bytes())
                .map(|(role, name)| (role, name.to_string()))
        };
        let orders = Some((Role::Append, "orders".to_owned()));
        assert_eq!(found("Bearer klmnopqrstuvwxyz0123"), orders);
        assert_eq!(found("bearer klmnopqrstuvwxyz0123"), orders);
        let reports = found("Bearer 0123456789abcdefghij");
        assert_eq!(reports, Some((Role::Read, "reports".to_owned())));
        for wrong in [
            "",
            "Bearer",
            "Bearer ",
            "klmnopqrstuvwxyz0123",
            "Bearer klmnopqrstuvwxyz012",
            "Bearer klmnopqrstuvwxyz01234",
            "Bearer  klmnopqrstuvwxyz0123",
            "Basic! klmnopqrstuvwxyz0123",
            "Bearer orders",
        ] {
            assert_eq!(found(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_list_that_is_not_right_says_where_and_shows_no_token() {
        let refused = |text: &str| Tokens::parse(text).unwrap_err();
        assert_eq!(refused(""), TokensError::None);
        assert_eq!(refused("# nothing"), TokensError::None);
        assert_eq!(refused("\nread reports"), TokensError::Line { line: 2 });
        let four = refused("read a b 0123456789abcdefghij");
        assert_eq!(four, TokensError::Line { line: 1 });
        assert!(matches!(
            refused("admin a 0123456789abcdefghij"),
            TokensError::Role { line: 1, .. }
        ));
        assert_eq!(
            refused("read a 0123456789abcdefghi"),
            TokensError::Token { line: 1 }
        );
        assert_eq!(
            refused("read a 0123456789abcdefghijä"),
            TokensError::Token { line: 1 }
        );
        let twice = "read a 0123456789abcdefghij\n\nappend b 0123456789abcdefghij";
        let error = refused(twice);
        assert_eq!(error, TokensError::Twice { first: 1, line: 3 });
        assert!(!error.to_string().contains("0123"));
        let shown = format!("{:?}", Tokens::parse(FILE).unwrap());
        assert!(
            shown.contains("orders") && !shown.contains("klmn"),
            "{shown}"
        );
    }
}
