"""Sliders under a figure: what the page needs so that a reader can move the assumptions of a scenario.

The cell gives numbers and words; `assets/explorer.js` computes and draws in the reader's browser, without a server.
The figure that it stands under is its first view, and its only one where no script runs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape

from roxham.charts import FONT, NARROW, WIDE, colour
from roxham.facts import display_mode
from roxham.figures import FigureError, explorer_script

KINDS = ("percent", "times", "dollars", "month", "months")
WORDS = (  # what the script says; the notebook words it
    *("heading", "reset", "table", "outcome", "scenario", "interval", "no_protocol", "claimants", "cost"),
    *(
        "answer",
        "title",
        "alt",
        "refused",
        "never",
        "when",
        "when_never",
        "to_the_end",
        "one_month",
        "n_months",
    ),
    *("billion", "million", "rule", "happened", "without"),
)


@dataclass(frozen=True)
class Slider:
    """One assumption. kind: percent (in per cent), times, dollars, month or months (both counted from the first
    month of the data; one more than the last is never, or to the end)."""

    name: str
    label: str
    kind: str
    low: float
    high: float
    step: float
    value: float


@dataclass(frozen=True)
class Explorer:
    """What a cell displays."""

    html: str = field(repr=False)

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        script = f"<script>{explorer_script()}</script>" if display_mode() == "live" else ""
        return {"text/html": self.html + script, "text/plain": "Explorer"}


def explorer(
    figure: str, *, sliders: Iterable[Slider], data: Mapping[str, object], words: Mapping[str, str]
) -> Explorer:
    """The sliders of a figure; the last expression of the cell after it.

    figure: its id. data: months (labels), years ([label, index of its January]), seen, expected, low, high (one
    number a month), come_unknown (from which month arrivals are not known), happened (their sum), places, onward,
    costs, doors ([{name, colour}], six), provinces (three). words: every text of `WORDS`, with its {places}. Raises
    FigureError for a slider without a kind or with a value outside it, and for words that are missing.
    """
    sliders = list(sliders)
    for slider in sliders:
        if slider.kind not in KINDS or not slider.low <= slider.value <= slider.high:
            raise FigureError(
                f"explorer of {figure!r}: {slider.name} is {slider.value} of kind {slider.kind!r}; allowed are "
                f"{slider.low} to {slider.high}, kinds {', '.join(KINDS)}"
            )
    if missing := [name for name in WORDS if not words.get(name)]:
        raise FigureError(f"explorer of {figure!r}: no words for {', '.join(missing)}")
    paint = {name: colour(name) for name in ("ink", "muted", "rule", "grid")}
    given = {**data, "words": dict(words), "colours": paint, "font": FONT, "widths": [WIDE, NARROW]}
    text = json.dumps(given, separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")
    rows = "".join(_slider(figure, slider) for slider in sliders)
    heads = "".join(
        f'<th scope="col"{" class=rx-number" if i else ""}>{escape(words[name])}</th>'
        for i, name in enumerate(("outcome", "scenario", "interval", "no_protocol"))
    )
    return Explorer(
        f'<section class="rx-explorer" data-rx-for="fig-{figure}" aria-labelledby="explore-{figure}" hidden>'
        f'<p class="rx-explore" id="explore-{figure}">{escape(words["heading"])}</p>'
        f'<p class="rx-answer" role="status" aria-live="polite"></p>'
        f'<div class="rx-sliders">{rows}</div>'
        f'<button type="button" class="rx-button rx-reset">{escape(words["reset"])}</button>'
        f'<div class="rx-scroll" role="region" tabindex="0" aria-labelledby="table-{figure}">'
        f'<table><caption id="table-{figure}">{escape(words["table"])}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody></tbody></table></div>"
        f'<script type="application/json" class="rx-model">{text}</script></section>'
    )


def _slider(figure: str, slider: Slider) -> str:
    name = f"{figure}-{slider.name.replace('_', '-')}"
    return (
        f'<div class="rx-slider"><label for="{name}">{escape(slider.label)}</label><output for="{name}"></output>'
        f'<input type="range" id="{name}" name="{slider.name}" data-kind="{slider.kind}" min="{slider.low:g}" '
        f'max="{slider.high:g}" step="{slider.step:g}" value="{slider.value:g}"></div>'
    )
