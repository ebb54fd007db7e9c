"""The scenarios of test/validate/scenario.ts, played with CPython's validator between application and server."""

import io
import warnings
from wsgiref.validate import WSGIWarning, validator


def verdict(scenario):
    """Whether the validator refused what was done, and whether it warned."""
    scripted = ScriptedApplication(scenario)
    application = validator(scripted)
    if "middleware" in scenario:
        application = validator(collecting(application))
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            serve(scenario, application)
            scripted.run_all(scenario.get("after", []))
            refused = False
        except Exception:
            refused = True
    return {"refused": refused, "warned": any(w.category is WSGIWarning for w in warned)}


def header_list(given):
    """JSON has arrays where wsgiref wants a list of tuples."""
    if not isinstance(given, list):
        return given
    return [tuple(pair) if isinstance(pair, list) else pair for pair in given]


def decode(value):
    if isinstance(value, list):
        return [decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "bytes" in value:
        return value["bytes"].encode("latin-1")
    if "iterator" in value:
        return iter([decode(item) for item in value["iterator"]])
    if "caught" in value:
        return (Exception, Exception(value["caught"]), None)
    return object()


class Answering:
    """The input of a broken server: the same answer, whatever is asked."""

    def __init__(self, answer):
        self.read = self.readline = self.readlines = lambda *_: answer

    def __iter__(self):
        return iter([])


class Ignoring:
    """Errors that nobody reads."""

    def write(self, text):
        pass

    def writelines(self, lines):
        pass

    def flush(self):
        pass


class ScriptedApplication:
    def __init__(self, scenario):
        self.scenario = scenario

    def __call__(self, environ, start_response):
        self.environ, self.start_response = environ, start_response
        self.run_all(self.scenario["call"])
        body, close = self.scenario["body"], self.scenario.get("close")
        if "value" in body:
            return decode(body["value"])
        if "list" in body:
            chunks = decode(body["list"])
        else:
            chunks = self.chunks(body["generator"])
        return chunks if close is None else ClosableBody(chunks, close)

    def chunks(self, steps):
        for step in steps:
            if step[0] == "yield":
                yield decode(step[1])
            else:
                self.run(step)

    def run_all(self, steps):
        for step in steps:
            self.run(step)

    def run(self, step):
        name, args = step[0], [decode(arg) for arg in step[1:]]
        if name == "start":
            if len(args) > 1:
                args[1] = header_list(args[1])
            self.write = self.start_response(*args)
        elif name == "write":
            self.write(*args)
        elif name in ("input", "errors"):
            getattr(self.environ["wsgi." + name], args[0])(*args[1:])
        elif name == "iterate input":
            list(self.environ["wsgi.input"])
        elif name == "try":
            try:
                self.run(step[1])
            except Exception:
                pass
        else:
            raise ValueError("no such step: %r" % (step,))


class ClosableBody:
    def __init__(self, chunks, close):
        self.chunks = chunks
        self.close = close["value"] if isinstance(close, dict) else lambda: None

    def __iter__(self):
        return iter(self.chunks)


def collecting(application):
    """Middleware that yields nothing until it has all."""

    def middleware(environ, start_response):
        body = application(environ, start_response)
        try:
            yield b"".join(body)
        finally:
            body.close()

    return middleware


def scripted_environ(scenario):
    environ = {key: decode(value) for key, value in scenario["environ"].items()}
    if isinstance(environ["wsgi.version"], list):
        environ["wsgi.version"] = tuple(environ["wsgi.version"])
    given = io.BytesIO(scenario.get("input", "").encode("latin-1"))
    answering = "answers" in scenario
    environ.setdefault("wsgi.input", Answering(decode(scenario["answers"])) if answering else given)
    environ.setdefault("wsgi.errors", Ignoring())
    for key in scenario.get("without", []):
        environ.pop(key, None)
    return environ


def serve(scenario, application):
    def start_response(*_):
        return decode(scenario["writer"]) if "writer" in scenario else (lambda *_: None)

    args = [scripted_environ(scenario), start_response, "one more"][: scenario.get("arguments", 2)]
    body = application(*args)
    try:
        chunks = iter(body)
        for step in scenario.get("server", ["drain", "close"]):
            if step == "drain":
                list(chunks)
            elif step == "next":
                next(chunks, None)
            elif step == "close":
                body.close()
    finally:
        # What is never closed is complained of on stderr.
        body.close()
