"""Names of methods with options: short labels of methods that are shown together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdefreq.core.errors import OptionError
from pdefreq.core.options import MISSING, options_of, short_labels, split_options


def test_labels_that_are_no_names_with_options_are_unchanged():
    assert short_labels(["my run: a=1", "fem:a=1,a=2"]) == {"my run: a=1": "my run: a=1", "fem:a=1,a=2": "fem:a=1,a=2"}


@given(
    st.lists(
        st.tuples(st.sampled_from(["mscale", "fem"]), st.dictionaries(st.sampled_from("abc"), st.sampled_from("12"), max_size=3)),
        min_size=1,
        max_size=5,
    )
)
def test_short_labels_differ_and_contain_only_options_that_differ(methods):
    names = {method + (":" + ",".join(f"{k}={v}" for k, v in options.items()) if options else "") for method, options in methods}
    labels = short_labels(names)
    assert set(labels) == names and len({*labels.values()}) == len(names)
    for name, label in labels.items():
        (method, shown), given_ = split_options(label), split_options(name)[1]
        assert shown.items() <= given_.items()
        alike = [split_options(other)[1] for other in names if split_options(other)[0] == method]
        if label != name:
            assert all(any(other.get(key) != value for other in alike) for key, value in shown.items())


def test_a_default_implies_the_type_of_a_parameter_without_an_annotation():
    def factory(size: float, number=3, rate=0.1, name="sin", on=False, widths=(20, 20), shares=[0.5, 1]):  # noqa: B006
        raise NotImplementedError

    found = {option.name: (option.annotation, option.default) for option in options_of(factory)}
    assert found == {
        "size": (float, MISSING),
        "number": (int, 3),
        "rate": (float, 0.1),
        "name": (str, "sin"),
        "on": (bool, False),
        "widths": (tuple[int, ...], (20, 20)),
        "shares": (tuple[float, ...], [0.5, 1]),
    }


def damped(steps: int, tau): ...
def damped_by_default(steps: int, tau=None): ...


@pytest.mark.parametrize(
    ("factory", "line"),
    [
        (damped, "def damped(steps: int, tau: float)"),
        (damped_by_default, "def damped_by_default(steps: int, tau: float | None = None)"),
    ],
)
def test_a_parameter_without_a_type_is_refused_with_the_line_to_type(factory, line):
    with pytest.raises(OptionError) as refusal:
        options_of(factory)
    assert f"write `{line}`, or another type" in str(refusal.value)
