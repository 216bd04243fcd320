// Does what a link in a mail asks for, when a person says so: a program that only looks at links must not use them up.
//
// A token comes in the fragment, which a browser sends nowhere. It leaves the address before anything else happens, stays in
// one variable, and goes into the body of the one request it is for. Nothing is stored, and nothing is written to a log.
"use strict";
{
  // What stands in the page is English already.
  const TEXTS = {
    en: {
      sending: "One moment…",
      verify_done: "Thank you: {email} is confirmed. You can close this page.",
      verify_over: "This link has been used, or has expired, or a newer mail has replaced it. Sign in to ask for another.",
      reset_done: "Your new password is set. All sessions have ended: sign in again with the new password. API keys, if you have any, are switched off until you switch them on.",
      reset_over: "This link has been used, or has expired, or a newer mail has replaced it. Ask for another mail to reset your password.",
      no_answer: "No answer came. See whether you are online, and try again.",
      no_reason: "That did not work. Try again in a moment.",
      flaw: "The password {detail}.",
    },
    uk: {
      ok: "Усе гаразд.",
      degraded: "Працює, але не все гаразд.",
      down: "Зараз працювати не може.",
      docs: "спробувати кожен маршрут у браузері",
      redoc: "прочитати про кожен маршрут",
      openapi: "те саме для програм",
      health: "стан цього вузла",
      detailed: "докладно",
      loopback: "лише з цієї машини",
      metrics: "для Prometheus, з цієї машини або на службовому порту",
      jwks: "чим перевіряють токени доступу",
      version: "версія",
      verify_title: "Підтвердьте електронну адресу",
      verify_why: "Одне натискання, і ми знатимемо, що ця адреса ваша.",
      verify_button: "Підтвердити мою адресу",
      verify_done: "Дякуємо: адресу {email} підтверджено. Цю сторінку можна закрити.",
      verify_over: "Це посилання вже використано, застаріло або його замінив новіший лист. Увійдіть, щоб попросити інше.",
      reset_title: "Оберіть новий пароль",
      reset_label: "Новий пароль",
      reset_hint: "Щонайменше 8 символів. Кілька слів поспіль — добрий вибір, і їх легко запам’ятати.",
      reset_show: "Показати пароль",
      reset_button: "Встановити пароль",
      reset_done: "Новий пароль встановлено. Усі сеанси завершено: увійдіть знову з новим паролем. Ключі API, якщо вони є, вимкнено, доки ви їх не ввімкнете.",
      reset_over: "Це посилання вже використано, застаріло або його замінив новіший лист. Попросіть новий лист, щоб відновити пароль.",
      sending: "Зачекайте…",
      no_answer: "Відповіді немає. Перевірте, чи є зв’язок, і спробуйте ще раз.",
      no_reason: "Не вдалося. Спробуйте ще раз за мить.",
      flaw: "Пароль не підходить: {detail}.",
      too_short: "потрібно щонайменше 8 символів",
      too_long: "потрібно щонайбільше 128 символів",
      too_common: "його пробують одним із перших",
      context_word: "він не має містити ім’я користувача чи електронну адресу",
    },
  };
  const ROUTES = { verify: "auth/email/verify", reset: "auth/password/reset" };

  const language = navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase()).find((tag) => tag in TEXTS) ?? "en";
  const texts = TEXTS[language];
  const fill = (name, values) => texts[name].replace(/\{(\w+)\}/, (_, value) => values[value]);

  /** What the address asks for. Afterwards it does not stand there any more. */
  const take = () => {
    const [, action, token] = /^#(verify|reset)=(.*)$/.exec(location.hash) ?? [];
    if (!action) return null;
    history.replaceState(null, "", location.pathname + location.search);
    return { action, token };
  };

  // Relative, as everything here: it may be served under any path. A token is never sent on to where an answer points.
  const post = (action, { key, body }) =>
    fetch(ROUTES[action], {
      method: "POST",
      headers: { "Content-Type": "application/json", "Accept-Language": language, "Idempotency-Key": key },
      body,
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      referrerPolicy: "no-referrer",
    });

  const random = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

  /** What to say about an answer that was a no, and whether that ends it. */
  const refusal = (action, problem) => {
    const flaw = problem.errors?.find((error) => error.pointer === "/new_password");
    if (flaw) return { text: fill("flaw", { detail: texts[flaw.code] ?? flaw.detail }), isFlaw: true };
    const isOver = problem.code === "invalid_mail_token" || problem.errors?.some((error) => error.pointer === "/token");
    if (isOver) return { text: texts[`${action}_over`], isOver };
    return { text: problem.detail ?? texts.no_reason };
  };

  let current = take();

  const show = (link) => {
    for (const main of document.querySelectorAll("main")) main.hidden = main.id !== (link?.action ?? "front");
    if (!link) return;
    const main = document.getElementById(link.action);
    const [form, outcome] = [main.querySelector("form"), main.querySelector(".outcome")];
    const [button, password] = [form.querySelector("button"), form.querySelector("#password")];
    const asked = form.dataset.button ??= button.textContent;
    document.title = `${main.querySelector("h1").textContent} · Counterfoil`;

    const busy = (is) => {
      form.setAttribute("aria-busy", is);
      button.textContent = is ? texts.sending : asked;
    };
    const say = (text, mood) => {
      outcome.textContent = text;
      outcome.className = `outcome ${mood}`;
    };
    const ask = async () => {
      const body = JSON.stringify({ token: link.token, new_password: password?.value });
      // The same once more, for its answer may have been lost on the way, is told what the first was told.
      if (link.request?.body !== body) link.request = { key: random(), body };
      const answered = await post(link.action, link.request);
      const told = await answered.json().catch(() => ({}));
      // Another link was opened here in the meantime: this page is about that one now.
      if (link !== current) return;
      const { text, isFlaw, isOver } = answered.ok ? {} : refusal(link.action, told);
      say(text ?? fill(`${link.action}_done`, { email: told.user?.email }), answered.ok ? "done" : "trouble");
      form.hidden = answered.ok || isOver === true;
      if (form.hidden) {
        form.reset();
        link.token = link.request = null;
      }
      if (isFlaw) {
        password.setAttribute("aria-invalid", "true");
        password.focus();
      }
    };

    form.reset();
    form.hidden = false;
    say("", "");
    busy(false);
    if (password) {
      const hide = () => (password.type = form.querySelector("#show").checked ? "text" : "password");
      hide();
      form.querySelector("#show").onchange = hide;
      password.oninput = () => password.removeAttribute("aria-invalid");
    }
    form.onsubmit = async (event) => {
      event.preventDefault();
      if (form.getAttribute("aria-busy") === "true") return;
      say("", "");
      busy(true);
      await ask().catch(() => link === current && say(texts.no_answer, "trouble"));
      if (link === current) busy(false);
    };
  };

  document.addEventListener("DOMContentLoaded", () => {
    document.documentElement.lang = language;
    for (const element of document.querySelectorAll("[data-text]")) {
      element.textContent = texts[element.dataset.text] ?? element.textContent;
    }
    show(current);
  });
  // A link that is opened where the page is open already loads nothing.
  addEventListener("hashchange", () => {
    const link = take();
    if (link) show((current = link));
  });
}
