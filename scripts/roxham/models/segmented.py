"""Interrupted time series: a segmented count regression, extrapolated past the break.

The counterfactual is the regression of the months before the break, carried on. Sources of the method: Lopez Bernal,
Cummins and Gasparrini, "Interrupted time series regression for the evaluation of public health interventions: a
tutorial", International Journal of Epidemiology 46 (2017) 348–355 (segmented regression, harmonics); Newey and West,
Econometrica 55 (1987) 703–708 (covariance under autocorrelation); Harville, Journal of the American Statistical
Association 72 (1977) 320–338 (restricted likelihood, which the interval averages over).
"""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy import optimize, special, stats
from statsmodels.stats.diagnostic import acorr_ljungbox, breaks_cusumolsresid

from roxham.models.estimate import LEVEL, Check, Estimate, Fit, Refused, checked

FAMILIES = ("negative binomial", "poisson quasi")
INTERVALS = ("bootstrap", "analytic")

# What the residuals may look like: a share of them follows an AR(1) process, the rest is white. The interval averages
# over these shapes by their restricted likelihood, because 16 or 54 months cannot tell which one holds. The prior
# weight (1 − decay)^1.5 is tuned, not derived: even weights hold the truth 99 times in 100 at persistence 0.3, white
# noise alone 83 times at 0.6; this one lies nearest to 95 over both. `validation.study` is how it was found.
DECAYS = np.array([0.0, 0.2, 0.4, 0.6, 0.8, 0.9])
SHARES = np.array([0.25, 0.5, 0.75, 1.0])
SHAPES = np.array([(0.0, 1.0), *((d, s) for d in DECAYS[1:] for s in SHARES)])
PRIOR = (1 - SHAPES[:, 0]) ** 1.5 / np.where(SHAPES[:, 0] > 0, len(SHARES), 1)


@dataclass(frozen=True)
class Regression:
    """A fitted count regression with log link.

    ``coefficients`` has one row a term (estimate, error: both on the log scale; the error is Newey–West's, with the
    factor n/(n − p)); ``dispersion`` is NB2's alpha (variance m + alpha m²) or the quasi-Poisson scale; ``mean`` are
    the fitted counts, ``variance`` their variances, ``covariance`` that of the coefficients; ``design`` is n × p.
    """

    coefficients: pd.DataFrame
    dispersion: float
    mean: pd.Series
    variance: np.ndarray
    covariance: np.ndarray
    design: pd.DataFrame

    @property
    def ratios(self) -> pd.DataFrame:
        """Rate ratios of the terms: ratio, low, high at 95 %, by Student's t with n − p degrees of freedom."""
        reach = stats.t.ppf(0.975, len(self.design) - self.design.shape[1]) * self.coefficients["error"]
        at = self.coefficients["estimate"]
        return np.exp(pd.DataFrame({"ratio": at, "low": at - reach, "high": at + reach}))


def terms(
    months: pd.DatetimeIndex,
    origin: pd.Timestamp,
    *,
    harmonics: int = 1,
    trend: bool = True,
    steps: Iterable[pd.Timestamp] = (),
) -> pd.DataFrame:
    """The design matrix: level, trend in years since ``origin``, yearly harmonics, a level shift from each step."""
    away = _number(months) - _number(origin)
    columns = {"level": np.ones(len(months))}
    if trend:
        columns["trend"] = away / 12
    for k in range(1, harmonics + 1):
        turn = 2 * np.pi * k * (months.month - 1) / 12
        columns[f"sine {k}"], columns[f"cosine {k}"] = np.sin(turn), np.cos(turn)
    for step in steps:
        columns[f"step {step:%Y-%m}"] = (months >= step).astype(float)
    return pd.DataFrame(columns, index=months)


