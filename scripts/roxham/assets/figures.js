/* The live view of a figure: a button, and Vega loaded from beside this file when it is pressed.
   In a notebook (data-rx-live) the figure comes alive by itself, with Vega already in the page. */
(() => {
  if (window.roxhamFigures) return window.roxhamFigures();
  const here = document.currentScript && document.currentScript.src;
  // under the page's policy: no eval, no style sheets but those of the site
  const options = {
    ast: true, actions: false, renderer: "svg", defaultStyle: false, tooltip: { id: "rx-tooltip", disableDefaultStyle: true },
  };
  // Vega-Lite 6.4 asks the nearest point for its numbers, but its surroundings for its names, which have none
  options.patch = (vega) => JSON.parse(JSON.stringify(vega), (key, value) => {
    const said = key === "tooltip" && value && value.signal;
    if (!said || !said.includes("datum.datum[")) return value;
    return { signal: said.replaceAll("datum.datum[", "datum[").replaceAll("datum[", "datum.datum[") };
  });
  const loaded = new Map();

  // Vega tells the author of a specification what it made of it; a reader's console is no place for that
  function quiet() {
    const { warn } = console;
    console.warn = (...said) => said[0] === "WARN" || warn.apply(console, said);
    quiet = () => {};
  }

  function load(address) {
    if (!loaded.has(address)) {
      loaded.set(address, new Promise((resolve, reject) => {
        const script = document.createElement("script");
        script.src = address;
        script.onload = resolve;
        script.onerror = () => { loaded.delete(address); script.remove(); reject(new Error(script.src)); };
        document.head.append(script);
      }));
    }
    return loaded.get(address);
  }

  const bundle = () => window.vegaEmbed ? Promise.resolve() : load(new URL("roxham-vega.js", here || document.baseURI).href);

  /* the specification stands in the page or, in a site, in a script of its own */
  async function spec(figure) {
    const inside = figure.querySelector(".rx-spec");
    if (!inside) await load(new URL(figure.dataset.rxSpec, document.baseURI).href);
    const all = inside ? JSON.parse(inside.textContent) : structuredClone(scan.specs[figure.id]);
    const wide = figure.querySelector(".rx-wide");
    const chosen = getComputedStyle(wide).display === "none" ? all.narrow : all.wide;
    chosen.datasets = all.datasets;
    if (chosen.autosize && figure.clientWidth) chosen.width = Math.min(figure.clientWidth, 800);
    return chosen;
  }

  async function play(figure) {
    const box = figure.querySelector(".rx-live") || document.createElement("div");
    if (!box.isConnected) {
      const still = figure.querySelector(".rx-wide");
      box.className = "rx-live";
      box.setAttribute("role", "group");
      box.setAttribute("aria-label", still.getAttribute("aria-label"));
      const chosen = await spec(figure);
      await bundle();
      quiet();
      still.parentNode.append(box);
      figure.classList.add("rx-playing");
      try {
        await window.vegaEmbed(box, chosen, options);
      } catch (error) {
        box.remove();
        figure.classList.remove("rx-playing");
        throw error;
      }
    }
    figure.classList.add("rx-playing");
  }

  function prepare(figure) {
    if (figure.dataset.rxReady) return;
    figure.dataset.rxReady = "yes";
    if ("rxLive" in figure.dataset) return play(figure).catch((error) => console.warn("roxham:", error.message));
    const words = figure.dataset;
    const button = document.createElement("button");
    const status = document.createElement("span");
    button.type = "button";
    button.className = "rx-button";
    button.textContent = words.rxPlay;
    status.className = "rx-status";
    status.setAttribute("role", "status");
    button.addEventListener("click", async () => {
      if (figure.classList.contains("rx-playing")) {
        figure.classList.remove("rx-playing");
        button.textContent = words.rxPlay;
        return;
      }
      status.textContent = words.rxLoading;
      button.setAttribute("aria-disabled", "true");
      try {
        await play(figure);
        button.textContent = words.rxStill;
        status.textContent = "";
      } catch {
        status.textContent = words.rxFailed;
      }
      button.removeAttribute("aria-disabled");
    });
    figure.querySelector(".rx-chart").after(button, status);
  }

  const scan = () => document.querySelectorAll(".rx-figure").forEach(prepare);
  scan.specs = {};
  window.roxhamFigures = scan;
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", scan);
  else scan();
  if (document.querySelector(".rx-figure[data-rx-live]") || !here) {
    new MutationObserver(scan).observe(document.documentElement, { childList: true, subtree: true });
  }
})();
