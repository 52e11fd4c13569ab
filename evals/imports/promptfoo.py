"""promptfoo configurations: tests with variables and assertions (promptfoo.dev/docs/configuration/reference).

Only data is read. What would run code, ask a server or look at other machines is left out by its line.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evals.imports.found import Draft, Found
from evals.imports.promptfoo_asserts import mapped
from evals.imports.promptfoo_csv import csv_tests
from evals.imports.promptfoo_values import NotKept, beside, filled, is_file, read_bytes, text_of
from store.bounded import JSON_LIMIT
from store.errors import InputError
from store.text import one_line
from store.yaml_text import Row, Table, parse_yaml

_MOST_CASES = 20_000
_MOST_OF_ONE = 1_000
"""Cases that the lists in one test's variables may make."""
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]{0,63}")
_CHANGES = ("transform", "postprocess", "transformVars")


def read_promptfoo(data: bytes, path: Path) -> Found:
    """Every test of a configuration, those in files beside it too. Raises InputError naming file and line."""
    config = parse_yaml(data, path.name)
    if isinstance(config, Row):  # a file of tests alone
        tests, config = config, Table()
        config.line, config.lines = 1, {}
        config["tests"] = tests
    if not isinstance(config, Table):
        raise InputError(f"{path.name} is no promptfoo configuration: it holds no table of keys.")
    return _Reading(config, path).found


def looks_like(value: object) -> bool:
    """Whether a parsed document is a configuration of promptfoo."""
    return isinstance(value, Table) and bool({"tests", "prompts", "providers", "scenarios"} & value.keys())


