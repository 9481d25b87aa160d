/* The pages of single figures: the light or dark that was chosen in the book, buttons that copy, the gallery's field.
   Without it everything is readable and every link works. */
(() => {
  try {
    const theme = localStorage.getItem("mode") === "auto" ? null : localStorage.getItem("theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch { /* a page without storage follows the system */ }

  function copies(box) {
    const button = document.createElement("button");
    const status = document.createElement("span");
    const label = document.getElementById(box.getAttribute("aria-labelledby") || box.previousElementSibling?.id);
    button.type = "button";
    button.className = "rx-copy";
    button.textContent = box.dataset.rxCopy;
    button.setAttribute("aria-label", `${box.dataset.rxCopy}: ${label?.textContent || box.getAttribute("aria-label")}`);
    status.setAttribute("role", "status");
    status.className = "rx-quiet";
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(box.textContent.trim());
        status.textContent = " Copied.";
      } catch {
        getSelection().selectAllChildren(box);
        status.textContent = " Selected; copy it with the keyboard.";
      }
    });
    box.after(button, status);
  }

  function finds(form) {
    const items = [...document.querySelectorAll("[data-rx-words]")];
    const sections = [...document.querySelectorAll("main section")];
    const status = form.querySelector("[role=status]");
    const choices = [...form.querySelectorAll("[data-rx-by]")];
    const held = (item, by) => by === "chapter" ? [item.closest("section").id] : item.getAttribute(`data-rx-${by}`).split("|");
    function show() {
      const words = form.querySelector("input").value.toLowerCase().split(/\s+/).filter(Boolean);
      const chosen = choices.filter((choice) => choice.value);
      for (const item of items) {
        item.hidden = !words.every((word) => item.dataset.rxWords.includes(word))
          || !chosen.every((choice) => held(item, choice.dataset.rxBy).includes(choice.value));
      }
      for (const section of sections) section.hidden = !section.querySelector("li:not([hidden])");
      const n = items.filter((item) => !item.hidden).length;
      const all = !words.length && !chosen.length;
      status.textContent = all ? "" : n === 1 ? status.dataset.rxOne : status.dataset.rxMany.replace("#", n);
    }
    const chapter = form.querySelector("[data-rx-by=chapter]");
    function follow() { /* a link to one chapter of the gallery */
      const id = location.hash.slice(1);
      if (!sections.some((section) => section.id === id)) return;
      chapter.value = id;
      show();
    }
    form.hidden = false;
    document.body.classList.add("rx-filtered"); // the fields do what the list of chapters does
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", show);
    form.addEventListener("reset", () => setTimeout(show));
    addEventListener("hashchange", follow);
    follow();
    show();
  }

  addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("[data-rx-copy]").forEach(copies);
    document.querySelectorAll(".rx-find").forEach(finds);
  });
})();
