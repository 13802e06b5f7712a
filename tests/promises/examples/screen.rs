//! What a program has written.

use std::io::{self, Write};

use tokio::sync::watch;

/// A writer whose text can be waited for.
#[derive(Clone)]
pub struct Screen(watch::Sender<String>);

impl Screen {
    pub fn new() -> Self {
        Self(watch::Sender::new(String::new()))
    }

    pub fn text(&self) -> String {
        self.0.borrow().clone()
    }

    /// Returns when this has been written.
    pub async fn shows(&self, text: &str) {
        let mut written = self.0.subscribe();
        written.wait_for(|written| written.contains(text)).await.expect("the screen is there");
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send_modify(|written| written.push_str(&String::from_utf8_lossy(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
