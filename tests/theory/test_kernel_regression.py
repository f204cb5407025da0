import torch

from pdefreq.theory.dynamics import GradientDescentFilter, dynamics_from_factor
from pdefreq.theory.infinite_width import wide_kernels
from pdefreq.theory.kernel_regression import kernel_regression, minimum_norm_step, trained_output


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_limit_of_training_from_a_random_initialization_is_equation_1_14():
    """A linear model with features F, trained to the limit from a random start, compared with three kernel regressions."""
    f, j, start, y = normal(10, 60), normal(25, 60, seed=1), normal(60, seed=2), normal(10, seed=3)
    trained = j @ (start + minimum_norm_step(f, f @ start - y))
    kernel, cross = f @ f.T, j @ f.T
    predicted = trained_output(kernel, cross, y, initial_at_data=f @ start, initial=j @ start)
    assert (trained - predicted).abs().max() < 1e-12 * trained.abs().max()  # condition number of the kernel: about 10
    assert torch.equal(trained_output(kernel, cross, y), kernel_regression(kernel, cross, y))  # antisymmetric initialization
    # gradient descent, until the slowest eigenvector has decreased to 1e-16
    kappa = torch.linalg.eigvalsh(kernel)
    steps = torch.tensor([40 * float(kappa[-1] / kappa[0])])
    r = f @ start - y
    descended = dynamics_from_factor(f, j, f.T @ r, j @ start).errors(GradientDescentFilter(1 / float(kappa[-1])), steps)[0]
    assert (descended - predicted).abs().max() < 1e-12 * trained.abs().max()


def test_data_equal_to_the_initial_output_and_a_constant_initial_output():
    """If the data are the initial output, nothing is learned; the data are interpolated for every initial output."""
    x, t = (torch.linspace(-1, 1, n, dtype=torch.float64)[:, None] for n in (9, 50))
    kernel, cross, initial = wide_kernels(x).tangent, wide_kernels(t, x).tangent, torch.sin(7 * t[:, 0])
    unmoved = trained_output(kernel, cross, torch.sin(7 * x[:, 0]), initial_at_data=torch.sin(7 * x[:, 0]), initial=initial)
    assert torch.allclose(unmoved, initial, rtol=0, atol=1e-13)
    y = normal(9)
    at_data = trained_output(kernel, kernel, y, initial_at_data=torch.sin(7 * x[:, 0]), initial=torch.sin(7 * x[:, 0]))
    assert (at_data - y).abs().max() < 1e-10  # condition number of the kernel: 1e4


def test_initial_outputs_at_data_and_at_other_points_contribute_separately():
    """At other points it is added, and at the data its interpolant is subtracted (equation 1.14); each is zero by default."""
    f, j, start, y = normal(10, 60), normal(25, 60, seed=1), normal(60, seed=2), normal(10, seed=3)
    kernel, cross = f @ f.T, j @ f.T
    unstarted = kernel_regression(kernel, cross, y)
    assert torch.equal(trained_output(kernel, cross, y, initial=j @ start), unstarted + j @ start)
    prior = unstarted - trained_output(kernel, cross, y, initial_at_data=f @ start)
    expected = j @ -minimum_norm_step(f, f @ start)  # the part of the initial state that the data determine
    assert (prior - expected).abs().max() < 1e-12 * expected.abs().max()  # condition number of the kernel: about 10


def test_the_minimum_norm_step_is_feasible_and_the_shortest():
    f, r = normal(7, 30), normal(7, seed=1)
    d = minimum_norm_step(f, r)
    assert (f @ d + r).abs().max() < 1e-13 * r.norm() * 10
    null = torch.linalg.svd(f)[2][7:]
    assert (null @ d).abs().max() < 1e-13 * d.norm() * 10  # orthogonal to the null space
    repeated = torch.cat([f, f])
    assert torch.allclose(minimum_norm_step(repeated, torch.cat([r, r])), d, atol=1e-12)
    assert torch.allclose(repeated @ minimum_norm_step(repeated, torch.cat([r, 3 * r])), -2 * torch.cat([r, r]), atol=1e-12)