class _Reading:
    def __init__(self, config: Table, path: Path) -> None:
        self.found = Found()
        self._config, self._file, self._folder = config, path.name, path.parent
        self._default = self._default_test()
        for key in ("redteam", "extensions"):
            if config.get(key):
                self.found.cannot(self._at(config.at(key)), f"{key} makes or changes tests by running code")
        tests = list(self._tests(config.get("tests"), config.at("tests"), self._file))
        for one, file in (*tests, *self._scenarios()):
            self._test(one, file)
        if not tests and not config.get("scenarios"):
            self.found.cannot(self._at(config.line or 1), "it holds no tests")

    def _at(self, line: int, file: str | None = None) -> str:
        return f"{file or self._file}, line {max(line, 1)}"

    # -- which tests there are --------------------------------------------------------------------

    def _default_test(self) -> Table:
        found = self._config.get("defaultTest")
        at = self._at(self._config.at("defaultTest"))
        try:
            if is_file(found) and str(found).endswith((".yaml", ".yml", ".json")):
                path = beside(self._folder, str(found))
                found = parse_yaml(read_bytes(path, JSON_LIMIT), path.name)
            elif isinstance(found, str):
                raise NotKept(f"defaultTest reads {one_line(found, 80)}")
        except NotKept as why:
            self.found.cannot(at, str(why))
            found = None
        if isinstance(found, Table):
            return found
        empty = Table()
        empty.lines = {}
        return empty

    def _tests(self, value: Any, line: int, file: str) -> Iterator[tuple[Table, str]]:
        """Each test with the file that it stands in."""
        if value is None:
            return
        if isinstance(value, str):
            yield from self._tests_of_file(value, self._at(line, file))
        elif isinstance(value, Table):
            if "path" in value:
                self.found.cannot(self._at(line, file), "tests come from a generator, which is code")
            else:
                yield value, file
        elif isinstance(value, Row):
            for index, one in enumerate(value):
                if isinstance(one, Table) and "path" not in one:
                    yield one, file
                else:
                    yield from self._tests(one, value.at(index), file)
        else:
            self.found.cannot(self._at(line, file), "tests is no list")

    def _tests_of_file(self, name: str, at: str) -> Iterator[tuple[Table, str]]:
        try:
            for path in self._named(name):
                data = read_bytes(path, JSON_LIMIT)
                if path.suffix == ".csv":
                    yield from ((one, path.name) for one in csv_tests(data, path.name, self.found))
                elif path.suffix == ".jsonl":
                    for number, text in enumerate(data.split(b"\n"), 1):
                        if text.strip():
                            one = parse_yaml(text, f"{path.name}, line {number}")
                            if isinstance(one, Table):
                                _moved(one, number)
                                yield one, path.name
                else:
                    value = parse_yaml(data, path.name)
                    yield from self._tests(value if not isinstance(value, str) else None, 1, path.name)
        except NotKept as why:
            self.found.cannot(at, str(why))

    def _named(self, name: str) -> list[Path]:
        plain = name.removeprefix("file://")
        if "://" in plain or not plain.endswith((".csv", ".jsonl", ".json", ".yaml", ".yml")):
            raise NotKept(f"tests come from {one_line(name, 80)}")
        if not any(mark in plain for mark in "*?["):
            return [beside(self._folder, name)]
        if ".." in plain or plain.startswith("/"):
            raise NotKept(f"{one_line(name, 80)} is outside the folder")
        return [
            beside(self._folder, str(one.relative_to(self._folder)))
            for one in sorted(self._folder.glob(plain))
        ]

    def _scenarios(self) -> Iterator[tuple[Table, str]]:
        """Every set of a scenario's variables with every one of its tests."""
        scenarios = self._config.get("scenarios")
        for scenario in scenarios if isinstance(scenarios, Row) else ():
            if not isinstance(scenario, Table) or not isinstance(scenario.get("config"), Row):
                self.found.cannot(
                    self._at(self._config.at("scenarios")), "a scenario is not written out here"
                )
                continue
            tests = list(self._tests(scenario.get("tests"), scenario.at("tests"), self._file))
            for given, (test, file) in itertools.product(scenario["config"], tests):
                yield _joined(given, test) if isinstance(given, Table) else test, file

    # -- one test ---------------------------------------------------------------------------------

    def _test(self, test: Table, file: str) -> None:
        at = self._at(test.line, file)
        if len(self.found.drafts) >= _MOST_CASES:
            raise InputError(f"{at}: there are more than {_MOST_CASES:,} cases; split the file.")
        try:
            options = {**_table(self._default.get("options")), **_table(test.get("options"))}
            code = next((key for key in _CHANGES if key in options), None)
            if code is not None:
                raise NotKept(f"its answers go through {code}, which is code")
            if test.get("threshold") is not None:
                self.found.remark(at, "its threshold is not kept: a case passes with all of its graders")
            sets = list(self._sets({**_table(self._default.get("vars")), **_table(test.get("vars"))}))
            for number, variables in enumerate(sets, 1):
                self._draft(test, file, at, variables, f" {number}" if len(sets) > 1 else "")
        except NotKept as why:
            self.found.cannot(at, str(why))

    def _sets(self, variables: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """promptfoo asks every combination of the values of variables that are lists."""
        choices: dict[str, list[Any]] = {}
        size = 1
        for name, value in variables.items():
            if not _NAME.fullmatch(name):
                raise NotKept(f"the variable {one_line(name, 60)!r} is no name")
            options = list(value) if isinstance(value, list) else [value]
            choices[name] = [self._value(name, one) for one in options]
            size *= len(options)
            if size > _MOST_OF_ONE:
                raise NotKept(f"its variables make more than {_MOST_OF_ONE:,} cases")
        for combination in itertools.product(*choices.values()):
            found = dict(zip(choices, combination, strict=True))
            yield {
                name: filled(value, {**found, name: value}) if isinstance(value, str) else value
                for name, value in found.items()
            }

    def _value(self, name: str, value: Any) -> str | int | float | bool:
        if is_file(value):
            return text_of(self._folder, str(value))
        if isinstance(value, str | int | float | bool):
            return value
        raise NotKept(f"the variable {name} is neither text nor a number")

    def _draft(self, test: Table, file: str, at: str, variables: dict[str, Any], which: str) -> None:
        graders: list[dict[str, Any]] = []
        references: list[str] = []
        for one, where in self._asserts(test, file):
            try:
                found = mapped(one, variables)
                if found.reference is not None:
                    if references and references[0] != found.reference:
                        raise NotKept(f"{one['type']} has another reference than the one before")
                    references.append(found.reference)
                graders += [grader for grader in found.graders if grader not in graders]
                if found.remark:
                    self.found.remark(where, found.remark)
            except NotKept as why:
                self.found.cannot(where, str(why))
        if not graders:
            raise NotKept("it expects nothing that can be graded here")
        data = _table(test.get("metadata"))
        tags = data.get("tags")
        said = test.get("description")
        self.found.drafts.append(
            Draft(
                where=at,
                input=self._input(variables),
                expect=tuple(graders),
                name=f"{said}{which}" if isinstance(said, str) else "",
                category=str(data["category"]) if isinstance(data.get("category"), str) else "",
                reference=references[0] if references else None,
                tags=tuple(one_line(str(one), 60) for one in tags) if isinstance(tags, list) else (),
            )
        )

    def _input(self, variables: dict[str, Any]) -> Any:
        kept = {name: value for name, value in variables.items() if value != ""}
        if kept:
            return kept
        prompts = self._config.get("prompts")
        only = prompts[0] if isinstance(prompts, Row) and len(prompts) == 1 else prompts
        if not isinstance(only, str) or is_file(only) or not only.strip():
            raise NotKept("it has no variables, so there is nothing to ask")
        return filled(only, {})

    def _asserts(self, test: Table, file: str) -> Iterator[tuple[Mapping[str, Any], str]]:
        for holder, of in ((test, file), (self._default, self._file)):
            yield from self._flat(holder.get("assert"), holder, of)

    def _flat(self, value: Any, holder: Table, file: str) -> Iterator[tuple[Mapping[str, Any], str]]:
        if value is None:
            return
        if not isinstance(value, Row):
            self.found.cannot(self._at(holder.at("assert"), file), "assert is no list")
            return
        for index, one in enumerate(value):
            at = self._at(value.at(index), file)
            if isinstance(one, Table) and isinstance(one.get("$ref"), str):
                one = self._referred(one, at)
            if not isinstance(one, Table):
                self.found.cannot(at, "an assertion is no table")
            elif one.get("type") == "assert-set" and one.get("threshold") is None:
                yield from self._flat(one.get("assert"), one, file)
            else:
                yield one, at

    def _referred(self, one: Table, at: str) -> Table | None:
        name = str(one["$ref"]).removeprefix("#/assertionTemplates/")
        found = _table(self._config.get("assertionTemplates")).get(name)
        if not isinstance(found, Table):
            self.found.cannot(at, f"it refers to {one_line(name, 60)!r}, which is not in the file")
            return None
        return found


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _joined(given: Table, test: Table) -> Table:
    """A test with the variables of a scenario below its own."""
    joined = Table(test)
    joined.line, joined.lines = test.line, dict(test.lines)
    joined["vars"] = {**_table(given.get("vars")), **_table(test.get("vars"))}
    return joined


def _moved(one: Any, line: int) -> None:
    """Sets every line below `one`, which stands on a line of its own, to that."""
    if isinstance(one, Table):
        one.line, one.lines = line, dict.fromkeys(one.lines, line)
        for value in one.values():
            _moved(value, line)
    elif isinstance(one, Row):
        one.line, one.lines = line, [line] * len(one)
        for value in one:
            _moved(value, line)
