from pdefreq.core.history import Stop
from pdefreq.runs.solve import solve


def test_a_residual_at_data_points_says_so():
    assert any("at the 6 points of [data] only" in note for note in solve("sampled-1d", "pinn", stop=Stop(steps=1)).notes)
