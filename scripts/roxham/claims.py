"""The ledger: each claim of the op-ed, and the test that decides its verdict.

`ledger()` gives one row a claim, `decide(id)` one verdict with its numbers and its sentence. What is judged
stands in `data/hand/claims.yml`, with its reason. What the tables can decide is decided here, at every build, by one
pure function a claim: change the data and the verdict changes. `check()` gives every fault of the file.

`as_of="op-ed"` judges on what had happened by the end of February 2023 (monthly counts: by the end of January), in
the figures of today's releases. What was secret then, or came later, is not held against the author.
"""

from __future__ import annotations

import difflib
import re
import string
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import pandas as pd

from roxham import tables
from roxham.facts import dollars, month, n, pct, plural

FILE = "hand/claims.yml"
KINDS = ("numeric", "fact", "causal", "forecast", "proposal", "value")
VERDICTS = (
    "supported",
    "partly",
    "not supported",
    "overtaken by events",
    "condition not met",
    "opinion",
    "not assessed",
)
DONE = ("adopted", "adopted in part", "not adopted", "not found")
AS_OF = ("latest", "op-ed")

# What a word of the op-ed is taken to allow. Each width is a choice: change it here, and the verdicts follow.
NEARLY = (
    0.05  # "nearly N" is N or up to a twentieth less: what is closer to the next round number is not nearly N
)
ABOUT = 0.10  # a round number of years, or one that is a little off: within a tenth
MOST = 0.50  # "the biggest": more than all other provinces together
RISING = 0.10  # "rising": a tenth above the same months a year before; counts of some hundreds vary by less by chance
CLOSED = 0.90  # a road is closed when at most one in ten still comes
FEWER = (
    0.10  # claims "fell" when they are down by a tenth, more than rounding and late registration move them
)
STALLED = 3  # months: talks that end sooner did not "go on stalling in the months to come"

SUPPORTED, PARTLY, NOT_SUPPORTED, _, CONDITION_NOT_MET, OPINION, NOT_ASSESSED = VERDICTS
LAST_DAY = pd.Timestamp("2023-02-28")  # the op-ed's month is known, its day is not
TOO_EARLY = "Too early to say in February 2023."
REQUIRED = ("paragraph", "claim", "kind", "attribution", "test", "counter", "source_id")
FIELDS = (
    *("id", *REQUIRED, "verdict", "reason", "then", "stated", "condition"),
    *("done", "done_note", "steps", "figure", "chapter", "label"),
)
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class Decision(NamedTuple):
    """A verdict, the sentence that gives its reason and, where the tables decide, what was compared.

    `found` is the record's number; between `low` and `high` it supports `stated`, the author's.
    """

    verdict: str
    sentence: str
    stated: float | None = None
    found: float | None = None
    low: float | None = None
    high: float | None = None


# ---- one pure function a claim: tables in, a decision out


def largest_challenge(interceptions: pd.DataFrame) -> Decision:
    """Whether most people intercepted in 2022 were intercepted in Quebec."""
    people = _year(interceptions, 2022).groupby("province").people.sum()
    share, first = people["Quebec"] / people.sum(), people.idxmax()
    verdict = SUPPORTED if share > MOST else PARTLY if first == "Quebec" else NOT_SUPPORTED
    sentence = f"By interceptions, {pct(share)} of {n(people.sum())} people were in Quebec in 2022."
    return Decision(verdict, sentence, found=share, low=MOST, high=1.0)


def quebec_2022(interceptions: pd.DataFrame, stated: float) -> Decision:
    """Whether Quebec's year is `stated`, or a little less: "nearly"."""
    people = _year(interceptions, 2022).query("province == 'Quebec'").people.sum()
    low = stated * (1 - NEARLY)
    if low <= people <= stated:
        verdict = SUPPORTED
    else:
        verdict = PARTLY if abs(people - stated) <= 2 * NEARLY * stated else NOT_SUPPORTED
    sentence = f"The months of 2022 add up to {n(people)}, {pct(people / stated)} of {n(stated)}."
    return Decision(verdict, sentence, stated, people, low, stated)


def rest_2022(interceptions: pd.DataFrame, stated: float) -> Decision:
    """Whether the other provinces add up to exactly `stated`."""
    people = _year(interceptions, 2022).query("province != 'Quebec'").people.sum()
    close = abs(people - stated) <= NEARLY * stated
    verdict = SUPPORTED if people == stated else PARTLY if close else NOT_SUPPORTED
    return Decision(
        verdict, f"The other provinces add up to {n(people)} in 2022.", stated, people, stated, stated
    )


