//! Faults that a build with `--cfg windlass_planted` has on purpose, one at a time: `cargo xtask chaos --planted` shows
//! that they are noticed. No feature turns them on.

/// Whether this fault is planted.
pub(crate) fn has(fault: &str) -> bool {
    std::env::var_os("WINDLASS_PLANTED").is_some_and(|planted| planted == fault)
}

/// The guard, unless the fault is that it is never dropped.
pub(super) fn kept<T>(fault: &str, guard: T) -> Option<T> {
    match has(fault) {
        true => {
            std::mem::forget(guard);
            None
        }
        false => Some(guard),
    }
}
