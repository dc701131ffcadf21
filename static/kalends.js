// The little that needs a script: the visitor's time zone, double clicks, and saying aloud what htmx has changed.
(function () {
  "use strict";

  // The server reads this cookie, so that times are right from the next page on.
  function rememberZone() {
    var zone;
    try {
      zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    } catch (error) {
      return;
    }
    if (!zone) return;
    var secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = "timezone=" + zone + "; path=/; max-age=31536000; SameSite=Lax" + secure;
    var guessed = document.querySelector("[data-zone-guessed]");
    if (guessed && guessed.dataset.zoneGuessed !== zone) {
      var address = new URL(location.href);
      if (address.searchParams.has("timezone")) return;
      address.searchParams.set("timezone", zone);
      location.replace(address);
    }
  }

  // A form is sent once; the server would notice, but the visitor need not wonder.
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    if (form.method !== "post" || event.defaultPrevented) return;
    form.dataset.sent = "1";
    if (event.submitter) event.submitter.classList.add("is-sending");
  });
  // Back to a page from the browser's memory: its forms may be sent again.
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("form[data-sent]").forEach(function (form) {
      delete form.dataset.sent;
    });
    document.querySelectorAll(".is-sending").forEach(function (button) {
      button.classList.remove("is-sending");
    });
  });

  document.addEventListener("change", function (event) {
    if (event.target.matches("[data-submits]")) event.target.form.requestSubmit();
  });

  var problem = document.getElementById("problem");
  function complain(tooMany) {
    if (!problem) return;
    problem.textContent = tooMany ? problem.dataset.tooMany : problem.dataset.text;
    problem.hidden = false;
    problem.scrollIntoView({ block: "nearest" });
  }
  document.addEventListener("htmx:beforeRequest", function () {
    if (problem) problem.hidden = true;
  });
  document.addEventListener("htmx:responseError", function (event) {
    complain(event.detail.xhr.status === 429);
  });
  document.addEventListener("htmx:sendError", function () {
    complain(false);
  });
  document.addEventListener("htmx:timeout", function () {
    complain(false);
  });
  document.addEventListener("htmx:afterSettle", function () {
    var spoken = document.querySelector("[data-announce]");
    var announcer = document.getElementById("announcer");
    if (spoken && announcer) announcer.textContent = spoken.textContent.replace(/\s+/g, " ").trim();
  });

  // An error in a form: the keyboard starts there.
  var wrong = document.querySelector("[aria-invalid='true'], [data-focus]");
  if (wrong) wrong.focus();
  rememberZone();
})();
