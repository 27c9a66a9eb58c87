//! A person who does not exist, and whose every value is found again wherever it lies.

use connectors::platform::stub::PlatformEvent;
use rand::{RngExt, rngs::StdRng};
use serde_json::{Value, json};

/// Letters of the Arabic script.
const ARABIC: &str = "ابتثجحخدذرزسشصضطظعغفقكلمنهوي";
/// Letters of Tifinagh.
const TIFINAGH: &str = "ⴰⴱⴳⴷⴹⴻⴼⴽⵀⵃⵄⵅⵇⵉⵊⵍⵎⵏⵓⵔⵕⵖⵙⵚⵛⵜⵟⵡⵢⵣⵥ";

/// What an invented person is called and has; each value is nowhere else.
pub struct Person {
    pub cin: String,
    pub family: String,
    pub street: String,
    pub arabic: String,
    /// What the source names the push by.
    pub key: String,
    given: String,
    tifinagh: String,
    email: String,
    birth_date: jiff::civil::Date,
    phones: [String; 3],
    password: String,
    skill: String,
    summary: String,
    employer: String,
    title: String,
    unknown_name: String,
    unknown_code: String,
    source_id: String,
    /// What files are called and hold.
    pub picture: String,
}

impl Person {
    pub fn invented(random: &mut StdRng) -> Self {
        let mut letters = |alphabet: &str, length: usize| {
            let alphabet: Vec<char> = alphabet.chars().collect();
            (0..length).map(|_| alphabet[random.random_range(0..alphabet.len())]).collect::<String>()
        };
        let mut word = |name: &str| format!("Zq{name}{}", letters("abcdefghijklmnopqrstuvwxyz", 8));
        Self {
            family: word("Family"),
            given: word("Given"),
            street: word("Street"),
            email: word("Mail"),
            key: word("Key"),
            password: word("Password"),
            skill: word("Skill"),
            // In base64 the two alphabets differ here.
            summary: format!("{}?>>??~~", word("Summary")),
            employer: word("Employer"),
            title: word("Title"),
            unknown_name: word("Name"),
            unknown_code: word("Code"),
            source_id: word("Id"),
            picture: word("Picture"),
            cin: format!("ZM{}", letters("123456789", 7)),
            arabic: letters(ARABIC, 10),
            tifinagh: letters(TIFINAGH, 10),
            phones: ["6", "7", "5"].map(|first| format!("{first}{}", letters("0123456789", 8))),
            birth_date: jiff::civil::date(random.random_range(1901..1915), 11, random.random_range(10..28)),
        }
    }

    /// Everything that must be found nowhere.
    pub fn markers(&self) -> Vec<String> {
        let words = [
            &self.cin,
            &self.family,
            &self.given,
            &self.street,
            &self.arabic,
            &self.tifinagh,
            &self.email,
            &self.key,
            &self.password,
            &self.skill,
            &self.summary,
            &self.employer,
            &self.title,
            &self.unknown_name,
            &self.unknown_code,
            &self.source_id,
            &self.picture,
        ];
        let dates = ["%d-%m-%Y", "%Y-%m-%d"].map(|form| self.birth_date.strftime(form).to_string());
        words.into_iter().cloned().chain(self.phones.clone()).chain(dates).collect()
    }

    /// As `anapec-rest` has it.
    pub fn jobseeker(&self, skills: &str) -> Value {
        let Self { arabic, tifinagh, skill, summary, title, employer, unknown_code, .. } = self;
        json!({
            "chercheur": {
                "cin": self.cin, "nom_candidat": self.family, "prenom": self.given, "nationalite": 0, "sexe": "F",
                "date_naissance": self.birth_date.strftime("%d-%m-%Y").to_string(), "ville_id": 11,
                "adresse": format!("12 rue {}, {arabic}", self.street), "e_mail": format!("{}@example.org", self.email),
                "n_gsm": format!("0{}", self.phones[0]), "n_gsm2": format!("+212{}", self.phones[1]),
                "tel": format!("0{}", self.phones[2]), "password": self.password, "situation_p_r_emploi": unknown_code,
                "situation_familiale": unknown_code, "handicape": "oui", "nature_handicape": summary,
                "competences_specifiques": format!("{skills}, {skill}, {tifinagh}"), "activites_extra_pro": arabic,
                self.unknown_name.as_str(): summary,
            },
            "diplomes": [{"diplome_id": 44, "date_optention": title, "commentaire": format!("{summary} {tifinagh}")}],
            "experiences": [{
                "date_debut": "01-09-2023", "ce_jour": 1, "employeur": employer, "intitule_poste": title,
                "commentaire": format!("{summary} {arabic}"), "duree_experience_id": unknown_code,
            }],
            "langues": [{"competence_linguistique_id": 1, "niveau": unknown_code}],
            "emplois_metiers": [{"emploi_metier_id": 55511}],
            self.unknown_name.as_str(): [summary],
        })
    }

    /// What an employer makes of the profile.
    pub fn selected(&self, profile: &str) -> PlatformEvent {
        PlatformEvent {
            id: self.source_id.clone(),
            happened: "selected",
            profile: profile.to_owned(),
            at: self.birth_date.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp(),
            employer: self.employer.clone(),
            stage: self.title.clone(),
        }
    }

    /// As `hropen-json` has it, with files that lie there.
    pub fn candidate(&self, origin: &str) -> Value {
        let Self { arabic, tifinagh, family, given, summary, title, .. } = self;
        json!({
            "documentId": {"value": self.source_id},
            "alternateIds": [{"schemeId": "some-ats", "value": self.source_id}],
            "person": {
                "name": {"formattedName": format!("{given} {family}"), "given": given, "family": family},
                "alternateNames": [{"script": "Arab", "given": arabic}, {"script": "Tfng", "given": tifinagh}],
                "communication": {
                    "address": [{"countryCode": "MA", "city": self.street, "line": format!("12 {}", self.street)}],
                    "phone": [{"useCode": "mobile", "formattedNumber": format!("+212{}", self.phones[0])}],
                    "email": [{"useCode": "private", "address": format!("{}@example.org", self.email)}],
                    "web": [{"name": "LinkedIn", "url": format!("https://www.linkedin.com/in/{}", self.key)}],
                },
                "birthDate": self.birth_date.to_string(), "gender": "Female", "nationality": ["MA"],
            },
            "profiles": [{
                "languageCode": "ar", "profileName": title, "objective": arabic,
                "executiveSummary": format!("<p>{summary} {tifinagh}</p>"),
                "employment": [{
                    "organization": {"name": self.employer}, "start": "2016-05", "current": true,
                    "positionHistories": [{"title": title}],
                }],
                "attachments": [
                    {"purpose": "picture", "url": format!("{origin}/{}.png", self.picture)},
                    {"purpose": "video_cv", "url": format!("{origin}/{}.mp4", self.picture)},
                    {"purpose": "diploma", "url": format!("{origin}/{}.pdf", self.picture)},
                    {"purpose": "certificate", "url": format!("{origin}/{}.html", self.picture)},
                    {"purpose": "certificate", "url": format!("https://127.0.0.1/{}.pdf", self.picture)},
                    {"purpose": "certificate", "url": format!("{origin}/{}.slow", self.picture)},
                ],
                self.unknown_name.as_str(): summary,
            }],
        })
    }
}