def heart_of_crisis(interceptions: pd.DataFrame, claimants_totals: pd.DataFrame) -> Decision:
    """Whether interceptions in Quebec all but ended, and claims in Canada fell, in the protocol's first year."""
    quebec = interceptions.query("province == 'Quebec'").set_index("month").people
    canada = _claims_in_canada(claimants_totals)
    (before, after), (claims_before, claims_after) = _two_years(quebec), _two_years(canada)
    if before is None or claims_before is None:
        return Decision(NOT_ASSESSED, TOO_EARLY)
    fall, change = 1 - after / before, claims_after / claims_before - 1
    closed, fewer = fall >= CLOSED, change <= -FEWER
    verdict = SUPPORTED if closed and fewer else PARTLY if closed or fewer else NOT_SUPPORTED
    way = "rose" if change > 0 else "fell" if change < 0 else "stayed"
    sentence = (
        f"From April 2023 to March 2024 Quebec had {n(after)} interceptions, against {n(before)} in the twelve "
        f"months before. Claims in all Canada {way} from {n(claims_before)} to {n(claims_after)}."
    )
    if closed != fewer:
        holds, fails = ("crossings", "claims") if closed else ("claims", "crossings")
        sentence += f" If the crisis is one of {holds}, the claim passes; if of {fails}, it does not."
    return Decision(verdict, sentence, found=fall, low=CLOSED, high=1.0)


def guantanamo_camp(events: pd.DataFrame, stated: float) -> Decision:
    """Whether the camp's beginning lies about `stated` years before the op-ed."""
    years = (_date(events, "op-ed") - _date(events, "haiti-coup")).days / 365.25
    low, high = stated * (1 - ABOUT), stated * (1 + ABOUT)
    near = abs(years - stated) <= 2 * ABOUT * stated
    verdict = SUPPORTED if low <= years <= high else PARTLY if near else NOT_SUPPORTED
    sentence = (
        f"The coup was {n(years)} years before, in September 1991; the first people were held there in the months "
        "after it."
    )
    return Decision(verdict, sentence, stated, round(years, 1), low, high)


def declaration_21(endorsements: pd.DataFrame, stated: float) -> Decision:
    """Whether `stated` governments had endorsed the Declaration when the op-ed appeared."""
    last = endorsements[endorsements.date <= LAST_DAY].sort_values("date").iloc[-1]
    off = abs(last.governments - stated)
    verdict = SUPPORTED if off == 0 else PARTLY if off <= ABOUT * stated else NOT_SUPPORTED
    sentence = f"{n(last.governments)} governments had endorsed it by {month(last.date)}."
    return Decision(verdict, sentence, stated, last.governments, stated, stated)


def southbound_rise(southbound: pd.DataFrame) -> Decision:
    """Whether the Swanton Sector counted clearly more from October to January than a year before."""
    swanton = southbound.query("sector == 'Swanton'").set_index("month").encounters.sort_index()
    before, after = swanton["2021-10":"2022-01"].sum(), swanton["2022-10":"2023-01"].sum()
    change = after / before - 1 if before else float(after > 0)
    verdict = SUPPORTED if change > RISING else PARTLY if change > 0 else NOT_SUPPORTED
    sentence = (
        f"From October 2022 to January 2023 the Swanton Sector, which faces Quebec, had {n(after)} encounters, "
        f"against {n(before)} a year before ({'+' if change > 0 else ''}{pct(change, 0)})."
    )
    later = swanton["2023-02":]
    if len(later):
        sentence += (
            f" The highest month since was {month(later.idxmax())} ({n(later.max())}); the latest, "
            f"{month(later.index[-1])}, had {n(later.iloc[-1])}."
        )
    return Decision(verdict, sentence, found=change, low=RISING)


