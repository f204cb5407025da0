"""Other packages on problems of pdefreq, for comparison. None of them is a dependency of pdefreq.

Each module has a function ``curve(target, seconds, seed)`` that returns pairs of processor seconds and relative L2 errors. It
receives the source, the boundary values and the points of the problem from pdefreq, so that all packages solve the same problem.

The functions `tanh`, `fourier`, `fastlsq` and `p2` are adapters of ``pdefreq benchmark``, for use in the root of the repository:
``python -m pdefreq benchmark quick --adapter benchmarks/peers/deepxde.py:tanh``.
"""