def regress(
    counts: pd.Series,
    design: pd.DataFrame,
    *,
    family: str = "negative binomial",
    exposure: pd.Series | None = None,
    lags: int | None = None,
) -> Regression:
    """Regress ``counts`` (by month) on ``design`` (same months) with a log link; ``exposure`` is people at risk.

    NB2's dispersion is estimated by maximum likelihood in turns with the coefficients, as R's ``glm.nb`` does.
    ``lags`` of the Newey–West covariance: 4 (n/100)^(2/9) where none is given. Refused where the terms are not told
    apart by the months, and where the fit does not converge.
    """
    if family not in FAMILIES:
        raise Refused(f"the family {family!r}; allowed: {', '.join(FAMILIES)}")
    y, x = counts.to_numpy(float), design.to_numpy(float)
    if np.linalg.matrix_rank(x) < x.shape[1]:
        raise Refused(f"{len(y)} months cannot tell apart: {', '.join(design.columns)}")
    offset = None if exposure is None else np.log(exposure.reindex(counts.index).to_numpy(float))
    lags = int(4 * (len(y) / 100) ** (2 / 9)) if lags is None else lags
    robust = {"cov_type": "HAC", "cov_kwds": {"maxlags": lags, "use_correction": True}}
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            fit, alpha = _poisson(y, x, offset), 0.0
            if family == "negative binomial":
                fit, alpha = _negative_binomial(y, x, offset, fit)
            fit = fit.model.fit(start_params=fit.params, **robust)
        except (ValueError, FloatingPointError, np.linalg.LinAlgError) as error:
            raise Refused(f"the regression of {len(y)} months does not converge: {error}") from None
    mean = np.asarray(fit.mu)
    covariance = np.asarray(fit.cov_params())
    if not (fit.converged and np.isfinite(covariance).all() and np.isfinite(mean).all() and (mean > 0).all()):
        raise Refused(f"the regression of {len(y)} months does not converge")
    variance = mean + alpha * mean**2
    scale = ((y - mean) ** 2 / variance).sum() / (len(y) - x.shape[1])
    if scale < 1e-9:
        raise Refused(f"the terms fit all {len(y)} months exactly: no noise to judge an effect by")
    if not (np.diag(covariance) > 1e-12).all():  # zero but for rounding, which may put it below zero
        alone = design.columns[np.diag(covariance).argmin()]
        raise Refused(f"a month stands alone and settles the term {alone!r}: no noise to judge it by")
    if family == "poisson quasi":
        variance = variance * scale
    return Regression(
        pd.DataFrame({"estimate": fit.params, "error": np.sqrt(np.diag(covariance))}, index=design.columns),
        float(alpha if family == "negative binomial" else scale),
        pd.Series(mean, counts.index, name="expected"),
        variance,
        covariance,
        design,
    )