def transferred(transfers: pd.DataFrame) -> Decision:
    """Whether anybody had been moved from Quebec to another province by the end of the op-ed's month."""
    moved = transfers.query("measure == 'claimants transferred' and origin == 'Quebec' and status == 'used'")
    by_then = moved[moved.period_end <= LAST_DAY].query("precision == 'exact'")
    most = by_then.sort_values("value").tail(1)
    if most.empty or most.value.iloc[0] == 0:
        return Decision(NOT_SUPPORTED, "No transfer is recorded by the end of February 2023.", found=0, low=1)
    row = most.iloc[0]
    sentence = f"By {row.period_end.day} {month(row.period_end)} {n(row.value)} people had been moved to {row.place}."
    later = moved[moved.period_end > LAST_DAY].query("precision == 'exact'").sort_values("value").tail(1)
    if len(later) and later.value.iloc[0] > row.value:
        last = later.iloc[0]
        sentence += (
            f" By {last.period_end.day} {month(last.period_end)} it was {n(last.value)}, to {last.place}."
        )
    return Decision(SUPPORTED, sentence, found=row.value, low=1)


def wider_pressure(events: pd.DataFrame) -> Decision:
    """Whether the condition came true: that talks went on stalling for months after the op-ed."""
    announced = _date(events, "protocol-announced")
    if announced is None:
        return Decision(NOT_ASSESSED, TOO_EARLY)
    days = (announced - LAST_DAY).days
    if days <= STALLED * 365.25 / 12:
        sentence = (
            "The forecast was for the case that talks stalled. An agreement was announced "
            f"{plural(days, 'day', 'days')} after the end of the op-ed’s month, so it cannot be scored."
        )
        return Decision(CONDITION_NOT_MET, sentence, found=days, high=STALLED * 365.25 / 12)
    sentence = f"The condition was met, for {plural(days, 'day', 'days')}. What followed is not assessed."
    return Decision(NOT_ASSESSED, sentence, found=days, high=STALLED * 365.25 / 12)


RULES: dict[str, tuple[Callable[..., Decision], tuple[str, ...]]] = {
    "largest-challenge": (largest_challenge, ("interceptions",)),
    "quebec-2022": (quebec_2022, ("interceptions",)),
    "rest-2022": (rest_2022, ("interceptions",)),
    "heart-of-crisis": (heart_of_crisis, ("interceptions", "claimants_totals")),
    "guantanamo-camp": (guantanamo_camp, ("events",)),
    "declaration-21": (declaration_21, ("endorsements",)),
    "southbound-rise": (southbound_rise, ("southbound",)),
    "transferred": (transferred, ("transfers",)),
    "wider-pressure": (wider_pressure, ("events",)),
}
STATED = {"quebec-2022", "rest-2022", "guantanamo-camp", "declaration-21"}  # whose functions compare a number


# ---- the numbers that the judgements name in braces


def _most_outside(load) -> tuple[float, int]:
    cells = load("interceptions").query("province != 'Quebec' and month < '2024'")
    years = cells.groupby(cells.month.dt.year).people.sum()
    return years.max(), years.idxmax()


def _last_years(load) -> pd.Series:
    """Claimants in Canada by year, of the whole years."""
    rows = load("claimants_years").query("place == 'Canada'")
    whole = rows[(rows.period_end.dt.month == 12) & (rows.period_start.dt.month == 1)]
    return whole.groupby(whole.period_start.dt.year).claimants.sum().sort_index()


def _lacolle(load) -> pd.Series:
    """Claims at Lacolle by month, of the months printed whole."""
    rows = load("ports_of_entry").query("port == 'Saint-Bernard-de-Lacolle' and status == 'used'")
    whole = rows[
        (rows.period_start.dt.day == 1) & (rows.period_end == rows.period_start + pd.offsets.MonthEnd(0))
    ]
    return whole.set_index("period_start").claims.sort_index()["2024":]


def _poll(load, question: str, answer: str) -> str:
    return pct(load("polls").query("question == @question and answer == @answer").share.iloc[-1] / 100, 0)


def _pledge(load, pledge: str, stage: str = "pledged") -> int:
    return (
        load("pledges").query("pledge_id == @pledge and stage == @stage").sort_values("date").number.iloc[0]
    )


def _millions(amount: float, digits: int = 0) -> str:
    return f"{dollars(amount / 1e6, digits)} million"


def _quebec_bill(load) -> str:
    rows = load("costs").query(
        "kind == 'claim' and payer == 'Quebec' and item.str.contains('Quebec estimate')"
    )
    return _millions(rows.amount.sum(), 1)


