//! What others know somebody by: username, address, name.
//!
//! What is asked for is compared with what there is, so that asking for what is so already leaves no event. A name or an
//! address is claimed with the event that takes it, and the one before is free from then on.

use crate::envelope::{Beside, RequestKey};
use crate::vault::SealedAt;
use crate::{ClaimKind, Commands, Context, Done, Failure, NewClaim, Outcome};
use domain::user::{Person, User, UserCommand, UserStatus};
use domain::{DisplayName, Email, SealedIn, Timestamp, UserId, Username};

/// What is to be changed; what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProfileChange {
    pub username: Option<Username>,
    /// Takes the place of the one before at once, and is not verified.
    pub email: Option<Email>,
    pub name: Option<Naming>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Naming {
    To(DisplayName),
    Removed,
}

/// The personal values of somebody, opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlainProfile {
    pub username: Option<String>,
    pub email: Option<String>,
    pub name: Option<String>,
}

impl Commands {
    /// As the journal has them. Nothing, if there is no such user.
    pub async fn plain_profile(&self, user_id: UserId) -> Result<Option<PlainProfile>, Failure> {
        let mut loaded = self.journal().load::<User>(&[user_id.0]).await?;
        let user = loaded.remove(&user_id.0).map(|loaded| loaded.state).unwrap_or_default();
        match user.person().filter(|person| person.status != UserStatus::Erased) {
            Some(person) => Ok(Some(self.opened(person).await?)),
            None => Ok(None),
        }
    }

    pub(super) async fn opened(&self, person: &Person) -> Result<PlainProfile, Failure> {
        let fields = [
            ("username", Some(&person.username)),
            ("email", Some(&person.email)),
            ("name", person.name.as_ref()),
        ];
        let sealed: Vec<SealedAt<'_>> = fields
            .into_iter()
            .filter_map(|(field, value)| {
                let SealedIn { value: sealed, event_type } = value?;
                Some(SealedAt { user_id: person.user_id, event_type, field, sealed })
            })
            .collect();
        let mut opened = self.vault().open_many(&sealed).await?.into_iter();
        let mut next = || opened.next().flatten();
        Ok(PlainProfile { username: next(), email: next(), name: next() })
    }

    /// All of it at once, the address too: for who may say so without proof.
    pub async fn change_profile(&self, context: Context, user_id: UserId, change: ProfileChange) -> Outcome {
        let key = self.request_key(&context, &change.parts(&user_id));
        self.apply(&context, key, user_id, change, Vec::new()).await
    }

    /// A new address is asked first, and takes the old one's place when the mail to it is answered. Answers which was.
    pub async fn change_own_profile(
        &self,
        context: Context,
        user_id: UserId,
        mut change: ProfileChange,
    ) -> Result<(Done, Option<Email>), Failure> {
        let key = self.request_key(&context, &change.parts(&user_id));
        let asked = change.email.take();
        let free = match &asked {
            Some(email) => self.new_claims(user_id, [(ClaimKind::Email, email.normalised())]).await?.into(),
            None => Vec::new(),
        };
        let done = self.apply(&context, key, user_id, change, free).await?;
        let person = done.user.as_deref().and_then(User::person);
        let (Some(asked), Some(person)) = (asked, person) else { return Ok((done, None)) };
        // As it was when it was decided: a repeat says what the first said, whatever became of the address since.
        if self.opened(person).await?.email.as_deref() == Some(asked.as_str()) {
            return Ok((done, None));
        }
        if !done.replayed || self.is_under_the_same_address(person).await? {
            self.start_email_change(person, &asked).await?;
        }
        Ok((done, Some(asked)))
    }

    /// Then a repeat wants the mails again: the first may not have got this far. A second mail does no harm, its link
    /// replaces the first's.
    async fn is_under_the_same_address(&self, then: &Person) -> Result<bool, Failure> {
        let user = self.load_user(then.user_id).await?;
        Ok(user.person().is_some_and(|now| now.email_version == then.email_version))
    }

