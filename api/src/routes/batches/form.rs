//! The body of a batch. Each command in it is read like the body of that command alone, and whoever sends it must be
//! allowed each of them.

use crate::app::App;
use crate::auth::rule::{Deposit, Hold, Reverse, Rule, Transfer, Withdraw};
use crate::auth::{Allowed, Caller, require_recent_login_if};
use crate::input::{Check, Raw};
use crate::problem::{Flaw, Problem};
use crate::routes::movement::{
    AmendForm, BoundsForm, CaptureForm, ExtendForm, HoldForm, MovementForm, ReverseForm, TransferForm,
    Undoing, check_deposit, hold_of, reach,
};
use commands::wallets::{Aim, Wish};
use domain::{CaptureId, EntryId, WalletId};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::HashSet;
use std::str::FromStr;
use utoipa::ToSchema;

/// Commands in a batch: what takes longer than a few milliseconds to decide would hold everybody else up.
const COMMANDS_MAX: usize = 200;

#[derive(Deserialize, ToSchema)]
#[schema(as = BatchRequest)]
pub(super) struct BatchForm<'a> {
    /// From 1 to 200 commands.
    #[serde(borrow)]
    #[schema(value_type = Vec<CommandForm<'_>>, required, min_items = 1, max_items = 200, example = json!([
        { "type": "deposit", "wallet_id": "0199f3a2-7c11-7e4b-9d3a-5b2f6c8e1a02", "amount": "12.34" },
        { "type": "capture", "hold_id": "0199f3a2-7c11-7e4b-9d3a-5b2f6c8e1a02.17", "capture_id": "fill-1", "final": true }
    ]))]
    commands: Raw<'a>,
    /// An admin's own, for reversals of what is another's, if their last sign-in is longer ago than a few minutes.
    #[schema(value_type = Option<String>, format = Password, max_length = 1024, example = "correct horse battery staple")]
    current_password: Raw<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Deposit,
    Withdraw,
    Transfer,
    Hold,
    Capture,
    Release,
    Amend,
    Extend,
    Reverse,
}

/// A command that was understood.
pub(super) struct Part {
    pub(super) kind: Kind,
    pub(super) wish: Wish,
    /// An admin's, to somebody else.
    is_anothers: bool,
}

/// One command: its type, what it is about, and the members of its body when it comes alone.
#[derive(Deserialize, ToSchema)]
#[schema(as = BatchCommand)]
struct CommandForm<'a> {
    /// `deposit`, `withdraw`, `transfer` and `hold` of a wallet; `capture`, `release`, `amend` and `extend` of a hold;
    /// `reverse` of a transaction.
    #[serde(rename = "type", borrow)]
    #[schema(value_type = String, required, example = "deposit")]
    kind: Raw<'a>,
    #[schema(value_type = Option<String>, format = Uuid, example = "0199f3a2-7c11-7e4b-9d3a-5b2f6c8e1a02")]
    wallet_id: Raw<'a>,
    #[schema(value_type = Option<String>, example = "0199f3a2-7c11-7e4b-9d3a-5b2f6c8e1a02.17")]
    hold_id: Raw<'a>,
    #[schema(value_type = Option<String>, example = "0199f3a2-7c11-7e4b-9d3a-5b2f6c8e1a02.16")]
    transaction_id: Raw<'a>,
    #[schema(value_type = Option<String>, pattern = "^[0-9]{1,18}(\\.[0-9]{1,18})?$", example = "12.34")]
    amount: Raw<'a>,
    #[schema(value_type = Option<String>, pattern = "^[A-Za-z0-9]{3,10}$", example = "USD")]
    currency: Raw<'a>,
    #[schema(value_type = Option<String>, min_length = 1, max_length = 140, example = "order 7")]
    reference: Raw<'a>,
    #[schema(value_type = Option<String>, min_length = 3, max_length = 36, example = "grace")]
    to: Raw<'a>,
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 2_592_000, example = 900)]
    ttl_seconds: Raw<'a>,
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64, example = "fill-1")]
    capture_id: Raw<'a>,
    #[serde(rename = "final")]
    #[schema(value_type = Option<bool>, example = false)]
    is_final: Raw<'a>,
    #[schema(value_type = Option<i64>, minimum = 0, example = 7)]
    expected_version: Raw<'a>,
    #[schema(value_type = Option<String>, pattern = "^[0-9]{1,18}(\\.[0-9]{1,18})?$", example = "0.00")]
    min_available_after: Raw<'a>,
    #[schema(value_type = Option<String>, pattern = "^[0-9]{1,18}(\\.[0-9]{1,18})?$", example = "1000000.00")]
    max_available_after: Raw<'a>,
}

