//! Lambda Cloud.

mod api;
mod burst;
mod capacity;
mod extremes;
mod launch;
mod launch_key;
mod wait;

use windlass::LambdaCloud;
use windlass::testing::FakeLambdaCloud;

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// A fake, and a client of it.
async fn fake() -> Result<(FakeLambdaCloud, LambdaCloud), Box<dyn std::error::Error>> {
    let fake = FakeLambdaCloud::start().await?;
    let lambda = fake.client()?;
    Ok((fake, lambda))
}
