// The live wire: adds each article of /v1/stream to the list, by text nodes and attributes alone.
(() => {
  "use strict";
  const MAX_ROWS = 200, MAX_HELD = 500;
  const byId = (id) => document.getElementById(id);
  const wire = byId("wire"), state = byId("state"), pause = byId("pause"), waiting = byId("waiting"), news = byId("news");
  if (!wire || !window.EventSource) return;

  let paused = false, held = [], unannounced = 0, timer = 0;

  function element(name, className, text) {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function isolated(name, className, text) {
    const made = element(name, className);
    made.append(element("bdi", "", text));
    return made;
  }

  const signed = (score) => {
    const shown = Math.abs(score).toFixed(2);
    return Number(shown) === 0 ? shown : (score > 0 ? "+" : "−") + shown;
  };

  function rowOf(card) {
    const row = element("li", "fresh"), kicker = element("p", "kicker"), link = element("a", "", card.title || "Without a title");
    row.dataset.id = card.id;
    kicker.append(isolated("span", "source", card.source || ""));
    const at = new Date(card.published_at || card.received_at);
    if (!Number.isNaN(at.getTime())) {
      const time = element("time", "", ago(at));
      time.dateTime = at.toISOString();
      time.title = at.toUTCString();
      kicker.append(time);
    }
    const tone = card.sentiment;
    if (tone && ["negative", "neutral", "positive"].includes(tone.label) && typeof tone.score === "number") {
      const shown = element("span", "tone " + tone.label, tone.label + " ");
      shown.append(element("span", "score", signed(tone.score)));
      kicker.append(shown);
    }
    link.href = "/articles/" + encodeURIComponent(card.id);
    link.dir = "auto";
    const language = card.language && card.language.code;
    if (/^[a-z]{2,3}$/.test(language || "") && language !== "und") link.lang = language;
    row.append(kicker, link);
    return row;
  }

  function ago(at) {
    const seconds = (Date.now() - at) / 1000;
    for (const [unit, length] of [["year", 31557600], ["month", 2629800], ["day", 86400], ["hour", 3600], ["minute", 60]]) {
      const count = Math.floor(Math.abs(seconds) / length);
      if (count) return seconds > 0 ? `${count} ${unit}${count > 1 ? "s" : ""} ago` : `in ${count} ${unit}${count > 1 ? "s" : ""}`;
    }
    return "just now";
  }

  const rowWith = (id) => [...wire.children].find((row) => row.dataset.id === id);

  function show(card) {
    const row = rowOf(card), old = rowWith(card.id);
    if (old) { old.replaceWith(row); return; }
    wire.prepend(row);
    while (wire.children.length > MAX_ROWS) wire.lastElementChild.remove();
    byId("nothing").hidden = true;
    unannounced += 1;
    // Not each of a flood, and never over what is being read out: how many, a moment later.
    timer = timer || setTimeout(announce, 2000);
  }

  function announce() {
    const first = wire.querySelector("li > a");
    news.textContent = unannounced === 1 && first ? `New: ${first.textContent}` : `${unannounced} new articles`;
    unannounced = timer = 0;
  }

  function hold(card) {
    held = held.filter((other) => other.id !== card.id);
    held.push(card);
    if (held.length > MAX_HELD) held.shift();
    tellHeld();
  }

  function tellHeld() {
    waiting.hidden = held.length === 0;
    waiting.textContent = held.length === 1 ? "1 new article" : `${held.length} new articles`;
  }

  function release() {
    held.forEach(show);
    held = [];
    tellHeld();
  }

  function say(className, text) {
    state.className = "state " + className;
    byId("state-text").textContent = text;
  }

  const on = () => (paused ? say("", "Paused") : say("on", "Live"));

  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    if (!paused) release();
    on();
  });
  waiting.addEventListener("click", release);

  function read(event, act) {
    let data;
    try { data = JSON.parse(event.data); } catch { return; }
    if (data && typeof data.id === "string") act(data);
  }

  let source, retry = 0;
  let place = new URL(wire.dataset.stream, location.href);
  function connect() {
    source = new EventSource(place);
    source.addEventListener("open", () => { retry = 0; on(); });
    source.addEventListener("article", (event) => {
      if (event.lastEventId) place.searchParams.set("last_event_id", event.lastEventId);
      read(event, paused ? hold : show);
    });
    source.addEventListener("retracted", (event) => read(event, (gone) => {
      held = held.filter((card) => card.id !== gone.id);
      tellHeld();
      const row = rowWith(gone.id);
      if (row) row.remove();
    }));
    source.addEventListener("error", () => {
      say("off", "Cut off. Trying again …");
      // A browser gives up for good on an answer that is no stream, such as 503: then it is for us to go on.
      if (source.readyState === EventSource.CLOSED) {
        retry = Math.min(retry + 1, 6);
        setTimeout(connect, 1000 * 2 ** retry);
      }
    });
  }

  say("", "Connecting …");
  connect();
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (event) => { if (event.persisted) connect(); });
  // What was written as "5 minutes ago" goes on being true.
  setInterval(() => {
    for (const time of wire.querySelectorAll("time")) time.textContent = ago(new Date(time.dateTime));
  }, 60000);
})();
