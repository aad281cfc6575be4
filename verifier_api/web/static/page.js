"use strict";
(() => {
  const find = (selector) => document.querySelector(selector);
  const scan = find("#scan");
  if (!scan) return;
  const form = find("[data-confirm]");
  const given = (name) => form.elements[name].value;
  const say = (what) => { find("[data-status]").textContent = find(`[data-said=${what}]`).content.textContent; };

  for (const time of document.querySelectorAll("time")) {
    time.textContent = new Intl.DateTimeFormat(document.documentElement.lang, {
      dateStyle: "long", timeStyle: "short",
    }).format(new Date(time.dateTime));
  }

  // The same person looking again is no second person; the number says nothing else.
  const session = () => {
    try {
      const known = localStorage.getItem("session") || given("session");
      localStorage.setItem("session", known);
      return known;
    } catch { return given("session"); }
  };

  const send = async (more) => {
    const body = JSON.stringify({
      code: scan.dataset.code, captured_at: given("captured_at"), session: session(), ...more,
    });
    const lang = document.documentElement.lang;
    const response = await fetch(`/v1/scans?lang=${lang}`, {
      method: "POST", headers: {"Content-Type": "application/json"}, body, keepalive: true,
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(answer.title);
    return answer;
  };

  // What others did, without this person's own earlier scans: only the service can tell.
  const show = (answer) => {
    const main = find("#answer");
    if (answer.standing === main.dataset.standing || answer.doubt) return;
    const kicker = find(`[data-of=${answer.standing}]`);
    main.dataset.standing = answer.standing;
    main.className = `tone-${kicker.dataset.tone}`;
    find("[data-icon]").setAttribute("href", `#i-${answer.standing}`);
    find("[data-kicker]").textContent = kicker.content.textContent;
    find("[data-title]").textContent = answer.advice.title;
    find("[data-text]").textContent = answer.advice.text;
    const steps = find("[data-steps]");
    if (steps) steps.replaceChildren(...answer.advice.steps.map((text) => {
      const item = document.createElement("li");
      item.textContent = text;
      return item;
    }));
  };

  const record = async () => {
    for (const asking of document.querySelectorAll("[data-ask]")) asking.hidden = true;
    try {
      const answer = await send({scan_id: given("scan_id")});
      find("[data-reference]").textContent = answer.reference;
      show(answer);
      say("recorded");
      const place = find("[data-place]");
      if (navigator.geolocation && place.dataset.place === "useful") place.hidden = false;
    } catch {
      say("failed");
    }
  };

  find("[data-place]").addEventListener("click", (event) => {
    event.target.disabled = true;
    navigator.geolocation.getCurrentPosition(async ({coords}) => {
      const place = {
        lat: coords.latitude, lon: coords.longitude,
        accuracy_km: Math.min(20000, coords.accuracy / 1000), source: "gps",
      };
      try {
        show(await send({scan_id: `${given("scan_id")}-place`, place}));
        event.target.hidden = true;
        say("placed");
      } catch {
        say("failed");
      }
    }, () => { event.target.disabled = false; say("unplaced"); }, {timeout: 15000});
  });

  form.addEventListener("submit", (event) => { event.preventDefault(); record(); });

  // Previews and prerendered pages are not looked at by anybody: wait until this one is.
  const whenSeen = () => {
    if (document.prerendering || document.visibilityState !== "visible") return;
    document.removeEventListener("visibilitychange", whenSeen);
    document.removeEventListener("prerenderingchange", whenSeen);
    setTimeout(record, 600);
  };
  if (scan.dataset.recorded === "no") {
    document.addEventListener("visibilitychange", whenSeen);
    document.addEventListener("prerenderingchange", whenSeen);
    whenSeen();
  }
})();
