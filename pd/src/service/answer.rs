//! Headers of answers, and where an error goes: into the header or into the status of the call.

use rutile_kv_proto::{Code, Status, pdpb};

use crate::error::Error;
use crate::pd::Pd;

impl Pd {
    /// Refuses requests of another cluster.
    pub(super) fn check_header(&self, header: Option<&pdpb::RequestHeader>) -> Result<(), Status> {
        let requested = header.map_or(0, |header| header.cluster_id);
        if requested == self.cluster_id {
            return Ok(());
        }
        Err(status(&Error::ClusterMismatch { requested, own: self.cluster_id }))
    }

    pub(super) fn ok_header(&self) -> Option<pdpb::ResponseHeader> {
        Some(pdpb::ResponseHeader { cluster_id: self.cluster_id, error: None })
    }

    /// Splits an outcome into header and value; the value's default stands in for a refusal.
    pub(super) fn answer<T: Default>(
        &self,
        outcome: crate::Result<T>,
    ) -> Result<(Option<pdpb::ResponseHeader>, T), Status> {
        match outcome {
            Ok(value) => Ok((self.ok_header(), value)),
            Err(error) => match refusal(&error) {
                Some(kind) => {
                    let error = pdpb::Error { r#type: kind as i32, message: error.to_string() };
                    let header = pdpb::ResponseHeader { cluster_id: self.cluster_id, error: Some(error) };
                    Ok((Some(header), T::default()))
                }
                None => Err(status(&error)),
            },
        }
    }
}

fn refusal(error: &Error) -> Option<pdpb::ErrorType> {
    match error {
        Error::NotBootstrapped => Some(pdpb::ErrorType::NotBootstrapped),
        Error::AlreadyBootstrapped => Some(pdpb::ErrorType::AlreadyBootstrapped),
        Error::StoreTombstone(_) => Some(pdpb::ErrorType::StoreTombstone),
        Error::DuplicateAddress { .. } => Some(pdpb::ErrorType::DuplicatedEntry),
        Error::RegionNotFound(_) => Some(pdpb::ErrorType::RegionNotFound),
        Error::KeyspaceNotFound(_) => Some(pdpb::ErrorType::EntryNotFound),
        Error::StoreNotFound(_) | Error::StaleRegion { .. } => Some(pdpb::ErrorType::Unknown),
        Error::Io(_)
        | Error::Corrupt { .. }
        | Error::FormatVersion { .. }
        | Error::DirectoryInUse { .. }
        | Error::Window(_)
        | Error::TimestampCount { .. }
        | Error::ClusterMismatch { .. }
        | Error::UnknownSetting { .. }
        | Error::SchedulerNotFound(_)
        | Error::RuleNotFound(_)
        | Error::OperatorNotFound(_)
        | Error::MemberNotFound(_)
        | Error::NotLeader
        | Error::Refused(_)
        | Error::Invalid(_) => None,
    }
}

pub(super) fn status(error: &Error) -> Status {
    let code = match error {
        Error::Window(_) | Error::NotLeader => Code::Unavailable,
        Error::ClusterMismatch { .. } => Code::FailedPrecondition,
        Error::TimestampCount { .. } | Error::Invalid(_) => Code::InvalidArgument,
        Error::Io(_) | Error::Corrupt { .. } | Error::FormatVersion { .. } | Error::DirectoryInUse { .. } => {
            Code::Internal
        }
        _ => Code::Unknown,
    };
    Status::new(code, error.to_string())
}
