//! From the settings to a client: with or without a request.

use super::target::Target;
use super::{join, remotes};
use crate::config::{self, Surroundings};
use crate::error::Error;
use crate::incus::{Connect, Incus};
use crate::wait::into_future;

impl Connect {
    /// A client, without asking the server anything.
    ///
    /// After [`Incus::discover`] and [`Incus::remote`] this reads the files of the `incus` command, on the caller's
    /// thread.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) or
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) if the settings are wrong;
    /// [`join`](Self::join) needs `.await`.
    pub fn client(self) -> Result<Incus, Error> {
        if self.token.is_some() {
            return Err(Error::invalid("join", "asks the server: use `.await`"));
        }
        self.located()?.open()
    }

    async fn connect(mut self) -> Result<Incus, Error> {
        let token = self.token.take();
        let located = match &self.target {
            Target::Discovered | Target::Remote(_) => config::aside(|| self.located()).await?,
            _ => self,
        };
        if let Some(token) = token {
            return join::join(located, &token).await;
        }
        let incus = located.open()?;
        let server = incus.trusted_server().await.map_err(Error::while_connecting)?;
        Ok(incus.that_is(server.certificate_fingerprint()))
    }

    /// With the address instead of where it is to be found.
    fn located(self) -> Result<Self, Error> {
        remotes::located(self, &Surroundings::real())
    }
}

into_future!(Connect => Incus: |it| it.connect().await);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::incus::{BearerToken, Identity};

    #[test]
    fn settings_that_would_be_ignored_or_cannot_be_right_are_refused() -> Result<(), Error> {
        let pin = "ab".repeat(32);
        let me = Identity::generate("me")?;
        let fetch = || async { Ok::<_, Error>(BearerToken::new("hunter2")) };
        for (connect, field) in [
            (Incus::unix("/s").fingerprint(&pin), "fingerprint"),
            (Incus::unix("/s").identity(me.clone()), "identity"),
            (Incus::unix("/s").bearer(fetch), "bearer"),
            (Incus::http("http://127.0.0.1:1").authority("x"), "authority"),
            (Incus::http("http://10.0.0.1:1").bearer(fetch), "url"),
            (Incus::https("http://10.0.0.1:1").bearer(fetch), "address"),
            (Incus::https("a").fingerprint("ab"), "fingerprint"),
            (Incus::https("a").server_certificate("ab"), "server_certificate"),
            (Incus::https("a").authority(me.key_pem().expose()), "authority"),
            (Incus::https("a").join("x"), "join"),
        ] {
            let text = format!("{connect:?}");
            let e = connect.client().map(|_| ()).map_err(|e| (e.kind(), e.fields().to_vec()));
            assert_eq!(e, Err((ErrorKind::InvalidInput, vec![field.to_owned()])), "{text}");
            assert!(!text.contains("PRIVATE KEY\\n"), "{text}");
        }
        assert!(Incus::http("http://127.0.0.1:1").bearer(fetch).client().is_ok());
        assert!(Incus::https("a").fingerprint(pin).identity(me).bearer(fetch).client().is_ok());
        Ok(())
    }
}
