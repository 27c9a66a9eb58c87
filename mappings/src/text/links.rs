//! Texts for partners that take no links in them: the links are taken out, the words stay.

use std::{collections::HashSet, ops::Range, sync::LazyLock};

use ammonia::Builder;
use regex::Regex;

use super::sanitise;

/// An address with the blanks before it and the brackets round it, up to the sign that ends its sentence; and what begins
/// like one. A host that no scheme introduces is the group: it is an address if [`is_host`] says so, and a path or
/// a query follows it or `//` precedes it. A bare name such as `example.org` is a word: so is `Node.js`.
const ADDRESS: &str = r"(?:(?:\b|_+)(?:(?:https?|ftps?|mailto):|www\.)|//(HOST)(?::\d+)?[/?#]?|(HOST)(?::\d+)?(?:/|\?\w+=))(?:(?:INSIDE)*(?:LAST))?";
const HOST: &str = r"\w[\w-]*(?:\.[\w-]+)+";

fn addresses(inside: &str, last: &str, others: &str) -> Regex {
    let address = ADDRESS.replace("HOST", HOST).replace("INSIDE", inside).replace("LAST", last);
    let expression = format!(r"(?i)[ \t]*\([ \t]*{address}[ \t]*\)|[ \t]*{address}{others}");
    Regex::new(&expression).expect("the expression is tested below")
}

