"""A log line says what happened, and nobody outside can write another one or steer the terminal that shows it."""

import pytest
import structlog

from tessera_shared import logging
from tessera_shared.config import Log


@pytest.fixture(autouse=True)
def _reset():
    yield
    structlog.reset_defaults()
    logging.get.cache_clear()
    structlog.contextvars.clear_contextvars()


@pytest.mark.parametrize("form", ["console", "json"])
@pytest.mark.parametrize("character", ["\n", "\r", "\x1b", "\x08", "\x00", "\x7f", "\x9b", "\u2028"])
def test_a_control_character_in_a_value_is_written_as_text(capsys, form, character):
    logging.configure(Log(format=form), "authz")
    logging.get().info("request", path=f"/a{character}b")
    written = capsys.readouterr().err
    assert character not in written.rstrip("\n")
    assert written.count("\n") == 1


def test_a_traceback_keeps_its_lines_in_the_console(capsys):
    logging.configure(Log(format="console"), "authz")
    try:
        raise ValueError("\x1b[31mred")
    except ValueError as error:
        logging.get().error("broken", exc_info=error)
    written = capsys.readouterr().err
    assert "\n" in written.rstrip("\n")
    assert "\x1b" not in written
