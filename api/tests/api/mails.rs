//! Mails as their receivers see them.

use crate::house::House;
use std::fs;
use testkit::eventually;

/// One mail, taken apart.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    pub(crate) kind: String,
    pub(crate) to: String,
    pub(crate) text: String,
}

impl Mail {
    fn read(name: &str, text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let to = head.lines().find_map(|line| line.strip_prefix("To: ")).unwrap().to_owned();
        let kind = name.trim_end_matches(".eml").split_once('-').unwrap().1.to_owned();
        Self { kind, to, text: body.to_owned() }
    }

    /// What its link leads to: where, what for, and the token.
    pub(crate) fn link(&self) -> (String, String, String) {
        let line = self.text.lines().find(|line| line.contains("cfm_")).expect("a link");
        let (place, fragment) = line.split_once('#').unwrap();
        let (action, token) = fragment.split_once('=').unwrap();
        (place.to_owned(), action.to_owned(), token.to_owned())
    }

    pub(crate) fn token(&self) -> String {
        self.link().2
    }
}

impl House {
    /// Every mail that left, in the order they were wanted.
    pub(crate) fn mails(&self) -> Vec<Mail> {
        let Ok(entries) = fs::read_dir(&self.mail_dir) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| !name.starts_with('.'));
        names.sort_unstable();
        names
            .iter()
            .map(|name| Mail::read(name, &fs::read_to_string(self.mail_dir.join(name)).unwrap()))
            .collect()
    }

    fn mails_to(&self, address: &str, kind: &str) -> Vec<Mail> {
        self.mails().into_iter().filter(|mail| mail.to == address && mail.kind == kind).collect()
    }

    /// The newest of at least so many mails of a kind to an address.
    pub(crate) async fn mail_number(&self, count: usize, kind: &str, address: &str) -> Mail {
        eventually("the mail arrives", async || self.mails_to(address, kind).len() >= count).await;
        self.mails_to(address, kind).pop().unwrap()
    }

    pub(crate) async fn mail(&self, kind: &str, address: &str) -> Mail {
        self.mail_number(1, kind, address).await
    }

    /// Waits until every event has been looked at and no mail is wanted any more, but what is to leave another day.
    pub(crate) async fn no_mail_is_under_way(&self) {
        eventually("the outbox is empty", async || {
            sqlx::query_scalar::<_, bool>(
                "select not exists (select from outbox where due_at < now() + interval '1 day') and m.position = h.position \
                 from mailer_checkpoint m, journal_head h",
            )
            .fetch_one(self.journal.pool())
            .await
            .unwrap()
        })
        .await;
    }

    /// Makes the tokens of a kind so old that they are not good any more.
    pub(crate) async fn expire_tokens(&self, kind: &str) {
        let expired = sqlx::query(
            "update secrets set value = convert_to(jsonb_set(convert_from(value, 'utf8')::jsonb, '{expires_at}', \
                 '\"2020-01-01T00:00:00Z\"')::text, 'utf8') where kind = $1",
        )
        .bind(kind)
        .execute(self.journal.pool())
        .await
        .unwrap();
        assert!(expired.rows_affected() > 0);
    }
}
