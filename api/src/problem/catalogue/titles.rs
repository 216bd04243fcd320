//! The title of every problem. A code without one, in any language, does not compile.

use super::Language;
use crate::problem::Code;

macro_rules! titles {
    ($($code:ident: $english:literal, $ukrainian:literal;)+) => {
        impl Code {
            pub(crate) const fn title(self, language: Language) -> &'static str {
                match (language, self) {
                    $(
                        (Language::English, Self::$code) => $english,
                        (Language::Ukrainian, Self::$code) => $ukrainian,
                    )+
                }
            }
        }
    };
}

titles! {
    BadRequest: "The request cannot be read", "Запит не вдалося прочитати";
    MalformedJson: "The body is not JSON", "Тіло запиту не є JSON";
    InvalidQuery: "The query string cannot be read", "Рядок запиту не вдалося прочитати";
    InvalidHeader: "A header cannot be read", "Заголовок не вдалося прочитати";
    InvalidCursor: "The cursor is not one of this list", "Цей курсор не від цього списку";
    MissingIdempotencyKey: "An Idempotency-Key is required", "Потрібен заголовок Idempotency-Key";
    InvalidIdempotencyKey: "The Idempotency-Key is not valid", "Неправильний Idempotency-Key";

    MissingToken: "Sign in first", "Спершу увійдіть";
    InvalidToken: "The access token is not valid", "Токен доступу недійсний";
    TokenExpired: "The access token has expired", "Термін дії токена доступу минув";
    SessionEnded: "The login session has ended", "Сеанс завершено";
    InvalidCredentials: "Name or password is wrong", "Неправильне ім’я або пароль";
    InvalidRefreshToken: "The refresh token is not valid", "Токен оновлення недійсний";
    RefreshTokenReused: "The refresh token was used before", "Токен оновлення вже було використано";

    InvalidApiKey: "The API key is not valid", "Ключ API недійсний";
    InvalidMailToken: "The link has been used or has expired", "Посилання вже використано або воно застаріло";

    AdminRequired: "Only an admin may do this", "Це може робити лише адміністратор";
    PersonRequired: "Keys may not do this: sign in", "Ключам цього не дозволено: увійдіть";
    InsufficientScope: "The key lacks a scope", "Ключу бракує дозволу";
    NetworkNotAllowed: "The key may not be used from here", "Звідси цим ключем користуватися не можна";
    DepositNotAllowed: "Owners may not deposit here", "Тут власники не можуть поповнювати гаманці";
    ReversalNotAllowed: "Only who received it may give it back", "Повернути може лише той, хто отримав";
    RecentLoginRequired: "Sign in again, or send the password", "Увійдіть знову або надішліть пароль";
    SettingForbidden: "Some settings are not for users to set", "Деякі параметри користувачам змінювати не можна";
    UserSuspended: "The user is suspended", "Користувача заблоковано";

    RouteNotFound: "There is no such route", "Такого маршруту немає";
    UserNotFound: "There is no such user", "Такого користувача немає";
    WalletNotFound: "There is no such wallet", "Такого гаманця немає";
    HoldNotFound: "There is no such hold", "Такого резерву немає";
    TransactionNotFound: "There is no such transaction", "Такої транзакції немає";
    SessionNotFound: "There is no such login session", "Такого сеансу немає";
    ApiKeyNotFound: "There is no such API key", "Такого ключа API немає";
    CredentialsNotFound: "There are no credentials for this exchange", "Облікових даних для цієї біржі немає";
    PresetNotFound: "There is no such preset", "Такого набору параметрів немає";
    SettingsVersionNotFound: "The settings never had this version", "Такої версії параметрів не було";
    CommandNotFound: "No command with this key is known", "Команди з таким ключем не знайдено";

    MethodNotAllowed: "The route does not take this method", "Маршрут не приймає цього методу";
    RequestTimeout: "The request did not arrive in time", "Запит не надійшов вчасно";

    EmailTaken: "The e-mail address is registered already", "Цю електронну адресу вже зареєстровано";
    UsernameTaken: "The username is taken", "Це ім’я користувача зайняте";
    AlreadyExists: "It exists already", "Таке вже існує";
    TooManyApiKeys: "There are as many API keys as there may be", "Більше ключів API створити не можна";
    PresetExists: "There is a preset of this name already", "Набір параметрів із такою назвою вже є";
    TooManyPresets: "There are as many presets as there may be", "Більше наборів параметрів створити не можна";
    ApiKeyRotated: "The key was rotated by somebody else just now", "Ключ щойно замінив хтось інший";
    WalletNotEmpty: "A wallet still holds money", "У гаманці ще є гроші";
    WalletFrozen: "The wallet is frozen", "Гаманець заморожено";
    WalletClosed: "The wallet is closed", "Гаманець закрито";
    WalletExists: "The user has a wallet in this currency already", "Користувач уже має гаманець у цій валюті";
    HoldEnded: "The hold has ended already", "Резерв уже завершено";
    HoldOfTradingSession: "The hold belongs to a trading session and ends with it",
        "Резерв належить торговій сесії та завершується разом із нею";
    TradingSessionNotFound: "There is no such trading session", "Такої торгової сесії немає";
    TradeNotFound: "The session has no such trade", "У сесії немає такої угоди";
    WrongSessionState: "The trading session is not in a state for this", "Стан торгової сесії цього не дозволяє";
    RunUnderWay: "A run of the trading session is under way", "Цикл торгової сесії ще триває";
    TooManyTradingSessions: "There are as many sessions on paper as there may be",
        "Більше паперових сесій розпочати не можна";
    SessionConflict: "Another live session trades on this account", "На цьому рахунку вже торгує інша сесія";
    CredentialsMissing: "There are no credentials for this exchange", "Облікових даних для цієї біржі немає";
    TradingSessionActive: "A trading session has not stopped", "Торгову сесію ще не зупинено";
    MarketUnavailable: "There are no prices for this now", "Зараз для цього немає цін";
    HoldExpired: "The hold has expired", "Термін дії резерву минув";
    TooManyHolds: "There are as many active holds as there may be", "Більше активних резервів створити не можна";
    NotReversible: "The transaction cannot be reversed", "Транзакцію не можна скасувати";
    AlreadyReversed: "The transaction was reversed already", "Транзакцію вже скасовано";
    InFlight: "A request with this key is being processed", "Запит із цим ключем ще обробляється";

    VersionMismatch: "It has changed since it was read", "Відтоді, як це прочитано, воно змінилося";
    BodyTooLarge: "The body is too large", "Тіло запиту завелике";
    UnsupportedMediaType: "The body must be JSON", "Тіло запиту має бути у форматі JSON";

    ValidationFailed: "Some values are not valid", "Деякі значення неправильні";
    UnknownSetting: "Some settings are not known", "Деякі параметри невідомі";
    InsufficientFunds: "The wallet does not hold that much", "У гаманці немає стільки коштів";
    InsufficientCash: "The session has not so much cash", "У сесії немає стільки вільних коштів";
    WrongCurrency: "The wallet holds another currency", "Гаманець має іншу валюту";
    BalanceTooLarge: "A wallet cannot hold that much", "Стільки в гаманці не поміститься";
    SameWallet: "A transfer needs two wallets", "Для переказу потрібні два гаманці";
    RecipientNotFound: "The recipient has no such wallet", "Отримувач не має такого гаманця";
    CaptureTooLarge: "The hold does not hold that much", "У резерві немає стільки коштів";
    AmendBelowCaptured: "More is captured already", "Уже списано більше";
    BalanceBounds: "The balance would leave the bounds that were asked for", "Баланс вийшов би за задані межі";
    CaptureIdReused: "The capture id was used for another capture",
        "Цей capture_id уже використано для іншого списання";
    KeyReused: "The Idempotency-Key was used for another request",
        "Цей Idempotency-Key уже використано для іншого запиту";
    PositionBeyondHead: "The journal does not reach that position", "Журнал ще не дійшов до цієї позиції";

    TooManyRequests: "Too many requests", "Забагато запитів";
    TooManyAttempts: "Too many failed sign-ins", "Забагато невдалих спроб увійти";

    InternalError: "Something broke inside", "Усередині щось зламалося";
    Unrecordable: "The command could not be recorded", "Команду не вдалося записати";

    Unavailable: "Come again in a moment", "Спробуйте ще раз за мить";
    OutcomeUnknown: "It is unknown whether the command took effect", "Невідомо, чи команду виконано";
    ProjectionBehind: "The read model has not got there yet", "Модель читання ще не дійшла до цього місця";
    ProjectionFailed: "The read model has stopped", "Модель читання зупинилася";
    TimedOut: "The answer took too long", "Відповідь тривала задовго";
}
