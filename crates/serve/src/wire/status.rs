//! Errors as clients of the protocol are told of them: a status of gRPC, with an `ErrorResponse` in its details.

use super::message::{ErrorResponse, ErrorType};
use prost::Message;
use tonic::{Code, Status};
use umadb_dcb::DcbError;

/// The status of an error of the trait.
pub(crate) fn status_of(error: &DcbError) -> Status {
    let (code, error_type) = match error {
        DcbError::AuthenticationError(_) => (Code::Unauthenticated, ErrorType::Authentication),
        DcbError::InvalidArgument(_) => (Code::InvalidArgument, ErrorType::InvalidArgument),
        DcbError::IntegrityError(_) => (Code::FailedPrecondition, ErrorType::Integrity),
        DcbError::Corruption(_)
        | DcbError::DatabaseCorrupted(_)
        | DcbError::DeserializationError(_) => (Code::DataLoss, ErrorType::Corruption),
        DcbError::SerializationError(_) => (Code::InvalidArgument, ErrorType::Serialization),
        DcbError::InternalError(_) => (Code::Internal, ErrorType::Internal),
        _ => (Code::Internal, ErrorType::Io),
    };
    detailed(code, error_type, error.to_string())
}

/// A request that asks for what there is not.
pub(crate) fn invalid(message: &str) -> Status {
    status_of(&DcbError::InvalidArgument(message.to_owned()))
}

/// A caller who has no token that is known.
pub(crate) fn unauthenticated(message: &str) -> Status {
    status_of(&DcbError::AuthenticationError(message.to_owned()))
}

/// A caller whose token is not for this.
pub(crate) fn not_allowed(message: &str) -> Status {
    let error = DcbError::AuthenticationError(message.to_owned());
    detailed(
        Code::PermissionDenied,
        ErrorType::Authentication,
        error.to_string(),
    )
}

fn detailed(code: Code, error_type: ErrorType, message: String) -> Status {
    let details = ErrorResponse {
        message: message.clone(),
        error_type: error_type.into(),
    };
    Status::with_details(code, message, details.encode_to_vec().into())
}
