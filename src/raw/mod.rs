//! The generated clients: every operation of every API, one request each.
//!
//! Reach one through its typed client, for example `incus.raw()`. A raw call has the same retries, time limits, spans and
//! errors as a typed one. What it lacks is what takes more than one request: waiting, pages, finding a lost launch.
//!
//! This module is the only door to the generated code.

mod null;
mod number;

#[allow(unused_imports)] // not every API has all of them
pub(crate) use null::{empty_as_absent, null_as_empty, nulls_as_empty};
#[allow(unused_imports)] // as above
pub(crate) use number::number;

pub use crate::transport::{Body, ByteStream, Call, Endpoint, Head, Reply, RetryClass, Upgraded, WithHead};

/// A generated client. Its code is as it is: no lint of ours applies.
macro_rules! client {
    ($(#[$doc:meta])* $feature:literal $name:ident $path:literal) => {
        $(#[$doc])*
        #[cfg(feature = $feature)]
        #[allow(
            clippy::all,
            clippy::unwrap_used,
            clippy::expect_used,
            clippy::panic,
            clippy::exhaustive_enums,
            missing_docs,
            missing_debug_implementations,
            unreachable_pub,
            unused_imports,
            unused_mut,
            rustdoc::broken_intra_doc_links,
            rustdoc::invalid_html_tags,
            rustdoc::bare_urls
        )]
        #[rustfmt::skip]
        pub mod $name {
            include!(env!($path));
        }
    };
}

client! {
    /// The raw client of [Incus](https://linuxcontainers.org/incus/docs/main/rest-api/).
    "incus" incus "WINDLASS_RAW_INCUS"
}

client! {
    /// The raw client of [Koyeb](https://www.koyeb.com/docs/reference/api).
    "koyeb" koyeb "WINDLASS_RAW_KOYEB"
}

client! {
    /// The raw client of [Lambda Cloud](https://docs.lambda.ai/api/cloud).
    "lambda-cloud" lambda_cloud "WINDLASS_RAW_LAMBDA_CLOUD"
}

client! {
    /// The raw client of [Shaken Fist](https://openapi.shakenfist.com/).
    "shakenfist" shakenfist "WINDLASS_RAW_SHAKENFIST"
}

#[cfg(test)]
mod tests {
    #[cfg(feature = "incus")]
    #[test]
    fn words_are_equal_however_they_were_made() {
        use std::collections::HashSet;

        use super::incus::types::Status;
        let by_hand = Status::Unknown("Running".to_owned());
        assert_eq!(by_hand, Status::Running);
        assert_eq!(HashSet::from([by_hand.clone(), Status::Running]).len(), 1);
        assert_eq!(by_hand.cmp(&Status::Running), std::cmp::Ordering::Equal);
        assert_ne!(Status::from("Pondering"), Status::Running);
    }

    #[cfg(feature = "incus")]
    #[test]
    fn one_number_out_of_range_doesnt_cost_the_answer() {
        let text = r#"{"usage": 18446744073709551615, "usage_peak": 1}"#;
        let memory = serde_json::from_str::<super::incus::types::InstanceStateMemory>(text);
        assert_eq!(memory.map(|memory| (memory.usage, memory.usage_peak)).ok(), Some((i64::MAX, 1)));
    }
}
