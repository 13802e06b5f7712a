//! What an SFTP server may say.
#![no_main]

use tokio::runtime::Builder;

libfuzzer_sys::fuzz_target!(|answers: &[u8]| {
    let Ok(runtime) = Builder::new_current_thread().enable_time().start_paused(true).build() else { return };
    runtime.block_on(windlass::fuzzing::incus::sftp(answers.to_vec()));
});
