"""Words about numbers: none, one and many, what is suppressed, lists, how a value stands among those before it."""

import pandas as pd
import pytest

from roxham.facts import (
    FactError,
    bounded,
    brief,
    change,
    count,
    key_numbers,
    listed,
    ordinal,
    slug,
    standing,
)
from roxham.tables import Total


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
        ([9, *[1] * 12, 9], "the most since January 2020"),  # as high, not higher
        ([9, *[1] * 11, 9], "more than in December 2020"),
        ([*range(13)], "the most since the series begins, in January 2020"),
        ([0, *[5] * 13, 0], "the fewest since January 2020"),
        ([9, None, *[1] * 11, 8], "the most since January 2020, of those published"),
        ([9, *[1] * 12, None, 3], "the most since January 2020, of those published"),
    ],
)
def test_a_value_is_set_against_those_before_it(values, words):
    assert standing(months(*values)) == words


def test_years_and_earlier_values_can_be_asked_for():
    years = pd.Series([5, 9, 4, 3, 2], index=[2018, 2019, 2020, 2021, 2022])
    assert standing(years, 2022, far=3) == "the fewest since the series begins, in 2018"
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


PERSON = ("person", "people")


@pytest.mark.parametrize(("number", "words"), [(0, "no people"), (1, "1 person"), (39171, "39,171 people")])
def test_nothing_has_a_word_of_its_own(number, words):
    assert count(number, *PERSON) == words


@pytest.mark.parametrize(
    ("total", "words"),
    [
        (Total(0, 0, 0, 0), "no people"),
        (Total(5, 3, 7, 0), "5 people"),  # rounding is left to the caption
        (Total(0, 0, 5, 1), "0 to 5 people"),
        (Total(10, 8, 22, 2), "8 to 22 people"),
        (Total(39170, 39168, 39177, 1), "39,170 people"),  # the suppressed cell changes nothing that is said
    ],
)
def test_what_is_suppressed_is_said_where_it_matters(total, words):
    assert bounded(total, *PERSON) == words


@pytest.mark.parametrize(
    ("now", "before", "words"),
    [
        (110, 100, "10% more than in 2023"),
        (85, 100, "15% fewer than in 2023"),
        (34, 20, "up from 20 in 2023"),  # no percentage of so few, and no "1% more" either
        (95, 94, "up from 94 in 2023"),
        (1, 1011, "over 99% fewer than in 2023"),
        (1000, 1001, "under 1% fewer than in 2023"),
        (200, 100, "2 times as many as in 2023"),
        (199, 100, "99% more than in 2023"),
        (300, 100, "3 times as many as in 2023"),
        (1500, 100, "15 times as many as in 2023"),
        (100, 100, "as many as in 2023"),
        (0, 0, "none in 2023 either"),
        (5, 0, "up from none in 2023"),
        (10, 15, "down from 15 in 2023"),  # no percentage of so few
        (0, 40, "down from 40 in 2023"),
    ],
)
def test_a_change_is_said_in_words_that_fit_its_size(now, before, words):
    assert change(now, before, "in 2023") == words


def test_a_change_from_a_month_that_is_not_published_is_no_number():
    with pytest.raises(FactError):
        change(5, pd.NA, "in 2023")


def test_ranks_and_addresses():
    assert [ordinal(i) for i in (1, 2, 10, 11, 12, 22)] == [
        "first",
        "second",
        "tenth",
        "11th",
        "12th",
        "22nd",
    ]
    assert slug("Newfoundland and Labrador") == "newfoundland-and-labrador"
    assert slug("Türkiye") == "turkiye" and slug("2023-04") == "2023-04"


def test_the_list_of_briefs_is_told_no_empty_words():
    with pytest.raises(FactError, match="number is ''"):
        brief(name="Quebec", number="", what="claims", series=[], rank=None)
