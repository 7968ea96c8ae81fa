"""From what a command raises to what a person reads and what a shell sees.

Exit status: 0 done, 1 failed, 2 bad usage or bad recipe, 3 stopped and resumable.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback

import click

from builder.errors import InterruptedRunError, MagpieError, PrerequisiteError, RecipeError

BUG_REPORT = "MAGPIE_TRACEBACK"
"""Set in the environment, it adds Python's traceback to the message of an unexpected error."""


def run(command: click.Command, arguments: list[str] | None = None) -> int:
    """Run a command; return the exit status. Everything that went wrong is on stderr by then."""
    # A shell that starts us in the background has SIGINT ignored: `kill -INT` must stop us too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for ending in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(ending) is not signal.SIG_IGN:  # nohup ignores the one on purpose
            signal.signal(ending, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        status = command.main(arguments, prog_name="magpie", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        exec("")  # one that comes during an import leaves CPython set on dying by the signal
        return _report(InterruptedRunError("stopped", mend="Run the same command to go on."))
    except MagpieError as error:
        return _report(error)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left: fine
        return 0
    except Exception as error:  # noqa: BLE001  (the door: nothing may reach people as a traceback)
        return _report_bug(error)
    return status if isinstance(status, int) else 0  # click returns what a command exits with


def _report(error: MagpieError) -> int:
    faults = error.faults if isinstance(error, RecipeError) else ()
    missing = error.missing if isinstance(error, PrerequisiteError) else ()
    for fault in faults:
        click.echo(fault, err=True)
    word = "stopped" if error.exit_status == InterruptedRunError.exit_status else "error"
    text = error.message if error.message.startswith(word) else f"{word}: {error.message}"
    click.secho(text, fg="yellow" if word == "stopped" else "red", err=True)
    for line in missing:
        click.echo(f"  {line}", err=True)
    if error.mend:
        click.echo(error.mend, err=True)
    if "--json" in sys.argv:
        document = {"error": error.message, "mend": error.mend, "faults": faults}
        document |= {"missing": missing} if missing else {}
        click.echo(json.dumps(document, ensure_ascii=False))
    return error.exit_status


def _report_bug(error: Exception) -> int:
    if os.environ.get(BUG_REPORT):
        traceback.print_exception(error)
    click.secho(f"error: unexpected {type(error).__name__}: {error}", fg="red", err=True)
    click.echo(
        f"This is a fault of magpie. Please report it, with the output under {BUG_REPORT}=1. "
        "What the run holds is safe.",
        err=True,
    )
    return 1
