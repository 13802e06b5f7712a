//! Consoles: the log of the serial one, a file for viewers of the graphical one, pictures of the screen.

use bytes::Bytes;

use super::blob::BlobSource;
use super::instance::{Instance, InstanceRef};
use super::types;
use crate::error::Error;
use crate::handle::Identified;
use crate::stream::transfer;
use crate::wait::into_future;

/// The end of the serial console's log; from [`Instance::console_log`]. `.await` it for the bytes.
///
/// # Errors
///
/// Those of [every request](crate::ShakenFist#errors).
#[derive(Debug, Clone)]
#[must_use = "nothing is sent before `.await`"]
pub struct ConsoleLog {
    instance: InstanceRef,
    length: Option<i64>,
}

impl<D: Identified> Instance<D> {
    /// What the guest last wrote to its serial console: 10 KiB by default.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::shakenfist::Instance) -> windlass::Result<()> {
    /// let log = web.console_log().whole().await?;
    /// println!("{}", String::from_utf8_lossy(&log));
    /// # Ok(()) }
    /// ```
    pub fn console_log(&self) -> ConsoleLog {
        ConsoleLog { instance: self.reference(), length: None }
    }

    /// Empties the log of the serial console.
    ///
    /// # Errors
    ///
    /// Those of [every request](crate::ShakenFist#errors).
    pub async fn clear_console_log(&self) -> Result<(), Error> {
        self.sf.raw().instance_console_clear().instance_ref(self.segment()?).send().await.map(drop)
    }

    /// The text of a `.vv` file, with which `remote-viewer` connects to the graphical console. It tells the viewer to
    /// delete the file.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::shakenfist::Instance) -> Result<(), Box<dyn std::error::Error>> {
    /// tokio::fs::write("web.vv", web.vdi_console_helper().await?).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [every request](crate::ShakenFist#errors).
    pub async fn vdi_console_helper(&self) -> Result<String, Error> {
        let reference = self.segment()?;
        self.sf.require("instance_vdi_helper", "vdi-console-helper", "make a file for virt-viewer").await?;
        let text = self.sf.raw().instance_vdi_helper().instance_ref(reference).send().await?;
        let text = text.document().await?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// Takes a picture of the screen, a PPM image that can then be pulled.
    ///
    /// ```no_run
    /// # async fn demo(web: windlass::shakenfist::Instance) -> windlass::Result<()> {
    /// web.take_screenshot().await?.to("screen.ppm").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::ErrorKind::Unsupported) on 0.7, and those of [every request](crate::ShakenFist#errors).
    /// Servers of version 0.8.0.0rc4 say that they can, and always answer 400.
    #[doc(alias = "screenshot")]
    pub async fn take_screenshot(&self) -> Result<transfer::Pull, Error> {
        let reference = self.segment()?;
        self.sf.require("instance_screenshot", "instance-screenshot", "take pictures of a screen").await?;
        let uuid = self.sf.raw().instance_screenshot().instance_ref(reference).send().await?;
        Ok(BlobSource::whole(&self.sf, uuid).pull())
    }
}

impl ConsoleLog {
    /// The last bytes, up to this many.
    pub fn last(mut self, bytes: u32) -> Self {
        self.length = Some(i64::from(bytes));
        self
    }

    /// Everything that the server has kept.
    pub fn whole(mut self) -> Self {
        self.length = Some(-1);
        self
    }

    async fn read(self) -> Result<Bytes, Error> {
        let (sf, reference) = (&self.instance.sf, self.instance.segment()?);
        let query = types::ConsoleQuery { length: self.length };
        let log = sf.raw().instance_console_get().instance_ref(reference).body(query).send().await?;
        log.document().await
    }
}

into_future!(ConsoleLog => Bytes: |log| log.read().await);