def segmented(
    series: pd.Series,
    broke: pd.Timestamp,
    until: pd.Timestamp,
    *,
    start: pd.Timestamp | None = None,
    without: Iterable[pd.Timestamp] = (),
    harmonics: int = 1,
    trend: bool = True,
    steps: Iterable[pd.Timestamp] = (),
    family: str = "negative binomial",
    exposure: pd.Series | None = None,
    lags: int | None = None,
    interval: str = "bootstrap",
    unit: str = "people",
    level: float = LEVEL,
    seed: int = 0,
    draws: int = 4000,
) -> Fit:
    """The effect of a break by segmented count regression on the months before it.

    ``series`` is counts a month (``unit``); ``broke`` the first month counted as after, ``until`` the last;
    ``without`` are months left out on either side (a pandemic's, or a month that is half before and half after).
    ``steps`` are dated level shifts before the break: the level after the last one is carried on. ``exposure`` is the
    number of people at risk, by month.

    The interval is one of prediction, for the sum of what would have been counted. ``"bootstrap"`` redraws
    coefficients and months together from the linearised regression with autocorrelated residuals, averaging over
    their autocorrelation by restricted likelihood; ``"analytic"`` takes the Newey–West covariance and Student's t.

    How far to trust it (``validation.study``, 1,000 to 2,000 runs a world, 9 months ahead, standard error below 1.5
    points): of intervals at 95 %, 96 in 100 hold the truth after 54 months and 97 after 16, at 5 as at 2,000 people a
    month. At persistence 0.6 it is 94 and 93, at 0.9 84 and 88, near a random walk 77. A trend that turned by 3 % a
    month in the last year is beyond it: 31 in 100, and the check for a turn sees one in five of these. The analytic
    interval holds the truth 90 and 82 times in 100. Bias is within 3 % of the effect, but for turns and random walks.

    Refused (``estimate.Refused``): what ``estimate.checked`` refuses, terms that the months cannot tell apart, fewer
    than six months more than terms, a step outside the months before the break, a fit that does not converge.
    """
    for name, value, allowed in (("family", family, FAMILIES), ("interval", interval, INTERVALS)):
        if value not in allowed:
            raise Refused(f"the {name} {value!r}; allowed: {', '.join(allowed)}")
    if not 0 <= harmonics <= 5:
        raise Refused(f"harmonics: {harmonics}; allowed: 0 to 5 of twelve months")
    if not 0 < level < 1:
        raise Refused(f"the level {level:g}; allowed: between 0 and 1")
    without, steps = tuple(without), tuple(sorted(steps))
    before, after = checked(series, broke, until, start=start, without=without)
    for step in steps:
        if not before.index[0] < step <= before.index[-1]:
            raise Refused(
                f"the step {step:%Y-%m} has no month on one side; allowed: after {before.index[0]:%Y-%m}, "
                f"by {before.index[-1]:%Y-%m}"
            )
    form = {"harmonics": harmonics, "trend": trend, "steps": steps}
    design, ahead = (terms(part.index, broke, **form) for part in (before, after))
    if len(design) < design.shape[1] + 6:
        raise Refused(
            f"too few months before the break: {len(design)}, at least {design.shape[1] + 6} "
            f"for {design.shape[1]} terms"
        )
    people = _exposed(exposure, before.index.append(after.index))
    fit = regress(before, design, family=family, exposure=people, lags=lags)
    with np.errstate(over="ignore"):
        expected = np.exp(ahead.to_numpy() @ fit.coefficients["estimate"].to_numpy())
    expected = expected if people is None else expected * people.reindex(after.index).to_numpy()
    # Beyond this a trend has left the world: no interval of it means anything.
    if not expected.max() < 1e3 * before.max():
        raise Refused(
            f"the counterfactual leaves the world: {expected.max():.2g} {unit} in a month; "
            f"the highest seen is {before.max():.6g}"
        )
    counterfactual = pd.Series(expected, after.index)
    draw = _bootstrap if interval == "bootstrap" else _analytic
    noise = _noise(fit, before, ahead, family)
    total, monthly = draw(fit, noise, before, ahead, counterfactual, family, level, seed, draws)
    residuals = pd.Series((before - fit.mean) / np.sqrt(fit.variance), before.index, name="residual")
    observed = float(after.sum())
    path = pd.DataFrame(
        {
            "month": before.index.append(after.index),
            "observed": np.r_[before, after],
            "expected": np.r_[fit.mean, counterfactual],
            "low": np.r_[np.full(len(before), np.nan), monthly[0]],
            "high": np.r_[np.full(len(before), np.nan), monthly[1]],
        }
    )
    estimate = Estimate(
        design="segmented regression",
        effect=observed - float(counterfactual.sum()),
        low=float(observed - total[1]),
        high=float(observed - total[0]),
        observed=observed,
        counterfactual=float(counterfactual.sum()),
        unit=unit,
        level=level,
        checks=_checks(residuals, before, counterfactual, design, noise),
        options={
            "broke": broke,
            "until": until,
            "start": before.index[0],
            "without": without,
            **form,
            "family": family,
            "lags": lags,
            "interval": interval,
            "dispersion": fit.dispersion,
        },
    )
    return Fit(estimate, path, residuals)


def _number(months) -> np.ndarray | int:
    """Months since the year 0, so that a gap in the calendar counts."""
    return np.asarray(months.year * 12 + months.month)


def _exposed(exposure: pd.Series | None, months: pd.DatetimeIndex) -> pd.Series | None:
    if exposure is None:
        return None
    people = exposure.reindex(months).astype(float)
    if not (people > 0).all():
        raise Refused(
            f"no exposure in {months[~(people > 0)][0]:%Y-%m}; allowed: a positive number each month"
        )
    return people


