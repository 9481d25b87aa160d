"""What if? Who would have come by which door, where they would have claimed and what it would have cost, under
assumptions that the reader states.

A calculator, not a forecast: every number that it gives is an assumption times a count. It takes the people who come,
or would have come, to the road in each month had there been no protocol, and shares them out from the month of the
protocol on::

    road + airports + inland + ports + unseen + away = 1

where ``unseen`` cross between ports without meeting police. Of those the share ``wait`` waits out the 14 days and
claims at an inland office, for as long as the gap in the protocol stays open; the rest make no claim. A person is
counted in the month in which he or she would have come to the road.

The same arithmetic stands in ``assets/explorer.js``; a test holds the two together.
"""

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd
from scipy import stats

from roxham.models.estimate import LEVEL, Refused

SHARES = ("road", "airports", "inland", "ports", "unseen")  # of those who would have come; the rest stay away
DOORS = ("road", "airports", "inland", "ports", "unseen", "away")
CLAIMED = DOORS[:4]  # the doors at which a claim is made
PROVINCES = ("Quebec", "Ontario", "Rest of Canada")
DRAWS = 10_000
SEED = 20230325


@dataclass(frozen=True)
class Assumptions:
    """One scenario. Shares are of 1; any number may also be an array, one value a draw.

    ``protocol``: its first month ("2022-04"), or None for never. ``road``, ``airports``, ``inland``, ``ports``,
    ``unseen``: where those go, under the protocol, who would have come to the road without it. ``wait``: share of
    the unseen who wait out the 14 days and claim inland. ``gap``: months for which that is possible from the
    protocol on, None for all. ``shock``: what arrivals are multiplied by from the month ``shock_from`` on.
    ``transfer``: share of those who claim in Quebec and live in another province afterwards. ``cost``: dollars a
    claimant.
    """

    protocol: str | None = "2022-04"
    road: float | np.ndarray = 0.015
    airports: float | np.ndarray = 0.1
    inland: float | np.ndarray = 0.1
    ports: float | np.ndarray = 0.05
    unseen: float | np.ndarray = 0.1
    wait: float | np.ndarray = 0.25
    gap: int | None = None
    shock: float | np.ndarray = 1.0
    shock_from: str | None = None
    transfer: float | np.ndarray = 0.25
    cost: float | np.ndarray = 14_321.0


@dataclass(frozen=True)
class Setting:
    """What the record gives: the months counted; the share of each door's claims made in each province.

    ``places``: (4, 3), rows as `CLAIMED`, columns as `PROVINCES`, each row summing to 1. ``onward``: of those who
    leave Quebec, the share that goes to Ontario. ``costs``: the least and the most that a claimant may cost.
    """

    months: pd.DatetimeIndex
    places: np.ndarray
    onward: float
    costs: tuple[float, float] = (0.0, np.inf)

    def __post_init__(self) -> None:
        places = np.asarray(self.places, dtype=float)
        if places.shape != (4, 3) or (places < 0).any() or not np.allclose(places.sum(axis=1), 1):
            raise Refused("places is not four rows of three shares, each row summing to 1")
        _share("onward", self.onward)


@dataclass(frozen=True)
class Outcome:
    """``doors``: people a month, (…, months, 6), the last axis as `DOORS`; ``people``: their sums, (…, 6).
    ``claims``: claimants by province after transfers, (…, 3), as `PROVINCES`. ``claimants`` and ``cost``: (…)."""

    doors: np.ndarray
    people: np.ndarray
    claims: np.ndarray
    claimants: np.ndarray
    cost: np.ndarray


