//! A statement: an opening balance, a line for each posting, a closing balance. As JSON or CSV, and never as a whole: its
//! pieces are written one after the other, however many lines there are.
//!
//! In CSV a text that a spreadsheet would take for a formula is written behind an apostrophe; amounts are the exact decimals.

use super::Reader;
use domain::{Currency, EntryId, Money, Timestamp, WalletId};
use projections::{PostingRow, TransactionKind};
use serde::Serialize;
use std::fmt::Write;
use utoipa::ToSchema;

/// What the pieces of it come to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Statement)]
pub(crate) struct StatementBody {
    #[schema(value_type = uuid::Uuid)]
    pub wallet_id: WalletId,
    #[schema(value_type = String, example = "USD")]
    pub currency: Currency,
    /// From the first posting on, if nothing.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub from: Option<Timestamp>,
    /// Until just before it; until now, if nothing.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub to: Option<Timestamp>,
    /// Whose clocks `local_time` goes by, and whose days were asked for: the caller's.
    #[schema(example = "Europe/Kyiv")]
    pub timezone: String,
    #[schema(value_type = String, example = "100.00")]
    pub opening_balance: Money,
    pub lines: Vec<StatementLineBody>,
    #[schema(value_type = String, example = "112.34")]
    pub closing_balance: Money,
    /// The last position that is included.
    pub position: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = StatementLine)]
pub(crate) struct StatementLineBody {
    #[schema(value_type = String, example = "0199f3a2-7c11-7e4b-9d3a-5b2f6c8e1a02.17")]
    pub id: EntryId,
    #[schema(value_type = String, format = DateTime)]
    pub recorded_at: Timestamp,
    /// As of a transaction; or `capture`, of a part of a hold.
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "deposit")]
    pub kind: TransactionKind,
    /// `credit`: into the wallet. `debit`: out of it.
    #[schema(example = "credit")]
    pub direction: &'static str,
    #[schema(value_type = String, example = "12.34")]
    pub amount: Money,
    /// What was posted after it.
    #[schema(value_type = String, example = "112.34")]
    pub balance: Money,
    pub reference: Option<String>,
    pub hold_id: Option<String>,
    pub counterparty: Option<String>,
    pub reverses: Option<String>,
    pub position: i64,
    #[schema(example = "2026-01-31 14:00:00")]
    pub local_time: String,
    /// In the caller's language.
    #[schema(example = "Deposit")]
    pub description: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StatementFormat {
    Json,
    Csv,
}

impl StatementFormat {
    pub(crate) const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8; header=present",
        }
    }
}

/// What stands before the lines and after them, and how lines are written.
#[derive(Clone, Debug)]
pub(crate) struct StatementPieces {
    format: StatementFormat,
    pub opening: String,
    pub closing: String,
    is_first: bool,
    reader: Reader,
    wallet_id: WalletId,
    currency: Currency,
}

const LINES: &str = "\"lines\":[";
const COLUMNS: &str = "recorded_at,type,id,credit,debit,balance,currency,reference,hold_id,counterparty,reverses,position,\
     local_time,description\r\n";

impl StatementPieces {
    /// Of a statement without its lines.
    pub(crate) fn new(
        format: StatementFormat,
        reader: Reader,
        empty: &StatementBody,
    ) -> Result<Self, serde_json::Error> {
        let (opening, closing) = match format {
            StatementFormat::Json => {
                let text = serde_json::to_string(empty)?;
                let (before, after) = text.split_once(LINES).unwrap_or((&text, ""));
                (format!("{before}{LINES}"), after.to_owned())
            }
            StatementFormat::Csv => {
                (COLUMNS.to_owned() + &opening_line(&reader, empty), closing_line(&reader, empty))
            }
        };
        let StatementBody { wallet_id, currency, .. } = *empty;
        Ok(Self { format, opening, closing, is_first: true, reader, wallet_id, currency })
    }

    pub(crate) fn lines(&mut self, rows: Vec<PostingRow>) -> Result<String, serde_json::Error> {
        let mut text = String::with_capacity(rows.len() * 256);
        for row in rows {
            let line = StatementLineBody::of(&self.reader, self.wallet_id, row);
            match self.format {
                StatementFormat::Csv => write_line(&mut text, &line, self.currency),
                StatementFormat::Json => {
                    if !self.is_first {
                        text.push(',');
                    }
                    text.push_str(&serde_json::to_string(&line)?);
                }
            }
            self.is_first = false;
        }
        Ok(text)
    }
}

impl StatementLineBody {
    fn of(reader: &Reader, wallet: WalletId, row: PostingRow) -> Self {
        Self {
            id: EntryId { wallet, sequence: row.sequence },
            recorded_at: row.recorded_at,
            kind: row.kind,
            direction: if row.is_credit { "credit" } else { "debit" },
            amount: row.amount,
            balance: row.posted_after,
            reference: row.reference,
            hold_id: row.hold_id,
            counterparty: row.counterparty,
            reverses: row.reverses,
            position: row.position,
            local_time: reader.clock(row.recorded_at),
            description: reader.transaction(row.kind),
        }
    }
}

fn opening_line(reader: &Reader, statement: &StatementBody) -> String {
    let StatementBody { from, opening_balance, currency, .. } = statement;
    let (at, local) = moment_columns(reader, *from);
    let description = reader.opening_balance();
    format!("{at},opening_balance,,,,{opening_balance},{currency},,,,,,{local},{description}\r\n")
}

