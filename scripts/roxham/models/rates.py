"""Shares of two groups compared as if they were made up alike: acceptance of irregular and other claims by country.

**What the intervals are of.** Decisions are a full count, not a sample: the published share has no sampling error. An
interval here is of the *process*: what else the same chances, claim by claim and independently, could have decided on
so many claims (a superpopulation). It knows nothing of how the claims decided first differ from the rest, of
definitions that differ between publishers, or of claims of one family that are decided together: these make
intervals too narrow (``together`` widens them for so many claims a decision; `FixedEffects.dispersion` looks for a
sign of it). What a publisher hides is not a matter of chance:
hidden cells are carried as bounds, apart (`hidden_bounds`).

The frames: one row a stratum (country), the columns ``events`` (claims accepted) and ``total`` (claims decided).

Sources of the methods: Fay, M. P. and Feuer, E. J. (1997), Confidence intervals for directly standardized rates: a
method based on the gamma distribution, Statistics in Medicine 16, 791-801; Wilson, E. B. (1927), Probable inference,
JASA 22, 209-212, combined over strata by Zou, G. Y. and Donner, A. (2008), Construction of confidence limits about
effect measures: a general approach, Statistics in Medicine 27, 1693-1702; Kitagawa, E. M. (1955), Components of a
difference between two rates, JASA 50, 1168-1194; Mantel, N. and Haenszel, W. (1959), JNCI 22, 719-748, with the
variance of Sato, T. (1989), On the variance estimator for the Mantel-Haenszel risk difference, Biometrics 45,
1323-1324; Garwood, F. (1936), Fiducial limits for the Poisson distribution, Biometrika 28, 437-442 (indirect).
"""

import math
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.contingency_tables import StratifiedTable
from statsmodels.stats.proportion import proportion_confint

from roxham.models.bounds import Interval
from roxham.models.estimate import LEVEL, Refused

PROCESS = "what as many independent decisions with the same chances could have given; not a sampling error"


@dataclass(frozen=True)
class Rate:
    """A share, a difference or a ratio with its interval at ``level``; ``of`` says what the interval is of."""

    method: str
    rate: float
    low: float
    high: float
    level: float = LEVEL
    of: str = PROCESS


@dataclass(frozen=True)
class FixedEffects:
    """A binomial regression with an effect a stratum: the difference between the groups, and how well it fits.

    ``odds`` is the ratio of odds common to all strata; ``difference`` the difference of shares, averaged over the
    first group's mix. ``dispersion`` is Pearson's chi-square by degrees of freedom (1 if one ratio of odds fits every
    stratum and decisions are independent); the intervals are widened by its root where it is above 1. ``p_common`` is
    the chance of so bad a fit if one ratio held in all strata.
    """

    odds: Rate
    difference: Rate
    dispersion: float
    p_common: float


def standardised(
    group: pd.DataFrame,
    standard: pd.Series,
    *,
    method: str = "wilson",
    level: float = LEVEL,
    together: float = 1.0,
    draws: int = 4000,
    seed: int = 1955,
) -> Rate:
    """The group's share had it the standard's mix: direct standardisation, with an interval.

    ``group``: events and total by stratum; ``standard``: weight of each stratum (counts or shares), same index.
    ``method``: "wilson" (Wilson's interval of each stratum, combined: for shares), "gamma" (Fay and Feuer: for rare
    events, which it takes as Poisson; too wide for shares far from 0; where its upper end passes 1 it is refused) or
    "bootstrap" (binomial draws of every stratum at its Jeffreys estimate, percentiles). ``together``: how many claims
    one decision settles on average (a family's; 1 or more). A stratum of weight 0 may be empty. Raises `Refused` for
    an empty stratum of positive weight (no rate to weigh), strata that differ, or counts that are no counts.
    """
    group = _checked(group)
    if not together >= 1:
        raise Refused(f"{together:g} claims a decision; allowed: 1 or more")
    weight = _weights(standard, group.index, level)
    if (weight.gt(0) & group["total"].eq(0)).any():
        empty = group.index[weight.gt(0) & group["total"].eq(0)][0]
        raise Refused(
            f"{empty} weighs {weight[empty]:.3g} in the standard and has no claim decided in the group"
        )
    group, weight = group[weight > 0], weight[weight > 0]
    share = group["events"] / group["total"]
    rate = float(weight @ share)
    if method == "wilson":
        decisions = group / together
        ends = proportion_confint(decisions["events"], decisions["total"], alpha=1 - level, method="wilson")
        low, high = (np.asarray(end) for end in ends)
        down = np.sqrt(((weight * (share - low)) ** 2).sum())
        up = np.sqrt(((weight * (high - share)) ** 2).sum())
        return Rate(
            "direct, Wilson combined", rate, max(0.0, rate - float(down)), min(1.0, rate + float(up)), level
        )
    if method == "gamma":
        low, high = _gamma(group["events"] / together, together * weight / group["total"], level)
        if high > 1:
            raise Refused(f"the gamma interval ends at {high:.3f}, a share over 1: use another method")
        return Rate("direct, gamma (Fay and Feuer)", rate, low, high, level)
    if method == "bootstrap":
        rng = np.random.default_rng(seed)
        # Jeffreys' estimate: a stratum in which all or none were accepted would otherwise not vary.
        chance = (group["events"] + 0.5) / (group["total"] + 1)
        drawn = (
            rng.binomial(group["total"].to_numpy(int), chance, (draws, len(group)))
            / group["total"].to_numpy()
        )
        spread = (drawn @ weight.to_numpy() - weight @ chance) * np.sqrt(together)
        low, high = np.quantile(spread, [(1 - level) / 2, (1 + level) / 2]) + rate
        return Rate("direct, bootstrap", rate, max(0.0, float(low)), min(1.0, float(high)), level)
    raise Refused(f"method {method!r}; allowed: wilson, gamma, bootstrap")


