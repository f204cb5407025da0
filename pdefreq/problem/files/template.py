"""The problem file to start from."""

TEMPLATE = """\
# A problem for pdefreq:  -div( A |grad u|^(p-2) grad u ) + b . grad u + c u + N(x, u) = f
# Solve it with   pdefreq solve THIS_FILE   and see what was understood with   pdefreq check THIS_FILE

title = "Two scales"
citation = ""

[parameters]              # names for the expressions below; change one with  --param k1=30
k1 = 10                   # numbers, or expressions of the parameters above: "2*pi"

[domain]
kind = "box"              # or ball (midpoint, radius), ring (midpoint, inner, outer), ellipse (midpoint, half_axes),
                          # polygon (points = [[0, 0], [1, 0], [0, 1]]), mesh (file); "my_file.py:Name" with --trust
dimension = 1
lower = 0                 # one number for all dimensions, or a list: [0, -1]
upper = 1

[equation]                # expressions hold x, y, z or x1 ... xd, pi, parameters, + - * / **, sin, exp, sqrt, abs, min, ...,
                          # where(x < 0.5, 1, 2), and sum(xk**2) or prod(xk) over the coordinates
exponent = 2              # p > 1
diffusion = "1"           # A >= 0, or a matrix: [["1", "0"], ["0", "100"]]; or values from a file: "a.csv", "a.png";
                          # "0" makes it a regression of f / c
reaction = "0"            # c, of either sign
# convection = ["10"]     # b, one component for each coordinate
# nonlinear = "u**3"      # N, in the coordinates and u
exact = "sin(pi*x) + 0.1*sin(k1*pi*x)"    # source and boundary data follow from it; or leave it out and give:
# source = "1"

# [boundary]
# value = "0"             # u = value on all of the boundary that no part covers; or parts, of which the first match holds:
# [[boundary.part]]
# name = "x-max"          # x-min, x-max, y-min, ...; or where = "x > 0.5"
# kind = "robin"          # a |grad u|^(p-2) du/dn + alpha u = flux;  alpha = "0" is a Neumann condition; "periodic" with
#                         # name = "x" joins the sides x-min and x-max
# alpha = "1"
# flux = "0"

[spectrum]
modes = "sine"            # sine | cosine | fourier on a box; eigen | neumann on any domain; ray | tones along a direction
wavenumbers = ["pi", "k1*pi"]             # angular; the rows that are printed

[variant.hard]            # pdefreq solve THIS_FILE:hard
parameters.k1 = 50
"""
"""A commented problem file that loads and can be solved as it stands."""
