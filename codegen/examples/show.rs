//! Prints the code generated from a document: `cargo run -p windlass-codegen --example show -- specs/incus.yaml`.
#![allow(clippy::unwrap_used)]

fn main() {
    let file = std::env::args().nth(1).unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    let input = windlass_codegen::Input { file: &file, text: &text, module: "crate::raw::incus" };
    match windlass_codegen::generate(&input) {
        Ok(text) => print!("{text}"),
        Err(errors) => {
            eprintln!("{errors}");
            std::process::exit(1);
        }
    }
}
