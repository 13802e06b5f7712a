//! Frames of commands and of events.
#![no_main]

libfuzzer_sys::fuzz_target!(|frame: &[u8]| {
    windlass::fuzzing::koyeb::frame(frame);
    windlass::fuzzing::incus::event(frame);
});
