//! Invented vacancies of invented companies, in VDAB's JSON.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{revision, vdab::state::day};

/// A trade: title, what one does, area of work.
const TRADES: [(&str, &str, &str, &str); 6] = [
    ("Lasser TIG", "Je last <b>inox</b> leidingen volgens isometrieën.", "JOBCAT21", "Productie"),
    ("Boekhouder", "Je verwerkt facturen &amp; maakt de maandafsluiting.", "JOBCAT06", "Financieel"),
    ("Verpleegkundige", "Je werkt in een team van acht, ook in het weekend.", "JOBCAT07", "Gezondheid"),
    ("Softwareontwikkelaar", "Je bouwt diensten en schrijft tests.", "JOBCAT10", "ICT"),
    ("Magazijnier", "Je laadt en lost met de heftruck.", "JOBCAT13", "Logistiek en transport"),
    ("Onderhoudstechnicus", "Je zoekt storingen en lost ze op.", "JOBCAT22", "Techniek"),
];
/// A place: postcode, town, NUTS 3.
const PLACES: [(&str, &str, &str); 5] = [
    ("9000", "GENT", "BE234"),
    ("2000", "ANTWERPEN", "BE211"),
    ("8500", "KORTRIJK", "BE254"),
    ("3000", "LEUVEN", "BE242"),
    ("3500", "HASSELT", "BE221"),
];
/// References look like VDAB's numbers.
const FIRST_NUMBER: u64 = 70_000_000;

/// One vacancy.
#[derive(Debug, Clone)]
pub(super) struct Vacancy {
    pub(super) reference: String,
    pub(super) revision: u64,
    pub(super) is_published: bool,
    pub(super) published_at: Timestamp,
    pub(super) changed_at: Timestamp,
    number: u64,
}

impl Vacancy {
    /// The vacancy with that number, published.
    pub(super) fn invent(number: u64, at: Timestamp) -> Self {
        let reference = format!("{:08x}-5ab0-4000-8000-{number:012x}", number.wrapping_mul(0x9e37_79b1) & 0xffff_ffff);
        Self { reference, revision: 1, is_published: true, published_at: at, changed_at: at, number }
    }

    /// Makes the next revision.
    pub(super) fn revise(&mut self, is_published: bool, at: Timestamp) {
        self.revision += 1;
        if is_published && !self.is_published {
            self.published_at = at;
        }
        self.is_published = is_published;
        self.changed_at = at;
    }

    /// The title with the mark of the revision: `Lasser TIG (rev 7)`.
    pub(super) fn title(&self) -> String {
        format!("{} {}", pick(&TRADES, self.number).0, revision::mark(self.revision))
    }

    fn status(&self) -> &'static str {
        if self.is_published { "GEPUBLICEERD" } else { "NIET_GEPUBLICEERD" }
    }

    fn references(&self) -> Value {
        json!({
            "interneReferentie": self.reference,
            "vdabReferentie": FIRST_NUMBER + self.number,
            "externeReferentie": format!("EXT-{}", self.number),
        })
    }

    /// What a list says of it.
    pub(super) fn entry(&self) -> Value {
        json!({ "vacatureReferentie": self.references(), "status": self.status() })
    }

    /// All of it.
    pub(super) fn document(&self) -> Value {
        let (_, task, area, area_label) = pick(&TRADES, self.number);
        let (postcode, town, region) = pick(&PLACES, self.number / 6);
        json!({
            "vacatureReferentie": self.references(),
            "versie": self.revision,
            "status": self.status(),
            "bron": "VDAB_VACATURE_OPENING",
            "aantalJobs": 1 + self.number % 3,
            "publicatieDatum": day(self.published_at).to_string(),
            "internationaalOpengesteld": true,
            "functie": {
                "functieTitel": self.title(),
                "omschrijving": format!("<p>{task}</p>"),
                "jobdomeinen": [{ "code": area, "label": area_label }],
                "beroepsprofiel": {
                    "code": "M120101-1",
                    "label": "Voorbeeldberoep",
                    "ervaring": { "code": "2", "label": "Beperkte ervaring ( < 2 jaar )" },
                },
            },
            "arbeidsovereenkomst": {
                "arbeidsContract": { "code": "G", "label": "Gewoon contract" },
                "arbeidsContractDuur": { "code": "ONBEPAALD", "label": "onbepaalde duur" },
                "arbeidsRegime": { "code": "V", "label": "Voltijds" },
                "arbeidsStelsel": [{ "code": "D", "label": "Dagwerk" }],
                "aantalUur": 38,
            },
            "tewerkstellingsadres": { "postcode": postcode, "gemeente": town, "landCode": "BE", "regioCode": region },
            "profiel": { "vereisten": [
                { "type": "talen", "label": "Nederlands", "score": { "code": "14", "label": "Goed" } },
                { "type": "rijbewijs", "code": "B" },
            ] },
            "leverancier": { "naam": "Voorbeeld Werken NV", "kboNummer": "0100000367", "type": "GEWONE_BEDRIJVEN" },
            "sollicitatieprocedure": {
                "cvGewenst": true,
                "sollicitatieVia": { "email": "jobs@voorbeeld-werken.example" },
            },
        })
    }
}

fn pick<T: Copy, const N: usize>(choices: &[T; N], number: u64) -> T {
    choices[usize::try_from(number % N as u64).unwrap_or(0)]
}
