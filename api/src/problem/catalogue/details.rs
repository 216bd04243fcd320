//! What there is to say about a problem beyond its title.

use super::language::{Language, form};
use super::{listed, texts};
use crate::problem::Code;
use domain::trading::SessionState;
use domain::{Currency, EntryId, Money, Scope, Timestamp, TradingSessionId};
use rust_decimal::Decimal;
use std::fmt;
use uuid::Uuid;

texts! {
    /// What happened this time, with its facts.
    enum Detail of Code;

    BodyBroke: BadRequest, "the body broke off", "тіло запиту обірвалося";
    TooDeep { max: usize }: MalformedJson,
        "nested deeper than {max}", "вкладеність глибша за {max}";
    NotJson { line: usize, column: usize }: MalformedJson,
        "line {line}, column {column}", "рядок {line}, стовпець {column}";
    RepeatedParameter { name: String }: InvalidQuery,
        "the parameter {name} stands more than once", "параметр {name} вказано більше одного разу";
    RepeatedHeader { name: String }: InvalidHeader,
        "{name} stands more than once", "заголовок {name} вказано більше одного разу";
    HeaderNotAscii { name: String }: InvalidHeader,
        "{name} is not ASCII text", "заголовок {name} не є текстом ASCII";
    OneETag: InvalidHeader,
        "If-Match takes one ETag, such as \"7\"", "If-Match приймає один ETag, наприклад \"7\"";
    BatchHasNoVersion: InvalidHeader,
        "a batch has no version for If-Match: send expected_version with its commands",
        "пакет не має версії для If-Match: надішліть expected_version з його командами";
    ForeignCursor: InvalidCursor,
        "send back a next_cursor as it was given", "надішліть next_cursor таким, яким його отримано";
    SendAKey: MissingIdempotencyKey,
        "send an Idempotency-Key header, such as a UUID of your own: it makes repeating this request safe",
        "надішліть заголовок Idempotency-Key, наприклад власний UUID: так цей запит можна безпечно повторити";
    KeyQuotes: InvalidIdempotencyKey,
        "a quoted key ends with a quote and has none inside",
        "ключ у лапках закінчується лапками й не має їх усередині";
    KeyLength { max: usize }: InvalidIdempotencyKey,
        "a key has 1 to {max} characters",
        "ключ може мати від 1 до {max} {characters}"
            [characters = form(max, "символу", "символів", "символів")];
    KeyCharacters: InvalidIdempotencyKey,
        "a key has visible ASCII characters only, and no quote among them",
        "ключ може мати лише видимі символи ASCII, крім лапок";

    TokenHeldTwice: RefreshTokenReused,
        "two hold this token, so the login session was ended: sign in again",
        "цей токен є у двох, тому сеанс завершено: увійдіть знову";
    KeyExpired: InvalidApiKey, "the key has expired", "термін дії ключа минув";
    KeyIsOff: InvalidApiKey, "the key is switched off", "ключ вимкнено";
    KeyOwnerSuspended: InvalidApiKey, "the key's owner is suspended", "власника ключа заблоковано";

    ScopeMissing { scope: Scope }: InsufficientScope, "it takes {scope}", "потрібен дозвіл {scope}";
    ScopesMissing { scopes: String }: InsufficientScope,
        "it takes one of {scopes}", "потрібен один із дозволів: {scopes}";
    DepositsByServices: DepositNotAllowed,
        "here deposits are made by services, not by the owners of wallets",
        "тут гаманці поповнюють служби, а не їхні власники";
    SendPassword: RecentLoginRequired, "send current_password", "надішліть current_password";
    SignInAgain { seconds: u64 }: RecentLoginRequired,
        "it takes a sign-in of the last {seconds} s: sign in again, or send current_password",
        "потрібен вхід за останні {seconds} с: увійдіть знову або надішліть current_password";

    KnownExchanges { names: Vec<&'static str> }: CredentialsNotFound,
        "{known} are the exchanges that are known" [known = listed(names, " and ")],
        "відомі біржі: {known}" [known = listed(names, " та ")];
    NeverWillBe: CommandNotFound,
        "it is not in the journal; after final_after it never will be",
        "її немає в журналі, а після final_after вже й не буде";

    WalletAlreadyOpen: AlreadyExists, "the wallet is open already", "гаманець уже відкрито";
    SessionAlreadyStarted: AlreadyExists, "the session was started already", "сесію вже розпочато";
    StillHolds { posted: Money, held: Money }: WalletNotEmpty,
        "the wallet still holds {posted}, of which {held} is held",
        "у гаманці ще є {posted}, з них {held} зарезервовано";
    WalletFrozen: WalletFrozen, "the wallet is frozen", "гаманець заморожено";
    WalletClosed: WalletClosed, "the wallet is closed", "гаманець закрито";
    HoldNotActive { hold_id: EntryId }: HoldEnded,
        "the hold {hold_id} is not active any more", "резерв {hold_id} більше не активний";
    HoldWas { hold_id: EntryId, status: &'static str, position: i64 }: HoldEnded,
        "the hold {hold_id} was {status} at position {position}",
        "резерв {hold_id} завершено на позиції {position}, його стан: {status}";
    HoldEndsInBatch { hold_id: EntryId }: HoldEnded,
        "an earlier command of the batch ends the hold {hold_id}",
        "попередня команда пакета завершує резерв {hold_id}";
    HoldExpired { hold_id: EntryId, expires_at: Timestamp }: HoldExpired,
        "the hold {hold_id} expired at {expires_at}", "термін дії резерву {hold_id} минув {expires_at}";
    HoldOfSession { hold_id: EntryId, trading_session: TradingSessionId }: HoldOfTradingSession,
        "the hold {hold_id} belongs to the trading session {trading_session} and ends with it",
        "резерв {hold_id} належить торговій сесії {trading_session} та завершується разом із нею";
    TooManyHolds: TooManyHolds,
        "the wallet has as many active holds as it may have",
        "гаманець має стільки активних резервів, скільки може мати";
    NotCaptured { transaction: EntryId }: NotReversible,
        "the transaction {transaction} cannot be reversed: the hold was not captured",
        "транзакцію {transaction} не можна скасувати: резерв не було списано";
    NotEnded { transaction: EntryId }: NotReversible,
        "the transaction {transaction} cannot be reversed: the hold has not ended yet",
        "транзакцію {transaction} не можна скасувати: резерв ще не завершено";
    IsAReversal { transaction: EntryId }: NotReversible,
        "the transaction {transaction} cannot be reversed: it is a reversal itself",
        "транзакцію {transaction} не можна скасувати: вона сама є скасуванням";

    SessionIs { state: SessionState }: WrongSessionState, "the session is {state}", "стан сесії: {state}";
    SessionStopped: WrongSessionState, "the session has stopped", "сесію зупинено";
    CapitalAtTheExchange: WrongSessionState,
        "what a live session trades with lies at its exchange: only one on paper takes capital this way",
        "кошти справжньої сесії лежать на її біржі: так капітал змінюють лише в паперової";
    RunUnderWay { run_id: Uuid }: RunUnderWay, "the run {run_id} is under way", "цикл {run_id} ще триває";
    NoPrice { asset: Currency }: MarketUnavailable, "there is no price for {asset}", "для {asset} немає ціни";
    NoPrices { currency: Currency }: MarketUnavailable,
        "there are no prices in {currency}", "немає цін у {currency}";
    StalePrice { asset: Currency, age_s: u64 }: MarketUnavailable,
        "the price of {asset} is {age_s} s old", "ціна {asset} застаріла: їй {age_s} с";
    NumberTooLarge: MarketUnavailable,
        "a number grew beyond what can be kept to the last digit",
        "число стало завеликим, щоб зберегти його до останньої цифри";

    OtherVersion { expected: i64, actual: i64 }: VersionMismatch,
        "version {expected} was expected, it is {actual}", "очікувалася версія {expected}, а зараз {actual}";
    OtherDefaults { expected: u64, actual: u64 }: VersionMismatch,
        "version {expected} of the defaults was expected, it is {actual}",
        "очікувалася версія типових параметрів {expected}, а зараз {actual}";
    OtherPreferences { expected: u64, actual: u64 }: VersionMismatch,
        "version {expected} of the preferences was expected, it is {actual}",
        "очікувалася версія налаштувань {expected}, а зараз {actual}";
    NoVersion { tag: String }: VersionMismatch, "{tag} is no version of it", "{tag} не є його версією";
    TwoVersions: VersionMismatch,
        "If-Match and expected_version name two versions", "If-Match і expected_version називають різні версії";
    BodyTooLarge { max: usize }: BodyTooLarge,
        "a body may have {max} bytes",
        "тіло запиту може мати щонайбільше {max} {bytes}" [bytes = form(max, "байт", "байти", "байтів")];
    SendJson: UnsupportedMediaType, "send it as application/json", "надішліть його як application/json";

    SeveralFlaws { count: usize }: ValidationFailed,
        "{count} values are not valid",
        "неправильних значень: {count}";
    SeveralForbidden { count: usize }: SettingForbidden,
        "{count} of these settings may not be changed here",
        "параметрів, які тут змінювати не можна: {count}";
    SeveralUnknown { count: usize }: UnknownSetting,
        "{count} of these are no settings that there are here",
        "параметрів, яких тут немає: {count}";
    NotAnObject: ValidationFailed, "the body must be a JSON object", "тіло запиту має бути об’єктом JSON";
    RepeatedMember { name: String, line: usize, column: usize }: ValidationFailed,
        "duplicate field `{name}` at line {line} column {column}",
        "поле `{name}` повторюється: рядок {line}, стовпець {column}";
    NothingToChange: ValidationFailed,
        "name what is to be changed: name, scopes, is_active, expires_at or cidrs",
        "назвіть, що змінити: name, scopes, is_active, expires_at або cidrs";
    InsufficientFunds { available: Money, requested: Money }: InsufficientFunds,
        "{available} is available, {requested} was asked for", "доступно {available}, а потрібно {requested}";
    InsufficientCash { available: Decimal, requested: Decimal }: InsufficientCash,
        "{available} is available, {requested} was asked for", "доступно {available}, а потрібно {requested}";
    WrongCurrency { wallet: Currency, requested: Currency }: WrongCurrency,
        "the wallet holds {wallet}, not {requested}", "валюта гаманця {wallet}, а не {requested}";
    BalanceTooLarge: BalanceTooLarge,
        "the balance would grow beyond what a wallet can hold",
        "баланс став би більшим, ніж може вмістити гаманець";
    SessionTooLarge: BalanceTooLarge,
        "a number grew beyond what can be kept to the last digit",
        "число стало завеликим, щоб зберегти його до останньої цифри";
    CaptureTooLarge { remaining: Money, requested: Money }: CaptureTooLarge,
        "{remaining} is left in the hold, {requested} was asked for",
        "у резерві залишилося {remaining}, а потрібно {requested}";
    AmendBelowCaptured { captured: Money, requested: Money }: AmendBelowCaptured,
        "{captured} is captured already, the hold cannot shrink to {requested}",
        "{captured} уже списано, тому резерв не можна зменшити до {requested}";
    OutOfBounds { available: Money }: BalanceBounds,
        "{available} would be available afterwards, which is out of the bounds that were asked for",
        "після цього було б доступно {available}, а це поза заданими межами";
    BeyondHead { asked: i64, head: i64 }: PositionBeyondHead,
        "position {asked} was asked for and the journal ends at {head}",
        "потрібна позиція {asked}, а журнал закінчується на {head}";

    DatabaseSilent: Unavailable, "the database does not answer", "база даних не відповідає";
    TooManyWaiting: Unavailable,
        "too many queries wait for a position already", "уже забагато запитів чекають на свою позицію";
    NotReady { obstacles: String }: Unavailable, "not ready: {obstacles}", "не готово: {obstacles}";
    TooManyCommands: Unavailable, "too many commands are waiting", "забагато команд чекають на виконання";
    TooManyPasswords: Unavailable, "too many passwords are being checked", "забагато паролів перевіряється водночас";
    WaitedTooLong: Unavailable,
        "the command waited too long to be decided", "команда надто довго чекала на рішення";
    NotLoaded: Unavailable, "the account could not be loaded", "рахунок не вдалося завантажити";
    DatabaseAway: Unavailable, "the database cannot be reached", "база даних недоступна";
    CannotWrite: Unavailable, "the database cannot write now", "база даних зараз не може записувати";
    LeadLost: Unavailable, "this node does not lead any more", "цей вузол більше не головний";
    NobodyLeads: Unavailable,
        "no node leads at the moment, or another does", "зараз головного вузла немає або ним є інший";
    NobodyTookIt: Unavailable,
        "no node that leads took the command: nothing happened",
        "жоден головний вузол не взяв команду: нічого не сталося";
    LeaderCannot: Unavailable,
        "the node that leads cannot take commands now", "головний вузол зараз не може приймати команди";
    NobodyWrites: Unavailable,
        "nobody writes at the moment: it cannot be told yet", "зараз ніхто не записує: відповіді ще немає";
    WritingHalted: Unavailable,
        "writing is halted: the journal and the stream differ", "запис зупинено: журнал і потік не збігаються";
    AskByKey: OutcomeUnknown,
        "ask GET /commands/{{key}} with the same key, or send the same request with the same key again",
        "запитайте GET /commands/{{key}} з тим самим ключем або повторіть той самий запит із тим самим ключем";
    Behind { name: &'static str, position: i64, lag: i64 }: ProjectionBehind,
        "the projection {name} is at {position}, {lag} events short of what was asked for",
        "проєкція {name} на позиції {position}, до потрібної бракує {lag} {events}"
            [events = form(lag, "події", "подій", "подій")];
    Stopped { name: &'static str }: ProjectionFailed,
        "the projection {name} has stopped", "проєкція {name} зупинилася";
}
