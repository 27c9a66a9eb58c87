//! Actiris, the public employment service of Brussels: takes vacancies in HR-XML.
//!
//! That it takes HR-XML is known (its pages say so); neither which nor how is public. **Our profile**: HR-XML 2.5 by
//! [`crate::rest`].

pub mod stub;