_CRISIS = "Is the situation a crisis?"
_CLOSE = "Should the irregular crossing at Roxham Road be closed?"
NUMBERS: dict[str, Callable] = {
    "rest_most": lambda load: n(_most_outside(load)[0]),
    "rest_most_year": lambda load: str(_most_outside(load)[1]),
    "poll_close": lambda load: _poll(load, _CLOSE, "Close it"),
    "poll_crisis": lambda load: _poll(load, _CRISIS, "A crisis"),
    "poll_overblown": lambda load: _poll(load, _CRISIS, "Overblown"),
    "quebec_fall": lambda load: pct(heart_of_crisis(load("interceptions"), load("claimants_totals")).found),
    "claims_before": lambda load: n(_two_years(_claims_in_canada(load("claimants_totals")))[0]),
    "claims_after": lambda load: n(_two_years(_claims_in_canada(load("claimants_totals")))[1]),
    "claims_year": lambda load: str(_last_years(load).index[-1]),
    "claims_in_year": lambda load: n(_last_years(load).iloc[-1]),
    "claims_year_before": lambda load: n(_last_years(load).iloc[-2]),
    "lacolle_peak": lambda load: n(_lacolle(load).max()),
    "lacolle_peak_month": lambda load: month(_lacolle(load).idxmax()),
    "lacolle_latest": lambda load: n(_lacolle(load).iloc[-1]),
    "lacolle_latest_month": lambda load: month(_lacolle(load).index[-1]),
    "declaration_first": lambda load: n(load("endorsements").sort_values("date").governments.iloc[0]),
    "us_aid_2024": lambda load: _millions(_pledge(load, "us-aid-2024")),
    "us_visas": lambda load: n(_pledge(load, "us-work-visas")),
    "family_places": lambda load: n(_pledge(load, "family-pathway")),
    "family_eligible": lambda load: n(_pledge(load, "family-pathway", "found eligible")),
    "family_approved": lambda load: n(_pledge(load, "family-pathway", "approved")),
    "worker_places": lambda load: n(_pledge(load, "americas-workers")),
    "work_permits": lambda load: f"about {n(_pledge(load, 'americas-workers', 'related'))}",
    "aid_2022": lambda load: _millions(_pledge(load, "declaration-aid"), 1),
    "aid_2023": lambda load: _millions(_pledge(load, "asylum-capacity-aid")),
    "places_in_return": lambda load: n(_pledge(load, "americas-15000")),
    "quebec_bill": _quebec_bill,
}


# ---- what a chapter calls


def ledger(as_of: str = "latest", record=tables) -> pd.DataFrame:
    """Every claim with its verdict, in the op-ed's order: one row a claim.

    Columns: number (1 …), id, paragraph, claim, kind, attribution, condition, test, verdict, basis (computed or
    judged), then (the verdict of February 2023), sentence, counter, done, done_note, steps (list), stated, found,
    low, high, figure, chapter, label, sources (list). An empty text is "". `record` is a `tables.Record`, or the
    module.
    Raises LookupError for an unknown `as_of`, and tables.RecordError with every fault of the file.
    """
    if len(faults := check(record)):
        raise tables.RecordError(map(tables.Fault._make, faults.itertuples(index=False)))
    rows = []
    for number, entry in enumerate(record.hand("claims"), 1):
        decision = _decision(entry, as_of, record)
        told = {"counter": _counter(entry, decision, as_of)}
        told |= {key: entry.get(key, "") if as_of == "latest" else "" for key in ("done", "done_note")}
        rows.append(
            {
                "number": number,
                **{key: entry.get(key, "") for key in ("id", "paragraph", "claim", "kind", "attribution")},
                **{key: entry.get(key, "") for key in ("condition", "test", "figure", "chapter", "label")},
                **decision._asdict(),
                **{key: _worded(text, record) for key, text in told.items()},
                "basis": "computed" if entry["id"] in RULES else "judged",
                "then": _decision(entry, "op-ed", record).verdict,
                "steps": entry.get("steps", []) if as_of == "latest" else [],
                "sources": _sources(entry, as_of, record),
            }
        )
    return pd.DataFrame(rows)


def decide(id: str, as_of: str = "latest", record=tables) -> Decision:
    """The verdict on one claim. Raises LookupError for an unknown claim or `as_of`."""
    entries = {entry["id"]: entry for entry in record.hand("claims")}
    if id not in entries:
        raise LookupError(f"no claim {id!r}{_nearest(id, entries)}")
    return _decision(entries[id], as_of, record)