def gap(
    a: pd.DataFrame, b: pd.DataFrame, standard: pd.Series, *, level: float = LEVEL, together: float = 1.0
) -> Rate:
    """Standardised share of ``a`` less that of ``b``, at one mix; their intervals combined (Zou and Donner)."""
    one, two = (standardised(g, standard, level=level, together=together) for g in (a, b))
    difference = one.rate - two.rate
    down = math.hypot(one.rate - one.low, two.high - two.rate)
    up = math.hypot(one.high - one.rate, two.rate - two.low)
    return Rate("direct, difference", difference, difference - down, difference + up, level)


def leave_one_out(
    a: pd.DataFrame, b: pd.DataFrame, standard: pd.Series, *, level: float = LEVEL, together: float = 1.0
) -> pd.DataFrame:
    """The standardised difference without each stratum in turn: does one country carry it?

    One row a stratum left out (rate, low, high, moved: how far the difference moves without it), the one that moves
    it most first. Needs two strata or more.
    """
    a, b = _pair(a, b)
    if len(a) < 2:
        raise Refused(f"too few strata to leave one out: {len(a)}, at least 2")
    whole = gap(a, b, standard, level=level, together=together).rate
    rows = {}
    for out in a.index:
        left = gap(a.drop(out), b.drop(out), standard.drop(out), level=level, together=together)
        rows[out] = [left.rate, left.low, left.high, left.rate - whole]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["rate", "low", "high", "moved"])
    return table.sort_values("moved", key=abs, ascending=False, kind="stable")


def kitagawa(a: pd.DataFrame, b: pd.DataFrame) -> pd.DataFrame:
    """The difference of crude shares, a less b, split into what goes with the mix and what remains within strata.

    One row a stratum: mix (difference of shares of claims, times the mean acceptance), within (difference of
    acceptance, times the mean share of claims). Their sums add up to the difference of crude shares. A stratum that
    one group has not cannot be split; it is refused.
    """
    a, b = _pair(a, b)
    for name, group in (("first", a), ("second", b)):
        if (group["total"] == 0).any():
            raise Refused(f"the {name} group has no claim decided of {group.index[group['total'] == 0][0]}")
    mix_a, mix_b = a["total"] / a["total"].sum(), b["total"] / b["total"].sum()
    rate_a, rate_b = a["events"] / a["total"], b["events"] / b["total"]
    return pd.DataFrame(
        {"mix": (mix_a - mix_b) * (rate_a + rate_b) / 2, "within": (rate_a - rate_b) * (mix_a + mix_b) / 2}
    )


def mantel_haenszel(a: pd.DataFrame, b: pd.DataFrame, *, level: float = LEVEL) -> Rate:
    """Difference of shares, a less b, within strata, pooled by Mantel and Haenszel; Sato's variance.

    A mean of the strata's differences, each weighed by n_a n_b / (n_a + n_b): strata that one group hardly has weigh
    little. If the differences differ between strata, it is their mean by these weights, not a common one.
    """
    a, b = _pair(a, b)
    both = (a["total"] > 0) & (b["total"] > 0)
    if not both.any():
        raise Refused("no stratum has claims decided in both groups")
    x, n = a.loc[both, "events"], a.loc[both, "total"]
    y, m = b.loc[both, "events"], b.loc[both, "total"]
    weight = n * m / (n + m)
    difference = float((weight * (x / n - y / m)).sum() / weight.sum())
    p = ((n**2 * y - m**2 * x + n * m * (m - n) / 2) / (n + m) ** 2).sum()
    q = ((x * (m - y) + y * (n - x)) / (2 * (n + m))).sum()
    half = float(stats.norm.ppf((1 + level) / 2) * np.sqrt(max(0.0, difference * p + q)) / weight.sum())
    return Rate("Mantel-Haenszel difference", difference, difference - half, difference + half, level)


