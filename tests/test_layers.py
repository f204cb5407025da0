"""Imports point to lower layers only, and light modules import no numerical library."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pdefreq
from pdefreq.probes import PROBES
from pdefreq.solvers import SOLVERS

PACKAGE = Path(__file__).parents[1] / "pdefreq"

ORDER = [  # from the lowest layer to the highest; a nested folder may have a separate layer
    ["core"],
    ["problem.expressions"],
    ["problem.toml_tables"],
    ["domains"],
    ["problem.terms"],
    ["problem"],
    ["problem.files"],
    ["spaces"],
    ["theory"],
    ["spectrum"],
    ["functionals"],
    ["iterations"],
    ["parts"],
    ["solvers", "probes", "figures"],  # these are independent of each other
    ["runs"],
    ["integrations"],
    ["studies"],
    ["experiments"],
    ["reports"],
    ["commands"],
    ["cli"],
    ["__main__"],
]
LAYER = {name: layer for layer, names in enumerate(ORDER) for name in names}
MOST_ROOT_MODULES = 12
REGISTERED = {target.split(":")[0] for table in (SOLVERS, PROBES) for target in table.targets().values()}
MODULES = sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    """The name of a module below the package, such as ``"problem.terms.term"``; that of the package itself is empty."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {name_of(path): path for path in MODULES}


def imports(path: Path) -> set[str]:
    """Modules of pdefreq that a file imports: at its top, inside functions, and for annotations.

    A public name, ``from pdefreq import solve`` or ``pdefreq.solve``, counts as the module from which it is loaded.
    """
    found = set()

    def home(name: str) -> str:
        return pdefreq._PLACES.get(name, name)

    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "pdefreq":
            found.update(home(alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pdefreq."):
            module = node.module.removeprefix("pdefreq.")
            below = {f"{module}.{alias.name}" for alias in node.names}
            found.update(below & NAMES.keys() if below & NAMES.keys() else {module})
            found.update({module} if below - NAMES.keys() else set())
        elif isinstance(node, ast.Import):
            found.update(alias.name.removeprefix("pdefreq.") for alias in node.names if alias.name.startswith("pdefreq."))
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "pdefreq":
            found.update([home(node.attr)] if node.attr in pdefreq._PLACES else [])
    return {name for name in found if name in NAMES}


def layer_of(module: str) -> str:
    """The entry of `ORDER` to which a module belongs: the longest matching prefix of its name."""
    return max((name for name in LAYER if f"{module}.".startswith(f"{name}.")), key=len, default="")


def test_public_names_and_annotations_are_resolved_to_their_modules(tmp_path):
    file = tmp_path / "file.py"
    file.write_text(
        "import pdefreq\nfrom pdefreq import Stop, solvers\npdefreq.compare\npdefreq.__version__\n"
        "if TYPE_CHECKING:\n    from pdefreq.runs.run_folder import RunFolder\n"
        "def f():\n    from pdefreq.domains.geometry import rules\n"
    )
    assert imports(file) == {"core.history", "solvers", "studies.comparison", "runs.run_folder", "domains.geometry.rules"}


def test_every_module_has_a_layer():
    assert {layer_of(name) for name in NAMES if name} == set(LAYER)


def test_few_modules_are_in_the_root_of_the_package():
    assert len([path for path in MODULES if path.parent == PACKAGE]) <= MOST_ROOT_MODULES


@pytest.mark.parametrize("name", sorted(filter(None, NAMES)))
def test_imports_point_to_lower_layers_only(name):
    here = layer_of(name)
    for module in imports(NAMES[name]):
        there = layer_of(module)
        assert there == here or LAYER[there] < LAYER[here], f"{name} (layer {here}) imports {module} (layer {there})"
        if there == here and here in ("solvers", "probes") and name not in ("solvers", "probes", "solvers.chain"):
            assert f"pdefreq.{module}" not in REGISTERED, f"{name} imports {module}, which holds another entry of the same table"


def test_imports_form_no_cycle():
    """Imports for annotations count, because a reader follows them, too. The package itself only names its modules."""
    graph = {name: imports(path) for name, path in NAMES.items() if name}
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join((*path[path.index(module) :], module))
        if module not in done:
            for target in sorted(graph[module]):
                visit(target, (*path, module))
            done.add(module)

    for module in graph:
        visit(module, ())


def test_the_page_on_the_architecture_lists_the_folders_in_this_order():
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text()
    table = page.partition("## Folders")[2].partition("##")[0]
    named = [
        name.rstrip("/").replace("/", ".")
        for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
        for name in re.findall("`(.*?)`", row)
    ]
    assert named == [name for names in ORDER[:-1] for name in names]


def test_tests_are_in_the_folders_of_their_modules():
    """The test of a module has the name of the module; files with laws of several modules end in ``laws``."""
    tests = PACKAGE.parent / "tests"
    for path in tests.rglob("test_*.py"):
        name = path.stem.removeprefix("test_")
        if path.parent == tests or name.endswith("laws"):
            continue
        module = PACKAGE / path.parent.relative_to(tests) / name
        assert module.is_dir() or module.with_suffix(".py").exists(), path


LIGHT = [
    "",
    ".cli",
    ".core.history",
    ".core.registry",
    ".domains",
    ".experiments",
    ".parts",
    ".probes.probe",
    ".probes",
    ".solvers",
    ".spaces.networks.activations",
    ".spaces.networks.initializations",
]


@pytest.mark.parametrize("module", [f"pdefreq{name}" for name in LIGHT])
def test_light_modules_import_no_numerical_library(module):
    heavy = "{'torch', 'numpy', 'scipy', 'matplotlib', 'meshio', 'sympy', 'skfem'}"
    code = f"import sys, {module}; print(sorted({heavy} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_only_figures_import_matplotlib_and_only_mesh_files_import_meshio():
    for path in MODULES:
        names = {
            alias.name.split(".")[0]
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, (ast.Import, ast.ImportFrom))
            for alias in ([ast.alias(node.module or "")] if isinstance(node, ast.ImportFrom) else node.names)
        }
        here = name_of(path)
        # figures draw; the others only name Figure in annotations
        if layer_of(here) not in ("figures", "runs", "studies", "experiments"):
            assert "matplotlib" not in names, path
        if here != "domains.meshes.mesh_files":
            assert "meshio" not in names, path


def test_no_text_is_executed():
    """No module passes text to the interpreter or to the parser of SymPy, or loads a pickle."""
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                assert name not in {"eval", "exec", "compile", "sympify", "sympy.sympify", "parse_expr", "pickle.loads"}, path


def test_the_repository_contains_no_symbolic_links():
    """A link would refer to a path of one machine."""
    kept = subprocess.run(["git", "ls-files", "-s"], cwd=PACKAGE.parent, capture_output=True, text=True, check=False)
    if kept.returncode != 0:
        pytest.skip("not a git checkout")
    assert not [line for line in kept.stdout.splitlines() if line.startswith("120000")]
