//! Headers of answers: when to come back, and what a file is.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &[u8]| {
    let headers = windlass::fuzzing::headers(text);
    for status in [429, 503] {
        let _ = windlass::fuzzing::retry_after(status, &headers);
    }
    windlass::fuzzing::incus::file_info(&headers);
});
