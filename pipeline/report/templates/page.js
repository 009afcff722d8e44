
"use strict";

// The filter is shown only where it works.
const field = document.getElementById("filter");
const counter = document.getElementById("filtered");
const groups = [...document.querySelectorAll(".settings")];

function showMatches() {
  const wanted = field.value.trim().toLowerCase();
  let shown = 0;
  for (const group of groups) {
    // A group whose title matches is shown whole.
    const whole = group.querySelector("caption").textContent.toLowerCase().includes(wanted);
    let matches = 0;
    for (const row of group.querySelectorAll("tbody tr")) {
      row.hidden = !whole && !row.textContent.toLowerCase().includes(wanted);
      matches += row.hidden ? 0 : 1;
    }
    group.hidden = matches === 0;
    shown += matches;
  }
  counter.textContent = wanted ? `${shown} settings` : "";
}

field.parentElement.hidden = false;
field.addEventListener("input", showMatches);

// Paper cannot be unfolded.
addEventListener("beforeprint", () => {
  for (const folded of document.querySelectorAll("main details")) folded.open = true;
});

// On a narrow screen the contents make way for what was chosen.
const contents = document.querySelector("details.above");
contents.addEventListener("click", (event) => {
  if (event.target.closest("a")) contents.open = false;
});
