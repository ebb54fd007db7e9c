"""CPython's wsgiref, answering for the parity tests.

A request is a line of JSON on stdin, {"id", "op", "cases"}; its answer a line on stdout, {"id", "outcomes"}, with
{"value"} or {"error"} for each case. An operation is a function of one case below, under the name of the request.
"""

import json
import os
import sys
from wsgiref import handlers, headers, util

# Python runs isolated, and so does not look beside this file by itself.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import environs  # noqa: E402
import responses  # noqa: E402
import scenarios  # noqa: E402

OPERATIONS = {}


def operation(function):
    OPERATIONS[function.__name__] = function
    return function


def native(data):
    """Bytes as JSON can carry them: a code unit for each."""
    return data.decode("latin-1")


@operation
def version(_):
    return sys.version.split()[0]


# --- wsgiref.util, format_date_time, and PEP 3333's native strings


@operation
def guess_scheme(case):
    return util.guess_scheme(case["environ"])


@operation
def application_uri(case):
    return util.application_uri(case["environ"])


@operation
def request_uri(case):
    return util.request_uri(case["environ"], case["includeQuery"])


@operation
def shift_path_info(case):
    environ = case["environ"]
    return {"returned": util.shift_path_info(environ), "environ": environ}


@operation
def setup_testing_defaults(case):
    environ = case["environ"]
    util.setup_testing_defaults(environ)
    errors = environ["wsgi.errors"]
    errors.write("one\n")
    errors.writelines(["two", "three"])
    errors.flush()
    for key in ("wsgi.run_once", "wsgi.multithread", "wsgi.multiprocess"):
        environ[key] = bool(environ[key])
    environ["wsgi.errors"] = errors.getvalue()
    environ["wsgi.input"] = [
        native(data) for data in (environ["wsgi.input"].read(), environ["wsgi.input"].readline())
    ]
    return environ


@operation
def is_hop_by_hop(case):
    return util.is_hop_by_hop(case["name"])


@operation
def format_date_time(case):
    return handlers.format_date_time(case["seconds"])


@operation
def wsgi_to_utf8(case):
    return case["text"].encode("latin-1").decode("utf-8", "replace")


@operation
def utf8_to_wsgi(case):
    return case["text"].encode("utf-8").decode("latin-1")


class ScriptedFile:
    """A file whose reads give the blocks it was made with, whatever is asked for."""

    def __init__(self, blocks):
        self.blocks = [b["text"] if isinstance(b, dict) else b.encode("latin-1") for b in blocks]
        self.asked = []

    def read(self, size):
        self.asked.append(size)
        return self.blocks.pop(0) if self.blocks else b""


class ClosableFile(ScriptedFile):
    closed = 0

    def close(self):
        self.closed += 1


@operation
def file_wrapper(case):
    file = (ClosableFile if case["closable"] else ScriptedFile)(case["blocks"])
    wrapper = util.FileWrapper(file, *case["blksize"])
    chunks = [chunk if isinstance(chunk, str) else native(chunk) for chunk in wrapper]
    if hasattr(wrapper, "close"):
        wrapper.close()
    return {"chunks": chunks, "asked": file.asked, "closed": getattr(file, "closed", None)}


@operation
def file_wrapper_of_file(case):
    with open(case["path"], "rb") as file:
        file.seek(case["position"])
        return [native(chunk) for chunk in util.FileWrapper(file, case["blksize"])]


# --- wsgiref.headers


def header_list(given):
    """JSON has arrays where wsgiref wants a list of tuples."""
    if not isinstance(given, list):
        return given
    return [tuple(pair) if isinstance(pair, list) else pair for pair in given]


HEADERS_METHODS = {
    "get": lambda h, *args: h.get(*args),
    "getAll": lambda h, name: h.get_all(name),
    "set": lambda h, name, value: h.__setitem__(name, value),
    "delete": lambda h, name: h.__delitem__(name),
    "has": lambda h, name: name in h,
    "setDefault": lambda h, name, value: h.setdefault(name, value),
    "addHeader": lambda h, name, value, params: h.add_header(name, value, **params),
    "keys": lambda h: h.keys(),
    "values": lambda h: h.values(),
    "items": lambda h: h.items(),
    "length": lambda h: len(h),
    "toString": lambda h: str(h),
    "toBytes": lambda h: native(bytes(h)),
}


@operation
def refuses_line_breaks(_):
    """Whether this release has the fix of CVE-2026-0865."""
    return "error" in step(headers.Headers, [("a", "b\r\nc: d")])


@operation
def headers_sequence(case):
    """What came of the constructor and of each call, with the list that was given as it was then."""
    given = header_list(case["given"])
    made = []

    def construct():
        made.append(headers.Headers() if given is None else headers.Headers(given))

    steps = [step(construct)]
    for h in made:
        for method, *args in case["calls"]:
            done = step(HEADERS_METHODS[method], h, *args)
            steps.append(dict(done, given=list(given or [])))
    return steps


def step(function, *args):
    try:
        return {"value": function(*args)}
    except Exception:
        return {"error": True}


# --- wsgiref.validate


@operation
def validate(scenario):
    return scenarios.verdict(scenario)


# --- wsgiref.handlers


@operation
def respond(case):
    return responses.respond(case)


@operation
def fail(case):
    return responses.fail(case)


@operation
def serve_environ(_):
    return environs.serve()


@operation
def read_environ(case):
    return environs.read_environ(case)


@operation
def has_os_environ(_):
    return environs.has_os_environ()


@operation
def tests_of_wsgiref(_):
    """The names of CPython's own tests, where they are installed."""
    try:
        from test import test_wsgiref
    except ImportError:
        return []
    classes = [value for value in vars(test_wsgiref).values() if isinstance(value, type)]
    return sorted({name for c in classes for name in vars(c) if name.startswith("test")})


# --- the conversation


def outcome(function, case):
    try:
        return {"value": function(case)}
    except Exception as error:
        return {"error": "%s: %s" % (type(error).__name__, error)}


def main():
    for line in sys.stdin:
        request = json.loads(line)
        function = OPERATIONS[request["op"]]
        outcomes = [outcome(function, case) for case in request["cases"]]
        print(json.dumps({"id": request["id"], "outcomes": outcomes}), flush=True)


if __name__ == "__main__":
    main()
