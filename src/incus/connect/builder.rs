//! How to reach a server.

use std::error::Error as StdError;

use super::bearer_token::FetchToken;
use super::target::{KnownBy, Target};
use crate::incus::{BearerToken, Identity, Incus};
use crate::secret::Secret;
use crate::transport::http::Http;
use crate::transport::retry::Retry;

/// A server to connect to; from [`Incus::discover`], [`Incus::unix`], [`Incus::https`], [`Incus::joining`],
/// [`Incus::remote`] or [`Incus::http`].
///
/// ```no_run
/// # use windlass::incus::Incus;
/// # async fn demo() -> windlass::Result<()> {
/// let asked = Incus::unix("/var/lib/incus/unix.socket").await?;           // the server has answered
/// let unasked = Incus::unix("/var/lib/incus/unix.socket").client()?;      // no request was sent
/// # Ok(()) }
/// ```
///
/// `.await` gives a client of a server that has answered and trusts the caller; [`client`](Self::client) sends no
/// request.
/// Settings are checked only then.
///
/// # Errors
///
/// `.await` fails with [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) or
/// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) if the settings are wrong, with
/// [`ErrorKind::Connect`](crate::ErrorKind::Connect) if no server answers, with
/// [`ErrorKind::UntrustedServer`](crate::ErrorKind::UntrustedServer) if another server does, and with
/// [`ErrorKind::PermissionDenied`](crate::ErrorKind::PermissionDenied) if the server doesn't trust the caller.
#[derive(Debug, Clone)]
#[must_use = "nothing is read or sent before `.await` or `.client()`"]
pub struct Connect {
    pub(in crate::incus) target: Target,
    pub(in crate::incus) project: Option<String>,
    pub(in crate::incus) retry: Retry,
    pub(in crate::incus) http: Http,
    pub(in crate::incus) origin: Option<String>,
    pub(in crate::incus) known_by: Option<KnownBy>,
    pub(in crate::incus) identity: Option<Identity>,
    pub(in crate::incus) token: Option<Secret>,
    pub(in crate::incus) bearer: Option<FetchToken>,
}

impl Incus {
    /// The server and the project that the `incus` command would use.
    ///
    /// ```no_run
    /// # use windlass::incus::Incus;
    /// # async fn demo() -> windlass::Result<()> {
    /// let incus = Incus::discover().await?;
    /// let blue = Incus::discover().project("blue").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// The same places count as for the command:
    ///
    /// - The remote is the one that `INCUS_REMOTE` names, else the default one of the user's `config.yml`, else `local`.
    ///   [`Incus::remote`] says what belongs to a remote.
    /// - `local` is the server of this machine: at `INCUS_SOCKET`, else in the directory `INCUS_DIR`, else in
    ///   `/run/incus` or `/var/lib/incus`. If this user may not use the main socket, the user's own socket is taken.
    /// - The project is that of `INCUS_PROJECT`, else the one that `incus project switch` chose for the remote, else
    ///   that of the user's own socket.
    ///
    /// If a setting leads nowhere, nothing else is taken instead. `INCUS_SOCKET` and `INCUS_DIR` say where the local
    /// server is, not that it is wanted: another default remote takes precedence.
    ///
    /// The result's settings, for example its [`project`](Connect::project), take precedence over what is found.
    ///
    /// # Errors
    ///
    /// Those of [`Connect`]; [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) lists all places that were
    /// tried, or says that `config.yml` can't be read or understood.
    pub fn discover() -> Connect {
        Connect::to(Target::Discovered)
    }