impl<'a> BatchForm<'a> {
    /// What is wrong with the values of all commands is said together. What is not within reach or not allowed ends the
    /// reading: it is the problem, unless a command before it has one.
    pub(super) async fn read(&self, app: &App, caller: Caller) -> Result<Vec<Part>, Problem> {
        let commands = self.commands()?;
        let mut check = Check::default();
        let mut first = None;
        let mut captures = HashSet::new();
        let mut asked = Vec::with_capacity(commands.len());
        for (index, raw) in commands.into_iter().enumerate() {
            let mut part = Check::within(format!("/commands/{index}"));
            match command(app, caller, raw, &mut part).await {
                Err(problem) if check.is_clean() => return Err(problem.in_batch(index)),
                Err(_) => break,
                Ok(Some(understood)) => {
                    if capture_of(&understood.wish).is_some_and(|capture| !captures.insert(capture)) {
                        part.flaw("/capture_id", Flaw::CaptureRepeated);
                    }
                    asked.push(understood);
                }
                Ok(None) => {}
            }
            if !part.is_clean() {
                first.get_or_insert(index);
            }
            check.add(part);
        }
        if let Some(index) = first {
            return Err(check.into_problem().in_batch(index));
        }
        // Once for all of them: a password takes its time.
        let is_needed = asked.iter().any(|part| part.is_anothers);
        require_recent_login_if(is_needed, app, caller, self.current_password).await?;
        Ok(asked)
    }

    fn commands(&self) -> Result<Vec<&'a RawValue>, Problem> {
        let mut check = Check::default();
        let raw = self.commands.filter(|raw| raw.get() != "null");
        let flaw = match raw.map(|raw| serde_json::from_str::<Vec<&RawValue>>(raw.get())) {
            Some(Ok(commands)) if (1..=COMMANDS_MAX).contains(&commands.len()) => return Ok(commands),
            Some(Ok(commands)) if commands.is_empty() => Flaw::Empty,
            Some(Ok(_)) => Flaw::TooManyCommands { max: COMMANDS_MAX },
            Some(Err(_)) => Flaw::NotCommands,
            None => Flaw::Required,
        };
        check.flaw("/commands", flaw);
        Err(check.into_problem())
    }
}

async fn command(
    app: &App,
    caller: Caller,
    raw: &RawValue,
    check: &mut Check,
) -> Result<Option<Part>, Problem> {
    let Some(form) = CommandForm::of(raw, check) else { return Ok(None) };
    let Some(kind) = check.required("/type", form.kind, kind) else { return Ok(None) };
    let wish = match kind {
        Kind::Deposit | Kind::Withdraw | Kind::Transfer | Kind::Hold => {
            form.of_wallet(app, caller, kind, check).await?
        }
        Kind::Capture | Kind::Release | Kind::Amend | Kind::Extend => {
            form.of_hold(app, caller, kind, check).await?
        }
        Kind::Reverse => return form.of_transaction(app, caller, check).await,
    };
    Ok(wish.map(|wish| Part { kind, wish, is_anothers: false }))
}

impl<'a> CommandForm<'a> {
    fn of(raw: &'a RawValue, check: &mut Check) -> Option<Self> {
        // An array would be taken for an object, its values in the order of the fields.
        let read = if raw.get().starts_with('{') { serde_json::from_str(raw.get()).ok() } else { None };
        if read.is_none() {
            check.flaw("", Flaw::NotACommand);
        }
        read
    }

    async fn of_wallet(
        &self,
        app: &App,
        caller: Caller,
        kind: Kind,
        check: &mut Check,
    ) -> Result<Option<Wish>, Problem> {
        let id = check.required("/wallet_id", self.wallet_id, id::<WalletId>);
        let authority = match kind {
            Kind::Deposit => allowed::<Deposit>(caller)?,
            Kind::Withdraw => allowed::<Withdraw>(caller)?,
            Kind::Transfer => allowed::<Transfer>(caller)?,
            _ => allowed::<Hold>(caller)?,
        };
        let Some(id) = id else { return Ok(None) };
        let reached = reach(app, authority, id).await?;
        let currency = reached.wallet.currency;
        if kind == Kind::Deposit {
            check_deposit(app, authority)?;
        }
        Ok(reached.part(check, self.bounds(), |check| match kind {
            Kind::Deposit => self.movement().movement(check, currency).map(Aim::Deposit),
            Kind::Withdraw => self.movement().movement(check, currency).map(Aim::Withdraw),
            Kind::Transfer => self.transfer().aim(check, currency),
            _ => self.hold().aim(check, currency),
        }))
    }

