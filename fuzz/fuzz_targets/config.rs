//! The files of the vendors' commands.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    windlass::fuzzing::incus::config(text);
    windlass::fuzzing::koyeb::config(text);
});
