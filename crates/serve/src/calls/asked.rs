//! `Call`: which call is asked for, and for whom it is.

use crate::access::Role;

/// A call of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    Read,
    Subscribe,
    Append,
    Head,
    GetTrackingInfo,
}

impl Call {
    /// The call of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        let calls = [
            Self::Read,
            Self::Subscribe,
            Self::Append,
            Self::Head,
            Self::GetTrackingInfo,
        ];
        calls.into_iter().find(|call| call.name() == name)
    }

    /// As it stands in the address of a request.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Read => "Read",
            Self::Subscribe => "Subscribe",
            Self::Append => "Append",
            Self::Head => "Head",
            Self::GetTrackingInfo => "GetTrackingInfo",
        }
    }

    /// The role that is needed at least.
    pub(super) const fn role(self) -> Role {
        match self {
            Self::Append => Role::Append,
            Self::Read | Self::Subscribe | Self::Head | Self::GetTrackingInfo => Role::Read,
        }
    }
}
