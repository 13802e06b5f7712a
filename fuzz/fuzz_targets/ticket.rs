//! Texts that come from outside: tickets, trust tokens, places of servers.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    windlass::fuzzing::ticket(text);
    windlass::fuzzing::incus::token(text);
});
