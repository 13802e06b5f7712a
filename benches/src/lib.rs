//! Nothing here: the benchmarks are `incus.rs` and `daemon.rs`.
