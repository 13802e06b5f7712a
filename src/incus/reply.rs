//! The envelope around every answer: its `type`, not the HTTP status, says what happened.

use progenitor_client::ResponseValue;
use reqwest::header::ETAG;

use super::types::{self, ReplyType};
use crate::call::{Call, Done};
use crate::error::{Error, Kind};
use crate::raw;
use crate::transport::{Answer, Explanation};

/// An envelope and what is in it.
pub(super) trait Envelope: serde::Serialize {
    type Data;
    fn is_error(&self) -> bool;
    fn data(self) -> Option<Self::Data>;
}

macro_rules! envelope {
    ($($reply:ident => $data:ty, $take:expr;)*) => {$(
        impl Envelope for types::$reply {
            type Data = $data;

            fn is_error(&self) -> bool {
                self.type_ == ReplyType::Error
            }

            fn data(self) -> Option<Self::Data> {
                let take: fn(Self) -> Option<Self::Data> = $take;
                take(self)
            }
        }
    )*};
}

envelope! {
    EmptyReply => (), |_| Some(());
    ServerReply => types::Server, |reply| reply.metadata;
    CertificateCreateReply => Option<types::Operation>, |reply| Some(reply.metadata);
    CertificateReply => types::Certificate, |reply| reply.metadata;
    CertificateListReply => Vec<types::Certificate>, |reply| Some(reply.metadata);
    UrlListReply => Vec<String>, |reply| Some(reply.metadata);
    InstanceReply => types::Instance, |reply| reply.metadata;
    InstanceListReply => Vec<types::Instance>, |reply| Some(reply.metadata);
    InstanceFullReply => types::InstanceFull, |reply| reply.metadata;
    InstanceFullListReply => Vec<types::InstanceFull>, |reply| Some(reply.metadata);
    InstanceStateReply => types::InstanceState, |reply| reply.metadata;
    InstanceSnapshotReply => types::InstanceSnapshot, |reply| reply.metadata;
    InstanceSnapshotListReply => Vec<types::InstanceSnapshot>, |reply| Some(reply.metadata);
    InstanceBackupReply => types::InstanceBackup, |reply| reply.metadata;
    InstanceBackupListReply => Vec<types::InstanceBackup>, |reply| Some(reply.metadata);
    InstanceMetadataReply => types::InstanceMetadata, |reply| reply.metadata;
    AccessReply => Vec<types::AccessEntry>, |reply| Some(reply.metadata);
    ClusterMemberReply => types::ClusterMember, |reply| reply.metadata;
    ClusterMemberListReply => Vec<types::ClusterMember>, |reply| Some(reply.metadata);
    OperationReply => types::Operation, |reply| reply.metadata;
    OperationListReply => Vec<types::Operation>, |reply| Some(reply.metadata.into_values().flatten().collect());
    ImageReply => types::Image, |reply| reply.metadata;
    ImageListReply => Vec<types::Image>, |reply| Some(reply.metadata);
    ImageAliasReply => types::ImageAlias, |reply| reply.metadata;
    ImageAliasListReply => Vec<types::ImageAlias>, |reply| Some(reply.metadata);
}

/// What is in the envelope, or the error that it is.
pub(super) fn open<E: Envelope>(
    call: &Call<raw::incus::Client>,
    result: Result<ResponseValue<E>, raw::Error>,
) -> Done<'_, E::Data> {
    call.then(result, |reply| opened(call, reply))
}

/// As [`open`], with the mark of this very state of the thing.
pub(super) fn open_with_etag<E: Envelope>(
    call: &Call<raw::incus::Client>,
    result: Result<ResponseValue<E>, raw::Error>,
) -> Done<'_, (E::Data, Option<String>)> {
    call.then(result, |reply| {
        let etag = reply.headers().get(ETAG).and_then(|etag| etag.to_str().ok()).map(str::to_owned);
        Ok((opened(call, reply)?, etag))
    })
}

fn opened<E: Envelope>(call: &Call<raw::incus::Client>, reply: ResponseValue<E>) -> Result<E::Data, Error> {
    let status = reply.status().as_u16();
    let reply = reply.into_inner();
    if reply.is_error() {
        // The bytes are gone, but nothing of them was lost: unknown fields are kept.
        let body = serde_json::to_vec(&reply).unwrap_or_default();
        return Err(call.refused(status, &body));
    }
    reply.data().ok_or_else(|| call.bad_reply("the reply has no metadata"))
}

/// What Incus means with an answer that is an error.
pub(super) fn explain(answer: &Answer<'_>) -> Explanation {
    let Ok(reply) = serde_json::from_slice::<types::ErrorReply>(answer.body) else {
        return Explanation { kind: not_from_incus(answer.status), ..Explanation::default() };
    };
    let code = u16::try_from(reply.error_code).ok().filter(|code| *code != 0);
    let code_or_status = code.unwrap_or(answer.status);
    Explanation {
        kind: Some(kind(code_or_status, &reply.error)),
        code: code.map(|code| code.to_string()),
        message: reply.error,
        ..Explanation::default()
    }
}

/// A good status with a body that is no envelope is no answer of this API.
fn not_from_incus(status: u16) -> Option<Kind> {
    (status < 400).then_some(Kind::BadReply)
}

/// Incus has no machine-readable reasons; a few texts, each only together with the code it comes with.
pub(super) fn kind(code: u16, text: &str) -> Kind {
    let says = |words: &str| text.contains(words);
    match code {
        400 | 409 | 500 if says("already exists") || says("UNIQUE constraint failed") => Kind::AlreadyExists,
        500 if says("does not have permission") => Kind::PermissionDenied,
        409 if says("already in trust store") => Kind::AlreadyExists,
        409 if says("already in use") => Kind::AlreadyExists,
        400 if says("Instance must be stopped") => Kind::Conflict,
        500 if says("Server is not clustered") => Kind::Unsupported,
        400 if says("Instance is ") || says("can't be cancelled") => Kind::Conflict,
        400 | 500 if says("already running") || says("already stopped") => Kind::Conflict,
        _ => Kind::of_status(code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_by_code_and_text() {
        let table = [
            (404, "Instance not found", Kind::NotFound),
            (500, "Instance \"n1\" already exists", Kind::AlreadyExists),
            (400, "UNIQUE constraint failed: instances.project_id, instances.name", Kind::AlreadyExists),
            (404, "already exists", Kind::NotFound),
            (409, "Certificate already in trust store", Kind::AlreadyExists),
            (400, "Instance is running", Kind::Conflict),
            (400, "This operation can't be cancelled", Kind::Conflict),
            (500, "The instance is already running", Kind::Conflict),
            (400, "Invalid instance name", Kind::InvalidInput),
            (403, "not authorized", Kind::PermissionDenied),
            (500, "User does not have permissions for project \"blue\"", Kind::PermissionDenied),
            (412, "ETag doesn't match", Kind::PreconditionFailed),
            (409, "Name \"n1\" already in use", Kind::AlreadyExists),
            (400, "Instance must be stopped to be moved statelessly", Kind::Conflict),
            (500, "Server is not clustered", Kind::Unsupported),
            (501, "not implemented", Kind::Unsupported),
            (500, "boom", Kind::Server),
            (503, "shutting down", Kind::Unavailable),
        ];
        for (code, text, expected) in table {
            assert_eq!(kind(code, text), expected, "{code} {text}");
        }
    }
}
