//! Who wants mails and who sends them, in a process that follows events.

use super::{AppError, Ground, Signs, endless};
use crate::config::{Leaves, MailConfig};
use crate::serve::base_url;
use commands::Commands;
use commands::mail::{Courier, CourierOptions, FilePost, Mailer, Post, SmtpPost};
use std::net::SocketAddr;

impl Ground {
    /// Mails for what happens, until it is asked to stop; and all that others want.
    pub(super) fn start_mail(
        &self,
        config: &MailConfig,
        listen: SocketAddr,
        commands: &Commands,
        signs: &mut Signs,
    ) -> Result<(), AppError> {
        let public_url = config.public_url.clone().unwrap_or_else(|| base_url(listen));
        let post: Box<dyn Post> = match &config.leaves {
            Leaves::Smtp { url } => {
                if config.public_url.is_none() {
                    tracing::warn!(
                        event = "public_url_missing",
                        links_lead_to = public_url,
                        "set COUNTERFOIL_PUBLIC_URL, or the links in mails lead nowhere"
                    );
                }
                Box::new(SmtpPost::new(url)?)
            }
            Leaves::Files { directory } => {
                tracing::info!(event = "mail_to_files", directory = %directory.display());
                Box::new(FilePost::new(directory))
            }
        };
        let options = CourierOptions { from: config.from.clone(), public_url };
        let courier = Courier::new(commands, post, options);
        self.supervisor.start("courier", |stop| endless(courier.run(stop)));
        let mailer = Mailer::follow(commands, self.feed());
        signs.mailer = Some(mailer.status());
        self.supervisor.start("mailer", |stop| endless(mailer.run(stop)));
        Ok(())
    }
}
