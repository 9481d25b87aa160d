/* What a page does besides being read: colours, the two side columns, search, copying code. Nothing here is
   needed to read it. */
(() => {
  const root = document.documentElement;
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const one = (selector) => document.querySelector(selector);
  const dark = matchMedia("(prefers-color-scheme: dark)");

  /* light, dark, or as the system's */
  function paint(mode) {
    root.dataset.mode = mode;
    root.dataset.theme = mode === "auto" ? (dark.matches ? "dark" : "light") : mode;
    const button = one(".theme-switch-button");
    const words = button && button.dataset[`rx${mode[0].toUpperCase()}${mode.slice(1)}`];
    if (words) {
      button.setAttribute("aria-label", words);
      button.title = words;
    }
  }
  paint(root.dataset.mode || "auto");
  dark.addEventListener("change", () => paint(root.dataset.mode));
  all(".theme-switch-button").forEach((button) =>
    button.addEventListener("click", () => {
      const modes = dark.matches ? ["auto", "light", "dark"] : ["auto", "dark", "light"];
      const mode = modes[(modes.indexOf(root.dataset.mode) + 1) % 3];
      paint(mode);
      try { localStorage.setItem("mode", mode); } catch { /* a browser that keeps nothing */ }
    })
  );

  /* the side columns: beside the text where there is room, else a dialog that borrows their content */
  const outside = (dialog) => dialog.addEventListener("click", (event) => {
    const box = dialog.getBoundingClientRect();
    const { clientX: x, clientY: y } = event;
    if (x < box.left || x > box.right || y < box.top || y > box.bottom) dialog.close();
  });
  addEventListener("keydown", (event) => {
    const dialog = event.key === "Escape" && one("dialog[open]");
    if (!dialog) return;
    event.preventDefault(); // else the script that marks what was searched for keeps the key to itself
    event.stopImmediatePropagation();
    dialog.close();
  }, true);
  function move(from, to) {
    to.append(...from.childNodes);
    to.classList.add(...from.classList);
    from.className = "";
  }
  for (const [kind, width] of [["primary", 992], ["secondary", 1200]]) {
    const column = one(`#pst-${kind}-sidebar`);
    const dialog = one(`#pst-${kind}-sidebar-modal`);
    if (!column || !dialog) continue;
    all(`.${kind}-toggle`).forEach((button) =>
      button.addEventListener("click", () => {
        if (kind === "primary" && matchMedia(`(min-width: ${width}px)`).matches) {
          button.setAttribute("aria-expanded", String(!column.classList.toggle("pst-sidebar-hidden")));
        } else {
          move(column, dialog);
          dialog.showModal();
        }
      })
    );
    outside(dialog);
    dialog.addEventListener("close", () => move(dialog, column));
    dialog.addEventListener("click", (event) => { if (event.target.closest("a[href^='#']")) dialog.close(); });
    matchMedia(`(min-width: ${width}px)`).addEventListener("change", () => { if (dialog.open) dialog.close(); });
  }

  /* search; a page opened from disk may not read the others, so its results come without their first lines */
  if (location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS !== "undefined") {
    DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
  }
  const search = one("#pst-search-dialog");
  if (search) {
    const open = () => (search.open ? search.close() : search.showModal());
    outside(search);
    all(".search-button__button").forEach((button) => button.addEventListener("click", open));
    const mac = /^(Mac|iPhone)/.test(navigator.platform);
    if (mac) all(".search-button__kbd-shortcut kbd.kbd-shortcut__modifier:first-child").forEach((k) => (k.textContent = "⌘"));
    addEventListener("keydown", (event) => {
      const command = mac ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey;
      if (command && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k") {
        event.preventDefault();
        open();
      }
    });
  }

  /* the page's own buttons */
  all("[data-rx-print]").forEach((button) => button.addEventListener("click", () => print()));
  all("[data-rx-fullscreen]").forEach((button) =>
    button.addEventListener("click", () =>
      document.fullscreenElement ? document.exitFullscreen() : root.requestFullscreen().catch(() => {}))
  );
  addEventListener("click", (event) =>
    all("details.dropdown[open]").forEach((menu) => menu.contains(event.target) || (menu.open = false)));
  addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && one("details.dropdown[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  const up = one("#pst-back-to-top");
  if (up) {
    up.addEventListener("click", () => scrollTo(0, 0));
    let last = 0;
    addEventListener("scroll", () => {
      up.style.display = scrollY > 600 && scrollY < last ? "block" : "none";
      last = scrollY;
    }, { passive: true });
  }
  const top = one(".sbt-scroll-pixel-helper");
  if (top) new IntersectionObserver(([e]) => document.body.classList.toggle("scrolled", e.boundingClientRect.y < 0)).observe(top);

  /* where one is, in the list of the page's parts */
  const links = new Map(all("#pst-page-toc-nav a[href^='#']").map((link) => [decodeURIComponent(link.hash.slice(1)), link]));
  if (links.size) {
    const seen = new Set();
    const parts = [...links.keys()].map((id) => document.getElementById(id)).filter(Boolean);
    const observer = new IntersectionObserver((entries) => {
      entries.forEach((e) => (e.isIntersecting ? seen.add(e.target) : seen.delete(e.target)));
      const here = parts.findLast((part) => seen.has(part));
      links.forEach((link, id) => {
        const current = Boolean(here) && here.id === id;
        link.classList.toggle("active", current);
        current ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current");
      });
    }, { rootMargin: "-15% 0px -60% 0px" });
    parts.forEach((part) => observer.observe(part));
  }

  /* code: a button that copies it */
  const { rxCopy, rxCopied } = document.body.dataset;
  all("div.highlight").forEach((box) => {
    const code = box.querySelector("pre");
    if (!code || !navigator.clipboard) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "rx-copy";
    button.textContent = rxCopy;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(code.textContent).catch(() => {});
      button.textContent = rxCopied;
      setTimeout(() => (button.textContent = rxCopy), 2000);
    });
    box.append(button);
  });

  /* a list of briefs sorts by any column that says how: numbers from the largest, names from the first, none last */
  all("table[data-rx-sort]").forEach((table) => {
    const order = (row, i) => row.cells[i].dataset.rxOrder;
    all("thead th", table).forEach((head, i) => {
      const rows = [...table.tBodies[0].rows];
      if (rows.some((row) => order(row, i) === undefined)) return;
      const numbers = head.classList.contains("rx-number");
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const now = head.getAttribute("aria-sort");
        const down = now ? now === "ascending" : numbers;
        all("th[aria-sort]", table).forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const against = (a, b) => (numbers ? a - b : a.localeCompare(b)) * (down ? -1 : 1);
        rows.sort((a, b) => {
          const [x, y] = [order(a, i), order(b, i)];
          return (x === "") - (y === "") || against(x, y);
        });
        table.tBodies[0].append(...rows);
      });
    });
  });

  /* what scrolls sideways can be reached by the keyboard */
  let due;
  function reachable() {
    all("main pre, main .cell_output .output, main .rx-table, main .rx-chart").forEach((box) => {
      const scrolls = box.scrollWidth > box.clientWidth + 1 && getComputedStyle(box).overflowX !== "visible";
      if (scrolls) box.tabIndex = 0;
      else if (box.tabIndex === 0) box.removeAttribute("tabindex");
    });
  }
  const soon = () => { clearTimeout(due); due = setTimeout(reachable, 200); };
  addEventListener("resize", soon);
  document.addEventListener("toggle", soon, true);
  soon();
})();
