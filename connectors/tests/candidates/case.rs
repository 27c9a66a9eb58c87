//! The vendors, and how they are read.

use std::{collections::BTreeMap, time::Duration};

use connectors::{
    BaseUrl,
    candidates::{CandidateAccount, CandidateReading, CandidateReadingSettings, stub::CandidateStub},
    poller::{Cursor, Host, Listed, Poller, Progress},
};

/// One vendor.
pub struct Case {
    pub name: &'static str,
    /// With the right key, and with another.
    pub account: fn(key: &str) -> CandidateAccount,
    /// Where a document says what its dialect maps to `reference`.
    pub reference: &'static str,
    /// Whether the list holds only a part of a candidate.
    pub has_details: bool,
    /// Whether the list is paged by cursors that can be forgotten.
    pub has_cursors: bool,
    /// What it says of its limit.
    pub pause: Option<Duration>,
}

pub const CASES: [Case; 5] = [
    Case {
        name: "teamtailor",
        account: |key| CandidateAccount::Teamtailor { api_key: key.into(), api_version: "20240404".to_owned() },
        reference: "/data/id",
        has_details: false,
        has_cursors: false,
        pause: Some(Duration::from_secs(7)),
    },
    Case {
        name: "smartrecruiters",
        account: |key| CandidateAccount::SmartRecruiters { token: key.into() },
        reference: "/id",
        has_details: true,
        has_cursors: true,
        pause: None,
    },
    Case {
        name: "recruitee",
        account: |key| CandidateAccount::Recruitee { company: "voorbeeld".to_owned(), token: key.into() },
        reference: "/candidate/id",
        has_details: true,
        has_cursors: false,
        pause: Some(Duration::from_secs(5)),
    },
    Case {
        name: "lever",
        account: |key| CandidateAccount::Lever { api_key: key.into() },
        reference: "/contact",
        has_details: false,
        has_cursors: true,
        pause: None,
    },
    Case {
        name: "greenhouse",
        account: |key| CandidateAccount::Greenhouse { api_key: key.into() },
        reference: "/id",
        has_details: false,
        has_cursors: false,
        pause: Some(Duration::from_secs(6)),
    },
];

pub const KEY: &str = "k3y";

impl Case {
    /// An account with so many candidates.
    pub async fn account(&self, candidates: usize) -> (CandidateStub, Vec<String>) {
        let stub = CandidateStub::start(&(self.account)(KEY), 11).await.unwrap();
        let ids = (0..candidates).map(|_| stub.add()).collect();
        (stub, ids)
    }

    pub fn reading(&self, stub: &CandidateStub, page_length: usize) -> CandidateReading {
        reading((self.account)(KEY), stub.base_url(), page_length)
    }
}

pub fn reading(account: CandidateAccount, base_url: BaseUrl, page_length: usize) -> CandidateReading {
    CandidateReading::new(CandidateReadingSettings {
        page_length,
        time_out: Duration::from_secs(10),
        ..CandidateReadingSettings::new(account, base_url)
    })
}

/// How often everybody is listed in one run.
pub async fn listings(reading: &CandidateReading, host: &dyn Host) -> BTreeMap<String, usize> {
    let (mut counts, mut cursor, mut runs) = (BTreeMap::new(), None::<Cursor>, Vec::new());
    loop {
        let page = reading.page(cursor.as_ref(), host).await.unwrap();
        for Listed { reference, mark } in page.listed {
            assert!(mark.is_some());
            *counts.entry(reference).or_default() += 1;
        }
        runs.push(page.run.unwrap());
        cursor = Some(page.next);
        if page.progress != Progress::More {
            assert_eq!(page.progress, Progress::Complete);
            assert!(runs.iter().all(|run| *run == runs[0]), "every page is of the same run");
            assert!(runs.len() > 1, "there were pages");
            return counts;
        }
    }
}
