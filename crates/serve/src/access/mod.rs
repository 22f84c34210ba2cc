//! Who may do what: tokens, and the roles that they have. Knows no call and no connection.

mod role;
mod tokens;

pub use role::Role;
pub use tokens::{TOKEN_LENGTH_MIN, Tokens, TokensError};
