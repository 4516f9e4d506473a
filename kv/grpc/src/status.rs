//! Status of a call: ours to gRPC's and back. The codes are the same numbers.

use rutile_kv_proto::{Code, Status};

pub(crate) fn to_grpc(status: Status) -> tonic::Status {
    tonic::Status::new(tonic::Code::from_i32(status.code as i32), status.message)
}

pub(crate) fn from_grpc(status: &tonic::Status) -> Status {
    let code = match status.code() {
        tonic::Code::Cancelled => Code::Cancelled,
        tonic::Code::InvalidArgument => Code::InvalidArgument,
        tonic::Code::DeadlineExceeded => Code::DeadlineExceeded,
        tonic::Code::NotFound => Code::NotFound,
        tonic::Code::AlreadyExists => Code::AlreadyExists,
        tonic::Code::PermissionDenied => Code::PermissionDenied,
        tonic::Code::ResourceExhausted => Code::ResourceExhausted,
        tonic::Code::FailedPrecondition => Code::FailedPrecondition,
        tonic::Code::Aborted => Code::Aborted,
        tonic::Code::OutOfRange => Code::OutOfRange,
        tonic::Code::Unimplemented => Code::Unimplemented,
        tonic::Code::Internal => Code::Internal,
        tonic::Code::Unavailable => Code::Unavailable,
        tonic::Code::DataLoss => Code::DataLoss,
        tonic::Code::Unauthenticated => Code::Unauthenticated,
        // An answer without success is none, whatever it says.
        tonic::Code::Unknown | tonic::Code::Ok => Code::Unknown,
    };
    Status::new(code, status.message())
}

/// Whether the failure may be one of the way rather than of the service: the connection is looked at again then.
pub(crate) fn is_of_the_way(code: Code) -> bool {
    matches!(
        code,
        Code::Unavailable | Code::Unknown | Code::Internal | Code::Cancelled | Code::DeadlineExceeded
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_survive_the_way_and_back() {
        for number in 1..=16 {
            let code = tonic::Code::from_i32(number);
            let ours = from_grpc(&tonic::Status::new(code, "why"));
            assert_eq!((ours.code as i32, ours.message.as_str()), (number, "why"));
            assert_eq!(to_grpc(ours).code(), code);
        }
    }
}
