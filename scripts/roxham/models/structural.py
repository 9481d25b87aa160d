"""State-space counterfactual: what a series would have done, had its level, trend and season gone on as before."""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from scipy import optimize, special, stats
from statsmodels.stats.diagnostic import acorr_ljungbox
from statsmodels.tsa.statespace.structural import UnobservedComponents

from roxham.models.estimate import LEVEL, Check, Estimate, Fit, Refused, checked

TRENDS = {
    "level": "local level",
    "drift": "local linear deterministic trend",
    "local linear": "local linear trend",
}
SEASONS = ("harmonic", "dummy", "none")
SCALES = ("log", "count")
# Variances of level and slope tried, as ratios to the irregular's: from none to nearly all of what moves.
LEVELS = np.concatenate([[0], np.geomspace(1e-3, 30, 14)])
SLOPES = np.concatenate([[0], np.geomspace(1e-5, 1e-2, 4)])
# Before the data speak, half the weight is on a level that moves in a month by less than a share of the irregular's
# standard deviation, and on a slope that moves by less than a tenth of it. The share is the number of months before
# the break over this. Set on simulated series of 16, 30 and 54 months, steady to wandering: sixteen months say so
# little that with a larger share the interval covers nearly always; fifty-four can be left to speak for themselves.
SURE = 360
# Months left over once every state has its start.
FREE = 6
# The counterfactual's upper bound over its lower: beyond it the interval says nothing.
WIDE = 4.0
# Significance below which a check of the innovations fails. There are four such checks.
ALPHA = 0.01


@dataclass(frozen=True)
class _Run:
    """What one setting of the variance ratios makes of the months before the break, the irregular's variance at 1."""

    ratios: tuple[float, ...]
    innovations: (
        np.ndarray
    )  # over the months before; missing where the month is, or where it only starts a state
    likelihood: float  # logarithm, the irregular's variance integrated out
    variance: float  # of the irregular
    mean: np.ndarray  # of the months from the break on
    covariance: np.ndarray


