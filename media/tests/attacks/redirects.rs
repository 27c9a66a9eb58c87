//! Redirects: each step is a link like the first.

use media::{FetchError, Medium};

use crate::{
    files,
    scene::{LIMITS, Scripted, allowing, fetched, fetcher},
    server::{Says, Server, redirect},
};

#[tokio::test]
async fn no_redirect_leads_where_a_link_may_not() {
    let trap = Server::file(files::PDF).await;
    let rows = [
        (trap.link(), FetchError::Scheme),
        (trap.link().replace("http:", "https:"), FetchError::Port),
        ("https://127.0.0.1/cv".into(), FetchError::Address),
        ("https://169.254.169.254/latest/meta-data/".into(), FetchError::Address),
        ("https://[::ffff:169.254.169.254]/".into(), FetchError::Address),
        ("https://2852039166/".into(), FetchError::Address),
        ("//169.254.169.254/".into(), FetchError::Scheme),
        ("file:///etc/passwd".into(), FetchError::Scheme),
        ("https://a:b@files.example/".into(), FetchError::Credentials),
        ("https://[".into(), FetchError::Redirect),
    ];
    for (to, expected) in rows {
        let server = Server::says(Says::Bytes(redirect(&to))).await;
        let allowed = allowing(&[&format!("http://{}", server.address)]);
        let result = fetched(&fetcher(LIMITS), &server.link(), Medium::Document, &allowed).await;
        assert_eq!(result, Err(expected), "{to}");
        assert_eq!(server.asked(), 1);
    }
    assert_eq!(trap.asked(), 0);
}

#[tokio::test]
async fn a_few_redirects_are_followed_and_a_circle_is_not() {
    let last = Server::file(files::PDF).await;
    let mut servers = vec![last];
    for _ in 0..LIMITS.redirects {
        let next = servers.last().unwrap().link();
        servers.push(Server::says(Says::Bytes(redirect(&next))).await);
    }
    let origins: Vec<_> = servers.iter().map(|server| format!("http://{}", server.address)).collect();
    let allowed = allowing(&origins.iter().map(String::as_str).collect::<Vec<_>>());
    let link = servers.last().unwrap().link();
    assert_eq!(fetched(&fetcher(LIMITS), &link, Medium::Document, &allowed).await.unwrap().1, files::PDF);

    let circle = Server::says(Says::Bytes(redirect("/again"))).await;
    let allowed = allowing(&[&format!("http://{}", circle.address)]);
    let result = fetched(&fetcher(LIMITS), &circle.link(), Medium::Document, &allowed).await;
    assert_eq!(result, Err(FetchError::Redirects));
    assert_eq!(circle.asked(), LIMITS.redirects as u64 + 1);

    let nowhere = Server::says(Says::Bytes(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n".to_vec())).await;
    let allowed = allowing(&[&format!("http://{}", nowhere.address)]);
    let result = fetched(&fetcher(LIMITS), &nowhere.link(), Medium::Document, &allowed).await;
    assert_eq!(result, Err(FetchError::Redirect));
}

/// The second step goes to the same name, which by then is somewhere else.
#[tokio::test]
async fn every_step_is_resolved_and_checked_anew() {
    let server = Server::says(Says::Bytes(redirect("/next"))).await;
    let names = Scripted::knowing("files.example", &[&["127.0.0.1"], &["169.254.169.254"]]);
    let fetcher = fetcher(LIMITS).with_names(names.clone());
    let origin = format!("http://files.example:{}", server.port());
    let result = fetched(&fetcher, &format!("{origin}/cv"), Medium::Document, &allowing(&[&origin])).await;
    assert_eq!(result, Err(FetchError::Address));
    assert_eq!((server.asked(), names.asked().len()), (1, 2));
}

#[tokio::test]
async fn where_origins_are_named_no_step_leads_elsewhere() {
    let (named, inside) = ("https://files.example", Server::file(files::PDF).await);
    let allowed = allowing(&[&format!("http://{}", inside.address)]).only([named.parse().unwrap()]);
    assert_eq!(fetched(&fetcher(LIMITS), &inside.link(), Medium::Document, &allowed).await.unwrap().1, files::PDF);
    for link in ["https://others.example/cv", "https://files.example:8443/cv", "http://files.example/cv"] {
        let result = fetched(&fetcher(LIMITS), link, Medium::Document, &allowed).await;
        assert_eq!(result, Err(FetchError::Origin), "{link}");
    }
    let leading = Server::says(Says::Bytes(redirect("https://others.example/cv"))).await;
    let allowed = allowing(&[&format!("http://{}", leading.address)]).only([named.parse().unwrap()]);
    let result = fetched(&fetcher(LIMITS), &leading.link(), Medium::Document, &allowed).await;
    assert_eq!(result, Err(FetchError::Origin));
    // What is named is still no way inside.
    let names = Scripted::knowing("files.example", &[&["127.0.0.1"]]);
    let result =
        fetched(&fetcher(LIMITS).with_names(names), "https://files.example/cv", Medium::Document, &allowed).await;
    assert_eq!(result, Err(FetchError::Address));
}
