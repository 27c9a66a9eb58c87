//! Invented people: the same seed gives the same.

use jiff::Timestamp;

use crate::revision;

/// The first candidate, 2026-01-05T08:00:00Z.
const BEGINNING: i64 = 1_767_600_000;
const GIVEN: [&str; 6] = ["Amina", "Joris", "Élodie", "Youssef", "Katrien", "Zoë"];
const FAMILY: [&str; 6] = ["Voorbeeld", "El Exempel", "D'Échantillon", "Van Proefdorp", "Muster", "Esempio-Test"];
const TRADES: [&str; 4] = ["Lasser MIG/MAG", "Infirmière", "Développeur & analyste", "Magazijnier <nacht>"];
const CITIES: [&str; 4] = ["Gent", "Liège", "Bruxelles", "Casablanca"];

/// One candidate.
#[derive(Debug, Clone)]
pub(super) struct Person {
    /// From 1.
    pub(super) number: u64,
    pub(super) revision: u64,
    pub(super) is_gone: bool,
    pub(super) is_spoiled: bool,
    pub(super) is_anonymised: bool,
    /// The number under which the person came first.
    contact: u64,
    choice: u64,
}

impl Person {
    pub(super) fn invent(seed: u64, number: u64) -> Self {
        let choice = mix(seed ^ mix(number));
        let (is_gone, is_spoiled, is_anonymised) = (false, false, false);
        Self { number, revision: 1, is_gone, is_spoiled, is_anonymised, contact: number, choice }
    }

    /// The same person once more.
    pub(super) fn again(&self, number: u64) -> Self {
        Self { number, ..self.clone() }
    }

    pub(super) fn given(&self) -> &'static str {
        pick(&GIVEN, self.choice)
    }

    pub(super) fn family(&self) -> &'static str {
        pick(&FAMILY, self.choice >> 8)
    }

    pub(super) fn full_name(&self) -> String {
        format!("{} {}", self.given(), self.family())
    }

    /// With the mark of the revision.
    pub(super) fn trade(&self) -> String {
        format!("{} {}", pick(&TRADES, self.choice >> 16), revision::mark(self.revision))
    }

    pub(super) fn city(&self) -> &'static str {
        pick(&CITIES, self.choice >> 24)
    }

    pub(super) fn email(&self) -> String {
        format!("candidate-{}@example.org", self.contact)
    }

    pub(super) fn telephone(&self) -> String {
        format!("+32 9 555 {:04}", self.contact % 10_000)
    }

    pub(super) fn created_at(&self) -> Timestamp {
        moment(self.number * 3_600)
    }

    pub(super) fn updated_at(&self) -> Timestamp {
        moment(self.number * 3_600 + self.revision * 60)
    }

    /// In the form of a UUID (version 8), one for each purpose.
    pub(super) fn uuid(&self, purpose: u64) -> String {
        let (a, b) = (mix(self.choice ^ purpose), mix(self.choice.rotate_left(7) ^ purpose));
        format!(
            "{:08x}-{:04x}-8{:03x}-9{:03x}-{:012x}",
            a >> 32,
            a & 0xffff,
            a >> 16 & 0xfff,
            b >> 48 & 0xfff,
            b & 0xffff_ffff_ffff
        )
    }
}

fn moment(seconds: u64) -> Timestamp {
    Timestamp::from_second(BEGINNING + i64::try_from(seconds).unwrap_or(0)).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn pick(from: &[&'static str], choice: u64) -> &'static str {
    from[usize::try_from(choice % from.len() as u64).unwrap_or(0)]
}

/// `SplitMix64`.
fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