def structural(
    series: pd.Series,
    broke: pd.Timestamp,
    until: pd.Timestamp,
    *,
    start: pd.Timestamp | None = None,
    without: Iterable[pd.Timestamp] = (),
    season: str = "harmonic",
    harmonics: int | None = None,
    trend: str = "level",
    covariates: pd.DataFrame | None = None,
    steps: Iterable[pd.Timestamp] = (),
    scale: str = "log",
    wander: float | None = None,
    unit: str = "people",
    level: float = LEVEL,
    seed: int = 0,
    draws: int = 2000,
) -> Fit:
    """Observed less the forecast of a structural time series fitted before the break, over the months from it on.

    Harvey (1989), *Forecasting, Structural Time Series Models and the Kalman Filter*; as a counterfactual in the
    manner of Brodersen et al. (2015), Annals of Applied Statistics 9, 247–274, but frequentist: states start diffuse.

    ``series``, ``broke``, ``until``, ``start``, ``without`` are those of :func:`~roxham.models.estimate.checked`.
    Months left out, or absent, are missing to the Kalman filter: the level may wander through them.

    - ``trend``: level (a random walk), drift (a random walk about one constant slope) or local linear (the slope is a
      random walk too). Where months grow by 2 % each, a level forecasts the next nine 13 % too low; a drift does not.
    - ``season``: harmonic (``harmonics`` waves a year; by default one, and two from four years on), dummy (one level
      for each month of the year) or none; the same every year.
    - ``steps``: months from which the level is another one, known apart from the break.
    - ``covariates``: one column a series that the break did not touch, indexed as ``series``; each enters with a
      constant coefficient, in logarithms if the series does.
    - ``scale``: log (components multiply) or count (they add). Where a month is zero, half the smallest positive
      count before the break is added before the logarithm and taken off after it.

    The interval holds the central ``level`` of ``draws`` made-up paths of the months after the break, summed; the
    effect is observed less their median. Sums of drawn counts, not the exponential of a mean, undo the logarithm.
    Each path draws its variance ratios by their diffuse likelihood over a grid, weighted by a half-Cauchy of their
    root (Gelman 2006, Bayesian Analysis 1, 515–534), and the irregular's variance by its scaled inverse chi-square.
    So it carries the uncertainty of variances, coefficients and level; the asymptotic normal of a variance would fail
    at its bound, zero, where a stable level lies. The half-Cauchy's scale is ``wander``, by default a 360th of the
    number of months before the break. Sixteen months cannot tell a steady level from a wandering one: there the
    default covers as it says if the level is steady, and too little (74 % in the worst world tried) if it wanders;
    compare ``wander`` 0.3.

    The checks are of the innovations at the likeliest ratios. A level variance of zero fails none (the level was
    constant); one at the top of the grid does (no irregular: the months are a random walk, and the forecast is the
    last one). Raises :class:`~roxham.models.estimate.Refused`.
    """
    for name, value, allowed in (
        ("season", season, SEASONS),
        ("trend", trend, tuple(TRENDS)),
        ("scale", scale, SCALES),
    ):
        if value not in allowed:
            raise Refused(f"no {name} {value!r}; allowed: {', '.join(allowed)}")
    if not 0 < level < 1:
        raise Refused(f"the level of the interval is {level:g}; allowed: between 0 and 1")
    if wander is not None and not 0 < wander <= 10:
        raise Refused(f"the level is thought to wander by {wander:g}; allowed: above 0, to 10")
    if draws < 100:
        raise Refused(f"too few draws: {draws}, at least 100")
    steps = tuple(sorted(steps))
    before, after = checked(series, broke, until, start=start, without=without)
    wander = len(before) / SURE if wander is None else wander
    months = pd.date_range(before.index[0], after.index[-1], freq="MS")
    offset = before[before > 0].min() / 2 if scale == "log" and not before.all() else 0.0
    y = _scaled(before.reindex(months), scale, offset).to_numpy()
    if np.ptp(y[~np.isnan(y)]) == 0:
        raise Refused(f"every month before the break is {before.iloc[0]:g}: nothing to take its noise from")
    if harmonics is None:
        harmonics = 2 if len(before) >= 48 else 1
    if not 1 <= harmonics <= 5:
        raise Refused(f"{harmonics} harmonics; allowed: 1 to 5")
    regressors = np.column_stack(
        [
            _covariates(covariates, months, before.index.union(after.index), scale),
            _steps(steps, months, broke),
        ]
    )
    # The scale of a count does not reach the diffuse start's tolerances if the filter sees units of about one.
    unity = np.nanstd(y)
    centre = np.nanmean(y)
    model = _model((y - centre) / unity, regressors, season, harmonics, trend)
    early = months < broke
    reach = _reach(model.ssm, int(early.sum()))
    grids = (LEVELS, SLOPES)[: 2 if trend == "local linear" else 1]
    runs = [_run(model, early, ratios, reach) for ratios in product(*grids)]
    best, converged = _likeliest(model, early, runs, reach)
    paths = _draw(
        runs, _weights(runs, grids, wander), np.random.default_rng(seed), draws, months, after.index, broke
    )
    paths = _counts(centre + unity * paths, scale, offset)
    totals = paths.sum(axis=1)
    if not np.isfinite(totals).all():
        raise Refused("the counterfactual runs beyond every number: a shorter forecast, or another trend")
    tails = ((1 - level) / 2, 0.5, (1 + level) / 2)
    lowest, middle, highest = np.quantile(totals, tails)
    observed = float(after.sum())
    signal = pd.Series(_counts(centre + unity * _smoothed(model, best), scale, offset), months)
    single = np.quantile(paths, tails, axis=0)
    path = pd.DataFrame(
        {
            "month": before.index.append(after.index),
            "observed": np.concatenate([before, after]),
            "expected": np.concatenate([signal[before.index], single[1]]),
            "low": np.concatenate([np.full(len(before), np.nan), single[0]]),
            "high": np.concatenate([np.full(len(before), np.nan), single[2]]),
        }
    )
    residuals = pd.Series(
        best.innovations / np.sqrt(best.variance), months[months < broke], name="residual"
    ).dropna()
    return Fit(
        Estimate(
            design="structural",
            effect=float(observed - middle),
            low=float(observed - highest),
            high=float(observed - lowest),
            observed=observed,
            counterfactual=float(middle),
            unit=unit,
            level=level,
            checks=_checks(residuals, best, converged, lowest, highest),
            options={
                "trend": trend,
                "season": season,
                "harmonics": harmonics if season == "harmonic" else 0,
                "scale": scale,
                "offset": float(offset),
                "wander": wander,
                "steps": tuple(f"{at:%Y-%m}" for at in steps),
                "covariates": tuple(covariates) if covariates is not None else (),
                "months": len(before),
                "variances": dict(
                    zip(
                        ("irregular", "level", "slope"),
                        (float(unity**2 * best.variance * r) for r in (1.0, *best.ratios)),
                        strict=False,
                    )
                ),
            },
        ),
        path,
        residuals,
    )


