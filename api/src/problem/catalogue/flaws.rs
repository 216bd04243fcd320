//! What is wrong with one value of a request. A text goes on where the pointer to the value ends: `/amount is required`.

use super::language::{Language, form};
use super::{listed, texts};
use crate::problem::FieldCode;
use domain::{Currency, Scope};
use std::borrow::Cow;
use std::fmt;

texts! {
    /// Why one value is not valid.
    enum Flaw of FieldCode;

    Required: Required, "is required", "має бути вказано";
    RequiredOr { other: &'static str }: Required,
        "or {other} is required", "або {other} має бути вказано";

    NotAString: WrongType, "must be a string", "має бути рядком";
    NotANumber: WrongType, "must be a number", "має бути числом";
    NotASwitch: WrongType, "must be true or false", "має бути true або false";
    NotStrings: WrongType, "must be a list of strings", "має бути списком рядків";
    NotShares: WrongType,
        "must be an object of assets and their shares", "має бути об’єктом з активами та їхніми частками";
    NotCommands: WrongType, "must be a list of commands", "має бути списком команд";
    NotACommand: WrongType,
        "must be an object with each member once", "має бути об’єктом, у якому кожне поле стоїть один раз";

    EitherRequired { other: &'static str }: OneOf,
        "is required, or {other} instead", "має бути вказано, або натомість {other}";
    SameField { other: &'static str }: OneOf,
        "is the same field as {other}: send one of the two",
        "є тим самим полем, що й {other}: надішліть одне з двох";
    NotOfTheMode: OneOf,
        "does not fit the mode: paper trades on paper, live on binance",
        "не відповідає режиму: paper торгує на paper, live — на binance";
    NoScope { known: String }: OneOf,
        "is no scope; there are {known}", "не є дозволом; є такі: {known}";
    ScopeOfServices { scope: Scope }: OneOf,
        "only a service's key may have the scope {scope}", "дозвіл {scope} може мати лише ключ служби";

    NotAnInteger: NotAnInteger, "must be an integer", "має бути цілим числом";
    BareDecimal: NotAnInteger,
        "a JSON number must be an integer: send decimals as a string such as \"12.34\"",
        "як число JSON має бути цілим: дробові надсилайте рядком, наприклад \"12.34\"";

    OutOfRange { from: String, to: String }: OutOfRange,
        "must be from {from} to {to}", "має бути від {from} до {to}";
    NoPartOfOne: OutOfRange,
        "must be greater than 0 and at most 1", "має бути більше за 0 і не більше за 1";
    SharesOutOfRange { decimals: u32 }: OutOfRange,
        "must be shares from 0 to 1 with at most {decimals} decimals",
        "має містити частки від 0 до 1, у яких щонайбільше {decimals} {digits} після крапки"
            [digits = form(decimals, "цифра", "цифри", "цифр")];
    KeyLife: OutOfRange,
        "must be in the future, and within ten years", "має бути в майбутньому, у межах десяти років";
    BeforeFrom: OutOfRange, "must not be before `from`", "не може бути раніше за `from`";

    NotAmong { names: Vec<&'static str> }: Unknown,
        "must be {either}" [either = listed(names, " or ")],
        "має бути {either}" [either = listed(names, " або ")];
    NoneOf { names: Vec<&'static str> }: Unknown,
        "must be one of {known}" [known = listed(names, ", ")],
        "має бути одним із: {known}" [known = listed(names, ", ")];
    NoRoles: Unknown,
        "must name at least one of user, service and admin",
        "має називати щонайменше одне з: user, service, admin";
    NotListedEvent: Unknown,
        "is no type of event that is listed here", "не є типом події, яку тут показують";
    NoEvent: Unknown, "is no type of event", "не є типом події";
    NobodyOrMe: Unknown, "must be a user's id, or me", "має бути ідентифікатором користувача або me";
    NoPair: Unknown,
        "must be the name of a pair such as BTCUSDT", "має бути назвою пари, наприклад BTCUSDT";
    NoWallet: Unknown, "must be a wallet's id", "має бути ідентифікатором гаманця";
    NoHold { text: String }: Unknown,
        "{text:?} is not `<wallet id>.<sequence>`", "{text:?} не має вигляду `<id гаманця>.<номер>`";
    NoBatchCommand: Unknown,
        "is no command that a batch can have", "не є командою, яка може бути в пакеті";
    NoTimezone: Unknown,
        "must be a name of the IANA time zone database such as Europe/Kyiv, or UTC",
        "має бути назвою часового поясу з бази IANA, наприклад Europe/Kyiv, або UTC";

    ReadOnly: ReadOnly, "is shown and cannot be set", "показується, але не змінюється";
    SettingForbidden: SettingForbidden, "may not be set here", "тут змінювати не можна";
    NoSetting: UnknownSetting, "is no setting that there is here", "тут такого параметра немає";
    NotOfType { name: Cow<'static, str> }: WrongType,
        "must be of the type {name}", "має бути значенням типу {name}";
    NoNumber: NotADecimal, "must be a number", "має бути числом";
    NotWithin { range: Cow<'static, str> }: OutOfRange, "must be within {range}", "має бути в межах {range}";
    NoWord { words: Cow<'static, str> }: Unknown, "may be: {words}", "може бути: {words}";
    NotLike { example: Cow<'static, str> }: WrongForm,
        "must be of the form of {example}", "має бути такого вигляду: {example}";
    TooManyMembers { max: usize }: TooLong,
        "may have {max} members at most",
        "може мати щонайбільше {max} {members}" [members = form(max, "елемент", "елементи", "елементів")];
    StandsBefore: Repeated, "stands there before", "уже стоїть там раніше";
    GoesNotWith { other: Cow<'static, str> }: Inconsistent,
        "does not go with {other}", "не поєднується з {other}";

    NoPresetName: WrongForm,
        "must have 1 to 40 letters, digits, '_', '.' and '-', and begin with a letter or a digit",
        "має складатися з 1–40 латинських літер, цифр, «_», «.» і «-» та починатися з літери або цифри";

    NotAnId: NotAnId, "must be an id", "має бути ідентифікатором";
    NotAUserId: NotAnId, "must be the id of a user", "має бути ідентифікатором користувача";
    NotARunId: NotAnId, "must be the id of a run", "має бути ідентифікатором циклу";

    AssetRepeated { asset: Currency }: Repeated,
        "{asset} stands more than once", "{asset} вказано більше одного разу";
    CaptureRepeated: Repeated,
        "stands in the batch already, for the same hold", "уже є в пакеті для того самого резерву";

    NotADecimal { example: &'static str }: NotADecimal,
        "must be a decimal number such as {example}: digits and one point, no sign, exponent or space",
        "має бути десятковим числом, наприклад {example}: цифри та одна крапка, без знака, степеня й пробілів";
    TooManyDigits { max: usize }: TooManyDigits,
        "must have at most {max} digits",
        "може мати щонайбільше {max} {digits}" [digits = form(max, "цифру", "цифри", "цифр")];
    TooManyDecimals { max: u32 }: TooManyDecimals,
        "must have at most {max} decimals",
        "може мати щонайбільше {max} {digits} після крапки" [digits = form(max, "цифру", "цифри", "цифр")];
    TooManyDecimalsIn { currency: Currency, scale: u8 }: TooManyDecimals,
        "must have at most {scale} decimals in {currency}",
        "може мати щонайбільше {scale} {digits} після крапки, якщо валюта {currency}"
            [digits = form(scale, "цифру", "цифри", "цифр")];
    FinerThan { currency: Currency }: TooManyDecimals,
        "has more decimals than {currency}", "має більше цифр після крапки, ніж {currency}";

    NotPositive: NotPositive, "must be greater than zero", "має бути більше за нуль";
    TooLarge: TooLarge, "is more than a wallet can hold", "більше, ніж може вмістити гаманець";
    Above { max: u64 }: TooLarge, "must be at most {max}", "має бути не більше за {max}";
    LargerThan { currency: Currency }: TooLarge,
        "has more digits than an amount in {currency} can have",
        "має більше цифр, ніж може мати сума у валюті {currency}";

    UnknownCurrency: UnknownCurrency, "is not a known currency", "не є відомою валютою";

    Empty: Empty, "must not be empty", "не може бути порожнім";
    NoScopes: Empty, "must name at least one scope", "має називати щонайменше один дозвіл";
    NoAssets: Empty, "must name at least one asset", "має називати щонайменше один актив";

    TooShort { min: usize }: TooShort,
        "must be at least {min} characters long",
        "має містити щонайменше {min} {characters}"
            [characters = form(min, "символ", "символи", "символів")];
    TooLong { max: usize }: TooLong,
        "must be at most {max} characters long",
        "може містити щонайбільше {max} {characters}"
            [characters = form(max, "символ", "символи", "символів")];
    TooManyCommands { max: usize }: TooLong,
        "must have at most {max} commands",
        "може містити щонайбільше {max} {commands}" [commands = form(max, "команду", "команди", "команд")];
    TooManyNetworks { max: usize }: TooLong,
        "must be at most {max} networks",
        "може містити щонайбільше {max} {networks}" [networks = form(max, "мережу", "мережі", "мереж")];
    TooManyAssets { max: usize }: TooLong,
        "must name at most {max} assets",
        "може називати щонайбільше {max} {assets}" [assets = form(max, "актив", "активи", "активів")];
    NoPassword: TooLong, "is longer than any password", "довше за будь-який пароль";

    ControlCharacter: ControlCharacter,
        "must not contain control characters", "не може містити керівних символів";
    NotAUsername: NotAUsername,
        "may contain letters, digits, '_', '.' and '-' only",
        "може містити лише латинські літери, цифри, «_», «.» і «-»";
    NotAnEmail: NotAnEmail, "is not an e-mail address", "не є електронною адресою";
    NotATime: NotATime,
        "must be a time such as 2026-01-31T12:00:00Z", "має бути часом, наприклад 2026-01-31T12:00:00Z";
    NeitherTimeNorDay: NotATime,
        "must be a day such as 2026-01-31, or a time such as 2026-01-31T12:00:00Z",
        "має бути днем, наприклад 2026-01-31, або часом, наприклад 2026-01-31T12:00:00Z";
    NeitherTimeNorPosition: NotATime,
        "must be a position, or a time such as 2026-01-31T12:00:00Z",
        "має бути позицією або часом, наприклад 2026-01-31T12:00:00Z";
    NotANetwork: NotANetwork,
        "is not a network: use an address, or one with its bits, for example 10.0.0.0/8 or 2001:db8::/32",
        "не є мережею: вкажіть адресу або адресу з довжиною префікса, наприклад 10.0.0.0/8 чи 2001:db8::/32";
    NotVisibleAscii: NotVisibleAscii,
        "must be visible ASCII characters", "може містити лише видимі символи ASCII";
    TooCommon: TooCommon,
        "is one of the passwords that are tried first", "є одним із паролів, які пробують першими";
    ContextWord: ContextWord,
        "must not contain the username or the e-mail address",
        "не може містити ім’я користувача чи електронну адресу";
    NothingTraded { currency: Currency }: NotTraded,
        "nothing is traded against {currency} here", "тут нічим не торгують за {currency}";
    NotTraded { currency: Currency }: NotTraded,
        "is not traded against {currency} here", "тут не торгується за {currency}";
    NotOne { sum: String }: NotOne,
        "must add up to exactly 1, and not to {sum}", "має в сумі давати рівно 1, а не {sum}";
}

impl Flaw {
    pub(crate) fn not_among(names: &[&'static str]) -> Self {
        Self::NotAmong { names: names.to_vec() }
    }

    pub(crate) fn none_of(names: &[&'static str]) -> Self {
        Self::NoneOf { names: names.to_vec() }
    }
}
