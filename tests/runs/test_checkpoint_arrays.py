"""Arrays of checkpoints: those that runs write are accepted, and each missing or changed array is refused."""

import numpy as np
import pytest

from pdefreq.runs.checkpoint_arrays import require_checkpoint

STEPS = np.array([0, 1, 4])


def arrays():
    """A checkpoint at step 4 with three rows, two modes in one dimension, and a prediction at four steps."""
    return {
        "coefficients": np.zeros(5),
        "step": np.array(4),
        "seconds": np.array(0.5),
        "done": np.array(False),
        "memory/level": np.array(1),
        "column/step": STEPS,
        "column/seconds": np.zeros(3),
        "column/objective": np.ones(3),
        "column/mode_error": np.ones((3, 2)),
        "column/mode_error_total": np.ones((3, 2)),
        "fact/mode_kind": np.array("sine"),
        "fact/mode_indices": np.array([[1], [2]]),
        "fact/mode_wavenumber": np.array([3.1, 6.3]),
        "fact/mode_amplitude": np.ones(2),
        "fact/mode_complete": np.array(True),
        "fact/mode_error_kind": np.array("projection"),
        "fact/mode_count_above_threshold": np.array(2),
        "fact/mode_predicted_steps": np.array([0, 1, 2, 4]),
        "fact/mode_predicted_curve": np.ones((4, 2)),
        "fact/mode_predicted_start_step": np.array(0),
        "fact/mode_above_threshold": np.array([True, False]),
        "fact/mode_wavenumber_range": np.array([3.1, 31.0]),
        "column/certificate_damped": np.ones((3, 4)),
        "column/certificate_residual": np.ones((3, 4)),
        "column/certificate_remainder": np.ones(3),
        "column/snapshot": np.ones((3, 6)),
        "fact/snapshot_points": np.ones((6, 1)),
        "fact/snapshot_shape": np.array([6]),
    }


def test_a_checkpoint_is_accepted_with_and_without_optional_arrays():
    require_checkpoint(arrays(), 4)
    kept = ("coefficients", "step", "seconds", "done")
    require_checkpoint({name: arrays()[name] for name in kept}, 4)


OPTIONAL = (
    *("memory/level", "column/seconds", "column/objective", "column/mode_error"),
    *("fact/mode_above_threshold", "fact/mode_wavenumber_range"),
)


@pytest.mark.parametrize("name", [name for name in arrays() if name not in OPTIONAL])
def test_no_other_array_can_be_missing(name):
    """Arrays of modes require each other, and columns require their steps."""
    with pytest.raises(ValueError, match=r"missing|without|do not increase"):
        require_checkpoint({key: value for key, value in arrays().items() if key != name}, 4)


@pytest.mark.parametrize("name", OPTIONAL)
def test_these_can_be_missing(name):
    require_checkpoint({key: value for key, value in arrays().items() if key != name}, 4)


@pytest.mark.parametrize("name", arrays())
def test_text_in_place_of_numbers_and_numbers_in_place_of_text_are_refused(name):
    value = arrays()[name]
    wrong = np.zeros(value.shape) if value.dtype.kind == "U" else np.full(value.shape, "x")
    with pytest.raises(ValueError, match=r"another type|do not increase"):
        require_checkpoint({**arrays(), name: wrong}, 4)


@pytest.mark.parametrize("name", [name for name in arrays() if not name.startswith("memory/")])
def test_another_number_of_axes_is_refused(name):
    with pytest.raises(ValueError, match=r"another type or shape|different lengths|do not increase|other shapes"):
        require_checkpoint({**arrays(), name: arrays()[name][None]}, 4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"step": np.array(3)}, "state the steps 4 and 3"),
        ({"seconds": np.array(-1.0)}, "its time is -1.0 seconds"),
        ({"seconds": np.array(np.nan)}, "its time is nan seconds"),
        ({"column/step": np.array([0, 4, 4])}, "do not increase"),
        ({"column/objective": np.ones(2)}, "different lengths"),
        ({"fact/mode_amplitude": np.ones(3)}, "mode_amplitude"),
        ({"fact/mode_above_threshold": np.array([True])}, "mode_above_threshold"),
        ({"fact/mode_wavenumber_range": np.ones(3)}, "mode_wavenumber_range"),
        ({"column/certificate_residual": np.ones((3, 5))}, "certificate_residual"),
        ({"fact/snapshot_points": np.ones((5, 1))}, "snapshot_points"),
        ({"fact/snapshot_shape": np.array([2, 2])}, "snapshot_shape"),
        ({"fact/snapshot_shape": np.array([-1, -6])}, "snapshot_shape"),
        ({"fact/mode_predicted_steps": np.array([0, 2, 1, 4])}, "predicted curves"),
        ({"fact/mode_predicted_steps": np.array([1, 2, 3, 4])}, "predicted curves"),
    ],
)
def test_contradictions_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        require_checkpoint({**arrays(), **changes}, 4)
