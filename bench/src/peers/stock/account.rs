//! A bank account as a user of cqrs-es writes it, with the money right: whole minor units.

use cqrs_es::event_sink::EventSink;
use cqrs_es::{Aggregate, DomainEvent, EventEnvelope, View};
use serde::{Deserialize, Serialize};

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct BankAccount {
    balance: i128,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Deposit {
    pub(super) amount: i128,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum BankAccountEvent {
    Deposited { amount: i128, balance: i128 },
}

impl DomainEvent for BankAccountEvent {
    fn event_type(&self) -> String {
        "Deposited".to_owned()
    }

    fn event_version(&self) -> String {
        "1.0".to_owned()
    }
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BankAccountError {
    #[error("an amount is above zero")]
    NotPositive,
    #[error("the balance is too large")]
    TooLarge,
}

impl Aggregate for BankAccount {
    const TYPE: &'static str = "account";
    type Command = Deposit;
    type Event = BankAccountEvent;
    type Error = BankAccountError;
    type Services = ();

    async fn handle(
        &mut self,
        Deposit { amount }: Deposit,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), BankAccountError> {
        if amount <= 0 {
            return Err(BankAccountError::NotPositive);
        }
        let balance = self.balance.checked_add(amount).ok_or(BankAccountError::TooLarge)?;
        sink.write(BankAccountEvent::Deposited { amount, balance }, self).await;
        Ok(())
    }

    fn apply(&mut self, event: BankAccountEvent) {
        let BankAccountEvent::Deposited { balance, .. } = event;
        self.balance = balance;
    }
}

/// The balance view that its queries read.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct BalanceView {
    balance: i128,
    deposits: u64,
}

impl View<BankAccount> for BalanceView {
    fn update(&mut self, event: &EventEnvelope<BankAccount>) {
        let BankAccountEvent::Deposited { balance, .. } = event.payload;
        self.balance = balance;
        self.deposits += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cqrs_es::test::TestFramework;

    type Account = TestFramework<BankAccount>;

    fn deposited(amount: i128, balance: i128) -> BankAccountEvent {
        BankAccountEvent::Deposited { amount, balance }
    }

    #[test]
    fn a_deposit_adds_to_what_is_there() {
        Account::with(())
            .given(vec![deposited(500, 500), deposited(250, 750)])
            .when(Deposit { amount: 100 })
            .then_expect_events(vec![deposited(100, 850)]);
    }

    #[test]
    fn nothing_cannot_be_deposited() {
        Account::with(())
            .given_no_previous_events()
            .when(Deposit { amount: 0 })
            .then_expect_error(BankAccountError::NotPositive);
    }
}