    /// A server on another machine: `10.0.0.2`, `host:8443`, `[::1]:8443`, `https://host:8443`; port 8443 by
    /// default.
    ///
    /// ```no_run
    /// # use windlass::incus::{Identity, Incus};
    /// # async fn demo() -> windlass::Result<()> {
    /// let incus = Incus::https("10.0.0.2:8443")
    ///     .fingerprint("fe56469a49127f4bf12e5cfaffff3e25a386b8d8fb276409387f662945cbbbed")
    ///     .identity(Identity::load("/etc/fleet/incus")?)
    ///     .await?;
    /// # Ok(()) }
    /// ```
    ///
    /// Set how to recognize the server: by its [`fingerprint`](Connect::fingerprint), its whole
    /// [`server_certificate`](Connect::server_certificate), or the [`authority`](Connect::authority) that signed it. By
    /// default, an authority that this system trusts must have signed it. The check can't be turned off. Any other
    /// server is an error of [`ErrorKind::UntrustedServer`](crate::ErrorKind::UntrustedServer), and is sent nothing.
    ///
    /// Log in with an [`identity`](Connect::identity) that the server trusts, a token to
    /// [`join`](Connect::join) with, or a [`bearer`](Connect::bearer) token.
    ///
    /// Requests and websockets use HTTP/1.1, on connections that are kept; a proxy is taken from `HTTPS_PROXY` unless
    /// the address is loopback or in `NO_PROXY`.
    pub fn https(address: impl Into<String>) -> Connect {
        Connect::to(Target::Https(address.into()))
    }

    /// The server that a trust token is from, at whichever of the token's addresses answers first; see
    /// [`Connect::join`].
    pub fn joining(token: impl Into<Secret>) -> Connect {
        Connect::to(Target::Invited).join(token)
    }

    /// A remote of the `incus` command, by its name there: with its address, project, client certificate and pinned
    /// server certificate.
    ///
    /// ```no_run
    /// # use windlass::incus::Incus;
    /// # async fn demo() -> windlass::Result<()> {
    /// let incus = Incus::remote("prod").await?;
    /// # Ok(()) }
    /// ```
    ///
    /// They are kept in the directory `INCUS_CONF`, or the first that is there of `incus` in `XDG_CONFIG_HOME` (macOS:
    /// `~/Library/Application Support`; Windows: `APPDATA`) and `~/.config/incus`, and for all users in
    /// `INCUS_GLOBAL_CONF`, or `/etc/incus` (not on Windows, where every user could create it). `INCUS_PROJECT` overrides the
    /// remote's project, which `incus project switch` writes; settings of the result override both. Of a remote with
    /// several addresses, the one that worked last is used. `local` is always the server of this machine. Remotes that
    /// log in by OpenID Connect need a [`bearer`](Connect::bearer); those that only serve images are refused.
    ///
    /// Vendor's page: <https://linuxcontainers.org/incus/docs/main/remotes/>
    pub fn remote(name: impl Into<String>) -> Connect {
        Connect::to(Target::Remote(name.into()))
    }

    /// A server behind plain HTTP on this machine: a fake one, or the end of a tunnel.
    ///
    /// An address other than loopback is refused: nothing would keep others from listening in.
    pub fn http(url: impl Into<String>) -> Connect {
        Connect::to(Target::Http(url.into()))
    }
}

impl Connect {
    pub(in crate::incus) fn to(target: Target) -> Self {
        let (retry, http) = (Retry::default(), Http::default());
        let (project, origin, known_by, identity, token, bearer) = (None, None, None, None, None, None);
        Self { target, project, retry, http, origin, known_by, identity, token, bearer }
    }

    /// Work in this project instead of `default`.
    pub fn project(mut self, name: impl Into<String>) -> Self {
        self.project = Some(name.into());
        self
    }

    /// How failed requests are repeated.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// The HTTP settings: proxy, headers, user agent, certificate authorities, limits.
    pub fn http(mut self, http: Http) -> Self {
        self.http = http;
        self
    }

    /// The server is the one with this certificate: SHA-256 of its DER in hex, as in `incus info` and trust tokens.
    ///
    /// Names and dates in the certificate play no part. Any other certificate is rejected, even one signed by a
    /// trusted authority. The
    /// last of `fingerprint`, [`server_certificate`](Self::server_certificate) and [`authority`](Self::authority)
    /// counts.
    pub fn fingerprint(mut self, sha256: impl Into<String>) -> Self {
        self.known_by = Some(KnownBy::Fingerprint(sha256.into()));
        self
    }

