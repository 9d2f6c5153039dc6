//! Encrypted connections, and how a server's certificate is checked.

use std::path::Path;
use std::sync::Arc;

use larkspur_store::StoreError;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls13_signature_with_raw_key};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, SubjectPublicKeyInfoDer, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::certificate::{public_key, signed};

/// How connections to a server are encrypted. Connections through a local socket never are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tls {
    /// If the server offers it, without checking its identity: stops eavesdroppers, not impostors.
    #[default]
    Prefer,
    /// Always, without checking the server's identity.
    Require,
    /// Always, and the certificate must be valid for the host's name.
    Verify,
}

/// Applies `sslmode`, and makes the connector for encrypted connections.
pub(crate) fn connector(
    config: &mut Config,
    tls: Tls,
    ca: Option<&Path>,
) -> Result<MakeRustlsConnect, StoreError> {
    let refuse = |why: String| Err(StoreError::Unavailable(why));
    if ca.is_some() && tls != Tls::Verify {
        return refuse("postgres.ca is used only with postgres.tls = \"verify\"".to_owned());
    }
    match (tls, config.get_ssl_mode()) {
        (Tls::Prefer, _) => {}
        (_, SslMode::Disable) => {
            return refuse(
                "the URL says sslmode=disable, but postgres.tls asks for encryption: change one of them"
                    .to_owned(),
            );
        }
        _ => {
            config.ssl_mode(SslMode::Require);
        }
    }
    // A local socket cannot be eavesdropped, and PostgreSQL does not offer encryption there.
    #[cfg(unix)]
    if config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_))) {
        config.ssl_mode(SslMode::Disable);
    }
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| StoreError::Broken(format!("TLS cannot be set up: {error}")))?;
    let client = if tls == Tls::Verify {
        builder.with_root_certificates(roots(ca)?).with_no_client_auth()
    } else {
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
            .with_no_client_auth()
    };
    Ok(MakeRustlsConnect::new(client))
}

/// The trusted CA certificates: the file's, or else those of the system.
fn roots(ca: Option<&Path>) -> Result<RootCertStore, StoreError> {
    let mut roots = RootCertStore::empty();
    let refuse = |why: String| Err(StoreError::Unavailable(why));
    let Some(path) = ca else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            return refuse("this system has no CA certificates: name a file in postgres.ca".to_owned());
        }
        return Ok(roots);
    };
    let shown = path.display();
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = match read {
        Ok(certificates) => certificates,
        Err(error) => return refuse(format!("cannot read postgres.ca, {shown}: {error}")),
    };
    for certificate in certificates {
        if let Err(error) = roots.add(certificate) {
            return refuse(format!(
                "postgres.ca, {shown}, contains something that is not a CA certificate: {error}"
            ));
        }
    }
    if roots.is_empty() {
        return refuse(format!("postgres.ca, {shown}, contains no certificate: it must be a PEM file"));
    }
    Ok(roots)
}

/// Accepts any certificate whose key the server has, as libpq does without `sslrootcert`: nothing but the key is read
/// from the certificate. Proof of the key matters all the same: a password may be bound to the certificate
/// (SCRAM-SHA-256-PLUS), and an impostor could present the same certificate.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        given: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        match signed(key_of(certificate)?, given.scheme, message, given.signature(), known) {
            Some(true) => Ok(HandshakeSignatureValid::assertion()),
            _ => Err(CertificateError::BadSignature.into()),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        given: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let key = SubjectPublicKeyInfoDer::from(key_of(certificate)?);
        verify_tls13_signature_with_raw_key(message, &key, given, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

fn key_of<'a>(certificate: &'a CertificateDer<'_>) -> Result<&'a [u8], rustls::Error> {
    public_key(certificate).ok_or_else(|| CertificateError::BadEncoding.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str, tls: Tls, ca: Option<&Path>) -> String {
        let mut config = url.parse().expect("an address");
        connector(&mut config, tls, ca).err().expect("refused").to_string()
    }

    fn mode(url: &str, tls: Tls) -> SslMode {
        let mut config = url.parse().expect("an address");
        connector(&mut config, tls, None).expect("sound");
        config.get_ssl_mode()
    }

    #[test]
    fn the_stricter_of_url_and_setting_counts() {
        assert_eq!(mode("postgres://h/db", Tls::Prefer), SslMode::Prefer);
        assert_eq!(mode("postgres://h/db?sslmode=disable", Tls::Prefer), SslMode::Disable);
        assert_eq!(mode("postgres://h/db?sslmode=require", Tls::Prefer), SslMode::Require);
        assert_eq!(mode("postgres://h/db", Tls::Require), SslMode::Require);
        assert_eq!(mode("postgres://%2Frun%2Fpostgresql/db", Tls::Require), SslMode::Disable);
        let why = refused("postgres://h/db?sslmode=disable", Tls::Verify, None);
        assert!(why.contains("change one of them"), "{why}");
    }

    #[test]
    fn files_without_a_ca_certificate_are_refused() {
        let file =
            |name: &str| std::env::temp_dir().join(format!("larkspur-tls-{}-{name}", std::process::id()));
        let (missing, empty, torn) = (file("missing"), file("empty"), file("torn"));
        std::fs::write(&empty, "no certificate\n").expect("written");
        std::fs::write(&torn, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
            .expect("written");
        for (path, part) in
            [(&missing, "cannot read"), (&empty, "contains no certificate"), (&torn, "not a CA")]
        {
            let why = refused("postgres://h/db", Tls::Verify, Some(path));
            assert!(why.contains(part), "{why}");
        }
        let why = refused("postgres://h/db", Tls::Require, Some(&empty));
        assert!(why.contains("used only with postgres.tls = \"verify\""), "{why}");
        for path in [empty, torn] {
            std::fs::remove_file(path).expect("removed");
        }
    }
}
