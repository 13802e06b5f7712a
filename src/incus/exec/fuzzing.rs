//! Entry point for the fuzz targets.

use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::drive::{pour, steer};
use crate::stream::process::{ExitStatus, Piece, Process, StdinSource, Wires};
use crate::stream::websocket::Socket;

/// Runs a command against a server that sends these bytes regardless of its input. Returns the bytes passed on.
pub async fn streams(stdout: Vec<u8>, control: Vec<u8>) {
    let (stdout, control) = (said(stdout).await, said(control).await);
    let process = Process::new(StdinSource::Bytes(Bytes::new()), |wires| async move {
        let Wires { output, controls, .. } = wires;
        tokio::select! {
            size = pour(&stdout, &output, Piece::Stdout) => {
                Ok(ExitStatus::new(i32::try_from(size?).unwrap_or(i32::MAX)))
            }
            e = steer(&control, controls, true) => Err(e),
        }
    });
    let _ = tokio::time::timeout(Duration::from_secs(1), process.resize(80, 24)).await;
    if let Ok(done) = process.output().await {
        assert_eq!(usize::try_from(done.status.code()).ok(), Some(done.stdout.len()));
    }
}

/// A server that sends this and then only reads.
async fn said(bytes: Vec<u8>) -> Socket<DuplexStream> {
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let (mut heard, mut says) = tokio::io::split(theirs);
    tokio::spawn(async move {
        let mut ignored = Vec::new();
        let _ = heard.read_to_end(&mut ignored).await;
    });
    tokio::spawn(async move {
        let _ = says.write_all(&bytes).await;
        let _ = says.shutdown().await;
    });
    Socket::over(ours).await
}