def _scaled(values, scale: str, offset: float):
    return np.log(values + offset) if scale == "log" else values


def _counts(values: np.ndarray, scale: str, offset: float) -> np.ndarray:
    with np.errstate(over="ignore"):
        return np.maximum(np.exp(values) - offset if scale == "log" else values, 0)


def _steps(steps: tuple, months: pd.DatetimeIndex, broke: pd.Timestamp) -> np.ndarray:
    for at in steps:
        if not months[0] < at < broke:
            raise Refused(
                f"the step, {at:%Y-%m}, is not between {months[0]:%Y-%m} and the break, {broke:%Y-%m}"
            )
    return np.column_stack([np.zeros((len(months), 0)), *(np.where(months >= at, 1.0, 0.0) for at in steps)])


def _covariates(
    frame: pd.DataFrame | None, months: pd.DatetimeIndex, needed: pd.DatetimeIndex, scale: str
) -> np.ndarray:
    """Covariates as the model takes them: on the series' scale, in standard units, zero in months not used."""
    if frame is None:
        return np.zeros((len(months), 0))
    if frame.index.duplicated().any():
        raise Refused("the covariates give a month twice")
    columns = []
    for name in frame:
        used = frame[name].astype(float).reindex(needed)
        if used.isna().any():
            raise Refused(
                f"the covariate {name} has no value in {needed[used.isna()][0]:%Y-%m}; allowed: none missing"
            )
        if scale == "log":
            if (used < 0).any():
                raise Refused(f"the covariate {name} is negative in {needed[used < 0][0]:%Y-%m}")
            if not used.any():
                raise Refused(f"the covariate {name} is zero in every month")
            used = np.log(used + (0.0 if used.all() else used[used > 0].min() / 2))
        if np.ptp(used) == 0:
            raise Refused(f"the covariate {name} is the same in every month")
        columns.append(((used - used.mean()) / used.std(ddof=0)).reindex(months, fill_value=0.0).to_numpy())
    return np.column_stack(columns) if columns else np.zeros((len(months), 0))


