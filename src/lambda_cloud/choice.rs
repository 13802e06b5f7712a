//! What a search for capacity may choose from.

use std::fmt;

use serde::Serialize;

/// A type of instance and where it may run.
///
/// ```
/// use windlass::lambda_cloud::Choice;
///
/// let best = Choice::of("gpu_8x_h100_sxm5").in_region("us-west-3");
/// let good = Choice::of("gpu_1x_a10").anywhere();
/// assert_eq!(best.to_string(), "gpu_8x_h100_sxm5 in us-west-3");
/// # let _ = good;
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Choice {
    pub(super) instance_type: String,
    pub(super) region: Option<String>,
}

impl Choice {
    /// This type, for example `gpu_1x_a10`, in any region that lists capacity.
    pub fn of(instance_type: impl Into<String>) -> Self {
        Self { instance_type: instance_type.into(), region: None }
    }

    /// Only in this region, for example `us-west-1`.
    #[must_use]
    pub fn in_region(mut self, name: impl Into<String>) -> Self {
        self.region = Some(name.into());
        self
    }

    /// In any region (the default).
    #[must_use]
    pub fn anywhere(mut self) -> Self {
        self.region = None;
        self
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.instance_type, self.region.as_deref().unwrap_or("any region"))
    }
}
