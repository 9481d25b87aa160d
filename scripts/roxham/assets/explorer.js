/* The what-if explorer: sliders under a figure, and the figure drawn anew as they move.

   `model` is the arithmetic of scripts/roxham/models/scenario.py, line for line; a test holds the two together. All
   numbers and all words come from the notebook, as JSON in the page. Without this script the figure stays as it is. */
(() => {
  const SHARES = ["road", "airports", "inland", "ports", "unseen"];

  /* The outcome of one scenario. data: {come: months × people without a protocol, places, onward};
     v: the assumptions, shares of 1; v.protocol, v.gap, v.shock_from count months from 0. */
  function model(come, data, v) {
    const { road, airports, inland, ports, unseen, wait } = v;
    const away = 1 - (road + airports + inland + ports + unseen);
    const waited = unseen * wait;
    const shares = [
      [1, 0, 0, 0, 0, 0],
      [road, airports, inland + waited, ports, unseen - waited, away],
      [road, airports, inland, ports, unseen, away],
    ];
    const doors = come.map((people, t) => {
      const regime = t < v.protocol ? 0 : t < v.protocol + v.gap ? 1 : 2;
      const arrivals = people * (t >= v.shock_from ? v.shock : 1);
      return shares[regime].map((share) => arrivals * share);
    });
    const people = shares[0].map((_, door) => doors.reduce((sum, month) => sum + month[door], 0));
    const made = [0, 1, 2].map((place) => data.places.reduce((sum, row, door) => sum + people[door] * row[place], 0));
    const left = v.transfer * made[0];
    const claims = [made[0] - left, made[1] + left * data.onward, made[2] + left * (1 - data.onward)];
    const claimants = people[0] + people[1] + people[2] + people[3];
    return { doors, people, claims, claimants, cost: claimants * v.cost };
  }

  /* What the shares sum to, if that is more than everybody; else 0. */
  function over(v) {
    const sum = SHARES.reduce((total, name) => total + v[name], 0);
    return sum > 1 + 1e-9 ? sum : 0;
  }

  window.roxhamExplorer = { model, over };

  const number = (value) => Math.round(value).toLocaleString("en-CA").replace("-", "−");
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
  const safe = (text) => String(text).replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);

  function prepare(section) {
    const figure = document.getElementById(section.dataset.rxFor);
    if (!figure || section.dataset.rxReady) return;
    section.dataset.rxReady = "yes";
    const data = JSON.parse(section.querySelector(".rx-model").textContent);
    const { words } = data;
    const sliders = [...section.querySelectorAll("input[type=range]")];
    const months = data.months.length;
    const chart = figure.querySelector(".rx-chart");
    const drawing = document.createElement("div");
    drawing.className = "rx-drawing";
    drawing.setAttribute("role", "img");
    const title = figure.querySelector(".rx-title");
    const still = title.textContent;
    const answer = section.querySelector(".rx-answer");
    const body = section.querySelector("tbody");
    const money = (value) =>
      value >= 1e9 ? fill(words.billion, { n: (value / 1e9).toFixed(2) }) : fill(words.million, { n: number(value / 1e6) });

    const kinds = {
      percent: (x) => `${+x.toFixed(1)}%`,
      times: (x) => `×${x.toFixed(2)}`,
      dollars: (x) => `$${number(x)}`,
      month: (x) => (x >= months ? words.never : data.months[x]),
      months: (x) => (x >= months ? words.to_the_end : fill(x === 1 ? words.one_month : words.n_months, { n: x })),
    };

    function values() {
      const v = {};
      for (const slider of sliders) {
        const kind = slider.dataset.kind;
        v[slider.name] = kind === "percent" ? Number(slider.value) / 100 : Number(slider.value);
        const text = kinds[kind](Number(slider.value));
        slider.setAttribute("aria-valuetext", text);
        section.querySelector(`output[for="${slider.id}"]`).textContent = text;
      }
      return v;
    }

    function update(draw) {
      const v = values();
      const sum = over(v);
      section.classList.toggle("rx-refused", sum > 0);
      if (sum) {
        answer.textContent = fill(words.refused, { sum: +(100 * sum).toFixed(1), most: +(100 * (sum - 1)).toFixed(1) });
        return;
      }
      const [middle, low, high] = ["expected", "low", "high"].map((name) => model(data[name], data, v));
      const never = model(data.expected, data, { ...v, protocol: months });
      const when = v.protocol >= months ? words.when_never : fill(words.when, { month: data.months[v.protocol] });
      const said = {
        when,
        road: number(middle.people[0]), road_low: number(low.people[0]), road_high: number(high.people[0]),
        happened: number(data.happened),
        elsewhere: number(middle.people[1] + middle.people[2] + middle.people[3]),
        unseen: number(middle.people[4]), away: number(middle.people[5]),
        claimants: number(middle.claimants), claimants_low: number(low.claimants), claimants_high: number(high.claimants),
        cost: money(middle.cost), cost_low: money(middle.claimants * data.costs[0]), cost_high: money(middle.claimants * data.costs[1]),
      };
      answer.textContent = fill(words.answer, said);
      const row = (name, of, form) => [name, form(of(middle)), `${form(of(low))} – ${form(of(high))}`, form(of(never))];
      const rows = [
        ...data.doors.map((door, i) => row(door.name, (o) => o.people[i], number)),
        ...data.provinces.map((name, i) => row(name, (o) => o.claims[i], number)),
        row(words.claimants, (o) => o.claimants, number),
        row(words.cost, (o) => o.cost, money),
      ];
      body.innerHTML = rows
        .map(([name, ...cells]) => `<tr><th scope="row">${safe(name)}</th>${cells.map((c) => `<td class="rx-number">${safe(c)}</td>`).join("")}</tr>`)
        .join("");
      if (!draw) return;
      if (figure.classList.contains("rx-playing")) {
        figure.querySelector(":scope > .rx-button")?.click(); // back from the live view
        figure.classList.remove("rx-playing");
      }
      figure.classList.add("rx-exploring");
      if (!drawing.isConnected) chart.append(drawing);
      title.textContent = fill(words.title, said);
      drawing.setAttribute("aria-label", fill(words.alt, said));
      drawing.innerHTML = svg(v, middle);
    }

    /* The figure's look: columns by door, the line of what happened, the band of what would have come. */
    function svg(v, outcome) {
      const wide = figure.clientWidth >= data.widths[0];
      const width = wide ? data.widths[0] : data.widths[1];
      const height = 320, up = 30, left = 42, right = wide ? 104 : 96, down = 24;
      const inner = width - left - right;
      const factor = (t) => (t >= v.shock_from ? v.shock : 1);
      const unknown = data.come_unknown;
      const tops = outcome.doors.map((month) => month[0] + month[1] + month[2] + month[3] + month[4]);
      const top = 1000 * Math.ceil(Math.max(...tops, ...data.seen, ...data.high.map((x, t) => (t >= unknown ? x * factor(t) : 0))) / 1000);
      const x = (t) => +(left + (inner * t) / months).toFixed(1);
      const y = (value) => +(up + height * (1 - value / top)).toFixed(1);
      const text = (at, down, words, fill, more = "") => `<text x="${at}" y="${down}" fill="${fill}" font-size="12" ${more}>${safe(words)}</text>`;
      const { ink, muted, rule, grid } = data.colours;
      const parts = [];
      const step = [250, 500, 1000, 2000, 5000, 10000].find((s) => top / s <= 4) ?? 20000;
      for (let value = 0; value <= top; value += step) {
        parts.push(`<path d="M${left} ${y(value)}h${inner}" stroke="${value ? grid : rule}"/>`);
        parts.push(text(left - 6, y(value) + 4, number(value), muted, 'text-anchor="end"'));
      }
      data.years.forEach(([label, t], i) => {
        if (wide || i % 2 === 0) parts.push(text(x(t), up + height + 18, label, muted, 'text-anchor="middle"'));
      });
      const line = (name, from, back) => {
        const steps = [];
        for (let t = from; t < months; t++) steps.push(`${x(t)} ${y(data[name][t] * factor(t))}L${x(t + 1)} ${y(data[name][t] * factor(t))}`);
        return back ? steps.map((s) => s.split("L").reverse().join("L")).reverse().join("L") : steps.join("L");
      };
      parts.push(`<path d="M${line("high", unknown)}L${line("low", unknown, true)}Z" fill="${muted}" fill-opacity="0.15"/>`);
      const below = new Array(months).fill(0);
      data.doors.slice(0, 5).forEach((door, i) => {
        let d = "";
        outcome.doors.forEach((month, t) => {
          if (month[i] > 0) d += `M${x(t)} ${y(below[t])}H${x(t + 1)}V${y(below[t] + month[i])}H${x(t)}Z`;
          below[t] += month[i];
        });
        if (d) parts.push(`<path d="${d}" fill="${door.colour}"/>`);
      });
      parts.push(`<path d="M${line("expected", unknown)}" fill="none" stroke="${muted}" stroke-width="1.5" stroke-dasharray="5 4"/>`);
      const seen = data.seen.map((value, t) => `${x(t)} ${y(value)}H${x(t + 1)}`).join("L");
      parts.push(`<path d="M${seen}" fill="none" stroke="${ink}" stroke-width="1.5"/>`);
      if (v.protocol < months) {
        const at = x(v.protocol), end = v.protocol > months / 2;
        parts.push(`<path d="M${at} ${up - 16}V${up + height}" stroke="${rule}" stroke-dasharray="3 3"/>`);
        parts.push(text(at + (end ? -4 : 4), up - 8, fill(words.rule, { month: data.months[v.protocol] }), muted, end ? 'text-anchor="end"' : ""));
      }
      const t = months - 1, ends = [];
      let sum = 0;
      data.doors.slice(0, 5).forEach((door, i) => {
        const people = outcome.doors[t][i];
        if (people > 0) ends.push([door.name, sum + people / 2, door.colour]);
        sum += people;
      });
      ends.push([words.happened, data.seen[t], ink]);
      if (v.protocol < months) ends.push([words.without, data.expected[t] * factor(t), muted]);
      ends.sort((a, b) => b[1] - a[1]);
      const places = ends.map(([, value]) => y(value));
      for (let round = 0; round < 60; round++) {
        for (let i = 0; i + 1 < places.length; i++) {
          const lack = Math.max(0, 14 - (places[i + 1] - places[i]));
          places[i] -= lack / 2;
          places[i + 1] += lack / 2;
        }
        places[places.length - 1] = Math.min(places[places.length - 1], up + height - 4);
      }
      ends.forEach(([name, , colour], i) => parts.push(text(left + inner + 6, +(places[i] + 4).toFixed(1), name, colour, 'font-weight="bold"')));
      return `<svg viewBox="0 0 ${width} ${up + height + down}" width="${width}" height="${up + height + down}" font-family="${data.font}" aria-hidden="true">${parts.join("")}</svg>`;
    }

    section.addEventListener("input", () => update(true));
    section.querySelector(".rx-reset").addEventListener("click", () => {
      for (const slider of sliders) slider.value = slider.defaultValue;
      figure.classList.remove("rx-exploring");
      title.textContent = still;
      update(false);
    });
    let wide = figure.clientWidth >= data.widths[0];
    new ResizeObserver(() => {
      if (wide === (wide = figure.clientWidth >= data.widths[0])) return;
      if (figure.classList.contains("rx-exploring")) update(true);
    }).observe(figure);
    chart.after(section);
    section.hidden = false;
    for (const slider of sliders) slider.value = slider.defaultValue; // what a browser kept of an earlier visit
    update(false);
  }

  const scan = () => document.querySelectorAll(".rx-explorer").forEach(prepare);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", scan);
  else scan();
})();
