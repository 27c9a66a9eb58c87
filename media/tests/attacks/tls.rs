//! Who a server has to be.

use std::{net::Ipv4Addr, sync::Arc};

use media::{FetchError, Fetcher, Medium, Networks};
use rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::{
    files,
    scene::{LIMITS, Scripted, allowing, fetched, trusting},
    server::{Says, Server, answer},
};

#[tokio::test]
async fn a_server_has_to_be_who_the_link_says() {
    let made = rcgen::generate_simple_self_signed(["files.example".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let config = builder.with_single_cert(vec![made.cert.der().clone()], key).unwrap();
    let says = Says::Bytes(answer("application/pdf", files::PDF));
    let server = Server::at((Ipv4Addr::LOCALHOST, 0).into(), says, Some(TlsAcceptor::from(Arc::new(config)))).await;
    let fetch = async |host: &str, is_trusted: bool| {
        let roots = if is_trusted { vec![made.cert.der().clone()] } else { Vec::new() };
        let names = Scripted::knowing(host, &[&["127.0.0.1"]]);
        let fetcher = Fetcher::new(LIMITS, Networks::default(), trusting(&roots)).with_names(names);
        let origin = format!("https://{host}:{}", server.port());
        fetched(&fetcher, &format!("{origin}/cv"), Medium::Document, &allowing(&[&origin])).await.map(|(_, file)| file)
    };
    assert_eq!(fetch("files.example", true).await, Ok(files::PDF.to_vec()));
    assert_eq!(fetch("files.example", false).await, Err(FetchError::Connect), "nobody vouches for it");
    assert_eq!(fetch("other.example", true).await, Err(FetchError::Connect), "it is somebody else");
}
