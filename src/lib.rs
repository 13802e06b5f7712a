//! windlass

#[cfg(feature = "testing")]
pub mod testing;
