//! Where mails go, who they are from, and where their links lead.

use super::{BadConfig, MailFlags, Which, read};
use commands::mail::{Mailbox, SmtpPost};
use std::fmt;
use std::path::PathBuf;

#[derive(Debug)]
pub struct MailConfig {
    pub leaves: Leaves,
    pub from: Mailbox,
    /// Where we are served, if nothing is said.
    pub public_url: Option<String>,
}

/// How mails leave.
pub enum Leaves {
    /// The URL holds a password: this is never printed.
    Smtp { url: String },
    /// As files, for who develops.
    Files { directory: PathBuf },
}

impl MailConfig {
    pub(super) fn read(flags: &MailFlags, data_dir: &str, servers: &Which) -> Result<Self, BadConfig> {
        let smtp_url = read::optional(flags.smtp_url.as_deref());
        let from = read::optional(flags.mail_from.as_deref());
        let public_url = read::optional(flags.public_url.as_deref());
        let leaves = if let Some(url) = smtp_url {
            // The URL holds a password, so the complaint does not repeat it.
            SmtpPost::new(url)
                .map_err(|error| BadConfig(format!("COUNTERFOIL_SMTP_URL cannot be read: {error}")))?;
            Leaves::Smtp { url: url.to_owned() }
        } else {
            let place = match servers {
                Which::Embedded { data_dir } => data_dir.clone(),
                Which::Given { .. } => PathBuf::from(data_dir),
            };
            Leaves::Files { directory: place.join("outbox") }
        };
        Ok(Self {
            leaves,
            from: sender(from.unwrap_or("Counterfoil <no-reply@localhost>"))?,
            public_url: public_url.map(web_address).transpose()?,
        })
    }
}

fn sender(text: &str) -> Result<Mailbox, BadConfig> {
    let mend = "use an address, or a name and an address: Counterfoil <no-reply@example.com>";
    text.parse().map_err(|_| read::bad("COUNTERFOIL_MAIL_FROM", text, "no sender", mend))
}

fn web_address(text: &str) -> Result<String, BadConfig> {
    let mend = "use https://host, perhaps with a port and a path, and nothing after it";
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let is_plain = |rest: &str| !rest.starts_with('/') && rest.bytes().all(|b| b.is_ascii_graphic());
    let rest = rest.filter(|rest| !rest.is_empty() && is_plain(rest) && !rest.contains(['?', '#', '@']));
    match rest {
        Some(_) => Ok(text.trim_end_matches('/').to_owned()),
        None => Err(read::bad("COUNTERFOIL_PUBLIC_URL", text, "no address of a site", mend)),
    }
}

impl fmt::Debug for Leaves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Smtp { .. } => f.debug_struct("Smtp").finish_non_exhaustive(),
            Self::Files { directory } => f.debug_struct("Files").field("directory", directory).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(smtp_url: &str, from: &str, public_url: &str) -> Result<MailConfig, String> {
        let set = |text: &str| Some(text.to_owned());
        let flags = MailFlags { smtp_url: set(smtp_url), mail_from: set(from), public_url: set(public_url) };
        let servers = Which::Embedded { data_dir: "./data".into() };
        MailConfig::read(&flags, "./data", &servers).map_err(|error| error.to_string())
    }

    #[test]
    fn without_a_server_for_it_mail_goes_to_files() {
        let mail = read("", "", "").unwrap();
        assert!(matches!(mail.leaves, Leaves::Files { ref directory } if directory.ends_with("data/outbox")));
        assert_eq!(mail.public_url, None);
    }

    #[test]
    fn with_a_server_it_leaves_by_that() {
        let url = "smtps://user:hidden@mail.example:465";
        let mail = read(url, "Money <a@a.example>", "https://a.example/money/").unwrap();
        assert!(matches!(mail.leaves, Leaves::Smtp { .. }));
        assert_eq!(mail.public_url.as_deref(), Some("https://a.example/money"));
        assert!(!format!("{mail:?}").contains("hidden"));
    }

    #[test]
    fn a_bad_mail_setting_is_named_without_its_password() {
        let broken = read("http://user:hidden@mail.example", "a@a.example", "https://a.example").unwrap_err();
        assert!(broken.starts_with("COUNTERFOIL_SMTP_URL cannot be read") && !broken.contains("hidden"));
        assert!(read("", "nobody", "").unwrap_err().contains("which is no sender"));
        for bad in
            ["a.example", "ftp://a.example", "https://", "https:///x", "https://a.example/#x", "https://a b"]
        {
            assert!(read("", "", bad).unwrap_err().contains("no address of a site"), "{bad}");
        }
    }
}
