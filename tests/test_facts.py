"""Words about numbers: lists, how a value stands among those before it, the key numbers of a brief."""

import pandas as pd
import pytest

from roxham.facts import FactError, key_numbers, listed, standing


def months(*values, start="2020-01"):
    return pd.Series(values, index=pd.period_range(start, periods=len(values), freq="M"), dtype="Int64")


def test_words_are_joined_as_they_are_read():
    assert listed(["Blaine"]) == "Blaine"
    assert listed(["Blaine", "Havre"]) == "Blaine and Havre"
    assert listed(["Blaine", "Havre", "Swanton"]) == "Blaine, Havre and Swanton"
    with pytest.raises(FactError):
        listed([])


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([7], "the first of the series"),
        ([7, 7], "as many as in January 2020"),
        ([7, 8], "more than in January 2020"),  # two months are no record
        ([8, 7, 6], "fewer than in February 2020"),
        ([9, *[1] * 12, 9], "the highest since January 2020"),  # as high, not higher
        ([9, *[1] * 11, 9], "more than in December 2020"),
        ([*range(13)], "the highest since the series begins, in January 2020"),
        ([0, *[5] * 13, 0], "the lowest since January 2020"),
        ([9, None, *[1] * 11, 8], "the highest since January 2020, of those published"),
        ([9, *[1] * 12, None, 3], "the highest since January 2020, of those published"),
    ],
)
def test_a_value_is_set_against_those_before_it(values, words):
    assert standing(months(*values)) == words


def test_years_and_earlier_values_can_be_asked_for():
    years = pd.Series([5, 9, 4, 3, 2], index=[2018, 2019, 2020, 2021, 2022])
    assert standing(years, 2022, far=3) == "the lowest since the series begins, in 2018"
    assert standing(years, 2019) == "more than in 2018"
    with pytest.raises(FactError):
        standing(months(1, None))


def test_a_brief_has_five_key_numbers_and_none_is_a_hole():
    five = [(str(i), f"of {i} <things>") for i in range(5)]
    bundle, metadata = key_numbers(*five)._repr_mimebundle_()
    assert bundle["text/html"].count("<dt>") == 5 and "&lt;things&gt;" in bundle["text/html"]
    assert metadata["roxham_key"][4] == {"value": "4", "words": "of 4 <things>"}
    for wrong in (five[:4], [*five[:4], ("nan", "hole")], [*five[:4], (3, "not text")]):
        with pytest.raises(FactError):
            key_numbers(*wrong)
