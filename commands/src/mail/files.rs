//! Mails as files in a directory, one each: for development, and for tests to read. They hold tokens, so they are for
//! their owner's eyes only.

use super::post::{Parcel, Post, PostError};
use async_trait::async_trait;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tokio::fs;
use tokio::io::AsyncWriteExt;

#[derive(Clone, Debug)]
pub struct FilePost {
    directory: PathBuf,
}

impl FilePost {
    /// The directory is made with the first mail.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into() }
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    async fn write(&self, name: &str, bytes: &[u8]) -> std::io::Result<()> {
        fs::create_dir_all(&self.directory).await?;
        fs::set_permissions(&self.directory, Permissions::from_mode(0o700)).await?;
        // Under another name first: whoever sees the file sees all of it.
        let unfinished = self.directory.join(format!(".{name}"));
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&unfinished)
            .await?;
        file.write_all(bytes).await?;
        file.flush().await?;
        fs::rename(&unfinished, self.directory.join(name)).await
    }
}

#[async_trait]
impl Post for FilePost {
    async fn send(&self, parcel: &Parcel) -> Result<(), PostError> {
        let name = format!("{:08}-{}.eml", parcel.number, parcel.kind.as_str());
        let written = self.write(&name, &parcel.message.formatted()).await;
        written.map_err(|error| PostError(format!("file: {}", error.kind())))
    }
}