    /// The server is the one with exactly this certificate, in PEM. One with the same key is another.
    pub fn server_certificate(mut self, pem: impl Into<String>) -> Self {
        self.known_by = Some(KnownBy::Certificate(pem.into()));
        self
    }

    /// The server's certificate is signed by this authority, and not by one that the system trusts, for the name or
    /// address that it is reached by. PEM; several may follow each other. To trust an authority in addition to those of the
    /// system, use [`Http::extra_authority`].
    pub fn authority(mut self, pem: impl Into<String>) -> Self {
        self.known_by = Some(KnownBy::Authority(pem.into()));
        self
    }

    /// Logs in with this certificate, on websockets as well.
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Has the server trust this client from now on, by a token from
    /// [`Incus::create_trust_token`] or `incus config trust add`.
    ///
    /// ```no_run
    /// # use windlass::incus::{Identity, Incus};
    /// # async fn demo(token: String) -> windlass::Result<()> {
    /// let me = Identity::generate("ci-runner")?;
    /// me.save("/etc/fleet/incus")?;
    /// let incus = Incus::https("10.0.0.2:8443").identity(me).join(token).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// The server must have the certificate that the token names: otherwise nothing is sent. A server that trusts the
    /// identity already is not shown the token, so that joining twice does no harm. Without an identity one is made;
    /// get it from [`Incus::identity`] and save it, or it ends with this client.
    ///
    /// `.await` then fails with [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the text is no
    /// token, with [`ErrorKind::Unauthenticated`](crate::ErrorKind::Unauthenticated) if the token is expired, used or
    /// not this server's, with [`ErrorKind::UntrustedServer`](crate::ErrorKind::UntrustedServer) if the server is
    /// another.
    ///
    /// Vendor's page: <https://linuxcontainers.org/incus/docs/main/authentication/#authentication-token>
    pub fn join(mut self, token: impl Into<Secret>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Logs in with tokens of OpenID Connect: `fetch` gets one when needed.
    ///
    /// ```no_run
    /// # use windlass::incus::{BearerToken, Incus};
    /// # use std::time::Duration;
    /// # async fn log_in() -> std::io::Result<(String, u64)> { Ok((String::new(), 0)) }
    /// # async fn demo() -> windlass::Result<()> {
    /// let incus = Incus::https("incus.example.org")
    ///     .bearer(|| async {
    ///         let (access_token, seconds) = log_in().await?;
    ///         Ok::<_, std::io::Error>(BearerToken::new(access_token).expires_in(Duration::from_secs(seconds)))
    ///     })
    ///     .await?;
    /// # Ok(()) }
    /// ```
    ///
    /// All calls of the client share a token; many that need a new one at the same time cause one fetch. A token is
    /// renewed before it expires, and once more per call where the server answers 401. If `fetch` fails, so does the
    /// call, with [`ErrorKind::Unauthenticated`](crate::ErrorKind::Unauthenticated). A token travels only over TLS or
    /// within this machine.
    ///
    /// The login itself is up to `fetch`: this crate doesn't open a browser, doesn't ask a provider for tokens, and doesn't
    /// use those that the `incus` command keeps after its own login. A [`remote`](Incus::remote) of that command that logs
    /// in by OpenID Connect is an error of [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) without `bearer`.
    ///
    /// Vendor's page: <https://linuxcontainers.org/incus/docs/main/authentication/#openid-connect-authentication>
    pub fn bearer<F, Fut, E>(mut self, fetch: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<BearerToken, E>> + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        self.bearer = Some(FetchToken::new(fetch));
        self
    }

    pub(in crate::incus) fn found_by(mut self, origin: impl Into<String>) -> Self {
        self.origin = Some(origin.into());
        self
    }
}
