//! The identity of a client: a certificate and its key.

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::file;
use crate::error::{Error, ErrorKind};
use crate::secret::Secret;
use crate::system;
use crate::transport::tls::{self, Fingerprint, Login, Trust};

/// A client's certificate and its private key: how a remote server knows this client.
///
/// ```
/// use windlass::incus::Identity;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = std::env::temp_dir().join(format!("windlass-doc-identity-{}", std::process::id()));
/// let me = Identity::generate("ci-runner")?;
/// me.save(&directory)?;                                   // client.crt and client.key, like the `incus` command
/// assert_eq!(Identity::load(&directory)?.fingerprint(), me.fingerprint());
/// # std::fs::remove_dir_all(directory)?;
/// # Ok(()) }
/// ```
///
/// A server trusts it after [`Connect::join`](crate::incus::Connect::join), or when someone adds its certificate with
/// [`Incus::add_certificate`](crate::Incus::add_certificate). `Debug` shows the fingerprint only.
///
/// Vendor's page: <https://linuxcontainers.org/incus/docs/main/authentication/#tls-client-certificates>
#[derive(Clone)]
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    /// PKCS #8, SEC 1 or PKCS #1, in PEM.
    key: Secret,
}

impl Identity {
    /// Makes a new key (P-384) and a certificate of that name, self-signed and valid for ten years, like those of
    /// the `incus` command.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if the system has no random numbers to give.
    pub fn generate(name: &str) -> Result<Self, Error> {
        let (certificate, key) = self_signed(name).map_err(|e| {
            Error::new(ErrorKind::Configuration, format!("can't make a certificate: {e}"))
                .with(|inner| inner.source = Some(e.into()))
        })?;
        Ok(Self { chain: vec![certificate], key })
    }

    /// A certificate and its key in one PEM text, in either order; certificates between it and its authority may
    /// follow.
    ///
    /// ```no_run
    /// use windlass::incus::Identity;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let me = Identity::pem(std::fs::read_to_string("client.pem")?)?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if either is missing or they don't belong together, and for encrypted keys.
    pub fn pem(text: impl Into<Secret>) -> Result<Self, Error> {
        let text: Secret = text.into();
        let bytes = text.expose().as_bytes();
        let chain = tls::certificates("identity", bytes)?;
        let key = PrivateKeyDer::from_pem_slice(bytes).map_err(|_| {
            let encrypted = text.expose().contains("ENCRYPTED");
            Error::invalid("identity", if encrypted { "its key is encrypted" } else { "has no private key" })
        })?;
        let identity = Self { chain, key: key_in_pem(&key) };
        let fits = tls::client(&Trust::Authorities(Vec::new()), Some(identity.login()?));
        fits.map_err(|_| {
            Error::invalid("identity", "its key can't be used, or isn't that of its certificate")
        })?;
        Ok(identity)
    }

    /// Reads `client.crt` and `client.key` from a directory, such as `~/.config/incus`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if a file can't be read or isn't what it should be.
    pub fn load(directory: impl AsRef<Path>) -> Result<Self, Error> {
        Self::read(&directory.as_ref().join("client"))
    }

    /// Reads `….crt` and `….key`.
    pub(in crate::incus) fn read(stem: &Path) -> Result<Self, Error> {
        let [certificate, key] = [".crt", ".key"].map(|extension| {
            let mut path = stem.as_os_str().to_owned();
            path.push(extension);
            PathBuf::from(path)
        });
        let text = |path: &Path| file::text(path).map_err(|e| unusable(path, &e));
        let both = format!("{}\n{}", text(&certificate)?.expose(), text(&key)?.expose());
        Self::pem(both).map_err(|e| unusable(&certificate, &e.message()))
    }

    /// Writes `client.crt` and `client.key` into a directory, the key for this user alone.
    ///
    /// Windows has no such modes: there the files are as private as the directory, so choose one in your profile.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`] instead of replacing another identity, [`ErrorKind::Configuration`] if the files
    /// can't be written.
    pub fn save(&self, directory: impl AsRef<Path>) -> Result<(), Error> {
        let directory = directory.as_ref();
        let made = system::directory(0o700).recursive(true).create(directory);
        made.map_err(|e| unusable(directory, &e))?;
        write_new(&directory.join("client.key"), self.key.expose(), 0o600)?;
        write_new(&directory.join("client.crt"), &self.certificate_pem(), 0o644)
    }

    /// SHA-256 of the certificate in hex: the name by which the server knows this client.
    pub fn fingerprint(&self) -> String {
        self.chain.first().map(|certificate| Fingerprint::of(certificate).to_string()).unwrap_or_default()
    }

    /// The certificate, with those that follow it, in PEM. It is no secret.
    pub fn certificate_pem(&self) -> String {
        self.chain.iter().map(|certificate| in_pem("CERTIFICATE", certificate)).collect()
    }

    /// The private key in PEM.
    pub fn key_pem(&self) -> &Secret {
        &self.key
    }