    async fn apply(
        &self,
        context: &Context,
        key: Option<RequestKey>,
        user_id: UserId,
        change: ProfileChange,
        free: Vec<NewClaim>,
    ) -> Outcome {
        let data_key = self.data_key_of(user_id).await?;
        let new = change.beyond(&self.plain_profile(user_id).await?.unwrap_or_default());
        let seal = |field, plain: Option<&str>| {
            plain
                .map(|plain| self.vault().seal(&data_key, user_id, "ProfileChanged", field, plain))
                .transpose()
        };
        let command = UserCommand::ChangeProfile {
            username: seal("username", new.username.as_ref().map(Username::as_str))?,
            email: seal("email", new.email.as_ref().map(Email::as_str))?,
            name: seal("name", new.name())?,
            remove_name: new.name == Some(Naming::Removed),
            at: Timestamp::default(),
        };
        let claims = self.claims_of(user_id, &new).await?;
        self.change_user(context, key, user_id, command, Beside { claims, free, ..Beside::default() }).await
    }

    async fn claims_of(&self, user_id: UserId, new: &ProfileChange) -> Result<Vec<NewClaim>, Failure> {
        let mut claims = Vec::new();
        if let Some(username) = &new.username {
            claims.extend(self.new_claims(user_id, [(ClaimKind::Username, username.normalised())]).await?);
        }
        if let Some(email) = &new.email {
            claims.extend(self.new_claims(user_id, [(ClaimKind::Email, email.normalised())]).await?);
        }
        Ok(claims)
    }
}

impl ProfileChange {
    fn name(&self) -> Option<&str> {
        match &self.name {
            Some(Naming::To(name)) => Some(name.as_str()),
            Some(Naming::Removed) | None => None,
        }
    }

    /// What makes a repeat the same request. No value may begin with a control character, so that nothing is no value.
    fn parts<'a>(&'a self, user_id: &'a UserId) -> [&'a [u8]; 5] {
        const LEFT_OUT: &str = "\0";
        let name = match &self.name {
            Some(Naming::To(name)) => name.as_str(),
            Some(Naming::Removed) => "",
            None => LEFT_OUT,
        };
        [
            b"change_profile",
            user_id.0.as_bytes(),
            self.username.as_ref().map_or(LEFT_OUT, Username::as_str).as_bytes(),
            self.email.as_ref().map_or(LEFT_OUT, Email::as_str).as_bytes(),
            name.as_bytes(),
        ]
    }

    /// Without what is so already.
    fn beyond(self, now: &PlainProfile) -> Self {
        let is = |now: &Option<String>, text: &str| now.as_deref() == Some(text);
        Self {
            username: self.username.filter(|username| !is(&now.username, username.as_str())),
            email: self.email.filter(|email| !is(&now.email, email.as_str())),
            name: self.name.filter(|naming| match naming {
                Naming::To(name) => !is(&now.name, name.as_str()),
                Naming::Removed => now.name.is_some(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ada() -> PlainProfile {
        PlainProfile { username: Some("Ada".to_owned()), email: Some("ada@x.org".to_owned()), name: None }
    }

    #[test]
    fn what_is_so_already_is_no_change() {
        let same = ProfileChange {
            username: Username::parse("Ada").ok(),
            email: Email::parse("ada@x.org").ok(),
            name: Some(Naming::Removed),
        };
        assert_eq!(same.beyond(&ada()), ProfileChange::default());
        let spelt_anew = ProfileChange { username: Username::parse("ADA").ok(), ..ProfileChange::default() };
        assert_eq!(spelt_anew.clone().beyond(&ada()), spelt_anew);
    }

    #[test]
    fn a_name_that_is_removed_is_another_request_than_one_that_is_left_out() {
        let user_id = UserId(uuid::Uuid::nil());
        let removed = ProfileChange { name: Some(Naming::Removed), ..ProfileChange::default() };
        assert_ne!(removed.parts(&user_id), ProfileChange::default().parts(&user_id));
    }
}
