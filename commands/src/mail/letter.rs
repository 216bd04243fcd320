//! What the mails say, in the languages of the house: plain text, short, and no more of the person than their username.
//!
//! A token stands in the fragment of a link only: a browser keeps that to itself, so it is in no server's log and no
//! referrer. A line with a link holds nothing else, so that no program breaks it.

use super::kind::MailKind;
use super::token::MailToken;
use crate::vault::ApiKeyText;
use domain::user::Locale;
use domain::{ApiKeyId, Timestamp, Zone};

#[derive(Debug)]
pub(super) struct Letter {
    pub(super) subject: &'static str,
    pub(super) text: String,
}

/// What a text is filled with.
#[derive(Debug)]
pub(super) struct Facts<'a> {
    pub(super) username: &'a str,
    /// Without a slash at its end.
    pub(super) public_url: &'a str,
    pub(super) token: Option<&'a MailToken>,
    /// When what it tells of happened, or is going to.
    pub(super) at: Option<Timestamp>,
    /// Whose clocks it is told by.
    pub(super) zone: Zone,
    /// The key it is about.
    pub(super) api_key: Option<ApiKeyId>,
}

pub(super) fn write(kind: MailKind, locale: Locale, facts: &Facts<'_>) -> Letter {
    let (subject, body) = match locale {
        Locale::En => english(kind, facts),
        Locale::Uk => ukrainian(kind, facts),
    };
    let username = facts.username;
    let text = match locale {
        Locale::En => format!("Hello {username},\n\n{body}\n\n-- \nCounterfoil\n{}\n", facts.public_url),
        Locale::Uk => format!("Вітаємо, {username}!\n\n{body}\n\n-- \nCounterfoil\n{}\n", facts.public_url),
    };
    Letter { subject, text }
}

fn english(kind: MailKind, facts: &Facts<'_>) -> (&'static str, String) {
    let when = facts.when();
    match kind {
        MailKind::VerifyEmail => (
            "Confirm your e-mail address",
            format!(
                "Open this link to confirm that this address is yours. It is good for 24 hours.\n\n{}\n\n\
                 If you have not registered, do nothing.",
                facts.link("verify")
            ),
        ),
        MailKind::VerifyNewEmail => (
            "Confirm your new e-mail address",
            format!(
                "Open this link to make this the address of your account. It is good for 24 hours.\n\n{}\n\n\
                 Until then everything stays as it is. If you have not asked for it, do nothing.",
                facts.link("verify")
            ),
        ),
        MailKind::EmailChangeAsked => (
            "Your e-mail address is about to change",
            format!(
                "Somebody who is signed in to your account asked on {when} to change its e-mail address.\n\
                 It changes when the new address is confirmed.\n\n\
                 If that was not you, change your password now: it ends all other sessions."
            ),
        ),
        MailKind::EmailChanged => (
            "Your e-mail address was changed",
            format!(
                "The e-mail address of your account was changed on {when}. This one is not used any more.\n\n\
                 If that was not you, get in touch with whoever runs this service."
            ),
        ),
        MailKind::ResetPassword => (
            "Reset your password",
            format!(
                "Open this link to choose a new password. It is good for 30 minutes, once.\n\n{}\n\n\
                 If you have not asked for it, do nothing: your password stays as it is.",
                facts.link("reset")
            ),
        ),
        MailKind::PasswordChanged => (
            "Your password was changed",
            format!(
                "Your password was changed on {when}, and other sessions were ended.\n\
                 If it was reset by mail, your API keys are off until you switch them on again.\n\n\
                 If that was not you, reset your password now."
            ),
        ),
        MailKind::TokenReused => (
            "A session of yours was ended: somebody may have copied it",
            format!(
                "On {when} a sign-in of yours was used from two places with the same key, which happens when it was\n\
                 copied. We ended that session.\n\n\
                 Sign in again, look at your other sessions, and change your password if anything is strange."
            ),
        ),
        MailKind::ApiKeyCreated => (
            "A new API key for your account",
            format!(
                "An API key was made for your account on {when}.\n\n\
                 If that was not you, revoke it and change your password now."
            ),
        ),
        MailKind::ApiKeyExpires => ("An API key of your account is about to expire", key_expires(facts)),
        MailKind::SessionHalted => ("A trading session of yours was halted", halted(&when)),
    }
}

