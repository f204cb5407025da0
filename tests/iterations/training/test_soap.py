"""SOAP: Adam in a rotated basis, for each matrix of a stack."""

import pytest
import torch

from pdefreq.core.streams import stream
from pdefreq.iterations.training.soap import SoapStepper, next_basis, rotated_sides
from pdefreq.iterations.training.steppers import LearningRate
from tests.iterations.toys import Numbers

RATE = LearningRate(0.01)
SHAPES = {"weight1": (2, 4, 1), "bias1": (2, 4, 1), "weight2": (2, 3, 4), "slope": (5,)}
NUMBER = 8 + 8 + 24 + 5


class Shaped(Numbers):
    @property
    def shapes(self):
        return SHAPES


def gradients(steps, seed=0):
    generator = stream(seed, "test")
    return torch.randn(steps, NUMBER, generator=generator, dtype=torch.float64)


def taken(stepper, given, start=()):
    c = torch.zeros(given.shape[1], dtype=torch.float64)
    memory = {**stepper.memory(c), **dict(start)}
    path = []
    for step, gradient in enumerate(given):
        stepper.update(c, gradient.clone(), memory, stepper.numbers(step, memory))
        path.append(c.clone())
    return torch.stack(path), memory


def adam(given):
    """torch's Adam with the constants of SOAP; the first gradient is skipped."""
    c = torch.zeros(given.shape[1], dtype=torch.float64, requires_grad=True)
    reference, path = torch.optim.Adam([c], lr=0.01, betas=(0.95, 0.95), foreach=False), [torch.zeros_like(c).detach()]
    for gradient in given[1:]:
        c.grad = gradient.clone()
        reference.step()
        path.append(c.detach().clone())
    return torch.stack(path)


def test_without_rotated_sides_it_is_adam():
    given = gradients(30)
    path, _ = taken(SoapStepper(RATE).on(Numbers(NUMBER)), given)
    torch.testing.assert_close(path, adam(given), rtol=1e-12, atol=1e-14)


def test_sides_of_length_one_and_parameters_with_one_axis_are_not_rotated():
    assert [(side.name, side.length, side.shape[0]) for side in rotated_sides(SHAPES)] == [
        ("left.weight1", 4, 2),
        ("left.bias1", 4, 2),
        ("left.weight2", 3, 2),
        ("right.weight2", 4, 2),
    ]
    assert [side.name for side in rotated_sides({"weight": (1, 1024, 1025)})] == ["left.weight"]


def test_diagonal_preconditioners_keep_the_basis():
    """Gradients that are zero but in one row and column have G G^T and G^T G diagonal: the basis is that of the axes, and signs
    and orders of basis vectors cancel in a step."""
    given = torch.zeros(25, NUMBER, dtype=torch.float64)
    given[:, [0, 8, 16]] = gradients(25)[:, :3]
    path, _ = taken(SoapStepper(RATE, every=3).on(Shaped(NUMBER)), given)
    torch.testing.assert_close(path, adam(given), rtol=1e-10, atol=1e-12)


def test_matrices_of_a_stack_are_independent():
    """The first network of the stack alone takes the same steps."""
    given = gradients(20)
    both, _ = taken(SoapStepper(RATE, every=4, sides=rotated_sides({"weight": (2, 3, 4)})), given[:, :24])
    alone, _ = taken(SoapStepper(RATE, every=4, sides=rotated_sides({"weight": (1, 3, 4)})), given[:, :12])
    torch.testing.assert_close(both[:, :12], alone, rtol=1e-10, atol=1e-12)


def test_rotating_all_gradients_rotates_all_steps():
    """With G replaced by U G W^T for orthogonal U, W, steps become U N W^T: Adam lacks this property."""
    generator = stream(1, "test")
    u, w = (torch.linalg.qr(torch.randn(n, n, generator=generator, dtype=torch.float64))[0] for n in (3, 4))
    given = torch.randn(12, 3, 4, generator=generator, dtype=torch.float64)
    stepper = SoapStepper(RATE, every=4, sides=rotated_sides({"weight": (3, 4)}))
    plain, _ = taken(stepper, given.flatten(1))
    start = {"basis.left.weight": u[None], "basis.right.weight": w[None]}  # the identity is the start of the other
    rotated, _ = taken(stepper, (u @ given @ w.T).flatten(1), start)
    # G G^T of one 3 x 4 matrix has distinct eigenvalues, that of G^T G one zero, so that all vectors are determined
    torch.testing.assert_close(rotated.view(-1, 3, 4), u @ plain.view(-1, 3, 4) @ w.T, rtol=1e-8, atol=1e-10)


def test_bases_are_refreshed_on_schedule_and_stay_orthonormal():
    stepper = SoapStepper(RATE, every=4).on(Shaped(NUMBER))
    given = gradients(13)
    c = torch.zeros(NUMBER, dtype=torch.float64)
    memory, changed = stepper.memory(c), []
    for step, gradient in enumerate(given):
        before = memory["basis.left.weight2"].clone()
        stepper.update(c, gradient.clone(), memory, stepper.numbers(step, memory))
        if not torch.equal(before, memory["basis.left.weight2"]):
            changed.append(step)
    assert changed == [0, 4, 8, 12]
    for side in stepper.sides:
        q = memory[f"basis.{side.name}"]
        torch.testing.assert_close(q.mT @ q, torch.eye(side.length, dtype=q.dtype).expand_as(q), rtol=0, atol=1e-13)


def test_orthogonal_iteration_converges_to_the_eigenvectors_in_descending_order():
    generator = stream(2, "test")
    q = torch.linalg.qr(torch.randn(2, 4, 4, generator=generator, dtype=torch.float64))[0]
    values = torch.tensor([8.0, 4.0, 2.0, 1.0], dtype=torch.float64)
    mean, basis = (q * values) @ q.mT, torch.eye(4, dtype=torch.float64).repeat(2, 1, 1)
    for _ in range(60):  # factor 1/2 in each step
        basis, _ = next_basis(mean, basis)
    torch.testing.assert_close((basis.mT @ q).abs(), torch.eye(4, dtype=q.dtype).expand_as(q), rtol=0, atol=1e-12)


def test_second_moments_follow_the_order_of_the_basis():
    """A permuted eigenbasis is sorted by one refresh, and v with it."""
    stepper = SoapStepper(RATE, every=1, sides=rotated_sides({"weight": (3, 1)}))
    (side,) = stepper.sides
    c = torch.zeros(3, dtype=torch.float64)
    memory = stepper.memory(c)
    memory[f"mean.{side.name}"] = torch.diag(torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64))[None]
    memory["v"] = torch.tensor([10.0, 20.0, 30.0], dtype=torch.float64)
    stepper.update(c, torch.zeros(3, dtype=torch.float64), memory, stepper.numbers(1, memory))
    torch.testing.assert_close(memory["v"], 0.95 * torch.tensor([30.0, 20.0, 10.0], dtype=torch.float64), rtol=1e-14, atol=0)
    torch.testing.assert_close(
        memory[f"basis.{side.name}"].abs()[0], torch.eye(3, dtype=torch.float64).flip(0), rtol=0, atol=1e-15
    )


@pytest.mark.parametrize("clip", [None, 0.1])
def test_the_learning_rate_scales_the_step(clip):
    given = gradients(2)
    steps = [taken(SoapStepper(LearningRate(rate), clip, sides=rotated_sides(SHAPES)), given)[0][-1] for rate in (0.01, 0.02)]
    torch.testing.assert_close(2 * steps[0], steps[1], rtol=1e-14, atol=0)
