//! Invented job posts of one invented company: the same seed gives the same posts.

use jiff::Timestamp;

use crate::revision;

/// The first post, 2026-01-05T08:00:00Z.
const BEGINNING: i64 = 1_767_600_000;
/// Ids look like the vendor's.
const FIRST_ID: u64 = 4_000_000;

/// A trade: title, department, what one does.
const TRADES: [(&str, &str, &str); 8] = [
    ("Lasser MIG/MAG", "Productie", "Je last frames & leidingen van < 3 mm tot > 20 mm."),
    ("Soudeur TIG", "Production", "Vous soudez l'acier inoxydable ; lecture de plans « isométriques » exigée."),
    ("Onderhoudstechnicus", "Techniek", "Je zoekt storingen op en lost ze op, ook 's nachts."),
    ("Développeur logiciel", "IT", "Vous écrivez du Rust & du SQL, avec des tests."),
    ("Boekhouder", "Finance", "Je sluit de maand af: 12× per jaar, geen uitzonderingen."),
    ("Magasinier-cariste", "Logistique", "Vous préparez les commandes à partir de 6 h."),
    ("Verpleegkundige bedrijfsgezondheid", "Welzijn", "Je volgt ± 400 medewerkers op."),
    ("Werkvoorbereider", "Engineering", "Je maakt planningen in overleg met de klant (België & Maroc)."),
];

/// Where: the office, and the free text of the post.
const PLACES: [(&str, &str); 6] = [
    ("Gent", "Gent"),
    ("Antwerpen", "Antwerpen, Belgium"),
    ("Liège", "Liège"),
    ("Bruxelles", "Bruxelles / Brussel"),
    ("Charleroi", "Charleroi, Wallonie"),
    ("Hasselt", "Hasselt (Limburg)"),
];

/// One job post as the ATS holds it.
#[derive(Debug, Clone)]
pub(super) struct Post {
    pub(super) id: u64,
    pub(super) revision: u64,
    pub(super) live: bool,
    pub(super) is_deleted: bool,
    choice: u64,
}

impl Post {
    /// The post with that number, before its first revision.
    pub(super) fn invent(seed: u64, number: u64) -> Self {
        Self { id: FIRST_ID + number, revision: 0, live: false, is_deleted: false, choice: mix(seed ^ mix(number)) }
    }

    pub(super) fn job_id(&self) -> u64 {
        self.id + 1_000_000
    }

    /// The title with the mark of the revision: `Lasser MIG/MAG (rev 7)`.
    pub(super) fn title(&self) -> String {
        format!("{} {}", self.trade().0, revision::mark(self.revision))
    }

    pub(super) fn department(&self) -> &'static str {
        self.trade().1
    }

    pub(super) fn office(&self) -> &'static str {
        self.place().0
    }

    pub(super) fn location(&self) -> &'static str {
        self.place().1
    }

    /// HTML, as the vendor's editor writes it.
    pub(super) fn content(&self) -> String {
        let task = self.trade().2.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let openings = 1 + (self.choice >> 32) % 4 + self.revision % 2;
        format!(
            "<p><strong>Voorbeeld Metaal NV</strong> &ndash; {}</p>\n<p>{task}</p>\n<ul>\n<li>{openings}&times;</li>\n\
             <li><a href=\"https://voorbeeld-metaal.example/jobs/{}?rev={}&amp;src=gh\">Info</a></li>\n</ul>",
            self.department(),
            self.id,
            self.revision,
        )
    }

    pub(super) fn created_at(&self) -> Timestamp {
        self.revised_at(1)
    }

    pub(super) fn updated_at(&self) -> Timestamp {
        self.revised_at(self.revision)
    }

    /// A minute a revision, so that every run says the same.
    fn revised_at(&self, revision: u64) -> Timestamp {
        let seconds = (self.id - FIRST_ID).saturating_add(revision.saturating_mul(60));
        let since = i64::try_from(seconds).unwrap_or(i64::MAX);
        Timestamp::from_second(BEGINNING.saturating_add(since)).unwrap_or(Timestamp::MAX)
    }

    fn trade(&self) -> (&'static str, &'static str, &'static str) {
        pick(&TRADES, self.choice)
    }

    fn place(&self) -> (&'static str, &'static str) {
        pick(&PLACES, self.choice >> 16)
    }
}

fn pick<T: Copy, const N: usize>(choices: &[T; N], choice: u64) -> T {
    choices[usize::try_from(choice % N as u64).unwrap_or(0)]
}

/// A good hash of a number (the finaliser of SplitMix64): the same on every machine and for ever.
pub(super) fn mix(number: u64) -> u64 {
    let mut hash = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}
