//! Invented offers: as an entry of the list, and as a page with the labels that readers of the site quote.

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};

use crate::revision;

/// The first number.
const FIRST: u64 = 1_160_000;

/// A trade: title, what one does, sector, education.
const TRADES: [(&str, &str, &str, &str); 5] = [
    ("Soudeur à l'arc", "Soudure de charpentes &amp; de garde-corps.", "Travail des métaux", "Technicien"),
    ("Téléconseiller", "Réception d'appels en français.", "Conseil en systèmes informatiques", "Baccalauréat"),
    ("Cariste", "Chargement et déchargement des camions.", "Commerce", "Diplôme de qualification professionnelle"),
    ("Développeur informatique", "Développement et essais.", "Conseil en systèmes informatiques", "Ingénieur"),
    ("Agent de maintenance", "Entretien des lignes de production.", "Industrie automobile", "Technicien spécialisé"),
];
/// A place: the prefix of the agency, the agency, the town as the list pads it.
const PLACES: [(&str, &str, &str); 4] = [
    ("ME", "MEKNES", "MEKNES      "),
    ("AG", "AGADIR", "AGADIR      "),
    ("Ag", "RABAT AGDAL", "RABAT AGDAL "),
    ("TA", "TANGER", "TANGER-FAHS-ANJRA"),
];

/// One offer.
#[derive(Debug, Clone)]
pub(super) struct Offer {
    number: u64,
    at: Timestamp,
    /// What the page shows.
    pub(super) revision: u64,
    /// What the list shows.
    pub(super) listed_revision: u64,
}

impl Offer {
    pub(super) fn invent(number: u64, at: Timestamp) -> Self {
        Self { number, at, revision: 1, listed_revision: 1 }
    }

    pub(super) fn id(&self) -> String {
        (FIRST + self.number).to_string()
    }

    pub(super) fn is_international(&self) -> bool {
        self.number.is_multiple_of(10)
    }

    /// The title with the mark of a revision.
    pub(super) fn title(&self, revision: u64) -> String {
        format!("{} {}", self.trade().0, revision::mark(revision))
    }

    fn trade(&self) -> (&'static str, &'static str, &'static str, &'static str) {
        pick(&TRADES, self.number)
    }

    fn place(&self) -> (&'static str, &'static str, &'static str) {
        pick(&PLACES, self.number / 5)
    }

    fn openings(&self) -> u64 {
        1 + self.number % 7
    }

    /// National: prefix, day, number; international: desk, month, number.
    fn reference(&self) -> String {
        if self.is_international() {
            return format!("INTCar{}-{}", self.day("%m/%y"), self.id());
        }
        format!("{}{}{}", self.place().0, self.day("%d%m%y"), self.id())
    }

    /// The day in Morocco.
    fn day(&self, form: &str) -> String {
        let zone = TimeZone::get("Africa/Casablanca").unwrap_or(TimeZone::UTC);
        self.at.to_zoned(zone).strftime(form).to_string()
    }

    /// What the list says of it.
    pub(super) fn entry(&self) -> Value {
        json!({
            "id": self.id(),
            "ref_offre": self.reference(),
            "date_offre": self.day("%d/%m/%Y"),
            "intitule_poste": self.title(self.listed_revision),
            "nombre_postes": self.openings().to_string(),
            "entreprise": "-",
            "lieu_travail": if self.is_international() { "" } else { self.place().2 },
        })
    }

    /// Its page.
    pub(super) fn page(&self) -> String {
        let (_, task, sector, education) = self.trade();
        let (_, agency, town) = self.place();
        let (title, reference, date) = (self.title(self.revision), self.reference(), self.day("%d/%m/%Y"));
        let (openings, town) = (self.openings(), town.trim());
        format!(
            r#"<!DOCTYPE html>
<html lang="fr-FR">
<head><meta http-equiv="Content-Type" content="text/html; charset=UTF-8" /><title>({openings}) {title}</title></head>
<body>
<div class="bloc-affiche-offre">
  <p>Société Exemple</p>
  <p><span>Référence de l’offre :</span> {reference}</p>
  <p><span>Date :</span> {date}</p>
  <p><span>Agence :</span> {agency} / C. EXEMPLE</p>
  <h2>({openings}) {title}</h2>
  <h3>Description de l'entreprise</h3>
  <p>Société inventée pour des essais.</p>
  <p><span>Secteur d’activité :</span> {sector}</p>
  <h3>Description de Poste</h3>
  <p><span>Type de contrat :</span> CDI</p>
  <p><span>Lieu de travail :</span> {town}</p>
  <p><span>Date de début :</span> {date}</p>
  <p><span>Salaire mensuel :</span> 4500 DHS</p>
  <div><b>Caractéristiques du poste :</b><br>{task}</div>
  <h3>Profil recherché</h3>
  <p><span>Formation :</span> {education}</p>
  <p><span>Langues :</span><br>Français : Courant</p>
  <p>Partager sur</p>
</div>
</body>
</html>
"#
        )
    }
}

fn pick<T: Copy, const N: usize>(choices: &[T; N], number: u64) -> T {
    choices[usize::try_from(number % N as u64).unwrap_or(0)]
}
