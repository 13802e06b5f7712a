//! Forms, in pieces: the first byte says how large they are, the first line what the boundary is. The size of the pieces
//! must not change what is read.
#![no_main]

use tokio::runtime::Builder;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let [size, rest @ ..] = data else { return };
    let Some(end) = rest.iter().position(|byte| *byte == b'\n') else { return };
    let (boundary, body) = (String::from_utf8_lossy(&rest[..end]), rest[end + 1..].to_vec());
    let Ok(runtime) = Builder::new_current_thread().enable_time().start_paused(true).build() else { return };
    let read = |size: usize| {
        let pieces = body.chunks(size.max(1)).map(|piece| piece.to_vec().into()).collect();
        runtime.block_on(windlass::fuzzing::form(&boundary, pieces)).map_err(|e| e.kind())
    };
    assert_eq!(read(usize::from(*size)), read(body.len()));
});