@dataclass(frozen=True)
class Range:
    """What a draw may hold, and why: ``shape`` is uniform, log-uniform, or triangular with its peak at ``peak``."""

    low: float
    high: float
    shape: str = "uniform"
    peak: float | None = None
    reason: str = ""
    source: str = ""

    def distribution(self):
        """The range as a distribution of scipy.stats. Raises `Refused` for one that is empty or has no such shape."""
        if not self.low < self.high:
            raise Refused(f"a range from {self.low:g} to {self.high:g} is empty; the low end must be less")
        width = self.high - self.low
        if self.shape == "uniform":
            return stats.uniform(self.low, width)
        if self.shape == "log-uniform" and self.low > 0:
            return stats.loguniform(self.low, self.high)
        if self.shape == "triangular" and self.peak is not None and self.low <= self.peak <= self.high:
            return stats.triang((self.peak - self.low) / width, self.low, width)
        raise Refused(
            f"no range of shape {self.shape!r} from {self.low:g} to {self.high:g} with its peak at {self.peak}; "
            "allowed: uniform, log-uniform above 0, triangular with a peak inside"
        )


def scenario(assumptions: Assumptions, arrivals: np.ndarray, setting: Setting) -> Outcome:
    """The outcome of one scenario, or of many at once.

    arrivals: people who come to the road without a protocol, (months,) or (draws, months). Raises `Refused`, with the
    nearest that is allowed, for a share outside 0 to 1, shares that sum to more than 1, a month outside the data, a
    negative multiplier, gap or arrival, a cost outside the range of the setting.
    """
    a = checked_assumptions(assumptions, setting)
    come = _arrivals(arrivals, setting) * _shock(a, setting)
    regime = _regime(a, setting)
    shares = _shares(a)  # regime → (…, 6)
    shares = np.stack(np.broadcast_arrays(*shares))
    by_month = np.moveaxis(shares[regime], 0, -2)  # (…, months, 6)
    doors = come[..., None] * by_month
    people = doors.sum(axis=-2)
    return Outcome(doors, people, *_after(a, people, setting))


def totals(assumptions: Assumptions, arrivals: np.ndarray, setting: Setting) -> Outcome:
    """As `scenario`, without the months (``doors`` is empty): by the sums of the three regimes, for many draws."""
    a = checked_assumptions(assumptions, setting)
    come = _arrivals(arrivals, setting)
    regime, shocked = _regime(a, setting), _shock(replace(a, shock=2.0), setting) == 2
    people = 0.0
    for r, shares in enumerate(_shares(a)):
        here = regime == r
        sums = come[..., here & ~shocked].sum(-1) + np.asarray(a.shock) * come[..., here & shocked].sum(-1)
        people = people + sums[..., None] * shares
    return Outcome(np.empty(0), people, *_after(a, people, setting))


def flat(
    series: pd.Series, broke: pd.Timestamp, *, months: int = 12, without: Iterable[pd.Timestamp] = ()
) -> pd.DataFrame:
    """A plain baseline: what was counted before the break; from it on, the mean of the ``months`` before.

    series: people a month, indexed by the first of each month. ``without``: months that the mean leaves out, because
    they fall only partly before the break. Returns one row a month: month,
    expected, low, high, as in `estimate.Fit.path`, so that a fitted counterfactual can take its place. The bounds are
    the mean plus and minus 1.96 standard deviations of those single months, not below 0: wider than the error of the
    mean, because the level itself may move in the months that nobody saw. Raises `Refused` for too few months.
    """
    series = series.sort_index().astype(float)
    before = series[(series.index < broke) & ~series.index.isin(pd.DatetimeIndex(list(without)))]
    if not 2 <= months <= len(before):
        raise Refused(
            f"months of the baseline: {months}; allowed: 2 to {len(before)}; nearest: "
            f"{min(max(months, 2), len(before))}"
        )
    last = before.iloc[-months:]
    z = stats.norm.ppf((1 + LEVEL) / 2)
    after = series.index >= broke
    path = pd.DataFrame({"month": series.index, "observed": series.to_numpy()})
    for name, value in (
        ("expected", last.mean()),
        ("low", max(0.0, last.mean() - z * last.std())),
        ("high", last.mean() + z * last.std()),
    ):
        path[name] = np.where(after, value, series.to_numpy())
    return path


