//! EURES, the network of the European employment services: pulls vacancies from each national service.

pub mod stub;