def _poisson(y, x, offset):
    return sm.GLM(y, x, sm.families.Poisson(), offset=offset).fit()


def _negative_binomial(y, x, offset, fit):
    """NB2 by turns: coefficients given alpha, alpha given the means. Near alpha = 0 it is Poisson's."""
    alpha, before = 0.0, np.inf
    for _ in range(25):
        mean = fit.mu

        def loss(log, mean=mean):
            size = np.exp(-log)
            terms = special.gammaln(y + size) - special.gammaln(size) - (y + size) * np.log1p(mean / size)
            return -(terms + y * np.log(mean / size)).sum()

        log = optimize.minimize_scalar(loss, bounds=(-14, 4), method="bounded", options={"xatol": 1e-7}).x
        alpha = float(np.exp(log))
        if abs(log - before) < 1e-5 or alpha < 1e-5:
            break
        before = log
        model = sm.GLM(y, x, sm.families.NegativeBinomial(alpha=alpha), offset=offset)
        fit = model.fit(start_params=fit.params)
    else:
        raise ValueError("the dispersion of the negative binomial keeps moving")
    return fit, alpha if alpha >= 1e-5 else 0.0


def _relative(mean, family, dispersion):
    """Variance over the squared mean, of a single month around its expected count."""
    return dispersion / mean if family == "poisson quasi" else 1 / mean + dispersion


@dataclass(frozen=True)
class _Noise:
    """What the residuals of the linearised regression may look like, and how likely each look is.

    ``a`` is the weighted design (n × p), ``noise`` the standardised residuals, ``like`` the correlations of all
    months (shapes × months × months, the n before first), ``weight`` and ``scale`` one number a shape.
    """

    a: np.ndarray
    noise: np.ndarray
    like: np.ndarray
    weight: np.ndarray
    scale: np.ndarray


def _noise(fit, before, ahead, family) -> _Noise:
    n, p = fit.design.shape
    spread = np.sqrt(_relative(fit.mean.to_numpy(), family, fit.dispersion))
    # The regression, linearised at the fit: residual = weighted design × error of the coefficients + noise.
    a = fit.design.to_numpy() / spread[:, None]
    noise = (before.to_numpy() / fit.mean.to_numpy() - 1) / spread
    months = _number(before.index.append(ahead.index))
    apart = np.abs(months[:, None] - months[None, :])
    decays, shares = SHAPES.T
    like = shares[:, None, None] * np.power(decays[:, None, None], apart[None])
    like[:, np.arange(len(apart)), np.arange(len(apart))] = 1
    # The restricted likelihood of each shape, with the scale of the residuals profiled out.
    root = np.linalg.cholesky(like[:, :n, :n])
    white = np.linalg.solve(root, np.broadcast_to(np.c_[a, noise], (len(like), n, p + 1)))
    diagonal = np.abs(np.diagonal(np.linalg.qr(white, mode="r"), axis1=1, axis2=2))
    square = diagonal[:, p] ** 2
    fitness = (
        -np.log(np.diagonal(root, axis1=1, axis2=2)).sum(1)
        - np.log(diagonal[:, :p]).sum(1)
        - (n - p) / 2 * np.log(square)
    )
    weight = PRIOR * np.exp(fitness - fitness.max())
    scale = np.sqrt(square / (n - p))
    if family == "negative binomial" and not fit.dispersion:
        scale = np.maximum(scale, 1)  # counts of people vary at least as Poisson's
    return _Noise(a, noise, like, weight / weight.sum(), scale)


