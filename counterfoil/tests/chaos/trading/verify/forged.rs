//! The verifier can fail.