fn ukrainian(kind: MailKind, facts: &Facts<'_>) -> (&'static str, String) {
    let when = facts.when();
    match kind {
        MailKind::VerifyEmail => (
            "Підтвердьте свою електронну адресу",
            format!(
                "Відкрийте це посилання, щоб підтвердити, що ця адреса ваша. Воно дійсне 24 години.\n\n{}\n\n\
                 Якщо ви не реєструвалися, нічого не робіть.",
                facts.link("verify")
            ),
        ),
        MailKind::VerifyNewEmail => (
            "Підтвердьте нову електронну адресу",
            format!(
                "Відкрийте це посилання, щоб ця адреса стала адресою вашого облікового запису. Воно дійсне 24 години.\
                 \n\n{}\n\nДо того все лишається як є. Якщо ви про це не просили, нічого не робіть.",
                facts.link("verify")
            ),
        ),
        MailKind::EmailChangeAsked => (
            "Вашу електронну адресу хочуть змінити",
            format!(
                "{when} хтось, хто увійшов до вашого облікового запису, попросив змінити його електронну адресу.\n\
                 Вона зміниться, коли нову адресу буде підтверджено.\n\n\
                 Якщо це були не ви, негайно змініть пароль: це завершить усі інші сеанси."
            ),
        ),
        MailKind::EmailChanged => (
            "Вашу електронну адресу змінено",
            format!(
                "{when} електронну адресу вашого облікового запису змінено. Ця більше не використовується.\n\n\
                 Якщо це були не ви, зверніться до тих, хто підтримує цей сервіс."
            ),
        ),
        MailKind::ResetPassword => (
            "Відновлення пароля",
            format!(
                "Відкрийте це посилання, щоб обрати новий пароль. Воно дійсне 30 хвилин і лише один раз.\n\n{}\n\n\
                 Якщо ви про це не просили, нічого не робіть: пароль лишається той самий.",
                facts.link("reset")
            ),
        ),
        MailKind::PasswordChanged => (
            "Ваш пароль змінено",
            format!(
                "{when} ваш пароль було змінено, інші сеанси завершено.\n\
                 Якщо його відновлено листом, ваші ключі API вимкнено, доки ви не ввімкнете їх знову.\n\n\
                 Якщо це були не ви, негайно відновіть пароль."
            ),
        ),
        MailKind::TokenReused => (
            "Ваш сеанс завершено: можливо, його хтось скопіював",
            format!(
                "{when} одним вашим сеансом скористалися з двох місць з тим самим ключем; так буває, коли його\n\
                 скопіювали. Ми завершили цей сеанс.\n\n\
                 Увійдіть знову, перегляньте інші сеанси і змініть пароль, якщо щось здається дивним."
            ),
        ),
        MailKind::ApiKeyCreated => (
            "Новий ключ API для вашого облікового запису",
            format!(
                "{when} для вашого облікового запису створено ключ API.\n\n\
                 Якщо це були не ви, відкличте його і негайно змініть пароль."
            ),
        ),
        MailKind::ApiKeyExpires => ("Термін дії вашого ключа API спливає", key_expires_uk(facts)),
        MailKind::SessionHalted => ("Вашу торгову сесію призупинено", halted_uk(&when)),
    }
}

fn key_expires(facts: &Facts<'_>) -> String {
    format!(
        "The API key that begins with {}\n\
         expires on {}. Programs that use it are refused from then on.\n\n\
         If it is still needed, give it a later expiry, or make another one and put it in its place.",
        facts.key(),
        facts.when()
    )
}

fn key_expires_uk(facts: &Facts<'_>) -> String {
    format!(
        "Ключ API, що починається з {},\n\
         діє до {}. Після цього програмам, які ним користуються, буде відмовлено.\n\n\
         Якщо він ще потрібен, подовжте його дію або створіть інший ключ і замініть його.",
        facts.key(),
        facts.when()
    )
}

fn halted(when: &str) -> String {
    format!(
        "On {when} a trading session of yours passed a limit that you set, or could not go on safely. It keeps\n\
         what it holds and takes no new risk until you resume it, or stop it.\n\n\
         To have no such mails, switch notifications off in your preferences."
    )
}

fn halted_uk(when: &str) -> String {
    format!(
        "{when} ваша торгова сесія перейшла встановлену вами межу або не могла безпечно тривати далі. Вона\n\
         зберігає те, що має, і не бере нового ризику, доки ви її не відновите або не зупините.\n\n\
         Щоб не отримувати таких листів, вимкніть сповіщення у своїх налаштуваннях."
    )
}

impl Facts<'_> {
    fn link(&self, action: &str) -> String {
        let token = self.token.map(MailToken::to_text).unwrap_or_default();
        format!("{}/#{action}={token}", self.public_url)
    }

    /// What the owner can tell their keys apart by, and nobody can use.
    fn key(&self) -> String {
        self.api_key.map(ApiKeyText::prefix).unwrap_or_default()
    }

    /// To the minute: nobody reads more.
    fn when(&self) -> String {
        let Some(at) = self.at.map(|at| self.zone.show(at)) else { return String::new() };
        format!("{} {:02}:{:02} {}", at.date(), at.hour(), at.minute(), self.zone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::token::Purpose;
    use domain::UserId;
    use uuid::Uuid;

    const KINDS: [MailKind; 10] = [
        MailKind::VerifyEmail,
        MailKind::VerifyNewEmail,
        MailKind::EmailChangeAsked,
        MailKind::EmailChanged,
        MailKind::ResetPassword,
        MailKind::PasswordChanged,
        MailKind::TokenReused,
        MailKind::ApiKeyCreated,
        MailKind::ApiKeyExpires,
        MailKind::SessionHalted,
    ];

    #[test]
    fn a_token_stands_in_a_fragment_alone_on_its_line() {
        let token = MailToken::generate(UserId(Uuid::nil()), Purpose::Reset).unwrap();
        for (locale, zone, time) in [
            (Locale::En, "UTC", "2025-11-21 11:00 UTC"),
            (Locale::Uk, "Europe/Kyiv", "2025-11-21 13:00 Europe/Kyiv"),
        ] {
            for kind in KINDS {
                let facts = Facts {
                    username: "ada",
                    public_url: "https://money.example",
                    token: Some(&token),
                    at: Some(Timestamp::from_micros(1_763_722_800_000_000)),
                    zone: Zone::named(zone).unwrap(),
                    api_key: Some(ApiKeyId(Uuid::nil())),
                };
                let text = write(kind, locale, &facts).text;
                assert!(text.contains("ada"));
                for line in text.lines().filter(|line| line.contains("cfm_")) {
                    let rest = line.strip_prefix("https://money.example/#").unwrap();
                    assert!(rest.ends_with(&token.to_text()), "{line}");
                }
                let has_link = text.contains("cfm_");
                assert_eq!(has_link, kind.needs_active_account() && kind != MailKind::EmailChangeAsked);
                let happened = text.contains(time);
                assert_eq!(happened, !has_link, "{text}");
                assert_eq!(text.contains("cf_live_"), kind == MailKind::ApiKeyExpires);
            }
        }
    }
}
