"""`anbiao requirements`: requirement -> tests -> result -> where in the docs, in two languages.

Red is what failed or was not tested. Results are those of the last `make test` over this very
source; without one every line is untested.
"""

import html
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import click

from api.requirements import ROOT, Judged, Result, judged

CHINESE: Final = {
    Result.PASSED: "通过",
    Result.FAILED: "未通过",
    Result.UNTESTED: "未测试",
}
_COLOURS: Final = {Result.PASSED: "green", Result.FAILED: "red", Result.UNTESTED: "red"}
_STYLE: Final = """
body { font: 15px/1.5 sans-serif; margin: 2em auto; max-width: 75em; padding: 0 1em; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid #ccc; padding: .4em .6em; text-align: left; vertical-align: top; }
code { font-size: 12px; overflow-wrap: anywhere; }
.passed { color: #06662d; } .failed, .untested { color: #a40000; font-weight: bold; }
"""


@click.command()
@click.argument("numbers", nargs=-1)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "html"]),
    default="text",
    show_default=True,
    help="How it is printed.",
)
@click.option(
    "--lang",
    type=click.Choice(["en", "zh", "both"]),
    help="Language of the texts; both unless set, English in JSON.",
)
@click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False),
    default=ROOT,
    help="Source tree; this program's own unless set.",
)
def requirements(numbers: Sequence[str], form: str, lang: str | None, root: Path) -> int:
    """Show each requirement, its tests, their result and where the docs speak of it.

    NUMBERS (R10, R84, ...) limit what is shown. JSON is a list of `id, text, tests, result, where`.
    Exit 0 when every line shown passed, 1 when one is red: failed or untested.
    """
    shown = _asked(numbers, root)
    language = lang or ("en" if form == "json" else "both")
    match form:
        case "json":
            click.echo(json.dumps([_row(one, language) for one in shown], ensure_ascii=False))
        case "html":
            click.echo("".join(_html(shown, language)))
        case _:
            _print(shown, language)
    return int(any(one.result != Result.PASSED for one in shown))


def _asked(numbers: Sequence[str], root: Path) -> list[Judged]:
    try:
        known = {one.requirement.number: one for one in judged(root)}
    except FileNotFoundError:
        raise click.BadParameter("is no source tree of Anbiao", param_hint="--root") from None
    unknown = [number for number in numbers if number not in known]
    if unknown:
        raise click.BadParameter(f"there is no {', '.join(unknown)}", param_hint="NUMBERS")
    return [one for number, one in known.items() if not numbers or number in numbers]


def _texts(one: Judged, language: str) -> list[str]:
    english, chinese = one.requirement.english, one.requirement.chinese
    return {"en": [english], "zh": [chinese]}.get(language, [english, chinese])


def _verdict(result: Result, language: str) -> str:
    words = {"en": result.value, "zh": CHINESE[result]}
    return words.get(language, f"{result.value} {CHINESE[result]}")


def _row(one: Judged, language: str) -> dict[str, object]:
    return {
        "id": one.requirement.number,
        "text": "\n".join(_texts(one, language)),
        "tests": list(one.tests),
        "result": one.result.value,
        "where": one.requirement.where,
    }


def _print(shown: Sequence[Judged], language: str) -> None:
    for one in shown:
        said = click.style(_verdict(one.result, language), fg=_COLOURS[one.result])
        click.echo(f"{one.requirement.number}  {said}")
        for line in (*_texts(one, language), *one.tests, f"-> {one.requirement.where}"):
            click.echo(f"     {line}")
    click.echo(_summary(shown, language))


def _summary(shown: Sequence[Judged], language: str) -> str:
    counts = Counter(one.result for one in shown)
    return ", ".join(f"{counts[result]} {_verdict(result, language)}" for result in Result)


def _html(shown: Sequence[Judged], language: str) -> Iterator[str]:
    """One page that needs nothing beside it."""
    heads = ["Requirement 要求", "Result 结果", "Tests 测试", "Where 文档"]
    yield '<!DOCTYPE html>\n<html lang="en"><meta charset="utf-8"><title>Anbiao 安标</title>\n'
    yield f"<style>{_STYLE}</style>\n<h1>Requirements 要求</h1>\n"
    yield f"<p>{html.escape(_summary(shown, language))}</p>\n<table>\n<tr><th>No."
    yield "".join(f"<th>{head}" for head in heads) + "</tr>\n"
    for one in shown:
        texts = "<br>".join(map(html.escape, _texts(one, language)))
        tests = "<br>".join(f"<code>{html.escape(test)}</code>" for test in one.tests)
        yield f"<tr><td>{one.requirement.number}<td>{texts}"
        yield f'<td class="{one.result.value}">{_verdict(one.result, language)}'
        yield f"<td>{tests}<td>{html.escape(one.requirement.where)}</tr>\n"
    yield "</table>\n</html>"
