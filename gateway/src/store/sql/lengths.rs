//! Lists of few different lengths: every length is a statement of its own, which a connection prepares and keeps.

use std::iter::repeat_n;

/// A list made as long as a power of two by its last item, for whom it is all the same how often that is asked for.
pub(super) fn padded<T>(items: &[T]) -> impl Iterator<Item = &T> {
    let missing = items.len().next_power_of_two() - items.len();
    items.iter().chain(items.last().into_iter().flat_map(move |last| repeat_n(last, missing)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_padded_list_is_as_long_as_a_power_of_two_and_asks_for_nothing_else() {
        assert_eq!(padded::<usize>(&[]).count(), 0);
        for count in 1..100 {
            let items: Vec<usize> = (0..count).collect();
            let padded: Vec<usize> = padded(&items).copied().collect();
            assert!(padded.len().is_power_of_two() && padded.starts_with(&items));
            assert!(padded.iter().all(|item| items.contains(item)));
        }
    }
}