fn closing_line(reader: &Reader, statement: &StatementBody) -> String {
    let StatementBody { to, closing_balance, currency, position, .. } = statement;
    let (at, local) = moment_columns(reader, *to);
    let description = reader.closing_balance();
    format!("{at},closing_balance,,,,{closing_balance},{currency},,,,,{position},{local},{description}\r\n")
}

fn moment_columns(reader: &Reader, at: Option<Timestamp>) -> (String, String) {
    at.map(|at| (at.to_string(), reader.clock(at))).unwrap_or_default()
}

fn write_line(text: &mut String, line: &StatementLineBody, currency: Currency) {
    let (credit, debit) = match line.direction {
        "credit" => (line.amount.to_string(), String::new()),
        _ => (String::new(), line.amount.to_string()),
    };
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "{},{},{},{credit},{debit},{},{currency},{},{},{},{},{},{},{}\r\n",
        line.recorded_at,
        line.kind,
        line.id,
        line.balance,
        line.reference.as_deref().map(field).unwrap_or_default(),
        line.hold_id.as_deref().unwrap_or_default(),
        line.counterparty.as_deref().unwrap_or_default(),
        line.reverses.as_deref().unwrap_or_default(),
        line.position,
        line.local_time,
        line.description,
    );
}

/// What a spreadsheet takes for the beginning of a formula.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A text from outside, quoted, and never a formula.
pub(super) fn field(text: &str) -> String {
    let apostrophe = if text.starts_with(FORMULA) { "'" } else { "" };
    format!("\"{apostrophe}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Language;
    use domain::Zone;
    use uuid::Uuid;

    fn usd(cents: i128) -> Money {
        Money::from_minor(cents, Currency::USD).unwrap()
    }

    fn empty() -> StatementBody {
        StatementBody {
            wallet_id: WalletId(Uuid::from_u128(1)),
            currency: Currency::USD,
            from: None,
            to: Some(Timestamp::from_micros(0)),
            timezone: "UTC".to_owned(),
            opening_balance: usd(0),
            lines: Vec::new(),
            closing_balance: usd(150),
            position: 9,
        }
    }

    fn row(sequence: i64, is_credit: bool, reference: &str) -> PostingRow {
        PostingRow {
            sequence,
            position: sequence,
            kind: if is_credit { TransactionKind::Deposit } else { TransactionKind::Withdrawal },
            is_credit,
            amount: usd(150),
            posted_after: usd(150),
            reference: Some(reference.to_owned()),
            hold_id: None,
            counterparty: None,
            reverses: None,
            recorded_at: Timestamp::from_micros(0),
        }
    }

    fn whole(format: StatementFormat, chunks: Vec<Vec<PostingRow>>) -> String {
        let reader = Reader { zone: Zone::named("Europe/Kyiv").unwrap(), language: Language::Ukrainian };
        let mut pieces = StatementPieces::new(format, reader, &empty()).unwrap();
        let mut text = pieces.opening.clone();
        for chunk in chunks {
            text += &pieces.lines(chunk).unwrap();
        }
        text + &pieces.closing
    }

    #[test]
    fn the_pieces_are_one_json_object_however_many_chunks_there_are() {
        let chunks = vec![vec![row(2, true, "a"), row(3, false, "b")], vec![], vec![row(4, true, "c")]];
        for (chunks, lines) in [(chunks, 3), (vec![], 0), (vec![vec![]], 0)] {
            let body: serde_json::Value =
                serde_json::from_str(&whole(StatementFormat::Json, chunks)).unwrap();
            assert_eq!(body["lines"].as_array().unwrap().len(), lines);
            assert_eq!(
                (&body["opening_balance"], &body["closing_balance"]),
                (&"0.00".into(), &"1.50".into())
            );
            assert_eq!(body["position"], 9);
        }
    }

    #[test]
    fn no_text_from_outside_is_a_formula_or_breaks_out_of_its_field() {
        for (reference, written) in [
            ("=1+1", "\"'=1+1\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("a,b", "\"a,b\""),
            ("say \"=1\"", "\"say \"\"=1\"\"\""),
            ("plain", "\"plain\""),
        ] {
            assert_eq!(field(reference), written);
        }
    }

    #[test]
    fn every_line_of_csv_has_as_many_columns_as_its_first() {
        let text = whole(StatementFormat::Csv, vec![vec![row(2, true, "a"), row(3, false, "b")]]);
        let lines: Vec<&str> = text.split_terminator("\r\n").collect();
        assert_eq!(lines.len(), 5);
        for line in &lines {
            assert_eq!(line.split(',').count(), 14, "{line}");
        }
        assert!(lines[1].starts_with(",opening_balance,,,,0.00,USD,"), "{}", lines[1]);
        assert!(lines[2].contains(",1.50,,1.50,USD,\"a\","), "{}", lines[2]);
        assert!(lines[3].contains(",,1.50,1.50,USD,\"b\","), "{}", lines[3]);
        assert!(lines[4].starts_with("1970-01-01T00:00:00.000000Z,closing_balance,"), "{}", lines[4]);
        assert!(lines[2].ends_with(",2,1970-01-01 03:00:00,Поповнення"), "{}", lines[2]);
        assert!(lines[4].ends_with(",9,1970-01-01 03:00:00,Кінцевий залишок"), "{}", lines[4]);
    }
}
