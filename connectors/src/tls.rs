//! Certificates that a partner's server does not send, or that the host does not know, for checking who it is.
//!
//! Some servers leave out the certificates between their own and the root (`www.anapec.org` is one). The cure is to add
//! them here, not to look away. **Invariant:** a path still has to lead to a root that is trusted, and every
//! certificate of it is checked; an intermediate certificate is never trusted by itself.

use std::sync::Arc;

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::ring,
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
    server::ParsedCertificate,
};
use rustls_platform_verifier::Verifier;
use thiserror::Error as ThisError;

/// Certificates to add to what servers send and to what the host trusts; none by default.
#[derive(Debug, Clone, Default)]
pub struct ExtraCertificates {
    intermediates: Vec<CertificateDer<'static>>,
    roots: Vec<CertificateDer<'static>>,
}

/// Why a text holds no usable certificates.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
pub enum CertificatesError {
    /// Not PEM, or damaged.
    #[error("it is no PEM: {0}")]
    Pem(String),
    /// PEM without certificates, such as a key.
    #[error("it holds no certificate")]
    Empty,
    /// A certificate that cannot be read.
    #[error("certificate {number} cannot be read")]
    Certificate {
        /// Which one, from 1.
        number: usize,
    },
}

impl ExtraCertificates {
    /// Adds intermediate certificates: they complete a path, and are checked as if the server had sent them.
    ///
    /// # Errors
    /// Any [`CertificatesError`].
    pub fn with_intermediates(mut self, pem: &[u8]) -> Result<Self, CertificatesError> {
        self.intermediates.extend(certificates(pem)?);
        Ok(self)
    }

    /// Adds roots, which are trusted besides those of the host: for a partner with a certificate authority of its own.
    ///
    /// # Errors
    /// Any [`CertificatesError`].
    pub fn with_roots(mut self, pem: &[u8]) -> Result<Self, CertificatesError> {
        self.roots.extend(certificates(pem)?);
        Ok(self)
    }

    /// Whether there are any.
    pub(crate) fn is_empty(&self) -> bool {
        self.intermediates.is_empty() && self.roots.is_empty()
    }

    /// A configuration that checks servers with the help of these certificates.
    ///
    /// # Errors
    /// If the certificates of the host cannot be read.
    pub fn client_config(&self) -> Result<ClientConfig, Error> {
        let provider = Arc::new(ring::default_provider());
        let inner = Verifier::new_with_extra_roots(self.roots.iter().cloned(), Arc::clone(&provider))?;
        let verifier = CompletingVerifier { inner, intermediates: self.intermediates.clone() };
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, CertificatesError> {
    let mut certificates = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| CertificatesError::Pem(error.to_string()))?;
        let number = certificates.len() + 1;
        ParsedCertificate::try_from(&certificate).map_err(|_| CertificatesError::Certificate { number })?;
        certificates.push(certificate);
    }
    if certificates.is_empty() { Err(CertificatesError::Empty) } else { Ok(certificates) }
}

/// The verifier of the host, given more certificates to find a path with.
#[derive(Debug)]
struct CompletingVerifier {
    inner: Verifier,
    intermediates: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for CompletingVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verify = |path: &[CertificateDer<'_>]| {
            self.inner.verify_server_cert(end_entity, path, server_name, ocsp_response, now)
        };
        match verify(intermediates) {
            Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {
                let mut path = intermediates.to_vec();
                path.extend(self.intermediates.iter().cloned());
                verify(&path)
            }
            other => other,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_refused() {
        let error = |pem: &str| ExtraCertificates::default().with_intermediates(pem.as_bytes()).unwrap_err();
        assert_eq!(error(""), CertificatesError::Empty);
        assert_eq!(error("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"), CertificatesError::Empty);
        let no_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(error(no_certificate), CertificatesError::Certificate { number: 1 });
        assert!(matches!(error("-----BEGIN CERTIFICATE-----\n!\n"), CertificatesError::Pem(_)));
    }
}
