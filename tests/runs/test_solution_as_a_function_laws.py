"""A solution as a function of numpy arrays, tensors and single points, as a module, and pickled."""

import copy
import pickle

import numpy as np
import pytest
import torch

from pdefreq import Stop, gauss_newton, load_problem, solve
from pdefreq.core.errors import IncompatibleError
from pdefreq.core.history import History
from tests.parts.own import Waves

RUNS = {  # problem and method, steps; waves along a direction need no eigenfunctions
    ("poisson", "fem"): 1,
    ("poisson", "jacobi"): 3,
    ("poisson", "sine"): 1,
    ("poisson", "deep-ritz+jacobi"): 6,
    ("perforated", "gauss-newton:number=100,widths=[8]"): 1,
    ("robin", "fem"): 1,
    ("torsion", "pinn:number=100"): 1,
    ("ring", "mscale:number=100"): 1,
    ("tones", "regression:widths=[8]"): 1,
}


@pytest.fixture(scope="module", params=RUNS, ids=" by ".join)
def solution(request):
    problem, method = request.param
    modes = None if load_problem(problem).domain.dimension == 1 else "ray"
    return solve(problem, method, stop=Stop(steps=RUNS[request.param]), modes=modes, predict=False)


def test_results_have_the_form_of_the_points(solution):
    x = solution.target.test_points.x[:7]
    for function, shape in ((solution, ()), (solution.gradient, (x.shape[1],))):
        values = function(x)
        assert isinstance(values, torch.Tensor) and values.shape == (7, *shape)
        for points in (x.numpy(), x.tolist()):
            found = function(points)
            assert isinstance(found, np.ndarray) and np.array_equal(found, values.numpy())
        point = x[3].tolist() if x.shape[1] > 1 else float(x[3])
        single = function(point)
        assert isinstance(single, np.ndarray if shape else float)
        # one point and seven may be evaluated in another order of summation
        np.testing.assert_allclose(single, values[3].numpy(), rtol=1e-12, atol=1e-12 * float(values.abs().max()))


def test_a_pickled_solution_is_the_same_function(solution):
    again = pickle.loads(pickle.dumps(solution))
    x = solution.target.test_points.x[:7]
    assert torch.equal(again(x), solution(x)) and repr(again) == repr(solution)
    assert again.error() == pytest.approx(solution.error(), rel=1e-12, nan_ok=True)  # sums over arrays with other strides
    assert pickle.loads(pickle.dumps(solution.spec)).id == solution.spec.id
    assert torch.equal(copy.deepcopy(solution)(x), solution(x))


def test_the_module_has_the_values_and_is_independent_of_the_solution(solution):
    x = solution.target.test_points.x[:7].clone()
    module = solution.to_torch()
    assert torch.equal(module(x), solution(x))
    module(x).sum().backward()
    assert module.coefficients.grad is not None and module.coefficients.grad.abs().max() > 0
    with torch.no_grad():
        module.coefficients.zero_()
    assert not torch.equal(module.coefficients, solution.state.coefficients)
    other = solution.to_torch()
    other.load_state_dict(module.state_dict())
    assert torch.equal(other(x), module(x))


def test_the_parameters_return_to_the_module_of_the_user():
    own = Waves(1)
    solution = solve("poisson", gauss_newton(network=own).with_options(number=50, scaling="none"), stop=Stop(steps=3))
    own.double().load_state_dict(solution.state_dict(), strict=False)
    x = solution.target.test_points.x[:7]
    torch.testing.assert_close(solution(x), own(x)[:, 0].detach() * (1 - x[:, 0] ** 2), rtol=0, atol=1e-14)


def test_other_methods_have_no_parameters_by_name():
    with pytest.raises(IncompatibleError, match="fem has no network: use `to_torch"):
        solve("poisson", "fem").state_dict()


@pytest.mark.parametrize("points", [np.zeros((2, 3)), [[0.0], [0.1]], 0.0, np.zeros((1, 1, 2))])
def test_other_shapes_are_refused(points):
    with pytest.raises(ValueError, match=r"points must have shape \(n, 2\), or \(2,\) for a single point"):
        solve("ring", "fem:cells=4", modes="ray")(points)


def test_the_history_is_shown_as_a_table():
    history = History()
    assert repr(history) == "<History: 0 rows>"
    for step in range(30):
        history.record({"step": step, "error": 1 / (step + 1), "modes": np.ones(3)})
    lines = repr(history).splitlines()
    assert lines[0] == "<History: 30 rows>" and lines[1].split() == ["step", "error"]
    assert [line.split()[0] for line in lines[2:-1]] == ["0", "1", "2", "3", "4", "...", "25", "26", "27", "28", "29"]
    assert lines[-1] == "columns with several numbers in each row: modes (3)"


def test_the_history_as_a_data_frame():
    pandas = pytest.importorskip("pandas", reason="pandas is optional")
    frame = solve("poisson", "jacobi", stop=Stop(steps=4)).history.to_pandas()
    assert isinstance(frame, pandas.DataFrame) and len(frame) == 5 and list(frame["step"]) == [0, 1, 2, 3, 4]
