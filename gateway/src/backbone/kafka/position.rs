//! Positions on Kafka: partition and offset in one number, so that positions of one partition compare as they were written.
//!
//! An entity is always in the same partition; positions of two partitions say nothing about each other.

use schemas::{EntityKey, Position};

/// Bits of a position's offset that hold the partition.
const PARTITION_BITS: u32 = 10;
const PARTITION_MASK: i64 = (1 << PARTITION_BITS) - 1;

/// The position of a record.
pub fn position(generation: i64, partition: i32, offset: i64) -> Position {
    // One more than Kafka's offset: 0 stands for a place before every record.
    Position { generation, offset: ((offset + 1) << PARTITION_BITS) | i64::from(partition) }
}

/// The partition that a position lies in.
pub fn partition_of(position: Position) -> usize {
    usize::try_from(position.offset & PARTITION_MASK).unwrap_or(0)
}

/// Kafka's offset of the record at a position of a partition; below 0 if none can be there.
pub fn offset_of(position: Position) -> i64 {
    (position.offset >> PARTITION_BITS) - 1
}

/// Kafka's offset of the first record of a partition that lies above a position.
pub fn offset_above(position: Position, partition: i32) -> i64 {
    (position.offset - i64::from(partition)).max(0) >> PARTITION_BITS
}

/// The position below which everything is done, if Kafka's next offset is that.
pub fn position_before(generation: i64, partition: i32, next: i64) -> Position {
    if next <= 0 { Position { generation, offset: 0 } } else { position(generation, partition, next - 1) }
}

/// The partition of an entity: its key as a number, spread over all of them.
pub fn partition_for(entity: EntityKey, partitions: u32) -> u32 {
    u32::try_from(entity.as_uuid().as_u128() % u128::from(partitions.max(1))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_of_a_partition_compare_as_offsets_do() {
        for partition in [0, 1, 1_023] {
            let [first, second] = [0, 1].map(|offset| position(2, partition, offset));
            assert!(first < second && first.offset > 0);
            assert_eq!((partition_of(second), offset_of(second)), (usize::try_from(partition).unwrap(), 1));
            assert_eq!(offset_above(second, partition), 2);
            let just_below = Position { offset: second.offset - 1, ..second };
            assert_eq!(offset_above(just_below, partition), 1, "the record at the position is not done");
            assert_eq!(position_before(2, partition, 2), second);
        }
        assert_eq!(position_before(2, 5, 0).offset, 0);
    }
}