/// In plain text a tag of a link is one that somebody has put there by mistake.
static IN_PLAIN: LazyLock<Regex> =
    LazyLock::new(|| addresses(r#"[^\s<>"()]"#, r#"[^\s<>"().,;:!?\u{2026}'\u{2019}\u{bb}]"#, r"|</?a\b[^<>]*>|<a\b"));
static IN_HTML: LazyLock<Regex> =
    LazyLock::new(|| addresses(r#"[^\s<>"()&]|&amp;"#, r#"[^\s<>"()&.,;:!?\u{2026}'\u{2019}\u{bb}]|&amp;"#, ""));

static UNLINKED: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::default();
    builder.rm_tags(["a"]).generic_attributes(HashSet::new());
    builder
});

/// Plain text without links; nothing if it has none.
pub(crate) fn without_links(text: &str) -> Option<String> {
    stripped(text, &IN_PLAIN).map(|stripped| stripped.trim().to_owned())
}

/// HTML without links; nothing if it has none.
pub(crate) fn html_without_links(html: &str) -> Option<String> {
    let has_links = html.contains("<a");
    let unlinked = has_links.then(|| UNLINKED.clean(html).to_string());
    let stripped = stripped(unlinked.as_deref().unwrap_or(html), &IN_HTML).or(unlinked)?;
    Some(sanitise(stripped.trim()).trim().to_owned())
}

/// What is left without them. What stood on both sides of one may make up another.
fn stripped(text: &str, addresses: &Regex) -> Option<String> {
    let mut left = stripped_once(text, addresses)?;
    while let Some(less) = stripped_once(&left, addresses) {
        left = less;
    }
    Some(left)
}

fn stripped_once(text: &str, addresses: &Regex) -> Option<String> {
    let mut left = String::new();
    let (mut kept, mut at) = (0, 0);
    while let Some(found) = addresses.captures_at(text, at) {
        let whole = found.get_match();
        let host = found.iter().skip(1).flatten().next();
        if let Some(host) = host.filter(|host| !is_host(text, host.range())) {
            at = host.end();
            continue;
        }
        left.push_str(&text[kept..whole.start()]);
        (kept, at) = (whole.end(), whole.end());
    }
    if kept == 0 {
        return None;
    }
    left.push_str(&text[kept..]);
    Some(left)
}

/// Whether a name with dots is that of a host: `bouw.be` is, `Node.js`, `12.50` and what follows an `@` are not.
fn is_host(text: &str, name: Range<usize>) -> bool {
    let host = text[name.clone()].to_ascii_lowercase();
    let Some((_, domain)) = host.rsplit_once('.') else {
        return false;
    };
    let is_domain =
        domain.starts_with("xn--") || COUNTRY_DOMAINS.split(' ').chain(DOMAINS.split(' ')).any(|known| known == domain);
    is_domain && !TECHNOLOGIES.contains(&host.as_str()) && !text[..name.start].ends_with('@')
}

/// The domains of countries, after IANA's root zone.
const COUNTRY_DOMAINS: &str = "ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw \
     by bz ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo \
     fr ga gb gd ge gf gg gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo \
     jp ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt \
     mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw \
     sa sb sc sd se sg sh si sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug \
     uk us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw";
/// Other domains that advertisements link to, and the one that examples use. A word behind a full stop is none of them.
const DOMAINS: &str = "academy agency app archi asia bank biz brussels build business cafe care careers cat center club coop \
     cloud com community company consulting dev digital edu education email engineering example expert finance foundation gent gle \
     global gov group gmbh health host immo info ink institute int international jobs link live ltd marketing media mil mobi museum \
     name net network news ngo one online ong org page paris partners press pro recruitment school services shop site social \
     solutions space store studio support systems team tech technology tel today top tours training travel vlaanderen web website wiki \
     work works world xyz zone";
/// Words that look like hosts.
const TECHNOLOGIES: [&str; 4] = ["ado.net", "asp.net", "ml.net", "vb.net"];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_go_and_words_stay() {
        for (text, left) in [
            ("See https://example.org/jobs?a=1&b=2.", Some("See.")),
            ("Meer info (www.example.be) of bel ons", Some("Meer info of bel ons")),
            ("HTTP://EXAMPLE.ORG, en meer", Some(", en meer")),
            ("https://example.org", Some("")),
            ("Node.js, awww. en jobs@example.org", None),
            ("www.a.be en ftp://b.be/c", Some("en")),
            ("w(www.x.y)ww.b c", Some("c")),
            ("mail mailto:a@b.be of _www.x.y_ of http: dus", Some("mail of of dus")),
            ("klik <a href='x'>hier</a>, 1 <a", Some("klik hier, 1")),
            ("a <abc> b", None),
            ("zie bit.ly/xyz", Some("zie")),
            ("Kok bouw.be/jobs.", Some("Kok.")),
            ("Kok (t.co/abc) of //evil.be/x, //evil.be of Bouw.be:8080/", Some("Kok of, of")),
            ("zie bouw.be?id=3 of jobs.bouw.vlaanderen/a/b?c=d", Some("zie of")),
            ("Node.js/bit.ly/x en Vue.js/Node.js", Some("Node.js/ en Vue.js/Node.js")),
            ("bit(t.co/a).ly/x", Some("")),
            ("Node.js, ASP.NET, m/v/x, 24/7, TCP/IP, en/of, e-mail, bouw.be, ken je bouw.be?", None),
            ("Node.js/React, ASP.NET/C#, v.z.w./b.v., 12.50/uur, 1.2/3, // of a@bouw.be/x", None),
        ] {
            assert_eq!(without_links(text).as_deref(), left, "{text}");
        }
        for (html, left) in [
            ("<p>Lees <a href=\"https://example.org/\">onze site</a>.</p>", Some("<p>Lees onze site.</p>")),
            ("<p><a href=\"https://example.org/\">https://example.org/?a&amp;b</a>&nbsp;x</p>", Some("<p>&nbsp;x</p>")),
            ("<p>a <b>https://example.org</b></p>", Some("<p>a <b></b></p>")),
            ("<p>a &lt; b</p>", None),
            ("<a>x</a>", Some("x")),
            ("<p>zie&nbsp;bit.ly/x?a&amp;b</p><br>t.co/<b>y</b>", Some("<p>zie&nbsp;</p><br><b>y</b>")),
            ("<p>Node.js/<b>TCP/IP</b>, bouw.be</p>", None),
        ] {
            assert_eq!(html_without_links(html).as_deref(), left, "{html}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_left_of_links(html in "(<p>|</p>|<a href=\"https://a.be/\">|</a>|www\\.|http://|a|b\\.be|/|@|&amp;|&lt;| |\\(|\\)|\\.){0,16}") {
            let html = sanitise(&html).into_owned();
            if let Some(left) = html_without_links(&html) {
                prop_assert_eq!(html_without_links(&left), None, "{}", left);
                prop_assert_eq!(sanitise(&left), left.as_str());
            }
        }
    }
}
