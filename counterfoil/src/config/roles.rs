//! What a process does. All roles in one process is the default; several processes may share them out.

use std::collections::BTreeSet;
use std::fmt;

use super::BadConfig;
use super::read::bad;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Serves HTTP.
    Api,
    /// May take the write lease and decide commands.
    Writer,
    /// May mirror the journal into the stream.
    Relay,
    /// Keeps the read models.
    Projector,
    /// Runs trading sessions.
    Trader,
}

const ALL: [(&str, Role); 5] = [
    ("api", Role::Api),
    ("writer", Role::Writer),
    ("relay", Role::Relay),
    ("projector", Role::Projector),
    ("trader", Role::Trader),
];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roles(BTreeSet<Role>);

impl Roles {
    pub(super) fn read(text: &str) -> Result<Roles, BadConfig> {
        let setting = "COUNTERFOIL_ROLES";
        let mend = "use some of api,writer,relay,projector,trader";
        let roles = text
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(|name| {
                let known = ALL.iter().find(|(known, _)| name.eq_ignore_ascii_case(known));
                known.map(|(_, role)| *role).ok_or_else(|| bad(setting, name, "no role", mend))
            })
            .collect::<Result<BTreeSet<Role>, BadConfig>>()?;
        if roles.is_empty() { Err(bad(setting, text, "no role", mend)) } else { Ok(Roles(roles)) }
    }

    pub fn has(&self, role: Role) -> bool {
        self.0.contains(&role)
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> =
            ALL.iter().filter(|(_, role)| self.has(*role)).map(|(name, _)| *name).collect();
        f.write_str(&names.join(","))
    }
}
