//! Links that lead inside, in every form an address has.

use std::net::Ipv4Addr;

use media::{AllowedOrigins, FetchError, Medium};

use crate::{
    files,
    scene::{LIMITS, Scripted, allowing, fetched, fetcher},
    server::{Says, Server, answer},
};

/// Addresses that are nobody's business, as name servers may give them.
const INSIDE: [&str; 45] = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.168.255.255",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:1.1.1.1",
    "::ffff:0:7f00:1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::a9fe:a9fe",
    "100::1",
    "2001::7f00:1",
    "2001:db8::1",
    "2002:7f00:1::1",
    "3fff::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "ff02::1",
];

/// The same, as links spell them.
const SPELT: [&str; 22] = [
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://0/",
    "https://127.0.0.1./",
    "https://%31%32%37.0.0.1/",
    "https://１２７.０.０.１/",
    "https://127。0。0。1/",
    "https://①②⑦.0.0.1/",
    "https://[::1]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::127.0.0.1]/",
    "https://[2002:7f00:1::]/",
    "https://169.254.169.254/latest/meta-data/",
    "https://[fe80::1]/",
];

#[tokio::test]
async fn no_name_leads_inside() {
    for address in INSIDE {
        let names = Scripted::knowing("files.example", &[&[address]]);
        let fetcher = fetcher(LIMITS).with_names(names);
        let result = fetched(&fetcher, "https://files.example/cv", Medium::Document, &AllowedOrigins::default()).await;
        assert_eq!(result, Err(FetchError::Address), "{address}");
    }
}

#[tokio::test]
async fn no_spelling_leads_inside() {
    for link in SPELT {
        let result = fetched(&fetcher(LIMITS), link, Medium::Document, &AllowedOrigins::default()).await;
        assert_eq!(result, Err(FetchError::Address), "{link}");
    }
    for address in INSIDE {
        let host = if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
        let link = format!("https://{host}/cv");
        let result = fetched(&fetcher(LIMITS), &link, Medium::Document, &AllowedOrigins::default()).await;
        assert_eq!(result, Err(FetchError::Address), "{link}");
    }
}

#[tokio::test]
async fn links_that_are_no_links_lead_nowhere() {
    let rows = [
        ("", FetchError::Link),
        ("cv.pdf", FetchError::Link),
        ("//files.example/cv.pdf", FetchError::Link),
        ("https://", FetchError::Link),
        ("https://[::1", FetchError::Link),
        ("https://1.2.3.256/", FetchError::Link),
        ("file:///etc/passwd", FetchError::Scheme),
        ("data:application/pdf,%25PDF", FetchError::Scheme),
        ("ftp://files.example/cv.pdf", FetchError::Scheme),
        ("gopher://files.example/cv.pdf", FetchError::Scheme),
        ("http://files.example/cv.pdf", FetchError::Scheme),
        ("ws://files.example/cv.pdf", FetchError::Scheme),
        ("https://user@files.example/cv.pdf", FetchError::Credentials),
        ("https://:word@files.example/cv.pdf", FetchError::Credentials),
        ("https://files.example@127.0.0.1/cv.pdf", FetchError::Credentials),
        ("https://files.example:80/cv.pdf", FetchError::Port),
        ("https://files.example:6379/cv.pdf", FetchError::Port),
        ("https://files.example/cv.pdf", FetchError::Unresolved),
    ];
    for (link, expected) in rows {
        let result = fetched(&fetcher(LIMITS), link, Medium::Document, &AllowedOrigins::default()).await;
        assert_eq!(result, Err(expected), "{link}");
        assert!(!expected.to_string().contains("example"), "{expected}");
    }
}

#[tokio::test]
async fn only_the_allowed_origin_may_be_inside() {
    let server = Server::file(files::PDF).await;
    let (allowed, other) =
        (format!("http://127.0.0.1:{}", server.port()), format!("http://localhost:{}", server.port()));
    let fetcher = fetcher(LIMITS);
    for origins in [&[][..], &[other.as_str()]] {
        let result = fetched(&fetcher, &server.link(), Medium::Document, &allowing(origins)).await;
        assert_eq!(result, Err(FetchError::Scheme));
    }
    assert_eq!(server.asked(), 0);
    let (_, file) = fetched(&fetcher, &server.link(), Medium::Document, &allowing(&[&allowed])).await.unwrap();
    assert_eq!(file, files::PDF);
}

#[tokio::test]
async fn what_nobody_may_reach_an_allowed_origin_does_not_either() {
    for address in ["169.254.169.254", "0.0.0.0", "::ffff:127.0.0.1", "fd00:ec2::254", "100.100.100.200", "224.0.0.1"] {
        let fetcher = fetcher(LIMITS).with_names(Scripted::knowing("files.example", &[&[address]]));
        let allowed = allowing(&["http://files.example:8080"]);
        let result = fetched(&fetcher, "http://files.example:8080/cv", Medium::Document, &allowed).await;
        assert_eq!(result, Err(FetchError::Address), "{address}");
    }
}

/// The name server says something harmless first, and then something else: it is asked once, and the first is what counts.
#[tokio::test]
async fn an_answer_that_changes_gains_nothing() {
    let harmless = Server::file(files::PDF).await;
    let trap = (Ipv4Addr::new(127, 0, 0, 2), harmless.port()).into();
    let trap = Server::at(trap, Says::Bytes(answer("application/pdf", b"%PDF-trap")), None).await;
    let names = Scripted::knowing("files.example", &[&["127.0.0.1"], &["127.0.0.2"]]);
    let fetcher = fetcher(LIMITS).with_names(names.clone());
    let origin = format!("http://files.example:{}", harmless.port());
    let (_, file) = fetched(&fetcher, &format!("{origin}/cv"), Medium::Document, &allowing(&[&origin])).await.unwrap();
    assert_eq!(file, files::PDF);
    assert_eq!((harmless.asked(), trap.asked()), (1, 0));
    assert_eq!(names.asked(), ["files.example"]);
}

#[tokio::test]
async fn of_several_addresses_only_those_that_may_be_are_tried() {
    let server = Server::file(files::PDF).await;
    let names = Scripted::knowing("files.example", &[&["169.254.169.254", "::ffff:127.0.0.1", "127.0.0.1"]]);
    let fetcher = fetcher(LIMITS).with_names(names);
    let origin = format!("http://files.example:{}", server.port());
    fetched(&fetcher, &format!("{origin}/cv"), Medium::Document, &allowing(&[&origin])).await.unwrap();
    assert_eq!(server.asked(), 1);
}
