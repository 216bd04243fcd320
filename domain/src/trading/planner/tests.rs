//! The rules of planning, as sentences.
