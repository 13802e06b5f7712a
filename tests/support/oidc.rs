//! A small provider of OpenID Connect: its settings, its key, and tokens signed with it. It has no login.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::rsa::{KeyPair, PublicKeyComponents};
use ring::signature::RSA_PKCS1_SHA256;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

type Failure = Box<dyn std::error::Error>;

pub struct Provider {
    issuer: String,
    key: KeyPair,
}

/// What a token claims.
#[derive(Clone, Copy)]
pub struct Claims<'a> {
    pub subject: &'a str,
    /// From when the token is made until it expires.
    pub seconds: i64,
    /// The provider's own, if not set.
    pub issuer: Option<&'a str>,
}

impl Default for Claims<'_> {
    fn default() -> Self {
        Self { subject: "somebody", seconds: 3_600, issuer: None }
    }
}

impl Provider {
    /// Starts it on a loopback port.
    pub async fn start() -> Result<Self, Failure> {
        let key = KeyPair::from_pkcs8(new_key().await?.secret_pkcs8_der()).map_err(|e| e.to_string())?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let issuer = format!("http://{}", listener.local_addr()?);
        let public = PublicKeyComponents::<Vec<u8>>::from(key.public());
        let answers = [
            (
                "/.well-known/openid-configuration",
                json!({"issuer": issuer, "jwks_uri": format!("{issuer}/keys"),
                    "authorization_endpoint": format!("{issuer}/authorize"),
                    "token_endpoint": format!("{issuer}/token"),
                    "id_token_signing_alg_values_supported": ["RS256"]}),
            ),
            (
                "/keys",
                json!({"keys": [{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1",
                    "n": URL_SAFE_NO_PAD.encode(&public.n), "e": URL_SAFE_NO_PAD.encode(&public.e)}]}),
            ),
        ];
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let _ = answer(client, &answers).await;
            }
        });
        Ok(Self { issuer, key })
    }

    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// A signed token.
    pub fn token(&self, claims: &Claims<'_>) -> Result<String, Failure> {
        let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
        let made = now - 60;
        let head = json!({"alg": "RS256", "typ": "JWT", "kid": "1"});
        let body = json!({"iss": claims.issuer.unwrap_or(&self.issuer), "sub": claims.subject, "aud": ["windlass"],
            "iat": made, "auth_time": made, "exp": now + claims.seconds});
        let signed = [head, body].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
        let mut signature = vec![0; self.key.public().modulus_len()];
        let signing =
            self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature);
        signing.map_err(|e| e.to_string())?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// A fresh key. It is no secret, and is gone with the test.
async fn new_key() -> Result<PrivatePkcs8KeyDer<'static>, Failure> {
    let mut command = tokio::process::Command::new("openssl");
    command.args(["genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]);
    let made = command.output().await?;
    if !made.status.success() {
        return Err(String::from_utf8_lossy(&made.stderr).into());
    }
    Ok(PrivatePkcs8KeyDer::from_pem_slice(&made.stdout)?)
}

/// Answers one request, and closes.
async fn answer(mut client: TcpStream, answers: &[(&str, Value)]) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < 10_000 {
        head.push(client.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head);
    let path = head.split(' ').nth(1).unwrap_or_default();
    let found = answers.iter().find(|(known, _)| *known == path);
    let (status, body) = match found {
        Some((_, answer)) => ("200 OK", answer.to_string()),
        None => ("404 Not Found", String::new()),
    };
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n");
    client.write_all(format!("{head}Connection: close\r\n\r\n{body}").as_bytes()).await
}
