//! Lists of few different lengths: every length is a statement of its own, which a connection prepares and keeps.

use std::iter::repeat_n;

/// A list in pieces, each as long as a power of two and at most so long.
pub(super) fn pieces<T>(mut rows: &[T], longest: usize) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let length = 1 << rows.len().min(longest).checked_ilog2()?;
        let (piece, rest) = rows.split_at(length);
        rows = rest;
        Some(piece)
    })
}

/// A list made as long as a power of two by its last item, for whom it is all the same how often that is asked for.
pub(super) fn padded<T>(items: &[T]) -> impl Iterator<Item = &T> {
    let missing = items.len().next_power_of_two() - items.len();
    items.iter().chain(items.last().into_iter().flat_map(move |last| repeat_n(last, missing)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_and_paddings_are_powers_of_two_and_leave_nothing_out() {
        for count in 0..100 {
            let rows: Vec<usize> = (0..count).collect();
            assert!(pieces(&rows, 32).all(|piece| piece.len().is_power_of_two() && piece.len() <= 32));
            assert_eq!(pieces(&rows, 32).collect::<Vec<_>>().concat(), rows);
            let padded: Vec<usize> = padded(&rows).copied().collect();
            assert!(count == 0 || padded.len().is_power_of_two());
            assert!(padded.starts_with(&rows) && padded.iter().all(|item| *item < count));
        }
    }
}
