//! What can end a benchmark early. Each error names what was being done.

use std::io;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    #[error("{doing}: {source}")]
    Io { doing: String, source: io::Error },
    #[error("{doing}: {source}")]
    Json { doing: String, source: serde_json::Error },
    #[error("{doing}: {source}")]
    Database { doing: String, source: sqlx::Error },
    #[error("{program} is not where it was looked for: {}", path.display())]
    Missing { program: &'static str, path: PathBuf },
    #[error("{program} ended with {status}; its last words: {words}")]
    Ended { program: String, status: String, words: String },
    #[error("{what} took longer than {seconds} s")]
    TooSlow { what: String, seconds: u64 },
    #[error("{request} was answered {status}: {body}")]
    Answer { request: String, status: u16, body: String },
    #[error("{0}")]
    Unusable(String),
}

pub(crate) type Result<T> = std::result::Result<T, BenchError>;

/// Says what was being done when a lower layer failed.
pub(crate) trait Doing<T> {
    fn doing(self, what: impl Into<String>) -> Result<T>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, what: impl Into<String>) -> Result<T> {
        self.map_err(|source| BenchError::Io { doing: what.into(), source })
    }
}

impl<T> Doing<T> for serde_json::Result<T> {
    fn doing(self, what: impl Into<String>) -> Result<T> {
        self.map_err(|source| BenchError::Json { doing: what.into(), source })
    }
}

impl<T> Doing<T> for std::result::Result<T, sqlx::Error> {
    fn doing(self, what: impl Into<String>) -> Result<T> {
        self.map_err(|source| BenchError::Database { doing: what.into(), source })
    }
}
