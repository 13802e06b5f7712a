//! The devices of a new instance: disks, network cards, a video card.

use super::types::{self, DiskBus, DiskType, InterfaceModel, Vdi, VideoModel};
use crate::error::Error;
use crate::transport::checked;

/// A disk of a new instance.
///
/// ```
/// use windlass::shakenfist::{Disk, DiskBus};
/// let root = Disk::from_base("debian:12").size_gb(20);
/// let data = Disk::blank(100).bus(DiskBus::Nvme);
/// # let _ = (root, data);
/// ```
///
/// Vendor's page: <https://shakenfist.com/developer_guide/api_reference/instances/#diskspec>
#[derive(Debug, Clone, PartialEq)]
#[must_use = "give it to `Launch::disk`"]
pub struct Disk(pub(super) types::DiskSpec);

impl Disk {
    /// A copy of an image: `debian:12`, `label:…`, `sf://upload/…`, `sf://blob/…`, or a URL. It is as large as the
    /// image, or [`size_gb`](Self::size_gb) if that is more.
    #[doc(alias = "image")]
    pub fn from_base(base: impl Into<String>) -> Self {
        Self(types::DiskSpec { base: Some(base.into()), ..types::DiskSpec::new() })
    }

    /// An empty disk of this size in gigabytes.
    pub fn blank(size_gb: u32) -> Self {
        Self(types::DiskSpec { size: Some(i64::from(size_gb)), ..types::DiskSpec::new() })
    }

    /// Its size in gigabytes.
    pub fn size_gb(mut self, size: u32) -> Self {
        self.0.size = Some(i64::from(size));
        self
    }

    /// The hardware bus (default: virtio).
    pub fn bus(mut self, bus: DiskBus) -> Self {
        self.0.bus = Some(bus);
        self
    }

    /// Makes it a CD-ROM drive with the image in it.
    pub fn cdrom(mut self) -> Self {
        self.0.type_ = Some(DiskType::Cdrom);
        self
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        match &self.0 {
            spec if spec.size.is_some_and(|size| size < 1) => {
                Err(Error::invalid("disk", "has a size of nothing"))
            }
            spec if spec.base.as_deref() == Some("") => {
                Err(Error::invalid("disk", "has a base without a name"))
            }
            _ => Ok(()),
        }
    }
}

/// A network interface, for a new instance or to be plugged into a running one.
///
/// ```
/// use windlass::shakenfist::Nic;
/// let nic = Nic::on("front").address("10.0.0.5").floating();
/// # let _ = nic;
/// ```
///
/// Vendor's page: <https://shakenfist.com/developer_guide/api_reference/instances/#networkspec>
#[derive(Debug, Clone, PartialEq)]
#[must_use = "give it to `Launch::nic` or `Instance::hot_plug`"]
pub struct Nic(pub(super) types::NetworkSpec);

impl Nic {
    /// On this network, by its UUID or name.
    pub fn on(network: impl Into<String>) -> Self {
        Self(types::NetworkSpec::new(network))
    }

    /// With this IPv4 address (default: a free one).
    pub fn address(mut self, address: impl Into<String>) -> Self {
        self.0.address = Some(address.into());
        self
    }

    /// Without an address.
    pub fn without_address(mut self) -> Self {
        self.0.address = Some("none".to_owned());
        self
    }

    /// With this MAC address (default: chosen by the server).
    pub fn mac(mut self, mac: impl Into<String>) -> Self {
        self.0.macaddress = Some(mac.into());
        self
    }

    /// The model of the card (default: virtio).
    pub fn model(mut self, model: InterfaceModel) -> Self {
        self.0.model = Some(model);
        self
    }

    /// With a floating address, by which it can be reached from outside.
    pub fn floating(mut self) -> Self {
        self.0.float = Some(true);
        self
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        checked("network", &self.0.network_uuid)?;
        match self.0.address.as_deref() {
            None | Some("none") => Ok(()),
            Some(address) if address.parse::<std::net::Ipv4Addr>().is_ok() => Ok(()),
            Some(address) => Err(Error::invalid("address", format!("{address:?} is no IPv4 address"))),
        }
    }

    /// The address that it asks for, if it asks for a particular one.
    pub(super) fn wanted(&self) -> Option<&str> {
        self.0.address.as_deref().filter(|address| *address != "none")
    }
}

/// The video card of a new instance.
///
/// ```
/// use windlass::shakenfist::{Vdi, Video, VideoModel};
/// let video = Video::new(VideoModel::Qxl).memory_kib(65_536).vdi(Vdi::Spiceconcurrent);
/// # let _ = video;
/// ```
///
/// Vendor's page: <https://shakenfist.com/developer_guide/api_reference/instances/#videospec>
#[derive(Debug, Clone, PartialEq)]
#[must_use = "give it to `Launch::video`"]
pub struct Video(pub(super) types::VideoSpec);

impl Video {
    /// This model, with 16 MiB.
    pub fn new(model: VideoModel) -> Self {
        Self(types::VideoSpec::new(16_384, model))
    }

    /// Its memory in KiB.
    pub fn memory_kib(mut self, memory: u32) -> Self {
        self.0.memory = i64::from(memory);
        self
    }

    /// The protocol of the graphical console (default: SPICE).
    pub fn vdi(mut self, vdi: Vdi) -> Self {
        self.0.vdi = Some(vdi);
        self
    }
}
