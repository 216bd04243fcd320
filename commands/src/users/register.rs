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
        let user_id = UserId(Uuid::now_v7());
        let [username_claim, email_claim] = self
            .new_claims(
                user_id,
                [
                    (ClaimKind::Username, new.username.normalised()),
                    (ClaimKind::Email, new.email.normalised()),
                ],
            )
            .await?;
        let password = new.password.into_secret();
        let password_hash = match self.salt_of(&context) {
            Some(salt) => self.hasher().hash_salted(password, salt).await?,
            None => self.hasher().hash(password).await?,
        };
        let key = self.request_key(
            &context,
            &[
                b"register",
                new.username.as_str().as_bytes(),
                new.email.as_str().as_bytes(),
                new.name.as_ref().map_or("", |name| name.as_str()).as_bytes(),
                currency.code().as_bytes(),
                password_hash.as_bytes(),
            ],
        );
        let (data_key, wrapped) = vault.new_user_key(user_id)?;
        let seal = |field: &str, plain: &str| vault.seal(&data_key, user_id, "UserRegistered", field, plain);
        let register = Register {
            user_id,
            wallet_id: WalletId(Uuid::now_v7()),
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

    /// A repeat of a request has to be known as the same request, password and all, and nothing may be kept of the
    /// password that is easier to guess from than its hash. So the hash itself is compared: its salt follows from the
    /// key, which is used once.
    fn salt_of(&self, context: &Context) -> Option<[u8; 16]> {
        let key = context.key.as_ref()?;
        let key = self.vault().request_key(context.principal.key_scope(), key);
        Some(self.vault().fingerprint(&[b"password salt", key.as_bytes()]).into_bytes())
    }
}
