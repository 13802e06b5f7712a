//! The committed clients are what the generator makes of the specs, in both modes of the build.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every spec and the client that was made of it.
fn pairs() -> Vec<(PathBuf, PathBuf)> {
    let specs = fs::read_dir(root().join("generated")).unwrap();
    let pairs = specs.map(|entry| {
        let committed = entry.unwrap().path();
        let api = committed.file_stem().unwrap().to_str().unwrap().to_owned();
        (root().join(format!("specs/{api}.yaml")), committed)
    });
    pairs.collect()
}

#[test]
fn what_the_build_script_generates_is_what_is_committed() {
    let pairs = pairs();
    assert!(!pairs.is_empty());
    for (spec, committed) in pairs {
        let api = spec.file_stem().unwrap().to_str().unwrap().to_owned();
        let module = format!("crate::raw::{}", api.replace('-', "_"));
        let (file, text) = (format!("specs/{api}.yaml"), fs::read_to_string(&spec).unwrap());
        // The very call of build.rs with the feature `generate`.
        let input = windlass_codegen::Input { file: &file, text: &text, module: &module };
        let fresh = windlass_codegen::generate(&input).unwrap();
        assert!(fresh == fs::read_to_string(&committed).unwrap(), "{api}: run `cargo xtask regen`");
    }
}

/// A copy of the parts of the checkout that the build script looks at, compiled and run by itself.
struct Copy(PathBuf);

impl Copy {
    fn new(name: &str, checkout: bool) -> Self {
        let copy = std::env::temp_dir().join(format!("windlass-build-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&copy);
        for folder in ["specs", "generated"] {
            fs::create_dir_all(copy.join(folder)).unwrap();
        }
        if checkout {
            fs::create_dir_all(copy.join("codegen")).unwrap();
        }
        for (spec, committed) in pairs() {
            fs::copy(&spec, copy.join("specs").join(spec.file_name().unwrap())).unwrap();
            fs::copy(&committed, copy.join("generated").join(committed.file_name().unwrap())).unwrap();
        }
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let script = copy.join("build-script");
        let compile = Command::new(rustc)
            .args(["--edition", "2024", "-o"])
            .arg(&script)
            .arg(root().join("build.rs"))
            .status()
            .unwrap();
        assert!(compile.success());
        Self(copy)
    }

    fn run(&self) -> Output {
        Command::new(self.0.join("build-script"))
            .env_clear()
            .env("CARGO_MANIFEST_DIR", &self.0)
            .env("CARGO_FEATURE_INCUS", "1")
            .output()
            .unwrap()
    }

    fn change_the_spec(&self) {
        let spec = self.0.join("specs/incus.yaml");
        fs::write(&spec, fs::read_to_string(&spec).unwrap() + "# changed\n").unwrap();
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn is_silent(path: &Path, said: &str) -> bool {
    let points_there = format!("cargo:rustc-env=WINDLASS_RAW_INCUS={}", path.display());
    said.lines().all(|line| line.starts_with("cargo:rerun-if-changed=") || line == points_there)
}

#[test]
fn a_checkout_whose_spec_changed_fails_with_one_clear_line() {
    let copy = Copy::new("checkout", true);
    let good = copy.run();
    assert!(good.status.success(), "{}", text(&good));
    assert!(is_silent(&copy.0.join("generated/incus.rs"), &text(&good)), "{}", text(&good));
    copy.change_the_spec();
    let bad = copy.run();
    assert!(!bad.status.success());
    let errors: Vec<_> =
        text(&bad).lines().filter(|line| line.starts_with("cargo:error=")).map(str::to_owned).collect();
    let expected =
        "cargo:error=generated/incus.rs doesn't belong to specs/incus.yaml: run `cargo xtask regen`";
    assert_eq!(errors, [expected]);
}

#[test]
fn a_package_from_a_registry_is_taken_as_it_is() {
    let copy = Copy::new("package", false);
    copy.change_the_spec();
    let built = copy.run();
    assert!(built.status.success());
    assert!(is_silent(&copy.0.join("generated/incus.rs"), &text(&built)), "{}", text(&built));
}