def _decision(entry: Mapping, as_of: str, record) -> Decision:
    if as_of not in AS_OF:
        raise LookupError(f"as_of is {as_of!r}; allowed are {', '.join(AS_OF)}")
    if entry["id"] in RULES:
        rule, names = RULES[entry["id"]]
        frames = [known(record.load(name), as_of) for name in names]
        return rule(*frames, **({"stated": entry["stated"]} if "stated" in entry else {}))
    if as_of == "op-ed" and "then" in entry:
        return Decision(entry["then"]["verdict"], _worded(entry["then"]["reason"], record))
    if as_of == "op-ed" and entry["kind"] == "forecast":
        return Decision(NOT_ASSESSED, TOO_EARLY)
    return Decision(entry["verdict"], _worded(entry["reason"], record))


def _counter(entry: Mapping, decision: Decision, as_of: str) -> str:
    """What is said against the verdict; in the view of February 2023, only what could be said then."""
    if as_of == "latest":
        return entry["counter"]
    if "then" in entry:
        return entry["then"].get("counter", "")
    later = decision.sentence == TOO_EARLY or entry["kind"] in ("proposal", "forecast")
    return "" if later else entry["counter"]


def _sources(entry: Mapping, as_of: str, record) -> list[str]:
    """The sources of a claim; in the view of February 2023, those of a judgement that were out by then, if any."""
    listed = entry["source_id"] if isinstance(entry["source_id"], list) else [entry["source_id"]]
    if as_of == "latest" or entry["id"] in RULES:
        return list(listed)
    dates = record.load("sources").set_index("source_id")["date"]
    return [source for source in listed if dates[source][:7] <= f"{LAST_DAY:%Y-%m}"] or list(listed)


def known(frame: pd.DataFrame, as_of: str) -> pd.DataFrame:
    """The rows of a table about what had happened by then: all of them, or those up to the op-ed's month."""
    if as_of == "latest":
        return frame
    if "month" in frame:
        return frame[frame["month"] < LAST_DAY.replace(day=1)]
    if "period" in frame:
        return frame[frame["period"] < f"{LAST_DAY:%Y-%m}"]
    end = "period_end" if "period_end" in frame else "date"
    return frame[pd.to_datetime(frame[end], format="ISO8601") <= LAST_DAY]


# ---- the file's own rules


def check(record=tables) -> pd.DataFrame:
    """Every fault of hand/claims.yml, as `tables.check` gives those of the tables; `column` names claim and field."""
    try:
        entries = record.hand("claims")
    except tables.RecordError as error:
        return error.faults
    try:
        steps = set(record.load("events").event_id) | set(record.load("pledges").pledge_id)
        faults = [fault for entry in entries for fault in _faults(entry, steps)]
        ids = {entry["id"] for entry in entries}
        for id in sorted(RULES.keys() - ids):
            faults.append(_fault(id, "id", "", f"is missing; claims.py decides it{_nearest(id, ids)}"))
        faults = faults or [fault for entry in entries for fault in _undecided(entry, record)]
    except tables.RecordError as error:  # tables.check says what is wrong with the tables
        return error.faults.iloc[:0]
    return pd.DataFrame(faults, columns=list(tables.Fault._fields))


def _undecided(entry: Mapping, record) -> Iterable[tables.Fault]:
    """A claim whose verdict or numbers rest on rows that the tables do not have."""
    for as_of in AS_OF:
        try:
            decision = _decision(entry, as_of, record)
            for text in (_counter(entry, decision, as_of), entry.get("done_note", "")):
                _worded(text, record)
        except (LookupError, AttributeError, TypeError, ValueError) as error:
            what = f"{type(error).__name__}: {error}"
            rule = f"cannot be computed from the tables ({what}); a row that it needs is gone"
            yield _fault(entry["id"], "verdict", "", rule)
            return


