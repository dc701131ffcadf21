// The list of placeholders beside a text: a click writes one where the cursor was, a search shows fewer.
(function () {
  "use strict";
  var field;

  function ready() {
    field = document.getElementById("id_body");
    document.querySelectorAll("#id_subject, #id_body").forEach(function (one) {
      one.setSelectionRange(one.value.length, one.value.length);
    });
    document.querySelectorAll("[data-fill]").forEach(function (button) {
      button.hidden = false;
    });
  }

  function write(target, text) {
    target.focus();
    target.setRangeText(text, target.selectionStart, target.selectionEnd, "end");
    target.dispatchEvent(new Event("input", { bubbles: true }));
  }

  document.addEventListener("focusin", function (event) {
    if (event.target.matches("#id_subject, #id_body")) field = event.target;
  });

  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-placeholder], [data-fill]");
    if (!button || !field) return;
    if (button.dataset.placeholder) return write(field, button.dataset.placeholder);
    ["subject", "body"].forEach(function (name) {
      var ours = document.getElementById("ours-" + name);
      var target = document.getElementById("id_" + name);
      if (!ours || !target) return;
      target.select();
      write(target, ours.textContent);
    });
  });

  document.addEventListener("input", function (event) {
    if (event.target.id !== "placeholder-search") return;
    event.stopPropagation();
    var words = event.target.value.toLowerCase().split(/\s+/);
    var found = 0;
    document.querySelectorAll(".mail-text-list section").forEach(function (section) {
      var here = 0;
      section.querySelectorAll("li").forEach(function (item) {
        var text = (section.querySelector("h3").textContent + " " + item.textContent).toLowerCase();
        var shown = words.every(function (word) {
          return text.includes(word);
        });
        item.hidden = !shown;
        if (shown) here += 1;
      });
      section.hidden = !here;
      found += here;
    });
    document.getElementById("placeholder-none").hidden = found > 0;
  }, true);

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", ready);
  else ready();
})();
