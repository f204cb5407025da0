"""Names of methods with options: short labels of methods that are shown together."""

from hypothesis import given
from hypothesis import strategies as st

from pdefreq.core.options import short_labels, split_options


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
