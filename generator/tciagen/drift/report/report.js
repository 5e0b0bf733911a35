"use strict";
const form = document.querySelector("form");
if (form) {
  const articles = Array.from(document.querySelectorAll("article"));
  const update = () => {
    const chosen = new FormData(form);
    const severities = chosen.getAll("severity");
    const endpoint = chosen.get("endpoint");
    let count = 0;
    for (const article of articles) {
      const { severity, endpoint: address } = article.dataset;
      article.hidden = !severities.includes(severity) || (endpoint !== "" && endpoint !== address);
      count += article.hidden ? 0 : 1;
    }
    form.querySelector("output").textContent = `${count} of ${articles.length} shown`;
  };
  form.hidden = false;
  form.addEventListener("input", update);
  form.addEventListener("submit", (event) => event.preventDefault());
  update();
}
