//! Answers of our own, where there is none of the server's: the generated clients know only reqwest's errors.

use std::sync::{Arc, Mutex, PoisonError};

use reqwest::{Response, StatusCode};

use crate::error::Error;

/// An error of ours, inside the answer that stands for it.
#[derive(Debug, Clone)]
pub(crate) struct Own(Arc<Mutex<Option<Error>>>);

impl Own {
    pub(crate) fn answer(e: Error) -> Response {
        let mut answer = ::http::Response::new(bytes::Bytes::new());
        // Any status that no operation documents as good.
        *answer.status_mut() = StatusCode::NETWORK_AUTHENTICATION_REQUIRED;
        answer.extensions_mut().insert(Self(Arc::new(Mutex::new(Some(e)))));
        Response::from(answer)
    }

    /// The error, if this answer is such a one.
    pub(crate) fn take(answer: &mut Response) -> Option<Error> {
        let own = answer.extensions_mut().remove::<Self>()?;
        own.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
