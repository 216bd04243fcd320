//! `counterfoil admin create`: what is typed, and what is said.

use std::io::{BufRead, IsTerminal, Read, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use commands::password::NewPassword;
use commands::users::{Registration, RoleGiven};
use domain::user::Role;
use domain::{DisplayName, Email, TextError, UserId, Username};
use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::{Failure, broke};
use crate::admin::Office;
use crate::config::{self, BadConfig, Place, PlaceFlags};

/// More than any password may have.
const PASSWORD_BYTES_MAX: u64 = 4_096;

#[derive(Subcommand, Debug)]
pub(super) enum AdminCommand {
    /// Register a user with a role, or give one who is registered already that role too; prints the user's id
    ///
    /// The password of somebody new is one line of standard input, or of --password-file; who is registered already keeps
    /// theirs.
    Create(Box<CreateFlags>),
}

#[derive(Args, Debug)]
pub(super) struct CreateFlags {
    /// An admin may do what users may not; a service's keys reach every user
    #[arg(long, env = "COUNTERFOIL_ADMIN_ROLE", value_enum, default_value = "admin")]
    role: RoleFlag,

    /// 3 to 32 of letters, digits, '_', '.' and '-'
    #[arg(long, env = "COUNTERFOIL_ADMIN_USERNAME", value_name = "USERNAME")]
    username: String,

    #[arg(long, env = "COUNTERFOIL_ADMIN_EMAIL", value_name = "ADDRESS")]
    email: String,

    /// Give the role to whoever has the address already. Anybody may register any address: look first that it is who you mean
    #[arg(long, env = "COUNTERFOIL_ADMIN_EXISTING")]
    existing: bool,

    /// What a new user is called
    #[arg(long, env = "COUNTERFOIL_ADMIN_NAME", value_name = "NAME")]
    name: Option<String>,

    /// Where the password of a new user is, instead of standard input
    #[arg(long, env = "COUNTERFOIL_ADMIN_PASSWORD_FILE", value_name = "FILE")]
    password_file: Option<PathBuf>,

    /// Whether common passwords are refused
    #[arg(long, env = "COUNTERFOIL_PASSWORD_BLOCKLIST", default_value = "on", value_name = "on|off")]
    password_blocklist: String,

    /// The currency of a new user's first wallet
    #[arg(long, env = "COUNTERFOIL_DEFAULT_CURRENCY", default_value = "USD", value_name = "CODE")]
    default_currency: String,

    #[command(flatten)]
    place: PlaceFlags,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RoleFlag {
    User,
    Service,
    Admin,
}

/// The flags, checked.
struct Wish {
    role: Role,
    username: Username,
    email: Email,
    name: Option<DisplayName>,
    blocklist: bool,
}

pub(super) async fn run(command: AdminCommand) -> Result<(), Failure> {
    let AdminCommand::Create(flags) = command;
    let place = Place::read(&flags.place)?;
    place.require_nats()?;
    place.require_keys()?;
    let wish = flags.read()?;
    let currency = config::currency("COUNTERFOIL_DEFAULT_CURRENCY", &flags.default_currency)?;
    let office = Office::open(&place, currency).await.map_err(broke)?;
    let made = create(&office, wish, &flags).await;
    office.close().await;
    let (user_id, what) = made?;
    eprintln!("{what}");
    println!("{user_id}");
    Ok(())
}

async fn create(office: &Office, wish: Wish, flags: &CreateFlags) -> Result<(UserId, String), Failure> {
    let (role, email) = (wish.role, wish.email.clone());
    let name = RoleFlag::name(role);
    if let Some(user_id) = office.find(&email).await.map_err(broke)? {
        if !flags.existing {
            return Err(BadConfig(format!(
                "{email} is registered already, as {user_id}, by whoever that was; with --existing they are given the role"
            ))
            .into());
        }
        return Ok(match office.give_role(user_id, role).await.map_err(broke)? {
            RoleGiven::Now => {
                (user_id, format!("{email} is a user already, and has the role {name} from now on."))
            }
            RoleGiven::Already => (user_id, format!("{email} has the role {name} already.")),
        });
    }
    let password = password(flags)?;
    let password = NewPassword::parse(password, &wish.username, &email, wish.blocklist)
        .map_err(|refusal| BadConfig(format!("the password {refusal}")))?;
    let Wish { username, email, name: called, .. } = wish;
    let said = format!("{username} is registered, with the role {name}.");
    let new = Registration { username, email, password, name: called, currency: None, roles: vec![role] };
    Ok((office.register(new).await.map_err(broke)?, said))
}

impl CreateFlags {
    fn read(&self) -> Result<Wish, BadConfig> {
        let bad = |flag: &'static str| {
            move |error: TextError| BadConfig(format!("--{flag} cannot be taken: it {error}"))
        };
        let name = self.name.as_deref().map(DisplayName::parse).transpose();
        Ok(Wish {
            role: self.role.role(),
            username: Username::parse(&self.username).map_err(bad("username"))?,
            email: Email::parse(&self.email).map_err(bad("email"))?,
            name: name.map_err(bad("name"))?,
            blocklist: config::switch("COUNTERFOIL_PASSWORD_BLOCKLIST", &self.password_blocklist)?,
        })
    }
}

impl RoleFlag {
    const fn role(self) -> Role {
        match self {
            Self::User => Role::User,
            Self::Service => Role::Service,
            Self::Admin => Role::Admin,
        }
    }

    const fn name(role: Role) -> &'static str {
        match role {
            Role::User => "user",
            Role::Service => "service",
            Role::Admin => "admin",
        }
    }
}

/// The first line of the file or of standard input. Never an argument: those are seen by everybody on the machine.
fn password(flags: &CreateFlags) -> Result<SecretString, Failure> {
    let line = match &flags.password_file {
        Some(path) => {
            let file = std::fs::File::open(path).map_err(|error| {
                BadConfig(format!("the password file {} cannot be read: {error}", path.display()))
            })?;
            first_line(file)
        }
        None if std::io::stdin().is_terminal() => asked_for(),
        None => first_line(std::io::stdin()),
    };
    let line = line.map_err(broke)?;
    if line.is_empty() {
        return Err(BadConfig(
            "there is no password: give it as a line of standard input, or with --password-file".to_owned(),
        )
        .into());
    }
    Ok(SecretString::from(line.as_str()))
}

fn first_line(source: impl Read) -> std::io::Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(String::new());
    std::io::BufReader::new(source.take(PASSWORD_BYTES_MAX)).read_line(&mut line)?;
    let end = line.trim_end_matches(['\r', '\n']).len();
    line.truncate(end);
    Ok(line)
}

/// At a terminal, without showing it.
fn asked_for() -> std::io::Result<Zeroizing<String>> {
    let stdin = std::io::stdin();
    let before = tcgetattr(&stdin)?;
    let mut silent = before.clone();
    silent.local_flags.remove(LocalFlags::ECHO);
    eprint!("Password: ");
    std::io::stderr().flush()?;
    tcsetattr(&stdin, SetArg::TCSANOW, &silent)?;
    let line = first_line(&stdin);
    tcsetattr(&stdin, SetArg::TCSANOW, &before)?;
    eprintln!();
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_one_line_as_it_stands() {
        for (given, taken) in [
            ("correct horse\n", "correct horse"),
            ("correct horse\r\nbattery", "correct horse"),
            (" two spaces ", " two spaces "),
            ("", ""),
        ] {
            assert_eq!(first_line(given.as_bytes()).unwrap().as_str(), taken, "{given:?}");
        }
    }
}
