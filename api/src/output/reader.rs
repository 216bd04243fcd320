//! Who reads: in which language, and by which clocks. Their preferences say it; it changes words beside the figures, and
//! never a figure, a name or a moment that programs go by.

use crate::problem::Language;
use domain::{Timestamp, Zone};
use projections::TransactionKind;

#[derive(Clone, Debug, Default)]
pub(crate) struct Reader {
    pub zone: Zone,
    pub language: Language,
}

impl Reader {
    /// To the second, as spreadsheets read it.
    pub(super) fn clock(&self, moment: Timestamp) -> String {
        let at = self.zone.show(moment);
        format!("{} {:02}:{:02}:{:02}", at.date(), at.hour(), at.minute(), at.second())
    }

    pub(super) const fn transaction(&self, kind: TransactionKind) -> &'static str {
        let (english, ukrainian) = match kind {
            TransactionKind::Deposit => ("Deposit", "Поповнення"),
            TransactionKind::Withdrawal => ("Withdrawal", "Виведення"),
            TransactionKind::TransferIn => ("Transfer received", "Отриманий переказ"),
            TransactionKind::TransferOut => ("Transfer sent", "Надісланий переказ"),
            TransactionKind::Hold => ("Hold", "Блокування коштів"),
            TransactionKind::Capture => ("Payment of held money", "Списання заблокованих коштів"),
            TransactionKind::Reversal => ("Reversal", "Сторнування"),
        };
        self.choose(english, ukrainian)
    }

    pub(super) const fn opening_balance(&self) -> &'static str {
        self.choose("Opening balance", "Початковий залишок")
    }

    pub(super) const fn closing_balance(&self) -> &'static str {
        self.choose("Closing balance", "Кінцевий залишок")
    }

    const fn choose(&self, english: &'static str, ukrainian: &'static str) -> &'static str {
        match self.language {
            Language::English => english,
            Language::Ukrainian => ukrainian,
        }
    }
}
