//! NACE Rev. 2 as EURES writes it: section, division, group and class as `C33.1.7` (BR-COM-20, list CL31).
//!
//! Source: Regulation (EC) No 1893/2006, Annex I.

/// The divisions with their section; of each, the groups with their classes: `12` is class .1.2, so `1234 20` is
/// group .1 with classes .1.2, .1.3 and .1.4, and group .2 with class .2.0.
#[rustfmt::skip]
const DIVISIONS: [(&str, &str); 88] = [
    ("A1", "11234569 2123456789 30 412345679 50 61234 70"), ("A2", "10 20 30 40"), ("A3", "112 212"), ("B5", "10 20"),
    ("B6", "10 20"), ("B7", "10 219"), ("B8", "112 91239"), ("B9", "10 90"),
    ("C10", "1123 20 3129 412 512 612 7123 81234569 912"), ("C11", "01234567"), ("C12", "00"),
    ("C13", "10 20 30 91234569"), ("C14", "112349 20 319"), ("C15", "112 20"), ("C16", "10 212349"),
    ("C17", "112 212349"), ("C18", "11234 20"), ("C19", "10 20"), ("C20", "11234567 20 30 412 51239 60"),
    ("C21", "10 20"), ("C22", "119 21239"), ("C23", "112349 20 312 412349 512 6123459 70 919"),
    ("C24", "10 20 31234 4123456 51234"), ("C25", "112 219 30 40 50 612 7123 912349"),
    ("C26", "112 20 30 40 512 60 70 80"), ("C27", "112 20 3123 40 512 90"), ("C28", "112345 2123459 30 419 91234569"),
    ("C29", "10 20 312"), ("C30", "112 20 30 40 9129"), ("C31", "01239"), ("C32", "1123 20 30 40 50 919"),
    ("C33", "112345679 20"), ("D35", "11234 2123 30"), ("E36", "00"), ("E37", "00"), ("E38", "112 212 312"),
    ("E39", "00"), ("F41", "10 20"), ("F42", "1123 212 919"), ("F43", "1123 2129 312349 919"),
    ("G45", "119 20 312 40"), ("G46", "1123456789 21234 3123456789 4123456789 512 61234569 71234567 90"),
    ("G47", "119 21234569 30 4123 512349 612345 7123456789 8129 919"), ("H49", "10 20 3129 412 50"),
    ("H50", "10 20 30 40"), ("H51", "10 212"), ("H52", "10 212349"), ("H53", "10 20"), ("I55", "10 20 30 90"),
    ("I56", "10 219 30"), ("J58", "112349 219"), ("J59", "11234 20"), ("J60", "10 20"), ("J61", "10 20 30 90"),
    ("J62", "01239"), ("J63", "112 919"), ("K64", "119 20 30 9129"), ("K65", "112 20 30"), ("K66", "1129 2129 30"),
    ("L68", "10 20 312"), ("M69", "10 20"), ("M70", "10 212"), ("M71", "112 20"), ("M72", "119 20"),
    ("M73", "112 20"), ("M74", "10 20 30 90"), ("M75", "00"), ("N77", "112 2129 3123459 40"), ("N78", "10 20 30"),
    ("N79", "112 90"), ("N80", "10 20 30"), ("N81", "10 2129 30"), ("N82", "119 20 30 9129"),
    ("O84", "1123 212345 30"), ("P85", "10 20 312 412 51239 60"), ("Q86", "10 2123 90"), ("Q87", "10 20 30 90"),
    ("Q88", "10 919"), ("R90", "01234"), ("R91", "01234"), ("R92", "00"), ("R93", "11239 219"),
    ("S94", "112 20 9129"), ("S95", "112 2123459"), ("S96", "012349"), ("T97", "00"), ("T98", "10 20"), ("U99", "00"),
];

/// Whether it is a section, division, group or class.
pub(in super::super) fn is_nace(code: &str) -> bool {
    let mut parts = code.split('.');
    let (division, group, class, rest) = (parts.next(), parts.next(), parts.next(), parts.next());
    let Some((_, groups)) = DIVISIONS.iter().find(|(name, _)| Some(*name) == division) else {
        return code.len() == 1 && DIVISIONS.iter().any(|(name, _)| name.starts_with(code));
    };
    let is_digit = |part: &str| part.len() == 1;
    match (group, class, rest) {
        (None, _, _) => true,
        (Some(group), None, _) => is_digit(group) && groups.split(' ').any(|classes| classes.starts_with(group)),
        (Some(group), Some(class), None) => {
            let found = groups.split(' ').find_map(|classes| classes.strip_prefix(group));
            is_digit(group) && is_digit(class) && found.is_some_and(|classes| classes.contains(class))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_complete() {
        let groups: usize = DIVISIONS.iter().map(|(_, groups)| groups.split(' ').count()).sum();
        let letters: usize = DIVISIONS.iter().map(|(_, groups)| groups.replace(' ', "").len()).sum();
        assert_eq!((DIVISIONS.len(), groups, letters - groups), (88, 272, 615));
    }

    #[test]
    fn every_level_is_a_code() {
        for code in ["C", "C33", "C33.1", "C33.1.7", "B9.1.0", "A1.1", "U99.0.0"] {
            assert!(is_nace(code), "{code}");
        }
        for code in ["", "c33", "33.1.7", "C33.1.8", "C33.17", "A01.1", "C9", "V", "C33.", "C33.1.7.1", "C33..7", "CC"]
        {
            assert!(!is_nace(code), "{code}");
        }
    }
}