def _faults(entry: Mapping, steps: set[str]) -> Iterable[tables.Fault]:
    id, kind, verdict = str(entry["id"]), entry.get("kind"), entry.get("verdict")
    then = entry.get("then") or {}

    def fault(field: str, value: object, rule: str) -> tables.Fault:
        return _fault(id, field, value, rule)

    def one_of(field: str, value: object, allowed: Iterable[str]) -> Iterable[tables.Fault]:
        if value not in allowed:
            rule = f"is not one of {', '.join(allowed)}{_nearest(value, allowed)}"
            yield fault(field, value, rule)

    if not _SLUG.fullmatch(id):
        yield fault("id", id, "is not lower-case words joined by hyphens")
    for field in entry.keys() - set(FIELDS):
        yield fault(field, "", f"is not a field of a claim{_nearest(field, FIELDS)}")
    for field in REQUIRED:
        if not entry.get(field):
            yield fault(field, "", "is missing; every claim has one")
    yield from one_of("kind", kind, KINDS)
    if id in RULES:
        for field in {"verdict", "reason", "then"} & entry.keys():
            yield fault(field, entry[field], "is typed, but claims.py computes it; remove it")
        if (id in STATED) != isinstance(entry.get("stated"), int | float):
            rule = "is not the author's number" if id in STATED else "is a number that nothing compares"
            yield fault("stated", entry.get("stated", ""), rule)
    else:
        yield from one_of("verdict", verdict, VERDICTS)
        if not entry.get("reason"):
            yield fault("reason", "", "is missing; a verdict that is judged has one")
        if "stated" in entry:
            yield fault(
                "stated", entry["stated"], "is a number that nothing compares; claims.py has no function"
            )
    if then:
        yield from one_of("then: verdict", then.get("verdict"), VERDICTS)
        if not then.get("reason"):
            yield fault("then: reason", "", "is missing; a verdict that is judged has one")
    if verdict == "overtaken by events" and then.get("verdict") not in (SUPPORTED, PARTLY):
        rule = "is overtaken only if it was true once; `then` must say supported or partly"
        yield fault("verdict", verdict, rule)
    if verdict == CONDITION_NOT_MET and "condition" not in entry:
        yield fault("verdict", verdict, "needs a condition")
    if "condition" in entry and kind != "forecast":
        yield fault("condition", entry["condition"], "is for forecasts only")
    if kind == "proposal":
        if verdict != OPINION:
            yield fault("verdict", verdict, f"of a proposal is always {OPINION}; `done` says what followed")
        yield from one_of("done", entry.get("done"), DONE)
        if not entry.get("label"):
            yield fault("label", "", "is missing; the chart of proposals names them by it")
        if not entry.get("done_note"):
            yield fault(
                "done_note", "", "is missing; a proposal says what was done, or that nothing was found"
            )
    elif "done" in entry:
        yield fault("done", entry["done"], "is for proposals only")
    for step in entry.get("steps", []):
        if step not in steps:
            yield fault("steps", step, f"is neither an event nor a pledge{_nearest(step, steps)}")
    for field, text in (*entry.items(), *then.items()):
        for name in _names(text) if isinstance(text, str) else ():
            if name not in NUMBERS:
                yield fault(
                    field, f"{{{name}}}", f"is not a number that claims.py knows{_nearest(name, NUMBERS)}"
                )


def _fault(id: str, field: str, value: object, rule: str) -> tables.Fault:
    return tables.Fault(FILE, None, f"{id}, {field}", "" if value is None else str(value), rule)


# ---- small helpers


def _names(text: str) -> list[str]:
    """The names in braces."""
    return [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]


def _worded(text: str, record) -> str:
    """A text of the file with its numbers."""
    return " ".join(text.split()).format(**{name: NUMBERS[name](record.load) for name in _names(text)})


def _year(frame: pd.DataFrame, year: int) -> pd.DataFrame:
    return frame[frame["month"].dt.year == year]


def _date(events: pd.DataFrame, id: str) -> pd.Timestamp | None:
    dates = events.loc[events["event_id"] == id, "date"]
    return pd.to_datetime(dates.iloc[0], format="ISO8601") if len(dates) else None


def _claims_in_canada(totals: pd.DataFrame) -> pd.Series:
    """Claimants in Canada by month, by all offices."""
    rows = totals.query("place == 'Canada' and office == 'All'")
    rows = rows[rows["period"].str.len() == 7]
    return pd.Series(
        rows["claimants"].to_numpy(), index=pd.to_datetime(rows["period"]), dtype=float
    ).sort_index()


def _two_years(months: pd.Series) -> tuple[float | None, float | None]:
    """Sums of the twelve months before the protocol's first full month and of those from it on, if all are there."""
    before, after = months["2022-04":"2023-03"], months["2023-04":"2024-03"]
    if len(before) < 12 or len(after) < 12:
        return None, None
    return before.sum(), after.sum()


def _nearest(value: object, allowed: Iterable[str]) -> str:
    near = difflib.get_close_matches(str(value), list(allowed), 1, cutoff=0.4)
    return f"; the nearest is {near[0]}" if near else ""
