"""Shell completion of names: problems, methods, options of methods, parameters, probes, kinds of domains and experiments.

Errors in what was typed so far give no completions.
"""

from __future__ import annotations

from collections.abc import Iterable

import typer

from pdefreq.core.errors import UserError


def _starting(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def problems(incomplete: str) -> list[str]:
    """The names of problems with a given prefix, and their variants after a colon."""
    from pdefreq.problem.files import problem_names, variant_names

    names = [name for name, _ in problem_names()]
    before, colon, _ = incomplete.partition(":")
    if colon and before in names:
        names = [f"{before}:{variant}" for variant in variant_names(before)]
    return _starting(names, incomplete)


def methods(incomplete: str) -> list[str]:
    """The names of methods with a given prefix; after a plus sign, of the next method of a chain."""
    from pdefreq.solvers import SOLVERS

    before, plus, last = incomplete.rpartition("+")
    return [f"{before}{plus}{name}" for name in _starting(SOLVERS, last)]


def settings(ctx: typer.Context, incomplete: str) -> list[str]:
    """The keys of options of the method of a command, ``optimizer=``; after the sign, the names of parts or other choices."""
    from pdefreq.core.composition import option_tree
    from pdefreq.core.options import names_of, split_options
    from pdefreq.solvers import SOLVERS

    try:
        method, options = split_options(ctx.params.get("method") or "mscale")
        tree = option_tree("method", method, SOLVERS.load(method), options)
    except UserError:
        return []
    known = {path: option for path, _, option in tree.walk()}
    key, equals, _ = incomplete.partition("=")
    if not equals:
        last = [path.rpartition(".")[2] for path in known]
        unique = [name for name in dict.fromkeys(last) if last.count(name) == 1]
        return _starting([f"{name}=" for name in (*unique, *(path for path in known if "." in path))], incomplete)
    option = next((option for path, option in known.items() if path == key or path.endswith(f".{key}")), None)
    if option is None:
        return []
    values = names_of(option.kind) if option.kind is not None else _choices(option.annotation)
    return _starting([f"{key}={value}" for value in values], incomplete)


def _choices(annotation: object) -> list[str]:
    """The words among which an annotation allows to choose."""
    import typing

    if annotation is bool:
        return ["true", "false"]
    own = typing.get_args(annotation)
    if typing.get_origin(annotation) is typing.Literal:
        return [str(value) for value in own]
    return [value for each in own for value in _choices(each)]


def parameters(ctx: typer.Context, incomplete: str) -> list[str]:
    """The parameters of the problem of a command, ``k1=``."""
    from pdefreq.problem.files import parameter_names

    # while an option lacks its value, arguments are not parsed
    problem = ctx.params.get("problem") or next(iter(ctx.args), "")
    try:
        names = [*parameter_names(problem), "dimension"]
    except UserError:
        return []
    return _starting([f"{name}=" for name in names], incomplete)


def probes(incomplete: str) -> list[str]:
    """The names of probes with a given prefix."""
    from pdefreq.probes import PROBES

    return _starting(PROBES, incomplete)


def domains(incomplete: str) -> list[str]:
    """The kinds of domains with a given prefix."""
    from pdefreq.domains import DOMAINS
    from pdefreq.problem.files.aliases import DOMAIN_ALIASES

    return _starting([*DOMAINS, *DOMAIN_ALIASES], incomplete)


def experiments(incomplete: str) -> list[str]:
    """The names of experiments with a given prefix."""
    from pdefreq.experiments import EXPERIMENTS

    return _starting(EXPERIMENTS, incomplete)