def _bootstrap(fit, noise, before, ahead, counterfactual, family, level, seed, draws):
    n, p = fit.design.shape
    far = np.sqrt(_relative(counterfactual.to_numpy(), family, fit.dispersion))
    # Error of the prediction on the log scale: that of the coefficients less the months' own noise.
    onto = np.c_[ahead.to_numpy() @ np.linalg.pinv(noise.a), -np.diag(far)]
    together = np.linalg.cholesky(onto @ noise.like @ onto.T + 1e-12 * np.eye(len(far)))
    rng = np.random.default_rng(seed)
    half = -(-draws // 2)
    shape = np.searchsorted(np.cumsum(noise.weight), (np.arange(half) + 0.5) / half).clip(max=len(SHAPES) - 1)
    tail = noise.scale[shape] * np.sqrt((n - p) / rng.chisquare(n - p, half))
    error = np.einsum("dij,dj->di", together[shape], rng.standard_normal((half, len(far)))) * tail[:, None]
    # Both signs: the draws then lie evenly about the counterfactual. The mean of exp(noise) is kept at 1.
    error = np.r_[error, -error]
    middle = -0.5 * np.log1p((np.r_[tail, tail][:, None] * far) ** 2)
    drawn = counterfactual.to_numpy() * np.exp(np.clip(error + middle, -50, 50))
    ends = [(1 - level) / 2, (1 + level) / 2]
    return np.quantile(drawn.sum(1), ends), np.quantile(drawn, ends, axis=0)


def _analytic(fit, noise, before, ahead, counterfactual, family, level, seed, draws):
    n, p = fit.design.shape
    f, mean = ahead.to_numpy(), counterfactual.to_numpy()
    residuals = (before.to_numpy() - fit.mean.to_numpy()) / np.sqrt(fit.variance)
    first = np.clip((residuals[1:] @ residuals[:-1]) / (residuals @ residuals), 0, 0.95)
    months = _number(ahead.index)
    like = first ** np.abs(months[:, None] - months[None, :])
    own = np.sqrt(_relative(mean, family, fit.dispersion))
    spread = f @ fit.covariance @ f.T + own[:, None] * like * own[None, :]
    reach = stats.t.ppf((1 + level) / 2, n - p)
    share = mean / mean.sum()
    total = mean.sum() * np.exp(reach * np.sqrt(share @ spread @ share) * np.array([-1, 1]))
    return total, mean * np.exp(reach * np.sqrt(np.diag(spread)) * np.array([[-1], [1]]))


def _turned(noise: _Noise, months: np.ndarray) -> float:
    """p of a turn of the trend over the last third of the months: the score of a hinge, in such noise."""
    n, p = noise.a.shape
    bent = np.clip(months - months[0] - 2 / 3 * (months[-1] - months[0]), 0, None)
    bent = bent * np.abs(noise.a[:, 0])
    bent -= noise.a @ (np.linalg.pinv(noise.a) @ bent)
    spread = (noise.weight * noise.scale**2) @ np.einsum("i,gij,j->g", bent, noise.like[:, :n, :n], bent)
    return float(2 * stats.t.sf(abs(bent @ noise.noise) / np.sqrt(spread), n - p - 1))


def _checks(residuals, before, counterfactual, design, noise) -> tuple[Check, ...]:
    values = residuals.to_numpy()
    turned = _turned(noise, _number(before.index))
    lag = max(1, min(12, len(values) // 4))
    together = float(acorr_ljungbox(values, lags=[lag])["lb_pvalue"].iloc[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, steady, _ = breaks_cusumolsresid(values, ddof=design.shape[1])
    widest = float(np.abs(values).max())
    rise = float(counterfactual.max() / before.max())
    columns = design.to_numpy() / np.linalg.norm(design.to_numpy(), axis=0)
    condition = float(np.linalg.cond(columns))
    return (
        Check(
            f"residual autocorrelation to lag {lag}, Ljung–Box p", together, "at least 0.05", together >= 0.05
        ),
        Check("stability of the level, CUSUM p", float(steady), "at least 0.05", bool(steady >= 0.05)),
        Check("turn of the trend in the last third, p", turned, "at least 0.05", turned >= 0.05),
        Check("largest standardised residual", widest, "at most 4", widest <= 4),
        Check("highest counterfactual over highest month seen", rise, "at most 2", rise <= 2),
        Check("condition number of the terms", condition, "at most 30", condition <= 30),
    )