def mantel_haenszel_ratio(a: pd.DataFrame, b: pd.DataFrame, *, level: float = LEVEL) -> Rate:
    """Ratio of odds, a to b, within strata, pooled by Mantel and Haenszel (statsmodels' StratifiedTable)."""
    a, b = _pair(a, b)
    both = (a["total"] > 0) & (b["total"] > 0)
    if not both.any():
        raise Refused("no stratum has claims decided in both groups")
    tables = [
        [[a.events[s], a.total[s] - a.events[s]], [b.events[s], b.total[s] - b.events[s]]]
        for s in a.index[both]
    ]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        pooled = StratifiedTable([np.asarray(t, dtype=float) for t in tables])
        odds, (low, high) = pooled.oddsratio_pooled, pooled.oddsratio_pooled_confint(1 - level)
    if not np.isfinite([odds, low, high]).all():
        raise Refused("the pooled ratio of odds is not finite: in no stratum do both groups vary")
    return Rate("Mantel-Haenszel odds ratio", float(odds), float(low), float(high), level)


def indirect(group: pd.DataFrame, reference: pd.DataFrame, *, level: float = LEVEL) -> Rate:
    """Events of the group for each that the reference's rates foresee in it; exact Poisson interval (Garwood).

    Acceptance is common, so Poisson overstates the variance: the interval is wide. Below 1: fewer than foreseen.
    """
    group, reference = _pair(group, reference)
    if ((group["total"] > 0) & (reference["total"] == 0)).any():
        empty = group.index[(group["total"] > 0) & (reference["total"] == 0)][0]
        raise Refused(f"the reference has no claim decided of {empty}")
    used = group["total"] > 0
    foreseen = float((group["total"] * reference["events"] / reference["total"])[used].sum())
    if foreseen == 0:
        raise Refused("the reference's rates foresee no event in the group")
    seen = float(group["events"].sum())
    low, high = _garwood(seen, level)
    return Rate("indirect, ratio", seen / foreseen, low / foreseen, high / foreseen, level)


def fixed_effects(a: pd.DataFrame, b: pd.DataFrame, *, level: float = LEVEL) -> FixedEffects:
    """Logistic regression of acceptance on group, with an effect a stratum: one ratio of odds for all strata.

    Strata that one group has not, or in which all or none are accepted in both, say nothing and are left out. Raises
    `Refused` if fewer than two are left, or if the fit does not converge.
    """
    a, b = _pair(a, b)
    both = a["total"] * b["total"] > 0
    accepted = a["events"] + b["events"]
    both &= (accepted > 0) & (accepted < a["total"] + b["total"])
    a, b = a[both], b[both]
    if len(a) < 2:
        raise Refused(f"too few strata that both groups have: {len(a)}, at least 2")
    k = len(a)
    rows = pd.concat([a, b])
    design = np.column_stack([np.r_[np.ones(k), np.zeros(k)], np.vstack([np.eye(k)] * 2)])
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            fitted = sm.GLM(
                np.column_stack([rows["events"], rows["total"] - rows["events"]]),
                design,
                family=sm.families.Binomial(),
            ).fit()
        except Exception as error:  # separation raises errors of several kinds
            raise Refused(f"the regression cannot be fitted: {error}") from None
    if not fitted.converged or not np.isfinite(fitted.params).all() or abs(fitted.params[0]) > 15:
        raise Refused("the regression does not converge: in one group all or none are accepted")
    dispersion = float(fitted.pearson_chi2 / fitted.df_resid)
    z = float(stats.norm.ppf((1 + level) / 2) * np.sqrt(max(1.0, dispersion)))
    log_odds, error = fitted.params[0], np.sqrt(fitted.cov_params()[0, 0])
    odds = Rate(
        "country effects, odds ratio", *(float(np.exp(log_odds + s * z * error)) for s in (0, -1, 1)), level
    )
    mix = (a["total"] / a["total"].sum()).to_numpy()
    linear = fitted.params[1:]
    with_it, without = (1 / (1 + np.exp(-(linear + shift))) for shift in (log_odds, 0.0))
    difference = float(mix @ (with_it - without))
    slopes = np.r_[mix @ (with_it * (1 - with_it)), mix * (with_it * (1 - with_it) - without * (1 - without))]
    spread = float(np.sqrt(slopes @ fitted.cov_params() @ slopes))
    return FixedEffects(
        odds,
        Rate(
            "country effects, difference", difference, difference - z * spread, difference + z * spread, level
        ),
        dispersion,
        float(stats.chi2.sf(fitted.pearson_chi2, fitted.df_resid)),
    )


