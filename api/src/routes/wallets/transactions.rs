//! GET /wallets/{id}/transactions.

use crate::app::App;
use crate::auth::Allowed;
use crate::auth::rule::ReadWallet;
use crate::directory::WalletFacts;
use crate::input::{Check, ListQuery, MinPosition, Query, WalletPath, moment};
use crate::openapi::Problems;
use crate::output::{Answer, ListBody, TransactionBody};
use crate::problem::{Flaw, Problem};
use crate::routes::movement;
use axum::extract::State;
use axum::response::Response;
use domain::{Currency, EntryId, Money, MoneyError, NotAnEntryId, Reference, WalletId};
use projections::{Page, TransactionFilter, TransactionKind, TransactionStatus};
use serde::Deserialize;
use utoipa::IntoParams;

#[derive(Clone, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TransactionsQuery {
    /// Only these: `deposit`, `withdrawal`, `transfer_in`, `transfer_out`, `hold` or `reversal`.
    #[serde(rename = "type")]
    #[param(example = "deposit")]
    kind: Option<String>,
    /// `pending`, `completed`, `cancelled` or `expired`.
    #[param(example = "completed")]
    status: Option<String>,
    /// Only what was recorded at this moment or later.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<String>,
    /// Only what was recorded before this moment.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<String>,
    /// Only amounts from this one on.
    #[param(example = "1.00")]
    min_amount: Option<String>,
    /// Only amounts up to this one.
    #[param(example = "100.00")]
    max_amount: Option<String>,
    /// Only this reference, to the letter.
    reference: Option<String>,
    /// Only with this wallet at the other end.
    #[param(value_type = Option<uuid::Uuid>)]
    counterparty: Option<String>,
    /// Only this hold.
    hold_id: Option<String>,
}

impl TransactionsQuery {
    fn read(&self, currency: Currency, check: &mut Check) -> TransactionFilter {
        let amount = |text: &str| least_amount(text, currency);
        TransactionFilter {
            kind: check.parameter("?type", self.kind.as_deref(), kind),
            status: check.parameter("?status", self.status.as_deref(), status),
            from: check.parameter("?from", self.from.as_deref(), moment),
            to: check.parameter("?to", self.to.as_deref(), moment),
            min_amount: check.parameter("?min_amount", self.min_amount.as_deref(), amount),
            max_amount: check.parameter("?max_amount", self.max_amount.as_deref(), amount),
            reference: check.parameter("?reference", self.reference.as_deref(), Reference::parse),
            counterparty: check.parameter("?counterparty", self.counterparty.as_deref(), |text| {
                text.parse::<WalletId>().map_err(|_| Flaw::NoWallet)
            }),
            hold_id: check.parameter("?hold_id", self.hold_id.as_deref(), |text| {
                text.parse::<EntryId>().map_err(|NotAnEntryId| Flaw::NoHold { text: text.to_owned() })
            }),
        }
    }
}

fn kind(name: &str) -> Result<TransactionKind, Flaw> {
    let known = TransactionKind::LISTED.into_iter().find(|kind| kind.as_str() == name);
    known.ok_or_else(|| Flaw::none_of(&TransactionKind::LISTED.map(TransactionKind::as_str)))
}

fn status(name: &str) -> Result<TransactionStatus, Flaw> {
    let known = TransactionStatus::ALL.into_iter().find(|status| status.as_str() == name);
    known.ok_or_else(|| Flaw::none_of(&TransactionStatus::ALL.map(TransactionStatus::as_str)))
}

/// A bound may be nothing at all, which an amount may not.
fn least_amount(text: &str, currency: Currency) -> Result<Money, MoneyError> {
    match Money::parse(text, currency) {
        Err(MoneyError::NotPositive) => Ok(Money::zero(currency)),
        parsed => parsed,
    }
}

/// A wallet's transactions, newest first
///
/// A hold is listed once, as `pending`, and becomes `completed`, `cancelled` or `expired` where it stands. A `next_cursor`
/// brings its filters along and is refused with others. A page may have fewer items than asked for, if what is looked for is
/// rare: the list ends where `next_cursor` is null.
#[utoipa::path(
    get, path = "/wallets/{id}/transactions", tag = "wallets", security(("access_token" = []), ("api_key" = ["wallet:read"])),
    params(
        ("id" = uuid::Uuid, Path, description = "The wallet"),
        TransactionsQuery,
        ListQuery,
        ("min_position" = Option<i64>, Query, description = "Wait until this position is included"),
    ),
    responses((status = 200, description = "A page", body = ListBody<TransactionBody>), Problems)
)]
pub(crate) async fn transactions(
    State(app): State<App>,
    allowed: Allowed<ReadWallet>,
    WalletPath(id): WalletPath,
    Query(filter): Query<TransactionsQuery>,
    Query(query): Query<ListQuery>,
    min: MinPosition,
) -> Result<Response, Problem> {
    let wallet = movement::wallet_of(&app, allowed.authority, id).await?;
    page(&app, wallet, &filter, query, min).await
}

/// One page of a wallet that may be read.
pub(crate) async fn page(
    app: &App,
    wallet: WalletFacts,
    filter: &TransactionsQuery,
    query: ListQuery,
    min: MinPosition,
) -> Result<Response, Problem> {
    let mut check = Check::default();
    let limit = query.limit(&mut check);
    let filter = filter.read(wallet.currency, &mut check);
    check.finish()?;
    let page = Page { cursor: query.cursor, limit };
    let found = app.read_models().transactions(wallet.id, filter, &page, min.0).await?;
    let body = ListBody {
        items: found.value.items.into_iter().map(TransactionBody::from).collect(),
        next_cursor: found.value.next_cursor,
        position: found.position,
    };
    Ok(Answer::ok().position(body.position).json(&body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Code;

    fn ask(query: &str) -> Result<TransactionFilter, Problem> {
        let uri = format!("/wallets/1/transactions?{query}").parse().unwrap();
        let axum::extract::Query(form) =
            axum::extract::Query::<TransactionsQuery>::try_from_uri(&uri).unwrap();
        let mut check = Check::default();
        let filter = form.read(Currency::USD, &mut check);
        check.finish().map(|()| filter)
    }

    #[test]
    fn every_filter_is_checked() {
        for bad in [
            "type=capture",
            "type=",
            "status=active",
            "from=yesterday",
            "to=2026-01-31",
            "min_amount=-1",
            "min_amount=0.001",
            "max_amount=1e3",
            "max_amount=",
            "reference=",
            "reference=a%00b",
            "counterparty=ada",
            "hold_id=7",
        ] {
            assert_eq!(ask(bad).unwrap_err().code(), Code::ValidationFailed, "{bad}");
        }
    }

    #[test]
    fn a_bound_may_be_nothing() {
        let filter = ask("min_amount=0&max_amount=0.00&type=hold&status=pending").unwrap();
        assert_eq!(
            (filter.min_amount, filter.max_amount),
            (ask("min_amount=0").unwrap().min_amount, filter.min_amount)
        );
        assert_eq!(filter.kind, Some(TransactionKind::Hold));
        assert_eq!(ask("").unwrap(), TransactionFilter::default());
    }
}
