"""Low frequencies first in 64 dimensions: ``pdefreq reproduce digits``.

Xu et al. measure networks on images of digits in two ways: waves along the first principal component of the images, and the
low and high parts of the labels under a Gaussian filter. They use MNIST (784 dimensions, network 784-400-200-10). Here the digits
are those of scikit-learn, 8 x 8 pixels, and the network 64-200-100-1 fits u = 1 for even digits and -1 for odd ones.
"""

from __future__ import annotations

from pdefreq.experiments.data_sets import LEVEL, digits, first_steps, fitted_labels
from pdefreq.experiments.entry import Document, Entry, Place
from pdefreq.experiments.report import Report, Table, main
from pdefreq.experiments.trials import require_at_least
from pdefreq.figures.function_panels import Line, Panel, function_panels_figure
from pdefreq.figures.style import METHOD_COLORS, wavenumber_colors
from pdefreq.functionals.sampling import held_out_samples
from pdefreq.spectrum.spectral_record import SpectralRecord

SOURCE = "Xu, Zhang, Luo, Xiao, Ma (2020), arXiv 1901.06523, section 4 (MNIST: training accuracy 0.951, test accuracy 0.963)"


@Entry(
    places=(Place(Document.SLIDES, "slide 'Generalization difference', (a) MNIST"),),
    publication="arXiv 1901.06523, section 4",
    shows="In 64 dimensions a Gaussian filter splits the labels of handwritten digits into a low and a high part of equal "
    "size. A network learns the low part first, and its signs are right at nearly all digits that are held out.",
    published=("test accuracy on MNIST 0.963, training accuracy 0.951",),
    lacks="The data are the 8 x 8 digits of scikit-learn, even or odd, instead of MNIST with ten classes; network and "
    "training are our choice.",
    seconds=13.0,
    extras=("digits",),
)
def experiment(*, steps: int = 800, seed: int = 0) -> Report:
    """On handwritten digits in 64 dimensions the low part of the labels is learned first (arXiv 1901.06523).

    Args:
        steps: Steps of Adam.
        seed: Seed of the network.

    Raises:
        MissingPackageError: If scikit-learn is not installed.
        OptionError: If there are no steps.
    """
    require_at_least(1, steps=steps)
    problem = digits()
    run = fitted_labels(problem, learning_rate=2e-4, steps=steps, seed=seed, per_decade=20)
    history = run.history
    step, low, high = (history.column(name) for name in ("step", "low_error", "high_error"))
    record = SpectralRecord.of(history)
    xi, waves = record.modes.wavenumber, record.error
    samples, labels = held_out_samples(problem)
    accuracy = float(((run(samples.x) > 0) == (labels > 0)).double().mean())
    reached = first_steps({"low": low, "high": high}, step)
    findings = [
        f"The error of the low part is {low[-1]:.2f} at the end and that of the high part {high[-1]:.2f}. The first recorded "
        f"steps with an error below {LEVEL} are {reached['low']} (low) and {reached['high']} (high).",
        f"The variance delta of the Gaussian filter, which splits the variance of the labels evenly, is "
        f"{float(history.facts['filter_delta']):.3g}.",
        f"Accuracy at the {len(labels)} digits held out: {accuracy:.3f}; with MNIST and ten classes the paper has 0.963.",
    ]
    curves = [Line("low part", step, low, METHOD_COLORS[0]), Line("high part", step, high, METHOD_COLORS[1])]
    rays = [
        Line(f"ξ = {k:.3g}", step, waves[:, i], tuple(color))  # pyright: ignore[reportArgumentType]
        for i, (k, color) in enumerate(zip(xi, wavenumber_colors(len(xi)), strict=True))
    ]
    panels = [
        Panel("filter", "step", "relative error", curves, ylim=(0, 1.3)),
        Panel("waves along the first principal component", "step", "relative error", rays, ylim=(0, 1.3)),
    ]
    figure = function_panels_figure([panels], title="Handwritten digits, even or odd, in 64 dimensions")
    rows = [[part, reached[part], float(error[-1])] for part, error in (("low", low), ("high", high))]
    table = Table(["part", f"first step with an error below {LEVEL}", "error at the end"], rows)
    return Report("Low frequencies first in 64 dimensions", SOURCE, findings, {"digits": table}, {"digits": figure})


if __name__ == "__main__":
    main("digits", experiment)
