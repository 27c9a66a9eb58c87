//! Moves bytes to and from partners, and plays them in tests.
