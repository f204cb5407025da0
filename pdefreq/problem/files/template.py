"""The template of a problem file."""

TEMPLATE = """\
# A problem for pdefreq:  -div( A |grad u|^(p-2) grad u ) + b . grad u + c u + N(x, u) = f
# Check it with   pdefreq check THIS_FILE   and solve it with   pdefreq solve THIS_FILE

title = "Two scales"
citation = ""

[parameters]              # names for the expressions below; change a value with  --param k1=30
k1 = 10                   # numbers, or expressions of the parameters above: "2*pi"

[domain]
kind = "box"              # or ball (midpoint, radius), ring (midpoint, inner, outer), ellipse (midpoint, half_axes),
                          # polygon (points = [[0, 0], [1, 0], [0, 1]]), mesh (file); "my_file.py:Name" with --trust
dimension = 1
lower = 0                 # a number for all dimensions, or a list: [0, -1]
upper = 1

[equation]                # expressions contain x, y, z or x1 ... xd, pi, parameters, + - * / **, sin, exp, sqrt, abs, min, ...,
                          # where(x < 0.5, 1, 2), and sum(xk**2) or prod(xk) over the coordinates
exponent = 2              # p > 1
diffusion = "1"           # A >= 0, or a matrix: [["1", "0"], ["0", "100"]]; or values from a file: "a.csv", "a.png";
                          # "0" defines a regression with the solution f / c
reaction = "0"            # c, of either sign
# convection = ["10"]     # b, one component for each coordinate
# nonlinear = "u**3"      # N, in the coordinates and u
exact = "sin(pi*x) + 0.1*sin(k1*pi*x)"    # determines the source and the boundary data; otherwise give:
# source = "1"

# [boundary]
# value = "0"             # u = value on the boundary outside of the parts; where parts overlap, the first one applies:
# [[boundary.part]]
# name = "x-max"          # x-min, x-max, y-min, ...; or where = "x > 0.5"
# kind = "robin"          # a |grad u|^(p-2) du/dn + alpha u = flux;  alpha = "0" is a Neumann condition; "periodic" with
#                         # name = "x" joins the sides x-min and x-max
# alpha = "1"
# flux = "0"

[spectrum]
modes = "sine"            # sine | cosine | fourier on a box; eigen | neumann on any domain; ray | tones along a direction
wavenumbers = ["pi", "k1*pi"]             # angular wavenumbers that are printed

[variant.hard]            # pdefreq solve THIS_FILE:hard
parameters.k1 = 50
"""
"""A commented problem file that can be solved without changes."""
