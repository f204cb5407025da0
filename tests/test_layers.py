"""Imports go down only, and what must stay light stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import pdefreq
from pdefreq.probes import PROBES
from pdefreq.solvers import SOLVERS

PACKAGE = Path(__file__).parent.parent / "pdefreq"

LAYERS = {
    0: [
        "errors",
        "files",
        "shapes",
        "streams",
        "conversion",
        "composition",
        "memory",
        "registry",
        "fields",
        "history",
        "activity",
        "cache",
        "content",
        "checked",
    ],
    1: [
        "grids",
        "data",
        "expressions",
        "coefficients",
        "terms",
        "needs",
        "problem",
        "identity",
        "problem_file",
        "mesh_io",
        "domains",
    ],
    2: ["spaces", "functionals", "iterations", "spectrum", "theory"],
    3: ["parts", "solvers", "probes", "figures"],
    4: [
        "run_spec",
        "store",
        "seeds",
        "solution",
        "export",
        "reference",
        "devices",
        "interrupts",
        "notes",
        "recording",
        "loop",
        "setup",
        "solving",
        "record",
        "notebook",
        "runs",
        "tensorboard",
    ],
    5: ["experiments", "comparison", "refinement", "prediction"],
    6: ["cli", "commands"],
}
LAYER = {name: layer for layer, names in LAYERS.items() for name in names}
REGISTERED = {target.split(":")[0] for table in (SOLVERS, PROBES) for target in table.targets().values()}
MODULES = sorted(PACKAGE.rglob("*.py"))


def imports(path: Path, *, run_time_only: bool = True) -> list[str]:
    """Modules of pdefreq that a file imports, at its top or inside functions; not those under TYPE_CHECKING.

    A public name, ``from pdefreq import solve`` or ``pdefreq.solve``, counts as the module from which it is loaded.
    """
    found = []

    def home(name: str) -> str:
        return f"pdefreq.{pdefreq._PLACES.get(name, name)}"

    def visit(node: ast.AST) -> None:
        if run_time_only and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pdefreq."):
            found.append(node.module)
        if isinstance(node, ast.ImportFrom) and node.module == "pdefreq":
            found.extend(home(alias.name) for alias in node.names)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "pdefreq":
            found.extend([home(node.attr)] if node.attr in pdefreq._PLACES else [])
        if isinstance(node, ast.Import):
            found.extend(alias.name for alias in node.names if alias.name.startswith("pdefreq."))
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text()))
    return found


def test_public_names_are_followed_to_where_they_live(tmp_path):
    file = tmp_path / "file.py"
    file.write_text("import pdefreq\nfrom pdefreq import Stop, solvers\npdefreq.compare\npdefreq.__version__\n")
    assert imports(file) == ["pdefreq.core.history", "pdefreq.solvers", "pdefreq.studies.comparison"]


def part(module: str) -> str:
    return module.split(".")[1]


def test_every_module_has_a_layer():
    assert {p.relative_to(PACKAGE).parts[0].removesuffix(".py") for p in MODULES} - {"__init__", "__main__"} == set(LAYER)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_down_only(path):
    here = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if here in ("__init__", "__main__"):
        return
    for module in imports(path):
        there = part(module)
        assert LAYER[there] <= LAYER[here], f"{path.name} (layer {LAYER[here]}) imports {module} (layer {LAYER[there]})"
        if there != here and LAYER[there] == LAYER[here] and LAYER[here] in (2, 3):
            # neighbours in a layer: functionals and iterations act on spaces; the rest do not know each other
            assert (here, there) in ALLOWED_NEIGHBOURS, f"{path.name} imports {module}, a neighbour in its layer"
        if there == here and here in ("solvers", "probes") and path.name not in ("__init__.py", "chain.py"):
            assert module not in REGISTERED, f"{path.name} imports {module}, which holds another entry of the same table"


def test_no_two_modules_import_each_other():
    """Within a folder too, imports form no cycle."""
    graph = {".".join(("pdefreq", *p.relative_to(PACKAGE).with_suffix("").parts)): imports(p) for p in MODULES}
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join((*path, module))
        if module not in done:
            for target in graph.get(module, ()):
                visit(target, (*path, module))
            done.add(module)

    for module in graph:
        visit(module, ())


ALLOWED_NEIGHBOURS = {
    ("functionals", "spaces"),
    ("iterations", "spaces"),
    ("iterations", "functionals"),
    ("iterations", "theory"),
    ("iterations", "spectrum"),
    ("solvers", "parts"),  # a method is composed of parts
    ("spectrum", "spaces"),  # eigenfunctions on any domain are members of a finite element space
}


LIGHT = [
    "",
    ".cli",
    ".domains",
    ".history",
    ".probes",
    ".registry",
    ".reproduce",
    ".solvers",
    ".spaces.activations",
    ".spaces.initializations",
]


@pytest.mark.parametrize("module", [f"pdefreq{name}" for name in LIGHT])
def test_light_modules_load_no_numerics(module):
    heavy = "{'torch', 'numpy', 'scipy', 'matplotlib', 'meshio', 'sympy', 'skfem'}"
    code = f"import sys, {module}; print(sorted({heavy} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_only_figures_draw_and_only_mesh_io_reads_meshes():
    for path in MODULES:
        names = {
            alias.name.split(".")[0]
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, (ast.Import, ast.ImportFrom))
            for alias in ([ast.alias(node.module or "")] if isinstance(node, ast.ImportFrom) else node.names)
        }
        here = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        drawing = (
            "figures",
            "solution",
            "record",
            "comparison",
            "notebook",
            "refinement",
            "experiments",
        )  # all but figures only name Figure in annotations
        if here not in drawing:
            assert "matplotlib" not in names, path
        if here != "mesh_io":
            assert "meshio" not in names, path


def test_no_text_is_ever_run():
    """Nothing here hands text to the interpreter or to sympy's parser, or loads a pickle."""
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                assert name not in {"eval", "exec", "compile", "sympify", "sympy.sympify", "parse_expr", "pickle.loads"}, path


def test_no_link_is_kept():
    """It would name a place of one machine."""
    kept = subprocess.run(["git", "ls-files", "-s"], cwd=PACKAGE.parent, capture_output=True, text=True, check=False)
    if kept.returncode != 0:
        pytest.skip("not a git checkout")
    assert not [line for line in kept.stdout.splitlines() if line.startswith("120000")]
