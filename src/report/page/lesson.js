// Lesson mode: a question before the event that answers it. Until then the future is behind a curtain, and the verdict, the
// other views and everything that would give it away are hidden.

/** @typedef {{row: number, ask: string, options: string[], answer: number, because: string, given: number}} Question */
/** @typedef {{title: string, text: string, questions: Question[], on: boolean}} Lesson */

/** @param {Json} report @param {Model} model @returns {Lesson | null} */
function readLesson(report, model) {
  const lesson = report.lesson;
  if (!lesson) return null;
  const questions = (lesson.questions ?? []).map((/** @type {Json} */ question) => ({
    ...question,
    row: question.row ?? Math.min(model.rows - 1, lowerBound(model.trace.events.number, question.event ?? 0)),
    given: -1,
  }));
  questions.sort((/** @type {Question} */ a, /** @type {Question} */ b) => a.row - b.row);
  for (const question of questions) model.pinned.add(question.row);
  return { title: lesson.title ?? "Lesson", text: lesson.text ?? "", questions, on: true };
}

/** Whether anything is still hidden. @param {App} app @returns {boolean} */
function isVeiled(app) {
  return !!app.lesson?.on && app.lesson.questions.some((question) => question.given < 0);
}

/** The first question without an answer. @param {App} app @returns {Question | null} */
function openQuestion(app) {
  return (app.lesson?.on && app.lesson.questions.find((question) => question.given < 0)) || null;
}

/** The last row that may be looked at: the shown row before the open question's event. @param {App} app @returns {number} */
function lastAllowed(app) {
  const model = /** @type {Model} */ (app.model),
    question = openQuestion(app);
  if (!question) return model.rows - 1;
  const { rows } = model.shown(app.filter);
  const place = lowerBound(rows, question.row) - 1;
  return place >= 0 ? rows[place] : 0;
}

/** @param {HTMLElement} host @param {App} app */
function renderLesson(host, app) {
  const lesson = /** @type {Lesson} */ (app.lesson);
  const question = openQuestion(app);
  const answered = lesson.questions.filter((one) => one.given >= 0);
  const right = answered.filter((one) => one.given === one.answer).length;
  const asks = question && app.row >= lastAllowed(app);
  fill(
    host,
    h("h2", null, question ? "What happens next?" : "What happened"),
    h("p", null, lesson.text),
    answered.length ? answeredCard(answered[answered.length - 1]) : null,
    question ? (asks ? questionCard(question) : waitCard(question, app)) : doneCard(lesson, right),
    answered.length && question
      ? h("p", { class: "score" }, `${right} of ${answered.length} right so far; ${plural(lesson.questions.length, "question")} in all.`)
      : null,
    question ? h("p", { class: "mut" }, "The verdict and its reasons are shown after the last prediction.") : null,
  );
  if (!question) host.append(...whyForLesson(app));
}

/** @param {App} app @returns {HTMLElement[]} */
function whyForLesson(app) {
  const box = h("div", null);
  renderWhy(box, app);
  return [box];
}

/** @param {Question} question @returns {HTMLElement} */
function questionCard(question) {
  return h(
    "fieldset",
    { class: "ask" },
    h("legend", null, "Predict before you step"),
    h("p", null, question.ask),
    question.options.map((option, i) => h("button", { class: "option", click: () => answerQuestion(question, i) }, option)),
  );
}

/** @param {Question} question @param {App} app @returns {HTMLElement} */
function waitCard(question, app) {
  return h(
    "div",
    { class: "ask" },
    h("p", null, "Step forward. Before the decisive event you will be asked what it is."),
    h("button", { class: "primary", click: () => jump(lastAllowed(app)) }, "go to the question"),
  );
}

/** @param {Question} question @returns {HTMLElement} */
function answeredCard(question) {
  const good = question.given === question.answer;
  return h(
    "div",
    { class: `ask answered ${good ? "right" : "wrong"}`, role: "status" },
    h("p", null, question.ask),
    h(
      "ul",
      { class: "plainlist" },
      question.options.map((option, i) =>
        h(
          "li",
          { class: i === question.answer ? "right" : i === question.given ? "wrong" : "mut" },
          i === question.answer ? "✓ " : i === question.given ? "✗ " : "· ",
          option,
        ),
      ),
    ),
    h("p", null, h("b", null, good ? "Right. " : "No. "), question.because),
  );
}

/** @param {Lesson} lesson @param {number} right @returns {HTMLElement} */
function doneCard(lesson, right) {
  return h(
    "div",
    { class: "ask" },
    h("p", null, h("b", null, `${right} of ${lesson.questions.length} predicted. `), "Everything is revealed now: step on, and compare."),
    h("button", { click: () => saveAnswers(lesson) }, "save my answers"),
  );
}

/** @param {Question} question @param {number} option */
function answerQuestion(question, option) {
  question.given = option;
  seek(question.row, "push");
}

/** Leaves the answers as a small file: no server and no tracking takes part. @param {Lesson} lesson */
function saveAnswers(lesson) {
  const body = JSON.stringify(
    { lesson: lesson.title, answers: lesson.questions.map(({ ask, given, answer }) => ({ ask, given, right: given === answer })) },
    null,
    2,
  );
  const url = URL.createObjectURL(new Blob([body], { type: "application/json" }));
  const link = h("a", { href: url, download: "answers.json" });
  link.click();
  URL.revokeObjectURL(url);
}
