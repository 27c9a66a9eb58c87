//! A matching platform that pulls talent profiles: our feed, page by page, in our dialect `matching-platform`.

pub mod stub;
