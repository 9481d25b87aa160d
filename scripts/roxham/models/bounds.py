"""What is left when the counterfactual is not known: intervals carried through, and how assumptions narrow them.

**What is asked.** Of the people missing at the road after the closure (the *fall*), which share claimed at another
door instead (airports, inland offices, land ports)? Each door's claims after the closure are observed; how many there
would have been without it is not. So the share is not a number but a set of numbers, and each assumption cuts it.

In symbols: fall F > 0; door d took N_d claims after and would have taken C_d without the closure; D_d of its claims
are of people missing at the road, 0 <= D_d <= N_d; the share is the sum of D_d over F, and never above 1. Without
assumptions the set is 0 to min(1, sum of N_d / F). An assumption is a set that the D_d must lie in. Assumptions are
intersected, so each can only narrow the bounds; where nothing is left, they contradict each other or the counts, and
that is what is said. An interval says what the counts and assumptions allow. It is no confidence interval.

Sources of the method: Manski, C. F. (1990), Nonparametric bounds on treatment effects, American Economic Review
80(2), 319-323; Manski, C. F. and Pepper, J. V. (2013), Deterrence and the death penalty: partial identification
analysis using repeated cross sections, Journal of Quantitative Criminology 29(1), 123-141 (assumptions added one by
one); Moore, R. E. (1966), Interval Analysis (the arithmetic). Shares of the narrowing: Shapley, L. S. (1953), A value
for n-person games.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real

import pandas as pd

from roxham.models.estimate import Refused

ALL = "all doors"  # the key of a restriction on the sum over doors
ENDS = ["before_low", "before_high", "after_low", "after_high"]


@dataclass(frozen=True)
class Interval:
    """Every number from ``low`` to ``high``: what rounding, suppression or an assumption leaves open.

    Sums, differences, products and quotients hold every result of every pair of members, each operand being free
    of the others: ``x - x`` is not zero. ``a & b`` is what both hold, ``a | b`` the least interval that holds both.
    """

    low: float
    high: float

    def __post_init__(self):
        if math.isnan(self.low) or math.isnan(self.high):
            raise Refused(f"an interval from {self.low} to {self.high}: an end is missing")
        if self.low > self.high:
            raise Refused(
                f"an interval from {self.low:g} to {self.high:g}: the low end is above the high end"
            )

    @property
    def width(self) -> float:
        return self.high - self.low

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def __add__(self, other: "Interval | float") -> "Interval":
        other = interval(other)
        return Interval(self.low + other.low, self.high + other.high)

    def __neg__(self) -> "Interval":
        return Interval(-self.high, -self.low)

    def __sub__(self, other: "Interval | float") -> "Interval":
        return self + -interval(other)

    def __rsub__(self, other: float) -> "Interval":
        return interval(other) - self

    def __mul__(self, other: "Interval | float") -> "Interval":
        other = interval(other)
        # 0 times an end that is infinite is 0: the other factor is then known to be nothing.
        ends = [
            0.0 if 0 in pair else math.prod(pair)
            for pair in itertools.product((self.low, self.high), (other.low, other.high))
        ]
        return Interval(min(ends), max(ends))

    def __truediv__(self, other: "Interval | float") -> "Interval":
        other = interval(other)
        if 0 in other:
            raise Refused(f"division by {other}: it may be zero")
        return self * Interval(1 / other.high, 1 / other.low)

    def __rtruediv__(self, other: float) -> "Interval":
        return interval(other) / self

    __radd__, __rmul__ = __add__, __mul__

    def __and__(self, other: "Interval") -> "Interval":
        if max(self.low, other.low) > min(self.high, other.high):
            raise Refused(f"nothing is both in {self} and in {other}")
        return Interval(max(self.low, other.low), min(self.high, other.high))

    def __or__(self, other: "Interval") -> "Interval":
        return Interval(min(self.low, other.low), max(self.high, other.high))

    def __str__(self) -> str:
        return f"[{self.low:g}, {self.high:g}]"


def interval(value: Interval | Real) -> Interval:
    """An interval as it is; an exact number as an interval of no width."""
    return value if isinstance(value, Interval) else Interval(float(value), float(value))


def rounded(value: float, base: int = 5) -> Interval:
    """What a count printed as a multiple of ``base`` stands for: 2 either side for 5. A printed 0 is a true zero."""
    half = base // 2 if value else 0
    return Interval(max(0.0, value - half), float(value + half))


def hidden(most: float = 5) -> Interval:
    """What a suppressed count can stand for: 0 to ``most``; ``math.inf`` where nothing bounds it."""
    return Interval(0.0, float(most))


def counted(values: Iterable[float], *, base: int = 5, most: float = 5) -> Interval:
    """The sum of printed counts: each rounded to ``base`` (1: exact), a missing one suppressed (0 to ``most``).

    Raises `Refused` for a negative count.
    """
    total = Interval(0.0, 0.0)
    for value in values:
        if pd.notna(value) and value < 0:
            raise Refused(f"a negative count: {value}")
        total += hidden(most) if pd.isna(value) else rounded(float(value), base)
    return total


def doors(rows: Mapping[str, tuple[str, Interval | float, Interval | float]]) -> pd.DataFrame:
    """The frame that `deflection` takes, from door -> (kind, claims before, claims after)."""
    frame = {}
    for door, (kind, before, after) in rows.items():
        before, after = interval(before), interval(after)
        frame[door] = [kind, before.low, before.high, after.low, after.high]
    return pd.DataFrame.from_dict(frame, orient="index", columns=["kind", *ENDS]).rename_axis("door")


def windows(
    claims: pd.DataFrame,
    by: str,
    before: tuple[pd.Timestamp, pd.Timestamp],
    after: tuple[pd.Timestamp, pd.Timestamp],
    *,
    values: str = "claimants",
    base: int = 5,
    most: float = 5,
) -> pd.DataFrame:
    """Claims before and after by ``by``, with what rounding and suppression leave open.

    ``claims`` has one row a month (column month, first days) and cell: ``by`` and ``values``, missing where
    suppressed. ``before`` and ``after`` are first and last months. Where they differ in length, before is scaled to
    the length of after. Returns one row a value of ``by``: before_low, before_high, after_low, after_high. Raises
    `Refused` if a window has a month that the table, or one of its values of ``by``, has not.
    """
    sums = {}
    lengths = []
    for first, last in (before, after):
        months = pd.date_range(first, last, freq="MS")
        if missing := sorted(set(months) - set(claims["month"])):
            raise Refused(
                f"months outside the data: {len(missing)} (first: {missing[0]:%Y-%m}); allowed: "
                f"{claims['month'].min():%Y-%m} to {claims['month'].max():%Y-%m}"
            )
        lengths.append(len(months))
        inside = claims[claims["month"].isin(months)]
        found = inside.groupby(by)["month"].nunique().reindex(claims[by].unique(), fill_value=0)
        if (found < len(months)).any():
            raise Refused(
                f"{found.idxmin()} has {found.min()} of the {len(months)} months from {first:%Y-%m}"
            )
        sums[first, last] = {
            key: counted(cells, base=base, most=most) for key, cells in inside.groupby(by)[values]
        }
    stretch = lengths[1] / lengths[0]
    rows = {
        key: [total.low * stretch, total.high * stretch, sums[after][key].low, sums[after][key].high]
        for key, total in sums[before].items()
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=ENDS).rename_axis(by)


def _before(row: pd.Series) -> Interval:
    return Interval(row.before_low, row.before_high)


def _after(row: pd.Series) -> Interval:
    return Interval(row.after_low, row.after_high)


def growth(frame: pd.DataFrame) -> pd.Series:
    """Claims after for each claim before, as an `Interval` a row; refused where there may have been none before."""
    return pd.Series({key: _after(row) / _before(row) for key, row in frame.iterrows()}, dtype=object)


# ---- assumptions

Restriction = dict[
    str, Interval
]  # door, or ALL -> how many of its claims can be of people missing at the road


@dataclass(frozen=True)
class Assumption:
    """What one is asked to believe: what it says, why it might hold and might fail, and which end it can move.

    ``restrict(doors, fall)`` gives the intervals that the deflected claims must lie in, by door or for `ALL`, if the
    fall is ``fall`` people; an upper end may grow with the fall, in proportion at most. Being intersected with
    everything else, an assumption can only narrow. It counts only together with those that it ``rests_on``.
    """

    name: str
    says: str
    because: str
    unless: str
    moves: str  # upper end, lower end, both ends, or neither alone
    restrict: Callable[[pd.DataFrame, float], Restriction] = field(repr=False)
    rests_on: tuple[str, ...] = ()


UNHARMED = "No door lost claims"


def unharmed() -> Assumption:
    """The closure took no claims from another door: what a door took is what it would have taken, plus D_d."""
    return Assumption(
        UNHARMED,
        "The closure took no claims away from any other door.",
        "A rule about the land border says nothing to a person who flies in, or is in the country already.",
        "News of a closed border may have kept some from coming by any way; staff and places freed at the road "
        "may have changed how fast others register.",
        "neither alone",
        lambda doors, fall: {},
    )


def not_shrinking(of: Iterable[str] | None = None) -> Assumption:
    """No door would have taken fewer claims than before the closure: at most the rise is deflected."""
    return Assumption(
        "No door would have shrunk",
        "Without the closure each other door would have taken at least as many claims as before it.",
        "Every door had risen for a year before the closure, as in many countries then.",
        "The year before may have been a peak (the backlog of the pandemic, one country's crisis) from which "
        "claims would have fallen back.",
        "upper end",
        lambda doors, fall: {
            door: Interval(-math.inf, row.after_high - row.before_low)
            for door, row in _chosen(doors, of).iterrows()
        },
        (UNHARMED,),
    )


def trend(rates: Mapping[str, Interval], *, exactly: bool = False) -> Assumption:
    """The growth that kinds of door showed before the closure would have gone on (at least, or ``exactly``).

    ``rates`` gives, for each kind, claims after for each claim before that the trend foresees (see `growth`).
    """

    def restrict(doors, fall):
        rows = doors[doors["kind"].isin(list(rates))]
        return {
            door: Interval(
                row.after_low - row.before_high * rates[row.kind].high if exactly else -math.inf,
                row.after_high - row.before_low * rates[row.kind].low,
            )
            for door, row in rows.iterrows()
        }

    kinds = ", ".join(sorted(rates)).lower()
    return Assumption(
        f"The trend of before goes on ({kinds})",
        f"Without the closure the growth of a year that {kinds} showed just before it would have gone on"
        f"{'' if exactly else ' at least'}.",
        "What drove it (easier visas from early 2023, travel after the pandemic) had begun before the closure, and "
        "lasted.",
        "The months compared, a year earlier, were still marked by the pandemic: the growth may be too high to last.",
        "both ends" if exactly else "upper end",
        restrict,
        (UNHARMED,),
    )


def parallel(far: pd.DataFrame, *, unaffected: Iterable[str] = (), pooled: bool = False) -> Assumption:
    """Doors far from the road took nobody missing at it, so others of their kind would have grown as they did.

    ``far``: rows as in `doors`, one a far place and kind. The growth allowed is any between the lowest and the
    highest of the far doors of a kind; ``pooled`` takes that of their sum. ``unaffected`` are doors that are far.
    """
    rates = {}
    for kind, rows in far.groupby("kind"):
        rows = rows[ENDS].sum().to_frame().T if pooled else rows
        spread = growth(rows)
        rates[kind] = Interval(min(g.low for g in spread), max(g.high for g in spread))
    away = tuple(unaffected)

    def restrict(doors, fall):
        near = doors[doors["kind"].isin(list(rates)) & ~doors.index.isin(away)]
        return dict.fromkeys(away, Interval(0.0, 0.0)) | {
            door: _after(row) - _before(row) * rates[row.kind] for door, row in near.iterrows()
        }

    return Assumption(
        "Far doors show the trend" + (" (pooled)" if pooled else ""),
        "Doors far from the road took nobody missing at it, and without the closure doors near it would have grown "
        + (
            "as the far ones did together."
            if pooled
            else "no less than the slowest far one, no more than the fastest."
        ),
        "Far provinces are a flight away from the road, and visas, airlines and crises were the same for all.",
        "People kept from the road may have gone far too; other groups come to other provinces, and grew "
        "differently.",
        "both ends",
        restrict,
        (UNHARMED,),
    )


def only_seen(citizenships: pd.DataFrame) -> Assumption:
    """Missing people of a citizenship can have claimed elsewhere only as often as that citizenship claimed.

    ``citizenships``: one row a citizenship: share_low, share_high (its share of the people missing at the road) and
    after_low, after_high (its claims after, at all doors). Those not listed are the rest, without a cap of their own.
    """
    _shares(citizenships)
    return Assumption(
        "Citizenship caps",
        "The people missing at the road would have had the citizenships that people at the road had, and claims of a "
        "citizenship are of that citizenship.",
        "The mix at the road is published for the year before, and the caps need no assumption on trends.",
        "The mix changed from year to year (Nigeria, then Haiti, Türkiye, Colombia) and might have changed again; a "
        "child's citizenship can differ from the parents'.",
        "upper end",
        lambda doors, fall: {ALL: Interval(-math.inf, _most(citizenships, fall, 0.0, 0.0))},
    )


def only_risen(citizenships: pd.DataFrame, road_before: Interval | float) -> Assumption:
    """As `only_seen`, and no citizenship's claims at other doors would have shrunk: at most their rise counts.

    ``citizenships`` has before_low and before_high too (claims before, at all doors); ``road_before`` is how many
    people the road took before.
    """
    _shares(citizenships)
    road = interval(road_before).high
    return Assumption(
        "Citizenship caps on the rise",
        "Without the closure no citizenship seen at the road would have claimed less often at the other doors than "
        "before.",
        "Claims of most citizenships at airports and inland were rising before the closure.",
        "A citizenship has its own calendar: Turkish and Colombian claims may have been about to fall everywhere.",
        "upper end",
        lambda doors, fall: {
            ALL: Interval(-math.inf, _most(citizenships, fall, citizenships["before_low"], road))
        },
        (UNHARMED,),
    )


def all_of_rise(door: str) -> Assumption:
    """The whole rise at one door is deflected: nothing else would have raised it."""
    return Assumption(
        f"The rise is all deflected ({door})",
        f"Without the closure {door} would have taken no more claims than before it.",
        "It rose within days of the closure, beside the road, and nothing else changed for it in that month.",
        "Claims rose at every other kind of door, so some of this rise may have come anyway.",
        "lower end",
        lambda doors, fall: {
            door: Interval(_row(doors, door).after_low - _row(doors, door).before_high, math.inf)
        },
        (UNHARMED,),
    )


def later_claims(people: Interval | float, door: str) -> Assumption:
    """Claims made later by people who crossed between ports (beyond 14 days, say) are all deflected."""
    people = interval(people)
    return Assumption(
        "Later irregular claims are all deflected",
        "Those who crossed between ports and claimed later are people who would have claimed at the road.",
        "They crossed the same border, and the 14 days of the new rule give a reason to wait.",
        "A claim can come years after the crossing: some crossed before the closure, or would have waited anyway.",
        "lower end",
        lambda doors, fall: {door: Interval(people.low, math.inf)},
    )


def _chosen(doors: pd.DataFrame, of: Iterable[str] | None) -> pd.DataFrame:
    return doors if of is None else doors.loc[list(of)]


def _row(doors: pd.DataFrame, door: str) -> pd.Series:
    if door not in doors.index:
        raise Refused(f"no door {door!r}; allowed: {', '.join(doors.index)}")
    return doors.loc[door]


def _shares(citizenships: pd.DataFrame) -> None:
    low, high = citizenships["share_low"], citizenships["share_high"]
    if ((low < 0) | (high > 1) | (low > high)).any():
        at = citizenships.index[(low < 0) | (high > 1) | (low > high)][0]
        raise Refused(f"shares of {at} at the road: {low[at]:g} to {high[at]:g}; allowed: 0 to 1, in order")
    if low.sum() > 1 + 1e-9:
        raise Refused(f"shares at the road add up to at least {low.sum():.3f}; allowed: at most 1")


def _most(citizenships: pd.DataFrame, fall: float, before: pd.Series | float, road: float) -> float:
    """The most people of a fall who can be claimants elsewhere, whatever the shares are within their ranges.

    A citizenship with share s has s x fall missing people, and its claims elsewhere rose to ``after_high`` from
    ``before`` less the s x ``road`` that were at the road; the lesser of both can be deflected. People of no listed
    citizenship all can. Each citizenship's part is linear in s between a few points, so it is highest at one of them.
    """
    total = fall
    for row in citizenships.assign(before=before).itertuples():
        corners = [row.share_low, row.share_high, row.after_high / fall]
        if road:
            corners += [row.before / road, (row.before - row.after_high) / road]
        if fall != road:
            corners.append((row.after_high - row.before) / (fall - road))
        found = []
        for share in corners:
            share = min(max(share, row.share_low), row.share_high)
            rise = max(0.0, row.after_high - max(0.0, row.before - share * road))
            found.append(min(0.0, rise - share * fall))
        total += max(found)
    return float(total)


# ---- bounds


def deflection(
    fall: Interval | float, doors: pd.DataFrame, assumptions: Sequence[Assumption] = ()
) -> pd.DataFrame:
    """Bounds on the share of the fall that reappeared at other doors: worst case, and under assumptions.

    ``fall``: people missing at the road over the months after (counterfactual less observed), exact or an interval.
    ``doors``: one row a door: kind, before_low, before_high, after_low, after_high (see `doors`, `windows`), before
    and after over windows of one length.

    One row for the worst case (mode "none"), one for each assumption with those that it rests on ("alone"), and one
    for each with all before it in the order given ("cumulative"). Columns: mode, assumption, low, high (shares of the
    fall, 0 to 1), people_low, people_high, narrowed (by how much narrower than the worst case, or than the row before
    in mode "cumulative"), moves, status. ``status`` says in words what a bound does not tell, or where the
    assumptions are contradicted (low and high are then missing); a contradicted one is left out of the rows below it.
    Raises `Refused` for a fall that may not be one, for bad frames, and for an assumption without those it rests on.
    """
    fall = interval(fall)
    _checked(fall, doors, assumptions)
    problem = _Problem.of(fall, doors, assumptions)
    worst = _bounds(problem, ())
    rows = [{"mode": "none", "assumption": "Worst case", "narrowed": 0.0, "moves": ""} | worst]
    for one in assumptions:
        found = _bounds(problem, [a for a in assumptions if a.name in one.rests_on] + [one])
        narrowed = (worst["high"] - worst["low"]) - (found["high"] - found["low"])
        rows.append(
            {"mode": "alone", "assumption": one.name, "narrowed": narrowed, "moves": one.moves} | found
        )
    last, held = worst, []
    for one in assumptions:
        found = _bounds(problem, [*held, one])
        narrowed = (last["high"] - last["low"]) - (found["high"] - found["low"])
        row = {"mode": "cumulative", "assumption": one.name, "narrowed": narrowed, "moves": one.moves} | found
        if math.isnan(found["low"]):
            row["status"] += "; left out below"
        else:
            last, held = found, [*held, one]
        rows.append(row)
    columns = [
        "mode",
        "assumption",
        "low",
        "high",
        "people_low",
        "people_high",
        "narrowed",
        "moves",
        "status",
    ]
    return pd.DataFrame(rows)[columns]


def carried(fall: Interval | float, doors: pd.DataFrame, assumptions: Sequence[Assumption]) -> pd.DataFrame:
    """Which assumption carries the conclusion: how much of the narrowing is each one's.

    Those that others rest on are held throughout, and have no row. One row for each other assumption, the one that
    carries most first: alone (how far it narrows the worst case), without (how much wider the bounds get when only it
    is dropped), share (its part of the whole narrowing, averaged over every order in which the assumptions can be
    added: Shapley's value; the parts add up to the whole). Raises `Refused` if all together are contradicted.
    """
    fall = interval(fall)
    _checked(fall, doors, assumptions)
    problem = _Problem.of(fall, doors, assumptions)
    leaned_on = {name for one in assumptions for name in one.rests_on}
    base = [one for one in assumptions if one.name in leaned_on]
    weighed = [one for one in assumptions if one.name not in leaned_on]
    if len(weighed) > 10:
        raise Refused(f"too many assumptions to weigh in every order: {len(weighed)}, at most 10")
    width = {}
    for size in range(len(weighed) + 1):
        for chosen in itertools.combinations(weighed, size):
            found = _bounds(problem, [*base, *chosen])
            width[frozenset(one.name for one in chosen)] = found["high"] - found["low"]
    everything, nothing = frozenset(one.name for one in weighed), frozenset()
    if math.isnan(width[everything]):
        raise Refused("the assumptions together are contradicted, so none of them carries a conclusion")
    rows = []
    for name in (one.name for one in weighed):
        share = sum(
            (width[held] - width[held | {name}]) / (math.comb(len(weighed) - 1, len(held)) * len(weighed))
            for held in width
            if name not in held
        )
        without = width[everything - {name}] - width[everything]
        alone = width[nothing] - width[frozenset({name})]
        rows.append({"assumption": name, "alone": alone, "without": without, "share": share})
    table = pd.DataFrame(rows, columns=["assumption", "alone", "without", "share"])
    return table.sort_values("share", ascending=False, kind="stable", ignore_index=True)


def _checked(fall: Interval, doors: pd.DataFrame, assumptions: Sequence[Assumption]) -> None:
    if fall.low <= 0 or math.isinf(fall.high):
        raise Refused(f"the fall is {fall}; allowed: more than 0, and finite")
    if missing := [c for c in ["kind", *ENDS] if c not in doors]:
        raise Refused(f"the doors have no column {missing[0]!r}; allowed: {', '.join(['kind', *ENDS])}")
    if doors.empty or doors.index.duplicated().any():
        raise Refused("no door is given" if doors.empty else "a door is given twice")
    for door, row in doors.iterrows():
        if not (0 <= row.before_low <= row.before_high and 0 <= row.after_low <= row.after_high):
            raise Refused(
                f"{door}: before {row.before_low:g} to {row.before_high:g}, after {row.after_low:g} to "
                f"{row.after_high:g}; allowed: 0 or more, in order"
            )
    names = [a.name for a in assumptions]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise Refused(f"assumptions given twice: {', '.join(twice)}")
    for i, one in enumerate(assumptions):
        if needed := set(one.rests_on) - set(names[:i]):
            raise Refused(f"“{one.name}” rests on “{min(needed)}”, which is not given before it")


@dataclass(frozen=True)
class _Problem:
    """The doors and every assumption's intervals, worked out once for both ends of the fall."""

    fall: Interval
    taken: dict[str, float]  # the most claims after, by door
    restrictions: dict[tuple[str, float], Restriction]

    @classmethod
    def of(cls, fall: Interval, doors: pd.DataFrame, assumptions: Sequence[Assumption]) -> "_Problem":
        sizes = {fall.low, fall.high}
        cuts = {(one.name, size): one.restrict(doors, size) for one in assumptions for size in sizes}
        for (name, _), cut in cuts.items():
            if unknown := set(cut) - {*doors.index, ALL}:
                raise Refused(
                    f"“{name}” restricts {min(unknown)!r}; allowed: {', '.join(doors.index)}, {ALL}"
                )
        return cls(fall, doors["after_high"].astype(float).to_dict(), cuts)


def _bounds(problem: _Problem, assumptions: Sequence[Assumption]) -> dict:
    """Ends of the share and of the number deflected: highest at the least fall, lowest at the greatest."""
    fall = problem.fall
    missing = dict.fromkeys(["low", "high", "people_low", "people_high"], math.nan)
    try:
        least, most = _people(fall.high, problem, assumptions)
    except Refused as nothing:
        return missing | {"status": f"contradicted: {nothing}"}
    if least > min(most, fall.high):
        bounds = f"at least {least:,.0f} deflected, at most {min(most, fall.high):,.0f}"
        return missing | {"status": f"contradicted: {bounds}"}
    try:
        _, taken = _people(fall.low, problem, assumptions)
    except Refused:  # so small a fall is excluded; the least that is not is not looked for
        taken = fall.low
    words = ["the lower bound is uninformative"] if least == 0 else []
    if taken >= fall.low:
        words.append(
            f"what the other doors can have taken ({taken:,.0f}) is no less than the fall ({fall.low:,.0f}): "
            "the upper bound is uninformative"
        )
    return {
        "low": least / fall.high,
        "high": min(1.0, taken / fall.low),
        "people_low": least,
        "people_high": min(most, fall.high),
        "status": "; ".join(words),
    }


def _people(fall: float, problem: "_Problem", assumptions: Sequence[Assumption]) -> tuple[float, float]:
    """The least and the most claims of missing people at all doors; refused where a door's interval is empty."""
    box = {door: Interval(0.0, most) for door, most in problem.taken.items()}
    box[ALL] = Interval(0.0, sum(problem.taken.values()))
    for one in assumptions:
        for key, allowed in problem.restrictions[one.name, fall].items():
            try:
                box[key] &= allowed
            except Refused:
                raise Refused(f"{key} can have taken {box[key]}, and “{one.name}” says {allowed}") from None
    total = box.pop(ALL)
    least, most = sum(b.low for b in box.values()), sum(b.high for b in box.values())
    return max(total.low, least), min(total.high, most)
