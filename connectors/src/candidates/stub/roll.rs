//! Who is in the account, and what was asked of it.

use std::time::Duration;

use super::person::Person;

/// The account.
#[derive(Debug)]
pub(super) struct Roll {
    seed: u64,
    /// Everybody who ever was, oldest first.
    pub(super) people: Vec<Person>,
    pub(super) violations: Vec<&'static str>,
    /// Let so many requests pass, then limit so many.
    pub(super) limited: Option<(u32, u32)>,
    pub(super) lead_to: Option<String>,
    /// The id that is asked for, and the one that is shown instead.
    pub(super) confused: Option<(String, String)>,
    pub(super) pages_by_cursor: bool,
    pub(super) epoch: u64,
    pub(super) list_delay: Duration,
    pub(super) lists: u64,
    pub(super) details: u64,
    pub(super) base_url: String,
}

impl Roll {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            people: Vec::new(),
            violations: Vec::new(),
            limited: None,
            lead_to: None,
            confused: None,
            pages_by_cursor: false,
            epoch: 0,
            list_delay: Duration::ZERO,
            lists: 0,
            details: 0,
            base_url: String::new(),
        }
    }

    pub(super) fn add(&mut self) -> Person {
        let person = Person::invent(self.seed, self.people.len() as u64 + 1);
        self.people.push(person.clone());
        person
    }

    /// Those who are there, oldest first.
    pub(super) fn present(&self) -> impl DoubleEndedIterator<Item = &Person> {
        self.people.iter().filter(|person| !person.is_gone)
    }

    /// The root of the addresses that are given: ours, or that of somebody else.
    pub(super) fn shown_root(&self) -> &str {
        self.lead_to.as_deref().unwrap_or(&self.base_url)
    }

    /// Whether this request is above the limit.
    pub(super) fn is_limited(&mut self) -> bool {
        match &mut self.limited {
            Some((0, 0)) | None => false,
            Some((0, left)) => {
                *left -= 1;
                true
            }
            Some((pass, _)) => {
                *pass -= 1;
                false
            }
        }
    }

    /// A cursor before a candidate's number; `forget` makes it worthless.
    pub(super) fn cursor(&self, number: u64) -> String {
        format!("e{}n{number}", self.epoch)
    }

    /// The number that a cursor of ours names.
    pub(super) fn number_of(&self, cursor: &str) -> Result<u64, &'static str> {
        let number = cursor.strip_prefix(&format!("e{}n", self.epoch)).and_then(|number| number.parse().ok());
        number.ok_or("the cursor is not known")
    }

    /// Those after a cursor, one more than the page holds, so that it is known whether there is another page.
    pub(super) fn after(&self, number: u64, length: usize) -> Vec<&Person> {
        self.present().filter(|person| person.number > number).take(length + 1).collect()
    }
}
