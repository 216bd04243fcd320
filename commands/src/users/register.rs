//! Registration.

use crate::envelope::Register;
use crate::password::NewPassword;
use crate::{ClaimKind, Command, Commands, Context, Outcome};
use domain::user::Role;
use domain::{Currency, DisplayName, Email, UserId, Username, WalletId};
use uuid::Uuid;

#[derive(Debug)]
pub struct Registration {
    pub username: Username,
    pub email: Email,
    pub password: NewPassword,
    pub name: Option<DisplayName>,
    pub currency: Option<Currency>,
    pub roles: Vec<Role>,
}

impl Commands {
    /// A user and their first wallet, in one append.
    pub async fn register(&self, context: Context, new: Registration) -> Outcome {
        let vault = self.vault();
        let currency = new.currency.unwrap_or(self.options().default_currency);
        let (user_id, wallet_id) = (UserId(Uuid::now_v7()), WalletId(Uuid::now_v7()));
        let [username_claim, email_claim] = self
            .new_claims(
                user_id,
                [
                    (ClaimKind::Username, new.username.normalised()),
                    (ClaimKind::Email, new.email.normalised()),
                ],
            )
            .await?;
        let password_hash = self.hash_for(&context, new.password.into_secret()).await?;
        let roles = format!("{:?}", new.roles);
        let key = self.request_key(
            &context,
            &[
                b"register",
                new.username.as_str().as_bytes(),
                new.email.as_str().as_bytes(),
                new.name.as_ref().map_or("", |name| name.as_str()).as_bytes(),
                currency.code().as_bytes(),
                roles.as_bytes(),
                password_hash.as_bytes(),
            ],
        );
        let (data_key, wrapped) = vault.new_user_key(user_id)?;
        let seal = |field: &str, plain: &str| vault.seal(&data_key, user_id, "UserRegistered", field, plain);
        let register = Register {
            user_id,
            wallet_id,
            wallet_claim: self.wallet_claim(user_id, currency),
            currency,
            username: seal("username", new.username.as_str())?,
            email: seal("email", new.email.as_str())?,
            name: new.name.as_ref().map(|name| seal("name", name.as_str())).transpose()?,
            username_claim,
            email_claim,
            roles: new.roles,
            password_hash: password_hash.into_bytes(),
            wrapped_data_key: wrapped.value,
        };
        self.submit(self.envelope(&context, key, Command::Register(Box::new(register)))).await
    }
}