def joined(path: pd.DataFrame, series: pd.Series, broke: pd.Timestamp) -> pd.DataFrame:
    """A fitted path (`estimate.Fit.path`) as a baseline: counts before the break, the counterfactual from it on.

    Raises `Refused` for months after the break that the path does not reach.
    """
    series = series.sort_index().astype(float)
    base = pd.DataFrame({"month": series.index, "observed": series.to_numpy()})
    for name in ("expected", "low", "high"):
        drawn = path.set_index("month")[name].reindex(series.index)
        base[name] = np.where(series.index < broke, series, drawn)
        if (missing := base[name].isna()).any():
            raise Refused(f"the path has no {name} for {base.month[missing].iloc[0]:%Y-%m}")
    return base


def arrivals_of(path: pd.DataFrame, z: np.ndarray) -> np.ndarray:
    """Arrivals at standard normal deviates ``z`` of a baseline: 0 is expected, ±1.96 its bounds; (…, months).

    One deviate moves all months together: months that nobody saw are all too low or all too high. That is the
    widest that sums of them can be.
    """
    bound = stats.norm.ppf((1 + LEVEL) / 2)
    expected, low, high = (path[name].to_numpy(float) for name in ("expected", "low", "high"))
    z = np.asarray(z, dtype=float)[..., None] / bound
    return np.maximum(0.0, expected + np.where(z < 0, z * (expected - low), z * (high - expected)))


def draw(
    assumptions: Assumptions,
    path: pd.DataFrame,
    setting: Setting,
    ranges: Mapping[str, Range],
    *,
    n: int = DRAWS,
    seed: int = SEED,
) -> pd.DataFrame:
    """Monte Carlo over everything that is uncertain at once, each input drawn on its own.

    ranges: {assumption: its range}; what is not in it stays as in ``assumptions``. The baseline is drawn too
    (`arrivals_of`). Two calls with one seed are paired: their difference is that between two scenarios under the
    same draws. Returns n rows: the inputs ("baseline" is its deviate) and the outcomes: `DOORS` ("at road" …),
    `PROVINCES`, claimants, elsewhere (claimants at other doors) and dollars (the cost).
    """
    inputs, names = _distributions(ranges)
    uniform = np.random.default_rng(seed).random((len(names), n))
    # a draw of exactly 0 would be minus infinity under the normal curve
    values = np.stack([d.ppf(np.clip(u, 1e-12, None)) for d, u in zip(inputs, uniform, strict=True)])
    frame = pd.DataFrame(dict(zip(names, values, strict=True)))
    outcome = _outcomes(assumptions, path, setting, names, values)
    return frame.join(pd.DataFrame(dict(zip(OUTCOMES, outcome, strict=True))))


OUTCOMES = (*(f"at {door}" for door in DOORS), *PROVINCES, "claimants", "elsewhere", "dollars")


def sensitivity(
    assumptions: Assumptions,
    path: pd.DataFrame,
    setting: Setting,
    ranges: Mapping[str, Range],
    outcomes: Sequence[str] = ("claimants", "Quebec", "dollars"),
    *,
    against: Assumptions | None = None,
    n: int = 2**10,
    seed: int = SEED,
) -> pd.DataFrame:
    """Which input an outcome depends on: Sobol's first-order and total indices (Saltelli et al. 2010).

    The first-order index is the share of the outcome's variance that would go if this one input were known; the
    total index, the share that would stay if all others were. n: a power of 2. against: the outcome is its
    difference from this scenario. Returns outcome, input, first, first_low, first_high, total, total_low, total_high
    (bootstrap intervals at 95 %). Raises `Refused` for an outcome that does not vary.
    """
    inputs, names = _distributions(ranges)
    picked = [OUTCOMES.index(name) for name in outcomes]

    def function(values):
        result = _outcomes(assumptions, path, setting, names, values)
        if against is not None:
            result = result - _outcomes(against, path, setting, names, values)
        return result[picked]

    middle = np.stack([d.ppf([0.1, 0.3, 0.5, 0.7, 0.9]) for d in inputs])
    for name, row in zip(outcomes, function(np.roll(middle, 1, axis=1) * 0.5 + middle * 0.5), strict=True):
        if np.ptp(row) <= 1e-9 * max(1.0, np.abs(row).max()):
            raise Refused(f"{name} is the same whatever is assumed; there is nothing to share out")
    found = stats.sobol_indices(func=function, n=n, dists=inputs, rng=np.random.default_rng(seed))
    with np.errstate(all="ignore"), warnings.catch_warnings():
        # an input that an outcome does not hold has an index of exactly 0, of which no interval can be made
        warnings.simplefilter("ignore")
        spread = found.bootstrap(confidence_level=LEVEL, n_resamples=100)
    rows = []
    for i, outcome in enumerate(outcomes):
        for j, name in enumerate(names):
            row = {"outcome": outcome, "input": name}
            for kind, value, interval in (
                ("first", found.first_order, spread.first_order),
                ("total", found.total_order, spread.total_order),
            ):
                at, ends = np.atleast_2d(value)[i, j], interval.confidence_interval
                low, high = (np.atleast_2d(end)[i, j] for end in (ends.low, ends.high))
                row |= {kind: at}
                row |= {f"{kind}_low": low if np.isfinite(low) else at}
                row |= {f"{kind}_high": high if np.isfinite(high) else at}
            rows.append(row)
    return pd.DataFrame(rows)