    pub(in crate::incus) fn login(&self) -> Result<Login, Error> {
        let key = PrivateKeyDer::from_pem_slice(self.key.expose().as_bytes());
        let key = key.map_err(|_| Error::invalid("identity", "has no private key"))?;
        Ok(Login { chain: self.chain.clone(), key })
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("fingerprint", &self.fingerprint()).finish_non_exhaustive()
    }
}

fn self_signed(name: &str) -> Result<(CertificateDer<'static>, Secret), rcgen::Error> {
    use chrono::Datelike;
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384)?;
    let mut params = CertificateParams::new(Vec::<String>::new())?;
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, name);
    params.distinguished_name.push(DnType::OrganizationName, "windlass");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let year = chrono::Utc::now().year();
    params.not_before = rcgen::date_time_ymd(year - 1, 1, 1);
    params.not_after = rcgen::date_time_ymd(year + 10, 1, 1);
    let certificate = params.self_signed(&key)?;
    Ok((certificate.der().clone(), key.serialize_pem().into()))
}

fn key_in_pem(key: &PrivateKeyDer<'_>) -> Secret {
    let label = match key {
        PrivateKeyDer::Pkcs1(_) => "RSA PRIVATE KEY",
        PrivateKeyDer::Sec1(_) => "EC PRIVATE KEY",
        _ => "PRIVATE KEY",
    };
    in_pem(label, key.secret_der()).into()
}

fn in_pem(label: &str, der: &[u8]) -> String {
    // Three bytes become four characters, and a line has 64 of them.
    let lines = der.chunks(48).map(|line| STANDARD.encode(line) + "\n");
    format!("-----BEGIN {label}-----\n{}-----END {label}-----\n", lines.collect::<String>())
}

fn write_new(path: &Path, text: &str, mode: u32) -> Result<(), Error> {
    let file = system::create_new(path, mode);
    file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|e| {
        let taken = e.kind() == io::ErrorKind::AlreadyExists;
        unusable(path, &e).with(|inner| {
            if taken {
                inner.kind = ErrorKind::AlreadyExists;
            }
        })
    })
}

/// A file that can't be read, written or understood.
pub(in crate::incus) fn unusable(path: &Path, why: &dyn fmt::Display) -> Error {
    Error::new(ErrorKind::Configuration, format!("{}: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(identity: &Identity) -> (String, String) {
        (identity.certificate_pem(), identity.key_pem().expose().to_owned())
    }

    #[test]
    fn pem_goes_in_and_out() -> Result<(), Error> {
        let me = Identity::generate("me")?;
        let (certificate, key) = bundle(&me);
        for text in [format!("{certificate}{key}"), format!("{key}\n{certificate}")] {
            let again = Identity::pem(text)?;
            assert_eq!((again.fingerprint(), bundle(&again)), (me.fingerprint(), bundle(&me)));
        }
        assert_eq!(me.fingerprint().len(), 64);
        assert_ne!(Identity::generate("me")?.fingerprint(), me.fingerprint());
        Ok(())
    }

    #[test]
    fn halves_and_mixtures_are_refused() -> Result<(), Error> {
        let (certificate, key) = bundle(&Identity::generate("me")?);
        let (other, _) = bundle(&Identity::generate("me")?);
        let encrypted = format!("{certificate}{}", key.replace("PRIVATE", "ENCRYPTED PRIVATE"));
        for (text, says) in [
            (String::new(), "no certificate"),
            (key.clone(), "no certificate"),
            (certificate, "no private key"),
            (encrypted, "is encrypted"),
            (format!("{other}{key}"), "isn't that of its certificate"),
        ] {
            let e = Identity::pem(text).map_err(|e| (e.kind(), e.message().to_owned()));
            let (kind, message) = e.err().unwrap_or((ErrorKind::BadReply, String::new()));
            assert_eq!(kind, ErrorKind::InvalidInput);
            assert!(message.contains(says), "{message}");
        }
        Ok(())
    }

    #[test]
    fn debug_shows_no_key() -> Result<(), Error> {
        let me = Identity::generate("me")?;
        let (text, key) = (format!("{me:?} {me:#?}"), bundle(&me).1);
        assert!(text.contains(&me.fingerprint()));
        assert!(key.lines().all(|line| !text.contains(line)), "{text}");
        Ok(())
    }

    #[test]
    fn what_is_saved_is_private_and_never_replaced() -> Result<(), Error> {
        let directory = std::env::temp_dir().join(format!("windlass-identity-{}", std::process::id()));
        let me = Identity::generate("me")?;
        me.save(&directory)?;
        let mode = std::fs::metadata(directory.join("client.key")).map(|file| system::mode(&file));
        let (again, loaded) = (me.save(&directory), Identity::load(&directory));
        let _ = std::fs::remove_dir_all(&directory);
        assert!(mode.is_ok_and(|mode| mode == 0o600));
        assert!(again.is_err_and(|e| e.kind() == ErrorKind::AlreadyExists));
        assert_eq!(loaded?.fingerprint(), me.fingerprint());
        let e = Identity::load(&directory).map(|_| ()).map_err(|e| (e.kind(), e.to_string()));
        assert!(e.is_err_and(|(kind, e)| kind == ErrorKind::Configuration && e.contains("client.crt")));
        Ok(())
    }
}
