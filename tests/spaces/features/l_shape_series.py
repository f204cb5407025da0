"""A series for ``-lap u = 1``, u = 0 on the L-shaped domain of the problem `l-shape`, independent of the package.

The series is -r^2 / 4 plus harmonic functions: polynomials, ``r^(2 j / 3) sin(2 j theta / 3)`` at the re-entrant corner, and the
logarithmic functions of the right angles. The coefficients minimize the boundary values in the sense of least squares. The error
is harmonic, so that the largest boundary value bounds it everywhere (maximum principle).
"""

import numpy as np

CORNERS = [0, 1, 1 + 1j, -1 + 1j, -1 - 1j, -1j]  # counterclockwise from the re-entrant corner
POLYNOMIAL, POWERS, LOGARITHMS = 40, 20, 5
CENTER, SIZE = -0.25 + 0.25j, 1.25  # of the polynomials


def boundary(number):
    """Points on each side, clustered at its ends."""
    t = (1 - np.cos(np.pi * (np.arange(number) + 0.5) / number)) / 2
    return np.concatenate([a + (b - a) * t for a, b in zip(CORNERS, CORNERS[1:] + CORNERS[:1], strict=True)])


def columns(z):
    """The harmonic functions at complex points."""
    powers = ((z - CENTER) / SIZE)[:, None] ** np.arange(POLYNOMIAL + 1)
    found = [powers.real, powers[:, 1:].imag]
    r, theta = abs(z), np.angle(z * np.exp(-0.75j * np.pi)) + 0.75 * np.pi
    for j in range(1, POWERS + 1):
        a = 2 * j / 3
        wave = np.sin(a * theta) if j % 3 else np.log(r) * np.sin(a * theta) + theta * np.cos(a * theta)
        found.append((r**a * wave)[:, None])
    for corner, after in zip(CORNERS[1:], CORNERS[2:] + CORNERS[:1], strict=True):
        log = np.log((z - corner) / (after - corner) * abs(after - corner) * np.exp(-0.25j * np.pi)) + 0.25j * np.pi
        found += [(np.exp(k * log) * log / 2**k).imag[:, None] for k in range(2, 2 * LOGARITHMS + 1, 2)]
    return np.concatenate(found, axis=1)


def fitted():
    """The coefficients, and the largest boundary value at other points, which bounds the error."""
    z = boundary(150)
    matrix = columns(z)
    size = np.linalg.norm(matrix, axis=0)
    c = np.linalg.lstsq(matrix / size, abs(z) ** 2 / 4, rcond=1e-15)[0] / size
    elsewhere = boundary(1001)
    return c, abs(columns(elsewhere) @ c - abs(elsewhere) ** 2 / 4).max()


def solution(c, x):
    """The values at points ``(n, 2)``."""
    z = x[:, 0] + 1j * x[:, 1]
    return columns(z) @ c - abs(z) ** 2 / 4
