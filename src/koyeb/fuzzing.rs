//! Doors for the fuzz targets.

/// A frame of a running command.
pub fn frame(frame: &[u8]) {
    let _ = super::exec_protocol::read(frame);
}

/// The file of the `koyeb` command.
pub fn config(text: &str) {
    super::discover::fuzz(text);
}
