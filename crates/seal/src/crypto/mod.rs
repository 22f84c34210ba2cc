//! Keys, and what is done with them: payloads sealed and opened, keys wrapped. Knows neither stores of keys nor
//! files, and draws nothing: who calls brings what is random.

mod bound;
mod cipher;
mod key;
mod payload;
mod session;
mod state;
mod wrap;

pub(crate) use bound::Bound;
pub use key::Key;
pub(crate) use payload::{open, seal};
pub(crate) use state::{SealedState, seal_state};
pub(crate) use wrap::{Wrapped, secret_of};
pub use wrap::{WrappingKey, WrappingKeyError};
