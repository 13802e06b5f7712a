//! The websockets of a command: the first byte says how much of the rest is its output, what follows are its controls.
#![no_main]

use tokio::runtime::Builder;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let [size, rest @ ..] = data else { return };
    let (stdout, control) = rest.split_at(usize::from(*size).min(rest.len()));
    let Ok(runtime) = Builder::new_current_thread().enable_time().start_paused(true).build() else { return };
    runtime.block_on(windlass::fuzzing::incus::streams(stdout.to_vec(), control.to_vec()));
});
