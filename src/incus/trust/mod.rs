//! The clients that a server trusts.

pub(super) mod certificate;
mod create_trust_token;
pub(super) mod trust_token;

pub use certificate::{AddCertificate, Certificate, CertificateRef};
pub use create_trust_token::CreateTrustToken;
pub use trust_token::TrustToken;
