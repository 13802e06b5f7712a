//! Points `src/raw.rs` at the generated clients: the committed ones, or with the feature `generate` fresh ones.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// One name per spec: `specs/<name>.yaml`, `generated/<name>.rs` and a cargo feature.
const APIS: &[&str] = &["incus", "koyeb", "lambda-cloud", "shakenfist"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    for api in APIS {
        let upper = api.to_uppercase().replace('-', "_");
        if env::var_os(format!("CARGO_FEATURE_{upper}")).is_some() {
            println!("cargo:rustc-env=WINDLASS_RAW_{upper}={}", client(&root, api)?.display());
        }
    }
    Ok(())
}

#[cfg(feature = "generate")]
fn client(root: &Path, api: &str) -> Result<PathBuf, Box<dyn Error>> {
    let file = format!("specs/{api}.yaml");
    println!("cargo:rerun-if-changed={file}");
    let text = fs::read_to_string(root.join(&file))?;
    let module = format!("crate::raw::{}", api.replace('-', "_"));
    let fresh =
        windlass_codegen::generate(&windlass_codegen::Input { file: &file, text: &text, module: &module })?;
    let out = PathBuf::from(env::var("OUT_DIR")?).join(format!("{api}.rs"));
    fs::write(&out, fresh)?;
    Ok(out)
}

#[cfg(not(feature = "generate"))]
fn client(root: &Path, api: &str) -> Result<PathBuf, Box<dyn Error>> {
    let committed = root.join(format!("generated/{api}.rs"));
    // Only a checkout has the generator beside it; a package from a registry is taken as it is.
    if root.join("codegen").is_dir() {
        check(root, api, &committed)?;
    }
    Ok(committed)
}

/// Refuses to build from a spec that `generated/` doesn't know yet.
#[cfg(not(feature = "generate"))]
fn check(root: &Path, api: &str, committed: &Path) -> Result<(), Box<dyn Error>> {
    let spec = root.join(format!("specs/{api}.yaml"));
    println!("cargo:rerun-if-changed={}", spec.display());
    println!("cargo:rerun-if-changed={}", committed.display());
    let marker = format!("// spec-digest: {}", digest(&fs::read_to_string(&spec)?));
    let known =
        fs::read_to_string(committed).is_ok_and(|text| text.lines().take(5).any(|line| line == marker));
    if !known {
        println!(
            "cargo:error=generated/{api}.rs doesn't belong to specs/{api}.yaml: run `cargo xtask regen`"
        );
        std::process::exit(1);
    }
    Ok(())
}

/// The generator's own digest (FNV-1a, line ends normalised), again: a build script can't afford the generator.
#[cfg(not(feature = "generate"))]
fn digest(text: &str) -> String {
    let bytes = text.bytes().filter(|byte| *byte != b'\r');
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    format!("{hash:016x}")
}