def hidden_bounds(cells: pd.DataFrame, standard: pd.Series | None = None) -> Interval:
    """Every share that hidden cells leave possible: crude, or at the standard's mix.

    ``cells``: accepted_low, accepted_high, other_low, other_high by stratum (other: decided and not accepted), where
    low and high differ if a cell is hidden or rounded. The bounds say what is not known, not what chance could do. A
    stratum in which nothing may have been decided can have any share, 0 to 1.
    """
    columns = ["accepted_low", "accepted_high", "other_low", "other_high"]
    if missing := [c for c in columns if c not in cells]:
        raise Refused(f"no column {missing[0]!r}; allowed: {', '.join(columns)}")
    for at, row in cells.iterrows():
        if not (0 <= row.accepted_low <= row.accepted_high and 0 <= row.other_low <= row.other_high):
            raise Refused(f"{at}: a low end is above its high end, or missing, or negative")
    if standard is None:
        totals = cells[columns].sum()
        return Interval(
            _share(totals.accepted_low, totals.other_high, 0.0),
            _share(totals.accepted_high, totals.other_low, 1.0),
        )
    weight = _weights(standard, cells.index, LEVEL)
    low = [_share(r.accepted_low, r.other_high, 0.0) for r in cells.itertuples()]
    high = [_share(r.accepted_high, r.other_low, 1.0) for r in cells.itertuples()]
    return Interval(float(weight @ low), float(weight @ high))


def _share(accepted: float, other: float, empty: float) -> float:
    if np.isinf(other) or accepted + other == 0:
        return empty
    return 1.0 if np.isinf(accepted) else float(accepted / (accepted + other))


def _garwood(events: float, level: float) -> tuple[float, float]:
    low = stats.gamma.ppf((1 - level) / 2, events) if events else 0.0
    return float(low), float(stats.gamma.ppf((1 + level) / 2, events + 1))


def _gamma(events: pd.Series, weight: pd.Series, level: float) -> tuple[float, float]:
    """Fay and Feuer's interval of a weighted sum of Poisson counts."""
    rate, variance, most = (weight * events).sum(), (weight**2 * events).sum(), weight.max()
    low = stats.gamma.ppf((1 - level) / 2, rate**2 / variance, scale=variance / rate) if rate else 0.0
    rate, variance = rate + most, variance + most**2
    return float(low), float(stats.gamma.ppf((1 + level) / 2, rate**2 / variance, scale=variance / rate))


def _checked(group: pd.DataFrame) -> pd.DataFrame:
    if missing := [c for c in ("events", "total") if c not in group]:
        raise Refused(f"no column {missing[0]!r}; allowed: events, total")
    if group.empty:
        raise Refused("no stratum is given")
    if group.index.duplicated().any():
        raise Refused(f"a stratum is given twice: {group.index[group.index.duplicated()][0]}")
    group = group[["events", "total"]].astype(float)
    if group.isna().any().any():
        raise Refused(
            f"a hidden cell: {group.index[group.isna().any(axis=1)][0]}; leave the stratum out, or use hidden_bounds"
        )
    wrong = (group["events"] < 0) | (group["events"] > group["total"])
    if wrong.any():
        row = group[wrong].iloc[0]
        raise Refused(
            f"{row.name}: {row.events:g} accepted of {row.total:g}, a share over 1 or below 0; allowed: 0 to 1"
        )
    return group


def _pair(a: pd.DataFrame, b: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    a, b = _checked(a), _checked(b)
    if set(a.index) != set(b.index):
        raise Refused(
            f"strata of one group only: {', '.join(sorted(map(str, set(a.index) ^ set(b.index)))[:3])}"
        )
    return a, b.loc[a.index]


def _weights(standard: pd.Series, strata: pd.Index, level: float) -> pd.Series:
    if not 0 < level < 1:
        raise Refused(f"level {level:g}; allowed: between 0 and 1")
    if set(standard.index) != set(strata) or standard.index.duplicated().any():
        odd = sorted(map(str, set(standard.index) ^ set(strata)))[:3]
        raise Refused(f"strata of the group or of the standard only, or given twice: {', '.join(odd)}")
    weight = standard.astype(float).reindex(strata)
    if weight.isna().any() or (weight < 0).any() or weight.sum() <= 0:
        raise Refused("weights are missing, negative or all zero")
    return weight / weight.sum()
