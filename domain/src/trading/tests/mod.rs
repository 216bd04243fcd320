//! The rules of a session, as sentences.
