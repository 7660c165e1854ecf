"""The ``peerlane`` command. Each subcommand is loaded only when it is called."""

from __future__ import annotations

import sys
from importlib.metadata import version

from cyclopts import App, CycloptsError

EXIT_ERROR = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
DEBUG = "--debug"

app = App(
    name="peerlane",
    help="WebRTC for browsers and Python: a signaling server, and peers for the terminal.",
    help_epilogue=f"{DEBUG} anywhere: show the traceback of an unexpected error.",
    version=lambda: version("peerlane"),
    help_format="plaintext",
    result_action="return_value",
)
# The help texts stand here too, or listing the commands would load them all.
app.command("peerlane.serve:serve", help="Run the signaling server, its page and its STUN responder.")
app.command("peerlane.drain:drain", help="Make one node of a server leave, and wait until it is empty.")
app.command("peerlane.chat:chat", help="Talk in a room from the terminal, or from a program.")
app.command("peerlane.call:call", help="Send a sound or video into a room, and record what is heard.")

nat = App(name="nat", help="Find out what this network lets through, and why a connection fails.")
nat.command("peerlane.nat.check:check", help="Say what this network does, and what connections to expect.")
nat.command(
    "peerlane.nat.pair:pair", help="Connect two ends, and say which path was taken and how good it is."
)
app.command(nat)

turn = App(name="turn", help="Configure a TURN server, run one, and find the holes in one.")
turn.command("peerlane.turn.audit:audit", help="Ask a TURN server for what it must refuse.")
turn.command("peerlane.turn.config:config", help="Write the configuration of a TURN server.")
turn.command("peerlane.turn.up:up", help="Run a TURN server here.")
app.command(turn)

token = App(name="token", help="Make tokens, read them, and make the keys that sign them.")
token.command("peerlane.token:new", help="Make a token for somebody.")
token.command("peerlane.token:inspect", help="Show what is in a token, and what a server would say of it.")
token.command("peerlane.token:keys", help="Make a key that signs tokens.")
app.command(token)

bench = App(name="bench", help="Find out what a server can carry.")
bench.command(
    "peerlane.bench.load:load", help="Load a server, and count what was lost, doubled and reordered."
)
app.command(bench)


def main() -> None:
    """Run a command and exit: 0 done, 1 it could not be done, 2 not understood, 130 interrupted."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run a command to its exit code; nothing but ``--debug`` shows a traceback."""
    is_debugging = DEBUG in arguments
    try:
        result = app([each for each in arguments if each != DEBUG], exit_on_error=False)
    except CycloptsError:
        return EXIT_USAGE  # cyclopts has said what is wrong
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except Exception as error:  # the last one who can say it in one line
        if is_debugging:
            raise
        print(f"peerlane: unexpected: {type(error).__name__}: {error} ({DEBUG} shows where)", file=sys.stderr)
        return EXIT_ERROR
    return result if isinstance(result, int) else 0


if __name__ == "__main__":
    main()
