//! The console of an instance.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::sync::{broadcast, watch};

use crate::testing::server::tasks::lock;
use crate::testing::shell::Files;

#[derive(Debug)]
pub(crate) struct Console {
    /// All of it, and what hasn't been read yet.
    pub(crate) log: Mutex<(Vec<u8>, Vec<u8>)>,
    pub(crate) screen: broadcast::Sender<Bytes>,
    /// Which client is attached; none if it is even.
    pub(crate) turn: watch::Sender<usize>,
}

impl Default for Console {
    fn default() -> Console {
        let (screen, _) = broadcast::channel(64);
        Console { log: Mutex::default(), screen, turn: watch::Sender::new(0) }
    }
}

impl Console {
    /// Prints what something inside writes, or the echo of what is typed.
    pub(crate) fn print(&self, data: &[u8]) {
        if data.is_empty() {
            return;
        }
        {
            let (all, fresh) = &mut *lock(&self.log);
            all.extend_from_slice(data);
            fresh.extend_from_slice(data);
        }
        let shown = String::from_utf8_lossy(data).replace('\n', "\r\n");
        // There may be no client.
        let _ = self.screen.send(shown.into());
    }

    /// Reads the log. For a running instance that is what hasn't been read yet.
    pub(crate) fn read(&self, running: bool) -> Vec<u8> {
        let (all, fresh) = &mut *lock(&self.log);
        if running { std::mem::take(fresh) } else { all.clone() }
    }

    pub(crate) fn clear(&self, running: bool) {
        let (all, fresh) = &mut *lock(&self.log);
        if !running {
            all.clear();
        }
        fresh.clear();
    }

    /// Starts again.
    pub(crate) fn renew(&self) {
        self.clear(true);
    }

    /// Attaches one client at a time. With `force` it replaces the other one.
    pub(crate) fn attach(self: &Arc<Self>, force: bool) -> Option<Seat> {
        let mut mine = 0;
        let seated = self.turn.send_if_modified(|turn| {
            let free = turn.is_multiple_of(2);
            if free || force {
                *turn += if free { 1 } else { 2 };
            }
            mine = *turn;
            free || force
        });
        seated.then(|| Seat { console: self.clone(), mine })
    }
}

/// The right to the console.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) console: Arc<Console>,
    pub(crate) mine: usize,
}

impl Seat {
    /// Returns when another client has taken it.
    pub(crate) async fn lost(&self) {
        let mine = self.mine;
        // The sender lives as long as `self`.
        let _ = self.console.turn.subscribe().wait_for(|turn| *turn != mine).await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mine = self.mine;
        self.console.turn.send_if_modified(|turn| {
            let still_mine = *turn == mine;
            *turn += usize::from(still_mine);
            still_mine
        });
    }
}

/// The instance's files, and the device that is its console.
#[derive(Debug)]
pub(crate) struct Inside<F> {
    pub(crate) files: F,
    pub(crate) console: Arc<Console>,
}

const DEVICE: &str = "/dev/console";

impl<F: Files> Files for Inside<F> {
    fn read(&self, path: &str) -> Option<Bytes> {
        self.files.read(path)
    }

    fn write(&self, path: &str, data: &[u8], append: bool) -> bool {
        if path == DEVICE {
            self.console.print(data);
            return true;
        }
        self.files.write(path, data, append)
    }

    fn is_directory(&self, path: &str) -> bool {
        self.files.is_directory(path)
    }

    fn is_executable(&self, path: &str) -> bool {
        self.files.is_executable(path)
    }

    fn make_pipe(&self, path: &str) -> bool {
        self.files.make_pipe(path)
    }

    fn mount(&self, path: &str, bytes: usize) -> bool {
        self.files.mount(path, bytes)
    }
}