    async fn of_hold(
        &self,
        app: &App,
        caller: Caller,
        kind: Kind,
        check: &mut Check,
    ) -> Result<Option<Wish>, Problem> {
        let id = check.required("/hold_id", self.hold_id, id::<EntryId>);
        let authority = allowed::<Hold>(caller)?;
        let Some(id) = id else { return Ok(None) };
        let reached = hold_of(app, authority, id).await?;
        let currency = reached.wallet.currency;
        Ok(reached.part(check, self.bounds(), |check| match kind {
            Kind::Capture => self.capture().aim(check, id, currency),
            Kind::Amend => AmendForm { amount: self.amount, ..AmendForm::default() }.aim(check, id, currency),
            Kind::Extend => {
                ExtendForm { ttl_seconds: self.ttl_seconds, ..ExtendForm::default() }.aim(check, id)
            }
            _ => Some(Aim::Release { hold: id.sequence }),
        }))
    }

    async fn of_transaction(
        &self,
        app: &App,
        caller: Caller,
        check: &mut Check,
    ) -> Result<Option<Part>, Problem> {
        let id = check.required("/transaction_id", self.transaction_id, id::<EntryId>);
        let allowed = Allowed::<Reverse>::check(caller)?;
        let Some(id) = id else { return Ok(None) };
        let undoing = Undoing::of(app, &allowed, id).await?;
        let form = ReverseForm { reference: self.reference, ..ReverseForm::default() };
        let Undoing { reached, is_anothers, .. } = undoing;
        let wish = reached.part(check, self.bounds(), |check| Some(undoing.aim(check, &form)));
        Ok(wish.map(|wish| Part { kind: Kind::Reverse, wish, is_anothers }))
    }

    const fn bounds(&self) -> BoundsForm<'a> {
        let Self { expected_version, min_available_after, max_available_after, .. } = *self;
        BoundsForm { expected_version, min_available_after, max_available_after }
    }

    fn movement(&self) -> MovementForm<'a> {
        let Self { amount, currency, reference, .. } = *self;
        MovementForm { amount, currency, reference, ..MovementForm::default() }
    }

    fn transfer(&self) -> TransferForm<'a> {
        let Self { amount, currency, reference, to, .. } = *self;
        TransferForm { amount, currency, reference, to, ..TransferForm::default() }
    }

    fn hold(&self) -> HoldForm<'a> {
        let Self { amount, currency, reference, ttl_seconds, .. } = *self;
        HoldForm { amount, currency, reference, ttl_seconds, ..HoldForm::default() }
    }

    fn capture(&self) -> CaptureForm<'a> {
        let Self { capture_id, amount, is_final, .. } = *self;
        CaptureForm { capture_id, amount, is_final, ..CaptureForm::default() }
    }
}

fn allowed<R: Rule>(caller: Caller) -> Result<commands::Authority, Problem> {
    Allowed::<R>::check(caller).map(|allowed| allowed.authority)
}

fn capture_of(wish: &Wish) -> Option<(WalletId, i64, CaptureId)> {
    match &wish.aim {
        Aim::Capture(capture) => Some((wish.wallet_id, capture.hold, capture.capture_id.clone())),
        _ => None,
    }
}

fn kind(text: &str) -> Result<Kind, Flaw> {
    Ok(match text {
        "deposit" => Kind::Deposit,
        "withdraw" => Kind::Withdraw,
        "transfer" => Kind::Transfer,
        "hold" => Kind::Hold,
        "capture" => Kind::Capture,
        "release" => Kind::Release,
        "amend" => Kind::Amend,
        "extend" => Kind::Extend,
        "reverse" => Kind::Reverse,
        _ => return Err(Flaw::NoBatchCommand),
    })
}

fn id<T: FromStr>(text: &str) -> Result<T, Flaw> {
    text.parse().map_err(|_| Flaw::NotAnId)
}
