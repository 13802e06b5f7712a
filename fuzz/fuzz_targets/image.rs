//! What an image's export says of its files: the head of one, or the headers of the answer.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let value = text.replace(['\r', '\n'], " ");
    let headers = format!("content-disposition:{value}\ncontent-type:multipart/{value}");
    windlass::fuzzing::incus::image(text, &windlass::fuzzing::headers(headers.as_bytes()));
});