def _model(
    y: np.ndarray, regressors: np.ndarray, season: str, harmonics: int, trend: str
) -> UnobservedComponents:
    kinds = {
        "harmonic": {
            "freq_seasonal": [{"period": 12, "harmonics": harmonics}],
            "stochastic_freq_seasonal": [False],
        },
        "dummy": {"seasonal": 12, "stochastic_seasonal": False},
        "none": {},
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return UnobservedComponents(
            y,
            TRENDS[trend],
            exog=regressors if regressors.shape[1] else None,
            # Coefficients are states, so that the filter carries their uncertainty into the forecast.
            mle_regression=False,
            use_exact_diffuse=True,
            **kinds[season],
        )


def _run(model: UnobservedComponents, early: np.ndarray, ratios: tuple[float, ...], reach) -> _Run:
    n = int(early.sum())
    model.update(np.array([1.0, *ratios]))
    out = model.ssm.filter()
    if np.abs(out.predicted_diffuse_state_cov[..., n]).max() > 1e-8:
        raise Refused(
            "the months before the break do not identify every component: fewer steps, waves or covariates"
        )
    error, spread = out.forecasts_error[0, :n], out.forecasts_error_cov[0, 0, :n]
    # A month that starts a state says nothing yet about the variances (Durbin and Koopman 2012, section 7.2.2).
    told = ~np.isnan(error) & (out.forecasts_error_diffuse_cov[0, 0, :n] < 1e-8)
    if (free := int(told.sum())) < FREE:
        taken = int((~np.isnan(error)).sum()) - free
        raise Refused(
            f"too few months before the break for {taken} components: {taken + free}, at least {taken + FREE}"
        )
    innovations = np.where(told, error / np.sqrt(np.where(told, spread, 1.0)), np.nan)
    squares = np.nansum(innovations**2)
    if squares < 1e-12:
        raise Refused(
            "the components reproduce the months before the break exactly: no noise to take an interval from"
        )
    first, shocks = reach
    return _Run(
        ratios,
        innovations,
        -0.5 * (np.log(spread[told]).sum() + free * np.log(squares)),
        squares / free,
        first @ out.predicted_state[:, n],
        first @ out.predicted_state_cov[..., n] @ first.T
        + np.eye(len(first))
        + sum(r * s @ s.T for r, s in zip(ratios, shocks, strict=True)),
    )


def _likeliest(model: UnobservedComponents, early: np.ndarray, runs: list[_Run], reach) -> tuple[_Run, bool]:
    """The ratios of the largest diffuse likelihood, found from the grid's best, and whether the search ended."""
    best = max(runs, key=lambda run: run.likelihood)
    inside = np.array(best.ratios) > 0
    # At zero or at the top of the grid there is nothing to search.
    if not inside.any() or best.ratios[0] == LEVELS[-1]:
        return best, True

    def run(logs) -> _Run:
        ratios = np.array(best.ratios)
        ratios[inside] = np.exp(np.minimum(logs, np.log(LEVELS[-1])))
        return _run(model, early, tuple(float(r) for r in ratios), reach)

    begin = np.log(np.array(best.ratios)[inside])
    if len(begin) == 1:
        search = optimize.minimize_scalar(
            lambda log: -run(log).likelihood,
            bounds=(begin[0] - 1.5, begin[0] + 1.5),
            method="bounded",
            options={"xatol": 1e-4},
        )
    else:
        search = optimize.minimize(
            lambda logs: -run(logs).likelihood,
            begin,
            method="Nelder-Mead",
            options={"xatol": 1e-3, "fatol": 1e-6, "maxfev": 200},
        )
    return max(run(search.x), best, key=lambda found: found.likelihood), bool(search.success)


def _weights(runs: list[_Run], grids: tuple[np.ndarray, ...], wander: float) -> np.ndarray:
    """Of the grid's settings: likelihood times the half-Cauchy's share of the ratio's cell."""
    shares = []
    for grid, scale in zip(grids, (wander, wander / 10), strict=False):
        edges = np.concatenate([[0, np.sqrt(grid[1]) / 2], (grid[1:-1] * grid[2:]) ** 0.25, [np.inf]])
        shares.append(np.log(np.diff(stats.halfcauchy.cdf(edges, scale=scale))))
    return special.softmax(
        [run.likelihood + sum(cell) for run, cell in zip(runs, product(*shares), strict=True)]
    )


def _reach(ssm, n: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """How the state at the break, and each later shock to level or slope, reach the months from the break on."""
    design, step, chosen = ssm["design"], ssm["transition"], ssm["selection"]
    ahead = ssm.nobs - n
    rows = [
        design[0, :, n + k]
        if design.ndim == 3 and design.shape[2] > 1
        else design[0].reshape(len(step), -1)[:, 0]
        for k in range(ahead)
    ]
    powers = [np.eye(len(step))]
    for _ in range(ahead - 1):
        powers.append(step @ powers[-1])
    first = np.array([row @ power for row, power in zip(rows, powers, strict=True)])
    shocks = [
        np.array(
            [
                [rows[k] @ powers[k - 1 - i] @ chosen[:, c] if i < k else 0.0 for i in range(ahead)]
                for k in range(ahead)
            ]
        )
        for c in range(chosen.shape[1])
    ]
    return first, shocks


def _draw(runs, weights, rng, draws, months, wanted, broke) -> np.ndarray:
    """Paths of the wanted months: draws × months, in the filter's units."""
    # As many paths of each setting as its weight asks for, without the noise of drawing settings.
    settings = np.searchsorted(np.cumsum(weights), (np.arange(draws) + 0.5) / draws).clip(max=len(runs) - 1)
    free = int((~np.isnan(runs[0].innovations)).sum())
    columns = months[months >= broke].get_indexer(wanted)
    normal = rng.standard_normal((draws, len(columns)))
    factor = np.sqrt(free / rng.chisquare(free, draws))
    paths = np.empty_like(normal)
    for k in np.unique(settings):
        run, rows = runs[k], settings == k
        root = np.linalg.cholesky(run.covariance[np.ix_(columns, columns)])
        paths[rows] = run.mean[columns] + np.sqrt(run.variance) * factor[rows, None] * (normal[rows] @ root.T)
    return paths


def _smoothed(model: UnobservedComponents, best: _Run) -> np.ndarray:
    model.update(np.array([1.0, *best.ratios]))
    out = model.ssm.smooth()
    design = np.broadcast_to(
        model.ssm["design"].reshape(len(out.smoothed_state), -1), out.smoothed_state.shape
    )
    return (design * out.smoothed_state).sum(axis=0)


def _checks(
    residuals: pd.Series, best: _Run, converged: bool, lowest: float, highest: float
) -> tuple[Check, ...]:
    e, n = residuals.to_numpy(), len(residuals)
    lags = max(1, min(12, n // 4))
    box = float(acorr_ljungbox(e, lags=[lags])["lb_pvalue"].iloc[0])
    bera = float(stats.jarque_bera(e).pvalue)
    third = max(n // 3, 1)
    ratio = (e[-third:] ** 2).sum() / (e[:third] ** 2).sum()
    early = float(2 * min(stats.f.cdf(ratio, third, third), stats.f.sf(ratio, third, third)))
    largest = float(np.abs(e).max())
    bound = float(stats.norm.isf(ALPHA / 2 / n))
    wide = float(highest / lowest) if lowest > 0 else np.inf
    return (
        Check("convergence (search for the likeliest variances)", float(converged), "1", converged),
        Check(
            f"autocorrelation of innovations (Ljung–Box, {lags} lags)",
            box,
            f"p at least {ALPHA}",
            box >= ALPHA,
        ),
        Check("normality of innovations (Jarque–Bera)", bera, f"p at least {ALPHA}", bera >= ALPHA),
        Check(
            "largest innovation, in standard deviations", largest, f"at most {bound:.2f}", largest <= bound
        ),
        Check(
            "spread of innovations, last third against first (F)",
            float(early),
            f"p at least {ALPHA}",
            early >= ALPHA,
        ),
        Check(
            "variance of the level over the irregular's",
            float(best.ratios[0]),
            f"under {LEVELS[-1]:g}",
            bool(best.ratios[0] < 0.99 * LEVELS[-1]),
        ),
        Check(
            "upper bound of the counterfactual over its lower", float(wide), f"at most {WIDE:g}", wide <= WIDE
        ),
    )
