"""The libraries that exist for Node only: one process, asked by lines of JSON."""

import functools
import json
import pathlib
import subprocess
import threading

SCRIPT = pathlib.Path(__file__).parent / "node" / "libraries.js"


class Node:
    def __init__(self):
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(["node", str(SCRIPT)], stdin=pipe, stdout=pipe, text=True)
        self.turn = threading.Lock()

    def ask(self, function, *arguments):
        with self.turn:
            print(json.dumps([function, *arguments]), file=self.process.stdin, flush=True)
            line = self.process.stdout.readline()
        assert line, "node has ended"
        answer = json.loads(line)
        assert "error" not in answer, f"{function}: {answer['error']}"
        return answer["result"]


@functools.cache
def _node():
    return Node()


def ask(function, *arguments):
    """What a library answers; a refusal is an answer, a failure of the library is not."""
    return _node().ask(function, *arguments)
