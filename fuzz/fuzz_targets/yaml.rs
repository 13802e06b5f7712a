//! YAML into a tree, and into JSON.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(tree) = windlass_yaml::read(text) {
        // A tree can be shown, copied and dropped.
        assert_eq!(tree.clone(), tree);
        let _ = windlass_yaml::from_str::<serde_json::Value>(text);
    }
});
