"""Reports of runs in a real browser, and their text."""

import base64
import html
import re
import shlex
from dataclasses import replace

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from pdefreq import Monitor, OptionError, compare, load_problem, load_run, make_solver, report, solve
from pdefreq.cli import app
from pdefreq.commands.report import report as command
from pdefreq.reports.repeat import command_of

PROBES = ["error", "spectral", "snapshots"]
HOSTILE = '<script>alert(1)</script> u on [/a] & "quotes"'


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A report of two runs in the plane, whose problem has a hostile title."""
    problem = replace(load_problem("quadratic"), title=HOSTILE)
    runs = [solve(problem, f"{name}:intervals=16", steps=30, probes=PROBES) for name in ("jacobi", "gauss-seidel")]
    return report(*runs).save(tmp_path_factory.mktemp("report") / "report.html")


@pytest.fixture
def opened(page, browser):
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.get(page.as_uri())
    return browser


@pytest.mark.slow
def test_the_console_has_no_errors_and_titles_are_text(opened):
    assert opened.title == HOSTILE and opened.find_element("tag name", "h1").text == HOSTILE
    assert opened.get_log("browser") == []  # a violation of the content security policy is an entry as well


@pytest.mark.slow
def test_the_slider_moves_the_curve_and_changes_the_picture(opened):
    def state():
        return opened.execute_script(
            "const c = document.getElementById('snapshots-0-canvas'); return [document.getElementById('snapshots-0-u')"
            ".getAttribute('d'), c.toDataURL(), document.getElementById('snapshots-0-step').textContent]"
        )

    after = state()
    slider = opened.find_element("id", "snapshots-0-at")
    slider.send_keys("\ue011")  # the key Home
    before = state()
    assert before[2] == "step 0" and after[2] == "step 30"
    assert before[0] != after[0] and before[1] != after[1]


@pytest.mark.slow
def test_boxes_hide_curves_and_the_axis_changes(opened):
    box = opened.find_element("css selector", "input[data-curve='error-step-0']")
    box.send_keys(" ")  # with the keyboard
    assert not opened.find_element("id", "error-step-0").is_displayed()
    opened.find_element("css selector", "input[data-panel='error-panel-1']").send_keys(" ")
    assert (
        opened.find_element("id", "error-panel-1").is_displayed()
        and not opened.find_element("id", "error-panel-0").is_displayed()
    )


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violations(opened, scheme):
    """Contrast included, in both color schemes, with all tables open."""
    from axe_core_python.selenium import Axe

    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    dark = opened.execute_script("return getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark == (scheme == "dark")
    opened.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")
    found = Axe().run(opened)["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []


@pytest.mark.slow
def test_a_phone_needs_no_horizontal_scrolling(opened):
    size = {"width": 360, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    opened.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")
    assert opened.execute_script("return document.documentElement.scrollWidth") <= 360


def test_the_document_is_small_and_names_no_other_place(page):
    text = html.unescape(page.read_text())
    assert len(text) < 3e6  # bytes
    assert not re.search(r'(src|href)="(?!#)', text) and "@import" not in text and "url(" not in text
    assert "default-src 'none'" in text and "unsafe" not in text


def test_formulas_have_the_names_of_mathematics():
    """The printer of SymPy writes class names, which are Sine and Cosine in this package."""
    text = report(solve("poisson", "jacobi:intervals=8", steps=2)).html
    assert "<mi>sin</mi>" in text and "sine(" not in text and "<mi>sine</mi>" not in text
    assert "<mo>∇</mo>" in text


def test_tables_contain_the_numbers_of_the_run():
    run = solve("poisson", "jacobi:intervals=16", steps=5)
    text = report(run).html
    for error in run.history.column("relative_l2"):
        assert f"<td>{error:.4g}</td>" in text
    assert "pdefreq solve poisson --method jacobi:intervals=16 --seed 0 --dtype float64 --steps 5" in text


def test_the_modes_of_a_run_of_one_step_have_their_total_errors():
    """The error against the discrete solution, which is zero after one direct solution, is not drawn."""
    run = solve("poisson", "fem:cells=32")
    text = report(run).html
    assert "Error of each mode after the step, fem" in text and "Heat map" not in text
    (dots,) = re.findall(r'<path d="([^"]*)" id="[^"]*" class="curve c0 dots">', text)
    assert dots.count("M") == len(run.spectrum().rows) > 10
    for row in run.spectrum().rows:
        assert f"<td>{row.error:.4g}</td>" in text


@pytest.mark.parametrize(("cells", "told"), [(64, True), (2048, False)])
def test_errors_below_that_of_the_reference_solution_are_bounds(cells, told):
    """The errors of the modes are about 1e-3 and 1e-11; that of the reference solution is 5e-9."""
    run = solve(replace(load_problem("poisson"), exact=None), f"fem:cells={cells}")
    rows = run.spectrum().rows_to_print(30)
    assert report(run).html.count("<td>&lt; ") == (0 if told else len(rows)) and len(rows) > 10


REPEATED = {  # runs, and words that the command must have
    "options in the name": (("poisson", "jacobi:intervals=16"), {}, "--method jacobi:intervals=16"),
    "a label": (("poisson", make_solver("jacobi", {"intervals": 16})), {"method": "mine"}, "--method jacobi --set intervals=16"),
    "options in Python": (
        ("poisson", make_solver("mscale", {"widths": [4], "optimizer": "gauss-newton", "number": 50, "boundary": "penalty"})),
        {"modes": "fourier", "probes": ["error", "spectral", "holdout", "ntk:number=9", "snapshots"]},
        "--modes fourier --probe ntk:number=9 --probe snapshots",
    ),
    "weights": (
        ("poisson", "pinn:widths=[4],number=50,boundary=penalty,weights=boundary:3"),
        {"predict": False},
        "--no-prediction",
    ),
    "a chain": (("poisson", "deep-ritz:widths=[4],number=50,steps=2+jacobi:intervals=16"), {"seed": 3}, "--seed 3"),
    "a variant and a parameter": (("poisson-chirp", "jacobi:intervals=16"), {"dtype": "float32"}, "--param mu=7.25"),
}


@pytest.mark.parametrize("case", REPEATED)
def test_the_command_of_a_report_repeats_the_run(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (problem, method), options, words = REPEATED[case]
    problem = load_problem(problem, mu=7.25, dimension=1) if "chirp" in problem else problem
    run = solve(problem, method, steps=3, **options)
    command = command_of(run)
    assert words in command
    done = CliRunner().invoke(app, [*shlex.split(command)[1:], "--out", "again", "--no-figures", "-q"])
    assert done.exit_code in (0, 1), done.output
    again = load_run("again")
    assert torch.equal(again.state.coefficients, run.state.coefficients)
    assert again.spec.solver == run.spec.solver
    assert set(again.history.names) >= set(run.history.names)


def test_the_command_names_the_file_of_a_problem(tmp_path):
    text = '[domain]\nkind = "box"\nlower = 0\nupper = 1\n[equation]\nexact = "sin(pi*x)"\n'
    (tmp_path / "poisson.toml").write_text(text)
    own = load_problem(tmp_path / "poisson.toml")
    assert own.digest != load_problem("poisson").digest
    assert "pdefreq solve poisson.toml --method" in command_of(solve(own, "jacobi", steps=1))
    given = replace(own, source=lambda x: x[:, 0], exact=None)
    assert command_of(solve(given, "jacobi:intervals=8", steps=1, reference=0.0)).startswith("This run contains Python objects")


def test_a_record_of_another_program_is_reported():
    monitor = Monitor("poisson", label="<b>mine</b>")
    for step in range(3):
        monitor(step, lambda x, step=step: np.sin(np.pi * x[:, 0]) * step)
    text = report(monitor).html
    assert "&lt;b&gt;mine&lt;/b&gt;" in text and "<b>mine" not in text and "another program" in text


def test_bad_input_is_refused(tmp_path):
    run = solve("poisson", "jacobi:intervals=8", steps=1)
    with pytest.raises(OptionError, match="at least one run"):
        report()
    with pytest.raises(OptionError, match="a report is made of solutions, monitors, records and run folders, got int"):
        report(3)  # pyright: ignore[reportArgumentType]
    with pytest.raises(OptionError, match="the same problem"):
        report(run, solve("tones", "regression", steps=1))
    with pytest.raises(OptionError, match=r"written as \.html"):
        report(run).save(tmp_path / "report.pdf")


def test_the_command_reads_folders(tmp_path, capsys):
    solve("poisson", "jacobi:intervals=8", steps=2).save(tmp_path / "a")
    command([tmp_path / "a"], tmp_path / "r.html")
    assert (tmp_path / "r.html").read_text().startswith("<!DOCTYPE html>") and "report: " in capsys.readouterr().out


def test_the_folder_of_a_comparison_stands_for_its_runs(tmp_path):
    compare("poisson", ["jacobi:intervals=8", "fem:cells=8"], steps=2, folder=tmp_path / "both")
    text = report(tmp_path / "both").html
    assert text == report(*sorted((tmp_path / "both").glob("*-seed0"))).html
    assert "jacobi:intervals=8" in text and "fem:cells=8" in text


@pytest.mark.slow
@pytest.mark.parametrize("width", [800, 1000, 1100, 1200, 1600])
def test_no_table_is_wider_than_its_container(opened, width):
    """All tables are opened; the table of results has nine columns, and maps and predictions have more."""
    opened.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    )
    wide = opened.execute_script(
        "document.querySelectorAll('details').forEach(each => each.open = true);"
        "return [...document.querySelectorAll('.scroll')].filter(each => each.scrollWidth > each.clientWidth)"
        ".map(each => each.getAttribute('aria-label'))"
    )
    assert wide == []


@pytest.mark.slow
def test_paper_has_all_curves_and_tables_in_dark_ink(opened):
    """The colors of paper do not depend on the scheme of the screen; tables are closed again afterwards."""
    at = "const s = getComputedStyle(document.documentElement); return ['--back', '--text', '--c1'].map(k => s.getPropertyValue(k))"
    closed = "return document.querySelectorAll('details:not([open])').length"
    before = opened.execute_script(closed)
    opened.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"media": "print", "features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    )
    try:
        assert opened.execute_script(at) == ["#fff", "#000", "#c04a00"]
        opened.execute_script("window.dispatchEvent(new Event('beforeprint'))")
        assert opened.execute_script(closed) == 0 < before
        assert (
            opened.execute_script(
                "return [...document.querySelectorAll('svg[role=img], .scroll')].filter(e => e.getClientRects().length === 0"
                " && !e.closest('.panel[hidden] details')).length"
            )
            == 0
        )
        opened.execute_script("window.dispatchEvent(new Event('afterprint'))")
        assert opened.execute_script(closed) == before
        pages = opened.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})["data"]
        assert base64.b64decode(pages)[:5] == b"%PDF-"
        size = "const c = document.createElement('div'); c.style.width = '182mm'; document.body.append(c); return c.offsetWidth"
        paper = opened.execute_script(size)  # A4 without the margins
        opened.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride", {"width": paper, "height": 1000, "deviceScaleFactor": 1, "mobile": False}
        )
        opened.execute_script("window.dispatchEvent(new Event('beforeprint'))")
        wide = "return [...document.querySelectorAll('table, svg, pre')].filter(e => e.getBoundingClientRect().right > innerWidth).length"
        assert opened.execute_script(wide) == 0
    finally:
        opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
