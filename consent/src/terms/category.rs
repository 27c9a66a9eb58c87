//! What each category wants before it goes. The categories themselves are those of the canonical model
//! ([`schemas::Category`]): every field of a personal kind has one, and a field of none is denied.
//!
//! Three of them nobody is asked about as of the others: `record` says nothing of the person and is never asked for (what
//! goes has a name and a status, and alone they are nothing); `attachments` may say anything, so that they are treated
//! as the strictest of what they may hold; `service_file` stays between public services.

use schemas::Category;

use super::{Role, Stage};

/// Whether a request may ask for it at all.
pub fn may_be_asked_for(category: Category) -> bool {
    category != Category::Record
}

/// Whether a permission must name it: leaving categories out means all of the plain ones, never these.
pub fn wants_own_tick(category: Category) -> bool {
    !matches!(
        category,
        Category::Profile
            | Category::Skills
            | Category::Languages
            | Category::Education
            | Category::Employment
            | Category::Intro
    )
}

/// Whether the person must have consented explicitly.
pub fn wants_explicit_consent(category: Category) -> bool {
    matches!(category, Category::Restricted | Category::Attachments)
}

/// Whether an organisation of that kind may have it at all, whatever a permission says.
pub fn may_be_permitted_to(category: Category, role: Role) -> bool {
    category != Category::ServiceFile || role == Role::PublicService
}

/// From which stage on an employer may have it, unless the permission itself says from when.
pub fn first_stage_for_employers(category: Category) -> Option<Stage> {
    match category {
        Category::Contact | Category::Identity => Some(Stage::Presented),
        Category::BirthDate | Category::Attachments => Some(Stage::ContractSigned),
        _ => None,
    }
}
