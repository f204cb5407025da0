from pdefreq.core.history import Stop
from pdefreq.runs.lifecycle import load_run
from pdefreq.runs.solve import solve


def test_a_residual_at_data_points_says_so():
    assert any("at the 6 points of [data] only" in note for note in solve("sampled-1d", "pinn", stop=Stop(steps=1)).notes)


def test_a_saved_run_keeps_the_time_of_its_measurements(tmp_path):
    """A limit on all seconds of a resumed run counts them."""
    solution = solve("poisson", "jacobi", steps=3)
    assert solution.elapsed > solution.seconds
    solution.save(tmp_path / "run")
    assert load_run(tmp_path / "run").elapsed == solution.elapsed
