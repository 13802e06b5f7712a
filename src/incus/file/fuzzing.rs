//! Entry points for the fuzz targets.

use std::time::Duration;

use http::HeaderMap;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::info::FileInfo;
use super::sftp::{Room, Sftp};

/// Parses the headers that describe a file.
pub fn file_info(headers: &HeaderMap) {
    let _ = FileInfo::of(headers);
}

/// A session with a server that sends `answers` regardless of the requests.
pub async fn sftp(answers: Vec<u8>) {
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let (mut asked, mut said) = tokio::io::split(theirs);
    tokio::spawn(async move {
        let mut ignored = Vec::new();
        let _ = asked.read_to_end(&mut ignored).await;
    });
    tokio::spawn(async move {
        let _ = said.write_all(&answers).await;
        let _ = said.shutdown().await;
    });
    let Ok(session) = Sftp::over(ours, Duration::from_secs(1)).await else { return };
    let _ = session.list("/", &mut Room::new(1000)).await;
    let _ = session.look("/").await;
    let _ = session.read_link("/").await;
    let _ = session.read("/", 1 << 16).await;
}
