//! Passwords checked, and the wrong ones counted, wherever one is asked for.

use crate::throttle::{Account, WrongPasswords};
use crate::{Commands, Failure};
use domain::UserId;
use secrecy::SecretString;

impl Commands {
    /// Whether this is the password whose hash is `stored`. A wrong one counts like a failed sign-in, because it is a guess
    /// like any other.
    pub(crate) async fn check_password(
        &self,
        user_id: UserId,
        password: SecretString,
        stored: Option<String>,
    ) -> Result<bool, Failure> {
        let account = self.throttle().account(user_id).await?;
        self.try_password(&account, password, stored).await
    }

    /// Give nothing for a name that nobody has: it takes as long, is false, and is counted too.
    pub(super) async fn try_password(
        &self,
        account: &Account,
        password: SecretString,
        stored: Option<String>,
    ) -> Result<bool, Failure> {
        let attempt = self.throttle().reserve(account).await?;
        let is_right = self.hasher().verify(password, stored).await?;
        attempt.settle(is_right).await;
        Ok(is_right)
    }

    /// Wrong passwords since the last right one, wherever one was asked for.
    pub async fn wrong_passwords(&self, user_id: UserId) -> Result<WrongPasswords, Failure> {
        Ok(self.throttle().wrong_passwords(user_id).await?)
    }

    /// Forgets what was counted: from now on the right password works at once. Not an event, for nothing about the user
    /// has changed.
    pub async fn unlock(&self, user_id: UserId) -> Result<(), Failure> {
        Ok(self.throttle().forgive(user_id).await?)
    }
}