# --- what is allowed ----------------------------------------------------------------------------------------


def checked_assumptions(a: Assumptions, setting: Setting) -> Assumptions:
    """The assumptions as they are, or a refusal with the nearest that is allowed."""
    for name in (*SHARES, "wait", "transfer"):
        _share(name, getattr(a, name))
    together = np.asarray(sum(np.asarray(getattr(a, name), float) for name in SHARES))
    if (together > 1 + 1e-9).any():
        worst = int(np.argmax(together))
        values = {n: float(np.broadcast_to(getattr(a, n), together.shape).flat[worst]) for n in SHARES}
        most = max(values, key=values.get)
        over = together.flat[worst] - 1
        fix = (
            f"{most} {values[most] - over:.4g}" if values[most] >= over else "the shares divided by their sum"
        )
        raise Refused(
            f"the shares {', '.join(SHARES[:-1])} and {SHARES[-1]} sum to {1 + over:.4g}; allowed: at most 1; "
            f"nearest: {fix}"
        )
    for name in ("protocol", "shock_from"):
        _month(name, getattr(a, name), setting.months)
    shock = np.asarray(a.shock, float)
    if not np.isfinite(shock).all() or (shock < 0).any():
        raise Refused(f"shock is {shock.min():g}; allowed: 0 or more; nearest: 0")
    if a.gap is not None and (a.gap != int(a.gap) or a.gap < 0):
        raise Refused(
            f"gap is {a.gap:g} months; allowed: a whole number from 0; nearest: {max(0, round(a.gap))}"
        )
    low, high = setting.costs
    cost = np.asarray(a.cost, float)
    bad = ~((cost >= low) & (cost <= high))
    if bad.any():
        found = cost[bad].flat[0]
        near = high if found > high else low
        raise Refused(f"cost is {found:,.0f}; allowed: {low:,.0f} to {high:,.0f}; nearest: {near:,.0f}")
    return a


def _share(name: str, value) -> None:
    value = np.asarray(value, dtype=float)
    bad = ~((value >= 0) & (value <= 1))
    if bad.any():
        found = value[bad].flat[0]
        raise Refused(f"{name} is {found:g}; allowed: a share from 0 to 1; nearest: {1 if found > 1 else 0}")


def _month(name: str, given: str | None, months: pd.DatetimeIndex) -> None:
    if given is None:
        return
    first, last = months[0], months[-1]
    try:
        at = pd.Timestamp(given).replace(day=1)
    except ValueError:
        raise Refused(
            f"{name} is {given!r}; allowed: a month from {first:%Y-%m} to {last:%Y-%m}, or None"
        ) from None
    if not first <= at <= last:
        near = first if at < first else last
        raise Refused(f"{name} is {at:%Y-%m}; allowed: {first:%Y-%m} to {last:%Y-%m}; nearest: {near:%Y-%m}")


