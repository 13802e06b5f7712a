//! Nothing here: the benchmarks are `incus.rs`.