def _arrivals(arrivals, setting: Setting) -> np.ndarray:
    come = np.asarray(arrivals, dtype=float)
    if come.ndim == 0 or come.shape[-1] != len(setting.months):
        raise Refused(f"arrivals have {come.shape[-1:]} months; the setting has {len(setting.months)}")
    if not np.isfinite(come).all() or (come < 0).any():
        raise Refused("arrivals hold a negative or missing number; allowed: 0 or more")
    return come


# --- the arithmetic -----------------------------------------------------------------------------------------


def _regime(a: Assumptions, setting: Setting) -> np.ndarray:
    """Each month's regime: 0 no protocol, 1 protocol with its gap open, 2 with it shut."""
    t = np.arange(len(setting.months))
    if a.protocol is None:
        return np.zeros(t.size, dtype=int)
    start = setting.months.get_loc(pd.Timestamp(a.protocol).replace(day=1))
    shut = t.size if a.gap is None else start + a.gap
    return np.where(t < start, 0, np.where(t < shut, 1, 2))


def _shock(a: Assumptions, setting: Setting) -> np.ndarray:
    """What each month's arrivals are multiplied by, (…, months)."""
    if a.shock_from is None:
        return np.ones(len(setting.months))
    on = setting.months >= pd.Timestamp(a.shock_from).replace(day=1)
    return np.where(on, np.asarray(a.shock, float)[..., None], 1.0)


def _shares(a: Assumptions) -> list[np.ndarray]:
    """For each regime the shares of the doors, (…, 6)."""
    road, airports, inland, ports, unseen = (np.asarray(getattr(a, name), float) for name in SHARES)
    away = 1.0 - (road + airports + inland + ports + unseen)
    waited = unseen * a.wait
    nobody = np.zeros_like(away)
    rows = (
        (nobody + 1.0, nobody, nobody, nobody, nobody, nobody),
        (road, airports, inland + waited, ports, unseen - waited, away),
        (road, airports, inland, ports, unseen, away),
    )
    return [np.stack(np.broadcast_arrays(*row), axis=-1) for row in rows]


def _after(a: Assumptions, people: np.ndarray, setting: Setting) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Claimants by province after transfers, all claimants, and the cost."""
    claimed = people[..., : len(CLAIMED)]
    made = claimed @ np.asarray(setting.places, float)
    left = np.asarray(a.transfer, float) * made[..., 0]
    claims = np.stack(
        [
            made[..., 0] - left,
            made[..., 1] + left * setting.onward,
            made[..., 2] + left * (1.0 - setting.onward),
        ],
        axis=-1,
    )
    claimants = claimed.sum(axis=-1)
    return claims, claimants, claimants * np.asarray(a.cost, float)


def _distributions(ranges: Mapping[str, Range]) -> tuple[list, list[str]]:
    allowed = [f.name for f in fields(Assumptions) if f.name not in ("protocol", "gap", "shock_from")]
    if unknown := [name for name in ranges if name not in allowed]:
        raise Refused(f"no range can be given for {unknown[0]!r}; allowed: {', '.join(allowed)}")
    if (most := sum(r.high for name, r in ranges.items() if name in SHARES)) > 1 + 1e-9:
        raise Refused(
            f"the high ends of the ranges of shares sum to {most:.4g}; allowed: at most 1, "
            "so that no draw holds more people than came"
        )
    return [stats.norm(), *(r.distribution() for r in ranges.values())], ["baseline", *ranges]


def _outcomes(assumptions, path, setting, names, values) -> np.ndarray:
    """Outcomes at input values, (outcomes, draws)."""
    given = dict(zip(names, values, strict=True))
    come = arrivals_of(path, given.pop("baseline"))
    outcome = totals(replace(assumptions, **given), come, setting)
    people, claims = outcome.people, outcome.claims
    claimants = np.broadcast_to(outcome.claimants, people.shape[:-1])
    elsewhere = people[..., 1 : len(CLAIMED)].sum(axis=-1)
    return np.stack(
        [*np.moveaxis(people, -1, 0), *np.moveaxis(claims, -1, 0), claimants, elsewhere, outcome.cost]
    )
